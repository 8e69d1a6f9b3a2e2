//! `explain`: why dead letters failed and whether redriving them would now succeed.

use std::borrow::Cow;
use std::path::Path;

use anyhow::ensure;
use clap::Args;
use lake_files::failures::{FailedRecord, Unreadable, read};
use redrive::{Verdict, check};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::task::block_in_place;

use crate::stack::aws::AwsArguments;
use crate::stack::destination::parts;
use crate::stack::lake::Lake;
use connect_streams::StreamKind;
use ledger_console::process::outcome::Outcome;
use ledger_console::records::hidden::{shortened, shown_record};
use ledger_console::records::input::{Broken, InputRecord, Limit, Source, records_of};
use ledger_console::records::reasons::{Meaning, meaning, sentence};
use ledger_console::render::output::print;
use ledger_console::render::terminal::{counted, escaped, width, wrapped};

/// The largest dead letter: an invocation record with a 6 MB event, as a string in JSON.
const DEAD_LETTER: Limit = Limit { bytes: 32 * 1024 * 1024, service: "a dead letter" };

/// Arguments of `explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArguments {
    /// Object to read
    #[arg(help = "Object to read: a file, `-` for standard input, or s3://<bucket>/<key>")]
    #[arg(value_name = "FILE|-|S3")]
    object: String,
    /// Show all values, including values that might be personal data
    #[arg(long)]
    show_values: bool,
    /// Print JSON Lines: one object per record, then a summary
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    aws: AwsArguments,
}

/// Explains the records in an object. The outcome shows whether the whole object could be read.
///
/// # Errors
/// If the object cannot be read or has no records, or the output cannot be written.
pub async fn explain(arguments: &ExplainArguments) -> anyhow::Result<Outcome> {
    let mut run = Run { arguments, counts: Counts::default() };
    if arguments.object.starts_with("s3://") {
        let key = arguments.object.splitn(4, '/').nth(3).unwrap_or_default();
        ensure!(
            !key.is_empty() && !key.ends_with('/'),
            "{} is not an object; pass a whole key, such as one from `contact-ledger redrive --json`",
            arguments.object
        );
        let (lake, key) = Lake::at(&arguments.object, &arguments.aws).await?;
        block_in_place(|| {
            let source = lake.reader(&key)?;
            run.values(records_of(&arguments.object, source, DEAD_LETTER, Some(Broken::IsItsLine))?)
        })?;
    } else {
        let path = Path::new(&arguments.object);
        ensure!(!path.is_dir(), "{} is a folder; pass one object in it", arguments.object);
        let source = Source::of(path, DEAD_LETTER)?.of_lines();
        block_in_place(|| run.values(source.records()))?;
    }
    Ok(if run.counts.unreadable == 0 { Outcome::Done } else { Outcome::Differs })
}

struct Run<'a> {
    arguments: &'a ExplainArguments,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    records: u64,
    would_pass: u64,
    would_fail: u64,
    unreadable: u64,
}

/// Further fields of the envelope around a failed record.
#[derive(Debug, Default, Deserialize)]
struct Details<'a> {
    #[serde(borrow)]
    path: Option<Cow<'a, str>>,
    #[serde(borrow, alias = "ErrorMessage", alias = "lastErrorMessage", rename = "errorMessage")]
    error_message: Option<Cow<'a, str>>,
}

/// A failed record, explained.
struct Explained<'a> {
    number: u64,
    failed: &'a FailedRecord,
    details: &'a Details<'a>,
    meaning: Meaning,
    stream: StreamKind,
    /// The record's bytes, or those of the records that were aggregated in it.
    parts: Vec<Vec<u8>>,
    verdict: Verdict,
}

impl Run<'_> {
    fn values(&mut self, values: impl Iterator<Item = anyhow::Result<InputRecord>>) -> anyhow::Result<()> {
        for value in values {
            let value = value?;
            let details = serde_json::from_slice::<Details<'_>>(&value.bytes).unwrap_or_default();
            for failed in read(&value.bytes) {
                self.counts.records += 1;
                let text = match &failed {
                    Err(why) => self.unreadable(*why, &value),
                    Ok(failed) => self.failed(failed, &details),
                };
                print(&text)?;
            }
        }
        ensure!(self.counts.records > 0, "{} has no records", self.arguments.object);
        print(&self.counts.summary(self.arguments.json))
    }

    fn failed(&mut self, failed: &FailedRecord, details: &Details<'_>) -> String {
        let verdict = check(&failed.payload);
        let (stream, parts) = parts(&failed.payload);
        match verdict {
            Verdict::Passes => self.counts.would_pass += 1,
            Verdict::FailsAgain(_) => self.counts.would_fail += 1,
        }
        let number = self.counts.records;
        // If the record itself is at fault, the reason of its batch does not say what to do.
        let meaning = match &verdict {
            Verdict::FailsAgain(reject) if failed.reason != reject.code.as_str() => {
                Meaning { to_do: meaning(reject.code.as_str()).to_do, ..meaning(&failed.reason) }
            }
            _ => meaning(&failed.reason),
        };
        let explained = Explained { number, failed, details, meaning, stream, parts, verdict };
        if self.arguments.json {
            escaped(&explained.json(self.arguments.show_values)) + "\n"
        } else {
            explained.text(self.arguments.show_values)
        }
    }

    fn unreadable(&mut self, why: Unreadable, value: &InputRecord) -> String {
        self.counts.unreadable += 1;
        let number = self.counts.records;
        if self.arguments.json {
            let line = value.place.line;
            return json!({"number": number, "line": line, "unreadable": why.to_string()}).to_string() + "\n";
        }
        let hint = "Check that it is a complete object from errors/, rejected/, or aws/lambda/.";
        let text = format!("{number}. On line {}: {why}. {hint}", value.place.line);
        wrapped(&text, width(), 3) + "\n\n"
    }
}

