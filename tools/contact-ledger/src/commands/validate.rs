//! `validate`: what the functions would do with records, without running them, and why some would fail.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::ensure;
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::block_in_place;

use crate::stack::aws::AwsArguments;
use crate::stack::lake::Lake;
use connect_streams::StreamKind;
use ledger_console::arguments::policies::PolicyArguments;
use ledger_console::process::outcome::Outcome;
use ledger_console::records::failures::{Alike, Failing};
use ledger_console::records::input::{InputRecord, KINESIS, Source, is_known, records_of};
use ledger_console::records::judge::{Fate, Judge, Judgment};
use ledger_console::render::output::print;
use ledger_console::render::terminal::{Cell, grouped, json_line, number, table, text, width, wrapped};

/// Failing records that are printed one by one; `--json` prints all.
const PRINTED: u64 = 50;
/// Arguments of `validate`.
#[derive(Debug, Clone, Args)]
pub struct ValidateArguments {
    /// A file, a folder, `-` for standard input, or s3://<bucket>/<prefix>
    #[arg(value_name = "FILE|FOLDER|-|S3")]
    input: String,
    /// Take all records for this kind [default: what each record is by its fields]
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Option<RecordsKind>,
    /// Show values, also those that may be personal data
    #[arg(long)]
    show_values: bool,
    /// Print JSON: one object a line for each record that fails, and a summary
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    aws: AwsArguments,
}

/// A kind of records, as it is said on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RecordsKind {
    /// What contact-record-normalizer reads
    ContactRecords,
    /// What agent-event-upserter reads
    AgentEvents,
}

impl From<RecordsKind> for StreamKind {
    fn from(kind: RecordsKind) -> Self {
        match kind {
            RecordsKind::ContactRecords => Self::ContactRecords,
            RecordsKind::AgentEvents => Self::AgentEvents,
        }
    }
}

/// Validates, and says whether every record would be taken.
///
/// # Errors
/// When something cannot be read, the policy cannot be used, or the output cannot be written.
pub async fn validate(arguments: &ValidateArguments) -> anyhow::Result<Outcome> {
    let kind = arguments.kind.map(StreamKind::from);
    let policies = PolicyArguments::default();
    let judge = Judge::new(kind, policies.contact_records()?, policies.agents()?);
    let mut run = Run { arguments, kind, judge, found: Found::default() };
    if arguments.input.starts_with("s3://") {
        let (lake, prefix) = Lake::at(&arguments.input, &arguments.aws).await?;
        let keys = lake.keys(&prefix).await?;
        ensure!(!keys.is_empty(), "{} holds no objects; check the bucket and the prefix", arguments.input);
        block_in_place(|| run.objects(&lake, &prefix, &keys))?;
    } else {
        let source = Source::of(Path::new(&arguments.input), KINESIS)?;
        block_in_place(|| run.files(&source))?;
    }
    Ok(if run.found.failed() == 0 { Outcome::Done } else { Outcome::Differs })
}

struct Run<'a> {
    arguments: &'a ValidateArguments,
    kind: Option<StreamKind>,
    judge: Judge,
    found: Found,
}

/// What became of the records of one stream.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
struct Outcomes {
    written: u64,
    passed_over: u64,
    failed: u64,
}

#[derive(Debug, Default)]
struct Found {
    records: u64,
    contact_records: Outcomes,
    agent_events: Outcomes,
    passed_over: BTreeMap<&'static str, u64>,
    alike: Alike,
    left_out: Option<String>,
}

