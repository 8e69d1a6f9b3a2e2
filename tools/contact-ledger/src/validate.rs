//! `validate`: what the functions would do with records, without running them, and why some would fail.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use connect_streams::Reject;
use connect_streams::parse;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::block_in_place;

use crate::center::StreamKind;
use crate::hidden::{self, shortened};
use crate::input::{InputRecord, KINESIS, Source, is_known, records_of};
use crate::judge::{Judge, Judgment, Outcome};
use crate::lake::Lake;
use crate::reasons::sentence;
use crate::terminal::{number, safe, safe_json, table, text, width, wrapped};

/// As many failing records are printed one by one; `--json` prints all.
const PRINTED: u64 = 50;
/// As many places are named of records that fail alike.
const FIRST_PLACES: usize = 3;
/// A value is shown up to so many characters.
const VALUE_CHARACTERS: usize = 80;

/// What `validate` can be told.
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
pub async fn validate(arguments: &ValidateArguments, out: &mut (dyn Write + Send)) -> anyhow::Result<bool> {
    let kind = arguments.kind.map(StreamKind::from);
    let judge = Judge::of(kind, &|name| std::env::var(name).ok())?;
    let mut run = Run { arguments, kind, judge, out, found: Found::default() };
    if arguments.input.starts_with("s3://") {
        let (lake, prefix) = Lake::at(&arguments.input).await?;
        let keys = lake.keys(&prefix).await?;
        ensure!(!keys.is_empty(), "{} holds no objects; check the bucket and the prefix", arguments.input);
        block_in_place(|| run.objects(&lake, &prefix, &keys))?;
    } else {
        let source = Source::of(Path::new(&arguments.input), KINESIS)?;
        block_in_place(|| run.files(&source))?;
    }
    Ok(run.found.failed() == 0)
}

struct Run<'a> {
    arguments: &'a ValidateArguments,
    kind: Option<StreamKind>,
    judge: Judge,
    out: &'a mut (dyn Write + Send),
    found: Found,
}

/// What became of the records of one stream.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
struct Outcomes {
    written: u64,
    passed_over: u64,
    failed: u64,
}

/// Records that fail alike.
#[derive(Debug, Default)]
struct Alike {
    records: u64,
    first: Vec<String>,
}

#[derive(Debug, Default)]
struct Found {
    records: u64,
    contact_records: Outcomes,
    agent_events: Outcomes,
    passed_over: BTreeMap<&'static str, u64>,
    alike: BTreeMap<(&'static str, String), Alike>,
    left_out: Option<String>,
}

/// A record that would fail.
struct Failing<'a> {
    record: &'a InputRecord,
    judgment: &'a Judgment,
    reject: &'a Reject,
    value: Option<String>,
}

impl Run<'_> {
    fn files(&mut self, source: &Source) -> anyhow::Result<()> {
        self.found.left_out = source.left_out_sentence();
        for record in source.records() {
            if !self.record(&record?)? {
                return Ok(());
            }
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
                if !self.record(&record?)? {
                    return Ok(());
                }
            }
        }
        if left_out > 0 {
            self.found.left_out =
                Some(format!("left out {left_out} objects that hold no records, by their names"));
        }
        ensure!(self.found.records > 0, "{} holds no records; check the prefix", self.arguments.input);
        self.told()
    }

    /// Judges a record. `false` if nobody reads what is printed.
    fn record(&mut self, record: &InputRecord) -> anyhow::Result<bool> {
        let judgment = self.judge.judge(&record.bytes, self.kind);
        self.found.add(record, &judgment);
        let Outcome::Fails(reject) = &judgment.outcome else { return Ok(true) };
        let value = value_at(&record.bytes, &reject.path, self.arguments.show_values);
        let failing = Failing { record, judgment: &judgment, reject, value };
        if self.arguments.json {
            return self.print(&(safe_json(failing.json().to_string()) + "\n"));
        }
        let failed = self.found.failed();
        match failed.cmp(&(PRINTED + 1)) {
            std::cmp::Ordering::Less => self.print(&failing.told()),
            std::cmp::Ordering::Equal => {
                self.print("More records fail; --json prints each of them, the table below counts them.\n")
            }
            std::cmp::Ordering::Greater => Ok(true),
        }
    }

    fn told(&mut self) -> anyhow::Result<()> {
        let summary = if self.arguments.json {
            safe_json(self.found.json(&self.judge).to_string()) + "\n"
        } else {
            self.found.told(&self.judge)
        };
        self.print(&summary).map(drop)
    }

    /// `false` if nobody reads it.
    fn print(&mut self, text: &str) -> anyhow::Result<bool> {
        printed(self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()))
    }
}

/// Whether somebody reads on. Who has seen enough and closes the pipe is no failure.
pub(crate) fn printed(result: io::Result<()>) -> anyhow::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("the output cannot be written; see where it goes to"),
    }
}

