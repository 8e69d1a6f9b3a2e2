//! `validate`: checks records with the same code that the Lambda functions run, without a stack.

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

/// Maximum number of failing records to print; `--json` prints all.
const PRINTED: u64 = 50;
/// Arguments of `validate`.
#[derive(Debug, Clone, Args)]
pub struct ValidateArguments {
    /// Input to check
    #[arg(help = "File, folder, `-` for standard input, or s3://<bucket>/<prefix>")]
    #[arg(value_name = "FILE|FOLDER|-|S3")]
    input: String,
    /// Treat every record as this kind [default: the kind is detected from each record's fields]
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Option<RecordsKind>,
    /// Show all values, including values that might be personal data
    #[arg(long)]
    show_values: bool,
    /// Print JSON Lines: one object per failing record, then a summary
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    aws: AwsArguments,
}

/// The kind of records, as given on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RecordsKind {
    /// Contact records, which the contact-record-normalizer function processes
    ContactRecords,
    /// Agent events, which the agent-event-upserter function processes
    AgentEvents,
    /// Contact events, which the contact-event-upserter function processes
    ContactEvents,
}

impl From<RecordsKind> for StreamKind {
    fn from(kind: RecordsKind) -> Self {
        match kind {
            RecordsKind::ContactRecords => Self::ContactRecords,
            RecordsKind::AgentEvents => Self::AgentEvents,
            RecordsKind::ContactEvents => Self::ContactEvents,
        }
    }
}

/// Validates the input. The outcome shows whether every record would be accepted.
///
/// # Errors
/// If an input cannot be read, the PII policy is invalid, or the output cannot be written.
pub async fn validate(arguments: &ValidateArguments) -> anyhow::Result<Outcome> {
    let kind = arguments.kind.map(StreamKind::from);
    let policies = PolicyArguments::default();
    let judge = Judge::new(kind, policies.contact_records()?, policies.agents()?);
    let mut run = Run { arguments, kind, judge, found: Found::default() };
    if arguments.input.starts_with("s3://") {
        let (lake, prefix) = Lake::at(&arguments.input, &arguments.aws).await?;
        let keys = lake.keys(&prefix).await?;
        ensure!(!keys.is_empty(), "{} has no objects; check the bucket and the prefix", arguments.input);
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

/// The outcomes for the records of one kind.
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
    contact_events: Outcomes,
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
        self.print_summary()
    }

    fn objects(&mut self, lake: &Lake, prefix: &str, keys: &[String]) -> anyhow::Result<()> {
        // An object given by its whole key is read, whatever its name.
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
                Some(format!("skipped {left_out} objects whose names are not those of record files"));
        }
        ensure!(self.found.records > 0, "{} has no records; check the prefix", self.arguments.input);
        self.print_summary()
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
            Ordering::Less => print(&failing.report()),
            Ordering::Equal => {
                print("More records fail; the table below counts them, and --json prints each one.\n")
            }
            Ordering::Greater => Ok(()),
        }
    }

    fn print_summary(&mut self) -> anyhow::Result<()> {
        print(&if self.arguments.json {
            json_line(&self.found.json(&self.judge))?
        } else {
            self.found.summary(&self.judge)
        })
    }
}

impl Found {
    fn add(&mut self, record: &InputRecord, judgment: &Judgment) {
        self.records += 1;
        let outcomes = match judgment.stream {
            StreamKind::ContactRecords => &mut self.contact_records,
            StreamKind::AgentEvents => &mut self.agent_events,
            StreamKind::ContactEvents => &mut self.contact_events,
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
        self.contact_records.failed + self.agent_events.failed + self.contact_events.failed
    }

    fn json(&self, judge: &Judge) -> Value {
        json!({"summary": {
            "records": self.records,
            "failed": self.failed(),
            "contact_records": self.contact_records,
            "agent_events": self.agent_events,
            "contact_events": self.contact_events,
            "passed_over": self.passed_over,
            "failures": self.alike.json(),
            "type_drift": judge.summary.type_drift,
            "left_out": self.left_out,
        }})
    }

    fn summary(&self, judge: &Judge) -> String {
        let mut text = if self.failed() > 0 { "\n".to_owned() } else { String::new() };
        let mut line = |name: &str, count: u64, note: &str| {
            if count > 0 {
                let line = format!("{name:<18}{:>9}   {note}", grouped(count));
                let _ = writeln!(text, "{}", line.trim_end());
            }
        };
        let kinds: Vec<_> = self.passed_over.keys().copied().collect();
        let other = format!("another known kind, or no change ({})", kinds.join(", "));
        let Outcomes { written, passed_over, failed } = self.contact_records;
        line("Contact records", written + passed_over + failed, "");
        line("  rows", written, "would be in the lake");
        line("  dropped", passed_over, &other);
        line("  failed", failed, "would be kept under errors/, with their bytes");
        let Outcomes { written, passed_over, failed } = self.agent_events;
        line("Agent events", written + passed_over + failed, "");
        line("  written", written, "would be in the agent tables");
        line("  skipped", passed_over, &other);
        line("  rejected", failed, "would be kept under rejected/agent-events/, with their bytes");
        let Outcomes { written, passed_over, failed } = self.contact_events;
        line("Contact events", written + passed_over + failed, "");
        line("  written", written, "would be written, unless too old or of another instance");
        line("  skipped", passed_over, &other);
        line("  rejected", failed, "would be kept under rejected/contact-events/, with their bytes");
        let alike = self.alike.report();
        if !alike.is_empty() {
            let _ = write!(text, "\n{alike}");
        }
        if !judge.summary.type_drift.is_empty() {
            let row =
                |(path, count): (&String, &usize)| vec![path.clone().into(), grouped(*count as u64).into()];
            let rows: Vec<Vec<Cell>> = judge.summary.type_drift.iter().map(row).collect();
            let columns = [self::text("TYPE DRIFT, KEPT IN EXTRA", 1), number("VALUES")];
            let _ = write!(text, "\n{}", table(&columns, &rows, width()));
        }
        if let Some(left_out) = &self.left_out {
            let _ = write!(text, "\n{}\n", wrapped(left_out, width(), 0));
        }
        text
    }
}