impl Explained<'_> {
    fn arrived(&self) -> Option<String> {
        self.failed.arrival.map(|arrival| arrival.to_string())
    }

    /// The error message. Firehose's messages may contain values, except those about the invocation.
    fn message(&self, show_values: bool) -> Option<&str> {
        const WITHOUT_VALUES: [&str; 4] = [
            "Lambda.FunctionError",
            "Lambda.FunctionTimedOut",
            "Lambda.InvokeAccessDenied",
            "Lambda.ProcessingFailedStatus",
        ];
        let message = self.details.error_message.as_deref()?;
        (show_values || WITHOUT_VALUES.contains(&self.failed.reason.as_str())).then_some(message)
    }

    fn json(&self, show_values: bool) -> String {
        #[derive(serde::Serialize)]
        struct Json<'a> {
            number: u64,
            stream: &'static str,
            arrived: Option<String>,
            reason: &'a str,
            path: Option<&'a str>,
            error_message: Option<&'a str>,
            means: &'static str,
            to_do: &'static str,
            redrive: Value,
            records: Vec<Box<RawValue>>,
        }
        let redrive = match &self.verdict {
            Verdict::Passes => json!({"would_pass": true}),
            Verdict::FailsAgain(reject) => json!({
                "would_pass": false,
                "reason": reject.code.as_str(),
                "path": reject.path,
                "message": sentence(reject, self.stream, self.parts.first().map_or(&[], Vec::as_slice)),
            }),
        };
        let records = self.parts.iter().map(|part| shown_record(part, show_values)).collect();
        let json = Json {
            number: self.number,
            stream: self.stream.name(),
            arrived: self.arrived(),
            reason: &self.failed.reason,
            path: self.details.path.as_deref(),
            error_message: self.message(show_values),
            means: self.meaning.means,
            to_do: self.meaning.to_do,
            redrive,
            records,
        };
        serde_json::to_string(&json).expect("texts, numbers and JSON are JSON")
    }

    fn text(&self, show_values: bool) -> String {
        let arrived = self.arrived().map_or_else(|| "at an unknown time".to_owned(), |at| format!("at {at}"));
        let kind = match self.stream {
            StreamKind::ContactRecords => "A contact record",
            StreamKind::AgentEvents => "An agent event",
            StreamKind::ContactEvents => "A contact event",
        };
        let path = self.details.path.as_deref().filter(|path| *path != "$");
        let path = path.map(|path| format!(" at {path}")).unwrap_or_default();
        let reason = shortened(&self.failed.reason, 80);
        let message = self.message(show_values).map(|message| format!(" Firehose says: {message}"));
        let now = match &self.verdict {
            Verdict::Passes => "a redrive would succeed.".to_owned(),
            Verdict::FailsAgain(reject) => format!(
                "a redrive would fail again, {}: {}.",
                reject.code,
                sentence(reject, self.stream, self.parts.first().map_or(&[], Vec::as_slice))
            ),
        };
        let number = self.number;
        let mut text =
            wrapped(&format!("{number}. {kind} that arrived {arrived}: {reason}{path}"), width(), 3);
        for (title, body) in [
            ("Why", format!("{}{}", self.meaning.means, message.unwrap_or_default())),
            ("Now", now),
            ("What to do", self.meaning.to_do.to_owned()),
        ] {
            text.push_str("\n   ");
            text.push_str(wrapped(&format!("   {title}: {body}"), width(), 6).trim_start());
        }
        for part in &self.parts {
            text.push_str("\n   Record: ");
            text.push_str(&escaped(shown_record(part, show_values).get()));
        }
        text + "\n\n"
    }
}

impl Counts {
    fn summary(&self, is_json: bool) -> String {
        let Self { records, would_pass, would_fail, unreadable } = self;
        if is_json {
            return json!({"summary": {
                "records": records, "would_pass": would_pass, "would_fail": would_fail, "unreadable": unreadable,
            }})
            .to_string()
                + "\n";
        }
        let unreadable =
            if *unreadable > 0 { format!("; {unreadable} cannot be read") } else { String::new() };
        format!(
            "{}: a redrive would succeed for {would_pass} and fail again for {would_fail}{unreadable}.\n",
            counted(*records, "record", "records")
        )
    }
}
