//! What a run came to: files to work with, and a page to look at.
//!
//! The page stands alone: no network, no other file. Its numbers are read off the lake and the tables, not off what was
//! sent.

mod page;

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use lake_files::decompressed;
use lake_files::failures::{Payload, read};
use lake_files::{files_below, layout};
use lake_parquet::read_columns;
use lambda_io::kinesis::StreamRecord;
use local_aws::dynamodb::Item;
use local_aws::stack::Stack;
use serde_json::{Value, json};
use served_stack::{AGENT_HISTORY_TABLE, AGENT_STATE_TABLE, LAKE_BUCKET};

use crate::expected::{Differences, Expected};
use crate::lake_sql::lake_sql;
use crate::summary::Summary;
use connect_streams::StreamKind;
use ledger_console::arguments::demo::DemoArguments;
use ledger_console::output_folder::OutputFolder;
use ledger_console::process::outcome::Outcome;
use ledger_console::records::failures::Failing;
use ledger_console::records::streams::Failures;
use ledger_console::render::terminal::{counted, escaped};

/// Columns that the page needs.
const COLUMNS: [&str; 13] = [
    "contact_id",
    "content_hash",
    "last_update_timestamp",
    "arrival_timestamp",
    "disconnect_timestamp",
    "answered",
    "abandoned",
    "queue_enqueue_timestamp",
    "queue_duration_seconds",
    "assistant",
    "simulated",
    "handle_seconds",
    "record_kind",
];
/// The threshold of the service level, in seconds.
const SERVICE_LEVEL_SECONDS: f64 = 20.0;
/// Failing records of the user's own that are printed one by one.
const PRINTED_FAILURES: usize = 10;
const QUARTER: i64 = 15 * 60;

/// What a run came to.
pub struct Findings {
    /// Its numbers.
    pub summary: Summary,
    differences: Differences,
    /// Those of the user's own records that failed.
    own: Failures,
    is_chaos: bool,
    contacts: BTreeMap<i64, Quarter>,
    /// Answered contacts by minutes of handling.
    handle_minutes: BTreeMap<u64, u64>,
    redelivered_rows: u64,
    newer_versions: u64,
    /// By instance and agent.
    timelines: BTreeMap<(String, String), Timeline>,
    agents: Vec<String>,
    history: Vec<String>,
    bytes_kept: u64,
}

/// A quarter of an hour.
#[derive(Debug, Default, Clone, Copy)]
struct Quarter {
    answered: u64,
    abandoned: u64,
    other: u64,
    /// Of those that waited in a queue: answered in time, and all.
    in_time: u64,
    queued: u64,
}

/// An agent's day.
#[derive(Debug, Default)]
struct Timeline {
    username: String,
    spans: Vec<Span>,
}

/// What lasted, in seconds since 1970. The contact, if it is the state of one, comes first, and the end second: so what a
/// contact did is in its order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    contact: String,
    end: i64,
    start: i64,
    what: &'static str,
}

impl Timeline {
    /// Lets states of a contact follow one another (`agent_ledger::intervals`).
    fn put_in_sequence(&mut self) {
        self.spans.sort_unstable();
        for place in 1..self.spans.len() {
            let [before, span] = &mut self.spans[place - 1..=place] else { continue };
            if !span.contact.is_empty() && before.contact == span.contact {
                span.start = span.start.max(before.end);
            }
        }
    }
}

impl Findings {
    /// Reads everything that the run left.
    ///
    /// # Errors
    /// When a table or file cannot be read.
    pub(crate) fn of(
        stack: &Stack,
        elapsed: Duration,
        mut expected: Expected,
        own: Failures,
        arguments: &DemoArguments,
    ) -> anyhow::Result<Self> {
        let mut findings = Self {
            // Its items are counted as they are read below: a large table is read once.
            summary: Summary::of(stack, 0, 0, elapsed)?,
            differences: Differences::default(),
            own,
            is_chaos: arguments.chaos.is_some(),
            contacts: BTreeMap::new(),
            handle_minutes: BTreeMap::new(),
            redelivered_rows: 0,
            newer_versions: 0,
            timelines: BTreeMap::new(),
            agents: Vec::new(),
            history: Vec::new(),
            bytes_kept: 0,
        };
        stack.dynamodb.for_each_item(AGENT_STATE_TABLE, |item| {
            findings.note_agent(&item);
            expected.compare_agent(item)
        })?;
        stack.dynamodb.for_each_item(AGENT_HISTORY_TABLE, |item| {
            findings.note_entry(&item);
            expected.compare_entry(item)
        })?;
        let lake = arguments.output.join(LAKE_BUCKET);
        findings.note_rows(&lake, &mut expected)?;
        for kept in [layout::FAILED, layout::REJECTED] {
            for file in files_below(&lake.join(kept))? {
                findings.bytes_kept += fs::metadata(&file)?.len();
                note_failures(&file, &mut expected)?;
            }
        }
        findings.summary.agents = findings.timelines.len();
        findings.timelines.values_mut().for_each(Timeline::put_in_sequence);
        findings.summary.history_entries = findings.history.len();
        findings.agents.sort_unstable();
        findings.history.sort_unstable();
        findings.differences = expected.differences();
        Ok(findings)
    }

