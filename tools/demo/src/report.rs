//! The result of a run: data files and a report page.
//!
//! The page is self-contained: it needs no network and no other file. Its numbers are read from the lake and the tables, not
//! from the records sent.

mod contacts;
mod failures;
mod moment;
mod page;
mod timelines;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use contact_state::fields::IN_FLIGHT;
use lake_files::{files_below, layout};
use lake_parquet::read_columns;
use local_aws::dynamodb::Item;
use local_aws::stack::Stack;
use serde_json::{Value, json};
use served_stack::{AGENT_HISTORY_TABLE, AGENT_STATE_TABLE, CONTACT_STATE_TABLE, LAKE_BUCKET};

use crate::expected::{Differences, Expected};
use crate::lake_sql::lake_sql;
use crate::report::contacts::{COLUMNS, Contacts};
use crate::report::failures::Kept;
use crate::report::timelines::Timelines;
use crate::summary::Summary;
use ledger_console::arguments::demo::DemoArguments;
use ledger_console::output_folder::OutputFolder;
use ledger_console::process::outcome::Outcome;
use ledger_console::records::failures::Failing;
use ledger_console::records::judge::Judge;
use ledger_console::records::streams::Failures;
use ledger_console::render::terminal::{counted, escaped};

/// The user's failing records that are printed individually.
const PRINTED_FAILURES: usize = 10;

/// The result of a run.
pub struct RunResult {
    /// The counts.
    pub summary: Summary,
    differences: Differences,
    /// The user's own records that failed.
    own: Failures,
    is_chaos: bool,
    is_synthetic: bool,
    contacts: Contacts,
    kept: Kept,
    timelines: Timelines,
}

impl RunResult {
    /// Reads the result from the stack and its lake, and writes the items of the tables to the folder.
    ///
    /// # Errors
    /// When a table or file cannot be read, or the folder cannot be written.
    pub(crate) fn of(
        stack: &Stack,
        elapsed: Duration,
        mut expected: Expected,
        own: Failures,
        arguments: &DemoArguments,
        output: &OutputFolder,
    ) -> anyhow::Result<Self> {
        let policies = &arguments.policies;
        let judge = Judge::new(None, policies.contact_records()?, policies.agents()?);
        let mut result = Self {
            // The items are counted below while they are read, so that a large table is read once.
            summary: Summary::of(stack, 0, 0, elapsed)?,
            differences: Differences::default(),
            own,
            is_chaos: arguments.chaos.is_some(),
            is_synthetic: arguments.is_generated(),
            contacts: Contacts::default(),
            kept: Kept::new(judge),
            timelines: Timelines::default(),
        };
        let mut lines = Lines::create(output, "agent-state.jsonl")?;
        stack.dynamodb.for_each_item(AGENT_STATE_TABLE, |item| {
            result.timelines.note_agent(&item);
            lines.write_item(&item)?;
            expected.compare_agent(item)
        })?;
        lines.finish()?;
        let mut lines = Lines::create(output, "agent-history.jsonl")?;
        stack.dynamodb.for_each_item(AGENT_HISTORY_TABLE, |item| {
            result.timelines.note_entry(&item);
            lines.write_item(&item)?;
            expected.compare_entry(item)
        })?;
        result.summary.history_entries = lines.finish()?;
        let mut lines = Lines::create(output, "contact-state.jsonl")?;
        stack.dynamodb.for_each_item(CONTACT_STATE_TABLE, |item| {
            result.summary.contacts_in_flight += usize::from(item.contains_key(IN_FLIGHT));
            lines.write_item(&item)?;
            expected.compare_contact(item)
        })?;
        result.summary.contacts = lines.finish()?;
        let lake = arguments.output.join(LAKE_BUCKET);
        result.note_rows(&lake, &mut expected)?;
        for kept in [layout::FAILED, layout::REJECTED, layout::REJECTED_CONTACT_EVENTS] {
            for file in files_below(&lake.join(kept))? {
                result.kept.note(&lake, &file, &mut expected)?;
            }
        }
        result.summary.agents = result.timelines.agents();
        result.differences = expected.differences();
        Ok(result)
    }

