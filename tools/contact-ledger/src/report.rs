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
use local_aws::dynamodb::Item;
use local_aws::parquet_rows::read_columns;
use local_aws::s3::files_below;
use local_aws::stack::{AGENT_HISTORY_TABLE, AGENT_STATE_TABLE, LAKE_BUCKET, Stack};
use serde_json::Value;

use crate::demo::DemoArguments;
use crate::expected::{Differences, Expected};
use crate::summary::Summary;

/// Columns that the page needs.
const COLUMNS: [&str; 10] = [
    "contact_id",
    "content_hash",
    "last_update_timestamp",
    "initiation_timestamp",
    "answered",
    "abandoned",
    "answer_seconds",
    "queue_wait_seconds",
    "handle_seconds",
    "record_kind",
];
/// An answer within so many seconds counts for the service level.
const SERVICE_LEVEL_SECONDS: f64 = 20.0;
const QUARTER: i64 = 15 * 60;

/// What a run came to.
pub struct Findings {
    /// Its numbers.
    pub summary: Summary,
    differences: Differences,
    is_chaos: bool,
    contacts: BTreeMap<i64, Quarter>,
    /// Answered contacts by minutes of handling.
    handle_minutes: BTreeMap<u64, u64>,
    redelivered_rows: u64,
    newer_versions: u64,
    timelines: BTreeMap<String, Timeline>,
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

/// An agent's day: spans of begin, length and what, in seconds since 1970.
#[derive(Debug, Default)]
struct Timeline {
    username: String,
    spans: Vec<(i64, i64, &'static str)>,
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
        arguments: &DemoArguments,
    ) -> anyhow::Result<Self> {
        let mut findings = Self {
            // Its items are counted as they are read below: a large table is read once.
            summary: Summary::of(stack, 0, 0, elapsed)?,
            differences: Differences::default(),
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
        for kept in ["errors", "rejected"] {
            for file in files_below(&lake.join(kept))? {
                findings.bytes_kept += fs::metadata(&file)?.len();
            }
        }
        findings.summary.agents = findings.agents.len();
        findings.summary.history_entries = findings.history.len();
        findings.agents.sort_unstable();
        findings.history.sort_unstable();
        findings.differences = expected.differences();
        Ok(findings)
    }

    fn note_agent(&mut self, item: &Item) {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let timeline = self.timelines.entry(text("agent_id").to_owned()).or_default();
        let username = text("username");
        username.clone_into(&mut timeline.username);
        self.agents.push(Value::from_iter(item.clone()).to_string());
    }

    fn note_entry(&mut self, item: &Item) {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let what = match text("entry").split('#').next() {
            Some("status") => status_span(text("name"), text("status_type")),
            Some("contact") => contact_span(text("state")),
            _ => None,
        };
        if let (Some(what), Some(start)) = (what, epoch_seconds(text("start"))) {
            let length = item.get("seconds").and_then(Value::as_f64).unwrap_or_default().round();
            #[expect(clippy::cast_possible_truncation, reason = "an interval is shorter than a century")]
            let span = (start, length as i64, what);
            self.timelines.entry(text("agent_id").to_owned()).or_default().spans.push(span);
        }
        self.history.push(Value::from_iter(item.clone()).to_string());
    }

    fn note_rows(&mut self, lake: &Path, expected: &mut Expected) -> anyhow::Result<()> {
        let mut newest: HashMap<String, Value> = HashMap::new();
        let mut contents: HashMap<String, u64> = HashMap::new();
        for file in files_below(&lake.join("contact_records"))? {
            let bytes = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            for row in read_columns(bytes.into(), &COLUMNS)? {
                let content_hash = row["content_hash"].as_str().unwrap_or_default().to_owned();
                if row["record_kind"] == "contact_record" {
                    expected.compare_row(&content_hash);
                }
                *contents.entry(content_hash).or_default() += 1;
                let contact_id = row["contact_id"].as_str().unwrap_or_default().to_owned();
                let version =
                    |row: &Value| (row["last_update_timestamp"].to_string(), row["content_hash"].to_string());
                if newest.get(&contact_id).is_none_or(|held| version(held) < version(&row)) {
                    newest.insert(contact_id, row);
                }
            }
        }
        self.redelivered_rows = contents.values().map(|times| times - 1).sum();
        self.newer_versions = contents.len().saturating_sub(newest.len()) as u64;
        for row in newest.values() {
            self.note_contact(row);
        }
        Ok(())
    }

    fn note_contact(&mut self, row: &Value) {
        let Some(initiated) = row["initiation_timestamp"].as_str().and_then(epoch_seconds) else { return };
        let quarter = self.contacts.entry(initiated.div_euclid(QUARTER) * QUARTER).or_default();
        let (is_answered, is_abandoned) = (row["answered"] == true, row["abandoned"] == true);
        match (is_answered, is_abandoned) {
            (true, _) => quarter.answered += 1,
            (false, true) => quarter.abandoned += 1,
            (false, false) => quarter.other += 1,
        }
        if (is_answered && row["queue_wait_seconds"].is_number()) || is_abandoned {
            quarter.queued += 1;
            let is_in_time =
                row["answer_seconds"].as_f64().is_some_and(|seconds| seconds <= SERVICE_LEVEL_SECONDS);
            quarter.in_time += u64::from(is_answered && is_in_time);
        }
        if let Some(seconds) = row["handle_seconds"].as_u64().filter(|_| is_answered) {
            *self.handle_minutes.entry(seconds / 60).or_default() += 1;
        }
    }

    /// One sentence on whether the run left what it must.
    #[must_use]
    pub fn verdict(&self) -> String {
        let Differences { agents, history, rows } = self.differences;
        if self.differences.is_empty() {
            return "Both tables and the rows are exactly what the events say.".to_owned();
        }
        format!(
            "NOT what the events say: {agents} agents, {history} history entries and {rows} rows differ; this is a bug, please report it with logs/"
        )
    }

    /// Writes the tables and the page.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn leave(&self, output: &Path) -> anyhow::Result<()> {
        let write = |name: &str, lines: &[String]| -> anyhow::Result<()> {
            let path = output.join(name);
            let written = || -> std::io::Result<()> {
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
        write("summary.json", &[format!("{:#}", self.summary.to_json())])?;
        write("report.html", &[self.page()])
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