    fn note_agent(&mut self, item: &Item) {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let instance = text("board").rsplit_once('#').map_or("", |(instance, _)| instance);
        let agent = text("agent_id").split('#').next().unwrap_or_default();
        let timeline = self.timelines.entry((instance.to_owned(), agent.to_owned())).or_default();
        // Only the item of the snapshot has it.
        if let username @ [_, ..] = text("username").as_bytes() {
            timeline.username = String::from_utf8_lossy(username).into_owned();
        }
        self.agents.push(Value::from_iter(item.clone()).to_string());
    }

    fn note_entry(&mut self, item: &Item) {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let what = match text("entry").split('#').next() {
            Some("status") => status_span(text("name"), text("status_type")),
            Some("contact") => contact_span(text("state")),
            _ => None,
        };
        let span = (what, epoch_seconds(text("start")), epoch_seconds(text("end")));
        if let ((Some(what), Some(start), Some(end)), Some((instance, agent))) =
            (span, text("agent_id").split_once('#'))
        {
            let timeline = self.timelines.entry((instance.to_owned(), agent.to_owned())).or_default();
            timeline.spans.push(Span { contact: text("contact_id").to_owned(), start, end, what });
        }
        self.history.push(Value::from_iter(item.clone()).to_string());
    }

    fn note_rows(&mut self, lake: &Path, expected: &mut Expected) -> anyhow::Result<()> {
        let mut contents: HashMap<String, Content> = HashMap::new();
        for file in files_below(&lake.join(layout::ROWS))? {
            let bytes = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            for row in read_columns(bytes.into(), &COLUMNS)? {
                let content_hash = row["content_hash"].as_str().unwrap_or_default().to_owned();
                if row["record_kind"] == "contact_record" {
                    expected.compare_row(&content_hash);
                }
                let arrival = row["arrival_timestamp"].to_string();
                if let Some(content) = contents.get_mut(&content_hash) {
                    content.times += 1;
                    content.first_arrival = arrival.min(std::mem::take(&mut content.first_arrival));
                } else {
                    contents.insert(content_hash, Content { row, first_arrival: arrival, times: 1 });
                }
            }
        }
        self.redelivered_rows = contents.values().map(|content| content.times - 1).sum();
        let mut newest: HashMap<&str, &Content> = HashMap::new();
        for content in contents.values() {
            let held =
                newest.entry(content.row["contact_id"].as_str().unwrap_or_default()).or_insert(content);
            if held.version() < content.version() {
                *held = content;
            }
        }
        self.newer_versions = (contents.len() - newest.len()) as u64;
        for content in newest.values() {
            self.note_contact(&content.row);
        }
        Ok(())
    }

    fn note_contact(&mut self, row: &Value) {
        let Some(ended) = row["disconnect_timestamp"].as_str().and_then(epoch_seconds) else { return };
        let is_customers = row["assistant"] != true && row["simulated"] != true;
        if !is_customers {
            return;
        }
        let quarter = self.contacts.entry(ended.div_euclid(QUARTER) * QUARTER).or_default();
        let (is_answered, is_abandoned) = (row["answered"] == true, row["abandoned"] == true);
        match (is_answered, is_abandoned) {
            (true, _) => quarter.answered += 1,
            (false, true) => quarter.abandoned += 1,
            (false, false) => quarter.other += 1,
        }
        quarter.queued += u64::from(row["queue_enqueue_timestamp"].is_string());
        // However it left the queue, as Amazon Connect has it.
        let is_in_time =
            row["queue_duration_seconds"].as_f64().is_some_and(|seconds| seconds < SERVICE_LEVEL_SECONDS);
        quarter.in_time += u64::from(is_in_time);
        if let Some(seconds) = row["handle_seconds"].as_u64().filter(|_| is_answered) {
            *self.handle_minutes.entry(seconds / 60).or_default() += 1;
        }
    }

