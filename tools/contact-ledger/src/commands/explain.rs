//! `explain`: why the records in an object of failures failed, in words, and whether they would pass now.

use std::borrow::Cow;
use std::path::Path;

use anyhow::ensure;
use clap::Args;
use lake_files::failures::{FailedRecord, Payload, Unreadable, read};
use lambda_io::aggregate;
use lambda_io::kinesis::StreamRecord;
use redrive::{Verdict, check};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::task::block_in_place;

use crate::stack::aws::AwsArguments;
use crate::stack::lake::Lake;
use connect_streams::StreamKind;
use ledger_console::process::outcome::Outcome;
use ledger_console::records::hidden::{shortened, shown_record};
use ledger_console::records::input::{Broken, InputRecord, Limit, Source, records_of};
use ledger_console::records::reasons::{Meaning, meaning, sentence};
use ledger_console::render::output::print;
use ledger_console::render::terminal::{counted, escaped, width, wrapped};

/// The largest failure: an invocation record with an event of 6 MB, as text in JSON.
const FAILURE: Limit = Limit { bytes: 32 * 1024 * 1024, service: "a failure object" };

/// Arguments of `explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArguments {
    /// The object: a file, `-` for standard input, or s3://<bucket>/<key>
    #[arg(value_name = "FILE|-|S3")]
    object: String,
    /// Show the records with all their values, also those that may be personal data
    #[arg(long)]
    show_values: bool,
    /// Print JSON: one object a line for each record, and a summary
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    aws: AwsArguments,
}

/// Explains, and says whether everything could be read.
///
/// # Errors
/// When the object cannot be read, holds nothing, or the output cannot be written.
pub async fn explain(arguments: &ExplainArguments) -> anyhow::Result<Outcome> {
    let mut run = Run { arguments, counts: Counts::default() };
    if arguments.object.starts_with("s3://") {
        let key = arguments.object.splitn(4, '/').nth(3).unwrap_or_default();
        ensure!(
            !key.is_empty() && !key.ends_with('/'),
            "{} is no object; give its whole key, such as one that `contact-ledger redrive --json` names",
            arguments.object
        );
        let (lake, key) = Lake::at(&arguments.object, &arguments.aws).await?;
        block_in_place(|| {
            let source = lake.reader(&key)?;
            run.values(records_of(&arguments.object, source, FAILURE, Some(Broken::IsItsLine))?)
        })?;
    } else {
        let path = Path::new(&arguments.object);
        ensure!(!path.is_dir(), "{} is a folder; give one object in it", arguments.object);
        let source = Source::of(path, FAILURE)?.of_lines();
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

/// What whoever kept a record says besides.
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
    /// Its bytes, or those of the records that were packed in it.
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
                let said = match &failed {
                    Err(why) => self.unreadable(*why, &value),
                    Ok(failed) => self.failed(failed, &details),
                };
                print(&said)?;
            }
        }
        ensure!(self.counts.records > 0, "{} holds nothing", self.arguments.object);
        let said = self.counts.told(self.arguments.json);
        print(&said)
    }

    fn failed(&mut self, failed: &FailedRecord, details: &Details<'_>) -> String {
        let verdict = check(&failed.payload);
        let (stream, parts) = parts(&failed.payload);
        match verdict {
            Verdict::Passes => self.counts.would_pass += 1,
            Verdict::FailsAgain(_) => self.counts.would_fail += 1,
        }
        let number = self.counts.records;
        let meaning = meaning(&failed.reason);
        let explained = Explained { number, failed, details, meaning, stream, parts, verdict };
        if self.arguments.json {
            escaped(&explained.json(self.arguments.show_values)) + "\n"
        } else {
            explained.told(self.arguments.show_values)
        }
    }

    fn unreadable(&mut self, why: Unreadable, value: &InputRecord) -> String {
        self.counts.unreadable += 1;
        let number = self.counts.records;
        if self.arguments.json {
            let line = value.place.line;
            return json!({"number": number, "line": line, "unreadable": why.to_string()}).to_string() + "\n";
        }
        let what = "Is it an object below errors/, rejected/agent-events/ or aws/lambda/, and whole?";
        let said = format!("{number}. On line {}: {why}. {what}", value.place.line);
        wrapped(&said, width(), 3) + "\n\n"
    }
}

/// A payload's own bytes, and whose function reads them.
fn parts(payload: &Payload) -> (StreamKind, Vec<Vec<u8>>) {
    match payload {
        Payload::ContactRecord(data) => (StreamKind::ContactRecords, vec![data.clone()]),
        Payload::AgentEvent(record) => {
            let record = serde_json::from_str::<StreamRecord>(record.get()).ok();
            let data = record.as_ref().and_then(|record| record.data.bytes().ok()).unwrap_or_default();
            let unpacked =
                aggregate::is_packed(data).then(|| aggregate::unpack(data.to_vec()).ok()).flatten();
            let parts = match unpacked {
                Some(parts) => parts.into_iter().map(|part| part.data.to_vec()).collect(),
                None => vec![data.to_vec()],
            };
            (StreamKind::AgentEvents, parts)
        }
    }
}

impl Explained<'_> {
    fn arrived(&self) -> Option<String> {
        self.failed.arrival.map(|arrival| arrival.to_string())
    }

    /// What Firehose says may repeat values, unless it says only how the invocation went.
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

    fn told(&self, show_values: bool) -> String {
        let arrived = self.arrived().map_or_else(|| "at an unknown time".to_owned(), |at| format!("at {at}"));
        let kind = match self.stream {
            StreamKind::ContactRecords => "A contact record",
            StreamKind::AgentEvents => "An agent event",
        };
        let path = self.details.path.as_deref().filter(|path| *path != "$");
        let path = path.map(|path| format!(" at {path}")).unwrap_or_default();
        let reason = shortened(&self.failed.reason, 80);
        let message = self.message(show_values).map(|message| format!(" Firehose says: {message}"));
        let now = match &self.verdict {
            Verdict::Passes => "a redrive would pass.".to_owned(),
            Verdict::FailsAgain(reject) => format!(
                "a redrive would fail again, {}: {}.",
                reject.code,
                sentence(reject, self.stream, self.parts.first().map_or(&[], Vec::as_slice))
            ),
        };
        let number = self.number;
        let mut said =
            wrapped(&format!("{number}. {kind} that arrived {arrived}: {reason}{path}"), width(), 3);
        for (title, text) in [
            ("Why", format!("{}{}", self.meaning.means, message.unwrap_or_default())),
            ("Now", now),
            ("What to do", self.meaning.to_do.to_owned()),
        ] {
            said.push_str("\n   ");
            said.push_str(wrapped(&format!("   {title}: {text}"), width(), 6).trim_start());
        }
        for part in &self.parts {
            said.push_str("\n   Record: ");
            said.push_str(&escaped(shown_record(part, show_values).get()));
        }
        said + "\n\n"
    }
}

impl Counts {
    fn told(&self, is_json: bool) -> String {
        let Self { records, would_pass, would_fail, unreadable } = self;
        if is_json {
            return json!({"summary": {
                "records": records, "would_pass": would_pass, "would_fail": would_fail, "unreadable": unreadable,
            }})
            .to_string()
                + "\n";
        }
        let unreadable =
            if *unreadable > 0 { format!(", {unreadable} cannot be read") } else { String::new() };
        format!(
            "{}: a redrive would pass for {would_pass}, fail again for {would_fail}{unreadable}.\n",
            counted(*records, "record", "records")
        )
    }
}