impl Run<'_> {
    fn files(&mut self, source: &Source) -> anyhow::Result<()> {
        self.found.left_out = source.left_out_sentence();
        for record in source.records() {
            self.record(&record?)?;
        }
        source.ensure_some(self.found.records)?;
        self.told()
    }

    fn objects(&mut self, lake: &Lake, prefix: &str, keys: &[String]) -> anyhow::Result<()> {
        // An object that is named whole is read, whatever its name.
        let is_read = |key: &&String| *key == prefix || is_known(Path::new(key));
        let left_out = keys.iter().filter(|key| !is_read(key)).count();
        let bucket = self.arguments.input.strip_suffix(prefix).unwrap_or_default().trim_end_matches('/');
        for key in keys.iter().filter(is_read) {
            let name = format!("{bucket}/{key}");
            for record in records_of(&name, lake.reader(key)?, KINESIS, None)? {
                self.record(&record?)?;
            }
        }
        if left_out > 0 {
            self.found.left_out =
                Some(format!("left out {left_out} objects that hold no records, by their names"));
        }
        ensure!(self.found.records > 0, "{} holds no records; check the prefix", self.arguments.input);
        self.told()
    }

    fn record(&mut self, record: &InputRecord) -> anyhow::Result<()> {
        let judgment = self.judge.judge(&record.bytes, self.kind);
        self.found.add(record, &judgment);
        let Fate::Fails(reject) = &judgment.fate else { return Ok(()) };
        let failing = Failing::of(record, judgment.stream, reject, self.arguments.show_values);
        if self.arguments.json {
            return print(&json_line(&failing.json())?);
        }
        let failed = self.found.failed();
        match failed.cmp(&(PRINTED + 1)) {
            Ordering::Less => print(&failing.told()),
            Ordering::Equal => {
                print("More records fail; --json prints each of them, the table below counts them.\n")
            }
            Ordering::Greater => Ok(()),
        }
    }

    fn told(&mut self) -> anyhow::Result<()> {
        print(&if self.arguments.json {
            json_line(&self.found.json(&self.judge))?
        } else {
            self.found.told(&self.judge)
        })
    }
}

impl Found {
    fn add(&mut self, record: &InputRecord, judgment: &Judgment) {
        self.records += 1;
        let outcomes = match judgment.stream {
            StreamKind::ContactRecords => &mut self.contact_records,
            StreamKind::AgentEvents => &mut self.agent_events,
        };
        match &judgment.fate {
            Fate::Written => outcomes.written += 1,
            Fate::PassedOver => {
                outcomes.passed_over += 1;
                let kind = judgment.kind.map_or("unknown", connect_streams::RecordKind::as_str);
                *self.passed_over.entry(kind).or_default() += 1;
            }
            Fate::Fails(reject) => {
                outcomes.failed += 1;
                self.alike.add(&record.place, reject);
            }
        }
    }

    fn failed(&self) -> u64 {
        self.contact_records.failed + self.agent_events.failed
    }

    fn json(&self, judge: &Judge) -> Value {
        json!({"summary": {
            "records": self.records,
            "failed": self.failed(),
            "contact_records": self.contact_records,
            "agent_events": self.agent_events,
            "passed_over": self.passed_over,
            "failures": self.alike.json(),
            "type_drift": judge.summary.type_drift,
            "left_out": self.left_out,
        }})
    }

    fn told(&self, judge: &Judge) -> String {
        let mut said = if self.failed() > 0 { "\n".to_owned() } else { String::new() };
        let mut line = |what: &str, count: u64, more: &str| {
            if count > 0 {
                let line = format!("{what:<18}{:>9}   {more}", grouped(count));
                let _ = writeln!(said, "{}", line.trim_end());
            }
        };
        let kinds: Vec<_> = self.passed_over.keys().copied().collect();
        let other = format!("another known kind, or nothing to tell ({})", kinds.join(", "));
        let Outcomes { written, passed_over, failed } = self.contact_records;
        line("Contact records", written + passed_over + failed, "");
        line("  rows", written, "would be in the lake");
        line("  dropped", passed_over, &other);
        line("  failed", failed, "would be kept below errors/, with their bytes");
        let Outcomes { written, passed_over, failed } = self.agent_events;
        line("Agent events", written + passed_over + failed, "");
        line("  written", written, "would be in the agent tables");
        line("  skipped", passed_over, &other);
        line("  rejected", failed, "would be kept below rejected/agent-events/, with their bytes");
        let alike = self.alike.told();
        if !alike.is_empty() {
            let _ = write!(said, "\n{alike}");
        }
        if !judge.summary.type_drift.is_empty() {
            let row =
                |(path, count): (&String, &usize)| vec![path.clone().into(), grouped(*count as u64).into()];
            let rows: Vec<Vec<Cell>> = judge.summary.type_drift.iter().map(row).collect();
            let columns = [text("NOT OF ITS COLUMN'S TYPE, SO KEPT IN EXTRA", 1), number("VALUES")];
            let _ = write!(said, "\n{}", table(&columns, &rows, width()));
        }
        if let Some(left_out) = &self.left_out {
            let _ = write!(said, "\n{}\n", wrapped(left_out, width(), 0));
        }
        said
    }
}