    /// One sentence on whether the run left what it must.
    #[must_use]
    pub fn verdict(&self) -> String {
        if self.differences.is_empty() {
            return "Both tables, the rows and the failures are exactly what the records say.".to_owned();
        }
        let Differences { agents, history, rows, failures } = self.differences;
        format!(
            "NOT what the records say: {agents} agents, {history} history entries, {rows} rows and {failures} failures differ; this is a bug, please report it with logs/"
        )
    }

    /// Whether the run left what it must, and every record of the user's own was good. That generated ones are broken is
    /// on purpose.
    pub(crate) fn outcome(&self) -> Outcome {
        let is_well = self.differences.is_empty() && self.own.records == 0;
        if is_well { Outcome::Done } else { Outcome::Differs }
    }

    /// Which of the user's own records failed, and why.
    pub(crate) fn own_failures(&self) -> String {
        let Failures { records, first, alike } = &self.own;
        if *records == 0 {
            return String::new();
        }
        let mut text = format!("{} of yours:\n", counted(*records, "record fails", "records fail"));
        text.extend(first.iter().take(PRINTED_FAILURES).map(Failing::told));
        if *records > PRINTED_FAILURES as u64 {
            text.push_str("More fail; summary.json has the first 50, `contact-ledger validate` names all.\n");
        }
        format!("{text}\n{}\n", alike.told())
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

    /// Writes the tables and the page.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn leave(&self, output: &OutputFolder) -> anyhow::Result<()> {
        let write = |name: &str, lines: &[String]| -> anyhow::Result<()> {
            let path = output.path().join(name);
            let written = || -> std::io::Result<()> {
                output.note(&path)?;
                let mut file = BufWriter::new(File::create(&path)?);
                for line in lines {
                    writeln!(file, "{line}")?;
                }
                file.flush()
            };
            written().with_context(|| format!("{} cannot be written", path.display()))
        };
        write("agent-state.jsonl", &self.agents)?;
        write("agent-history.jsonl", &self.history)?;
        write("summary.json", &[escaped(&format!("{:#}", self.to_json()))])?;
        write("lake.sql", &[lake_sql(output.path(), &self.summary)?])?;
        write("report.html", &[self.page()])
    }
}

/// Compares what an object keeps of records that failed.
fn note_failures(file: &Path, expected: &mut Expected) -> anyhow::Result<()> {
    let shown = file.display();
    let object = fs::read(file).and_then(decompressed).with_context(|| format!("{shown} cannot be read"))?;
    for failure in read(&object) {
        match failure.map(|failure| failure.payload) {
            Ok(Payload::ContactRecord(record)) => {
                expected.compare_failure(StreamKind::ContactRecords, &record);
            }
            Ok(Payload::AgentEvent(record)) => {
                let record = serde_json::from_str::<StreamRecord>(record.get()).ok();
                match record.as_ref().and_then(|record| record.data.bytes().ok()) {
                    Some(data) => expected.compare_failure(StreamKind::AgentEvents, data),
                    None => expected.unreadable_failure(),
                }
            }
            Err(_) => expected.unreadable_failure(),
        }
    }
    Ok(())
}

/// Rows of one content: the first of them, and how often it came.
struct Content {
    row: Value,
    first_arrival: String,
    times: u64,
}

impl Content {
    /// What `contact_records_latest` orders by.
    fn version(&self) -> (String, &str, &str) {
        let updated = self.row["last_update_timestamp"].to_string();
        (updated, &self.first_arrival, self.row["content_hash"].as_str().unwrap_or_default())
    }
}

/// What a status is drawn as.
fn status_span(name: &str, status_type: &str) -> Option<&'static str> {
    match (status_type, name) {
        ("ROUTABLE", _) | ("", "Available") => Some("available"),
        ("OFFLINE", _) | ("", "Offline") => None,
        _ => Some("custom"),
    }
}

/// What a contact's state is drawn as.
fn contact_span(state: &str) -> Option<&'static str> {
    match state {
        "CONNECTED" => Some("on_contact"),
        "CONNECTED_ONHOLD" => Some("on_hold"),
        "CONNECTING" | "INCOMING" | "PENDING" => Some("ringing"),
        "ENDED" => Some("after_contact_work"),
        "PAUSED" => Some("paused"),
        "MISSED" | "REJECTED" | "ERROR" => Some("missed"),
        _ => None,
    }
}

/// Both of Parquet's and DynamoDB's form.
fn epoch_seconds(text: &str) -> Option<i64> {
    let text = if text.ends_with('Z') { text.to_owned() } else { format!("{text}Z") };
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}