/// The value at a failing path, if there is one and it may be shown.
fn value_at(record: &[u8], path: &str, show_values: bool) -> Option<String> {
    if path == "$" {
        let text = String::from_utf8_lossy(record);
        return show_values.then(|| shortened(&text, VALUE_CHARACTERS));
    }
    let document = parse(record).ok()?;
    let value = hidden::at(document.root(), path)?;
    let is_simple = value.as_object().is_none() && value.as_array().is_none();
    if show_values || (is_simple && hidden::is_shown(path)) {
        return Some(shortened(&hidden::as_json(value).to_string(), VALUE_CHARACTERS));
    }
    Some(hidden::HIDDEN.to_owned())
}

impl Failing<'_> {
    fn json(&self) -> Value {
        let InputRecord { bytes, place } = self.record;
        json!({
            "file": &*place.file,
            "line": place.line,
            "record": place.number,
            "stream": name(self.judgment.stream),
            "reason": self.reject.code.as_str(),
            "path": self.reject.path,
            "message": sentence(self.reject, self.judgment.stream, bytes),
            "value": self.value,
        })
    }

    fn told(&self) -> String {
        let InputRecord { bytes, place } = self.record;
        let message = sentence(self.reject, self.judgment.stream, bytes);
        let value = self.value.as_ref().map(|value| format!("; it is {value}")).unwrap_or_default();
        let line = format!("{place}: {} at {}: {message}{value}.", self.reject.code, self.reject.path);
        wrapped(&safe(&line), width(), 2) + "\n"
    }
}

/// The stream's name in JSON.
pub(crate) const fn name(stream: StreamKind) -> &'static str {
    match stream {
        StreamKind::ContactRecords => "contact_records",
        StreamKind::AgentEvents => "agent_events",
    }
}

impl Found {
    fn add(&mut self, record: &InputRecord, judgment: &Judgment) {
        self.records += 1;
        let outcomes = match judgment.stream {
            StreamKind::ContactRecords => &mut self.contact_records,
            StreamKind::AgentEvents => &mut self.agent_events,
        };
        match &judgment.outcome {
            Outcome::Written => outcomes.written += 1,
            Outcome::PassedOver => {
                outcomes.passed_over += 1;
                let kind = judgment.kind.map_or("unknown", connect_streams::RecordKind::as_str);
                *self.passed_over.entry(kind).or_default() += 1;
            }
            Outcome::Fails(reject) => {
                outcomes.failed += 1;
                let alike = self.alike.entry((reject.code.as_str(), reject.path.to_string())).or_default();
                alike.records += 1;
                if alike.first.len() < FIRST_PLACES {
                    alike.first.push(record.place.to_string());
                }
            }
        }
    }

    fn failed(&self) -> u64 {
        self.contact_records.failed + self.agent_events.failed
    }

    fn json(&self, judge: &Judge) -> Value {
        let failures: Vec<_> = self
            .alike
            .iter()
            .map(|((reason, path), alike)| {
                json!({"reason": reason, "path": path, "records": alike.records, "first": alike.first})
            })
            .collect();
        json!({"summary": {
            "records": self.records,
            "failed": self.failed(),
            "contact_records": self.contact_records,
            "agent_events": self.agent_events,
            "passed_over": self.passed_over,
            "failures": failures,
            "type_drift": judge.summary.type_drift,
            "left_out": self.left_out,
        }})
    }

    fn told(&self, judge: &Judge) -> String {
        let mut said = if self.failed() > 0 { "\n".to_owned() } else { String::new() };
        let mut line = |what: &str, count: u64, more: &str| {
            if count > 0 {
                let line = format!("{what:<18}{count:>9}   {more}");
                said.push_str(line.trim_end());
                said.push('\n');
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
        if !self.alike.is_empty() {
            let columns = [text("REASON", 0), text("PATH", 1), number("RECORDS"), text("FIRST AT", 2)];
            let row = |((reason, path), alike): (&(&str, String), &Alike)| {
                let first = alike.first.join(", ");
                vec![
                    (*reason).to_owned(),
                    safe(path).into_owned(),
                    alike.records.to_string(),
                    safe(&first).into_owned(),
                ]
            };
            let rows: Vec<_> = self.alike.iter().map(row).collect();
            said.push_str(&format!("\n{}", table(&columns, &rows, width())));
        }
        if !judge.summary.type_drift.is_empty() {
            let row = |(path, count): (&String, &usize)| vec![safe(path).into_owned(), count.to_string()];
            let rows: Vec<_> = judge.summary.type_drift.iter().map(row).collect();
            let columns = [text("NOT OF ITS COLUMN'S TYPE, SO KEPT IN EXTRA", 1), number("VALUES")];
            said.push_str(&format!("\n{}", table(&columns, &rows, width())));
        }
        if let Some(left_out) = &self.left_out {
            said.push_str(&format!("\n{}\n", wrapped(&safe(left_out), width(), 0)));
        }
        said
    }
}