    fn note_rows(&mut self, lake: &Path, expected: &mut Expected) -> anyhow::Result<()> {
        for file in files_below(&lake.join(layout::ROWS))? {
            let bytes = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            for row in read_columns(bytes.into(), COLUMNS)? {
                if row["record_kind"] == "contact_record" {
                    expected.compare_row(row["content_hash"].as_str().unwrap_or_default());
                }
                self.contacts.note(row);
            }
        }
        Ok(())
    }

    /// One sentence on whether the result matches the records.
    #[must_use]
    pub fn verdict(&self) -> String {
        if self.differences.is_empty() {
            return "The tables, rows, and failures match the input records exactly.".to_owned();
        }
        let Differences { agents, history, contacts, rows, failures } = self.differences;
        format!(
            "MISMATCH: {agents} agents, {history} history entries, {contacts} contacts, {rows} rows, and {failures} failures differ from the input records; this is a bug, please report it with logs/"
        )
    }

    /// Success if the result matches the records and none of the user's own records failed. Generated records are broken on
    /// purpose.
    pub(crate) fn outcome(&self) -> Outcome {
        let is_well = self.differences.is_empty() && self.own.records == 0;
        if is_well { Outcome::Done } else { Outcome::Differs }
    }

    /// The user's own records that failed, with the reasons.
    pub(crate) fn own_failures(&self) -> String {
        let Failures { records, first, alike } = &self.own;
        if *records == 0 {
            return String::new();
        }
        let mut text = format!("{}:\n", counted(*records, "of your records fails", "of your records fail"));
        text.extend(first.iter().take(PRINTED_FAILURES).map(Failing::report));
        if *records > PRINTED_FAILURES as u64 {
            text.push_str("More fail: summary.json has the first 50, `contact-ledger validate` lists all.\n");
        }
        format!("{text}\n{}\n", alike.report())
    }

    fn to_json(&self) -> Value {
        let mut json = self.summary.to_json();
        let Failures { records, first, alike } = &self.own;
        if *records > 0 {
            let first: Vec<_> = first.iter().map(Failing::json).collect();
            json["own_failures"] = json!({"records": records, "first": first, "alike": alike.json()});
        }
        json["as_expected"] = json!(self.differences.is_empty());
        json
    }

    /// Writes the other files and the page.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn leave(&mut self, output: &OutputFolder) -> anyhow::Result<()> {
        let write = |name: &str, text: &str| -> anyhow::Result<()> {
            let mut file = Lines::create(output, name)?;
            file.write(text)?;
            file.finish().map(drop)
        };
        write("summary.json", &escaped(&format!("{:#}", self.to_json())))?;
        write("lake.sql", &lake_sql(output.path(), &self.summary)?)?;
        write("report.html", &self.page())
    }
}

/// A file of the result, written line by line.
struct Lines {
    path: PathBuf,
    file: BufWriter<File>,
    count: usize,
}

impl Lines {
    fn create(output: &OutputFolder, name: &str) -> anyhow::Result<Self> {
        let path = output.path().join(name);
        let created = output.note(&path).and_then(|()| File::create(&path));
        let file = created.with_context(|| unwritable(&path))?;
        Ok(Self { path, file: BufWriter::new(file), count: 0 })
    }

    fn write_item(&mut self, item: &Item) -> anyhow::Result<()> {
        self.write(&serde_json::to_string(item)?)
    }

    fn write(&mut self, line: &str) -> anyhow::Result<()> {
        self.count += 1;
        writeln!(self.file, "{line}").with_context(|| unwritable(&self.path))
    }

    /// The number of lines.
    fn finish(mut self) -> anyhow::Result<usize> {
        self.file.flush().with_context(|| unwritable(&self.path))?;
        Ok(self.count)
    }
}

fn unwritable(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}
