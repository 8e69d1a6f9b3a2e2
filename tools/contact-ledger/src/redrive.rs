//! `redrive`: what failed is sent again, from this machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use ::redrive::{Control, Report, Request, run};
use clap::Args;
use connect_streams::Timestamp;
use indicatif::{ProgressBar, ProgressStyle};

use crate::connection::StackArguments;
use crate::doctor::facts::StreamingKind;
use crate::terminal::{number, table, text, width, wrapped};

/// What `redrive` can be told.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are switches of a command line")]
pub struct RedriveArguments {
    #[command(flatten)]
    stack: StackArguments,
    /// Send; without it, only count
    #[arg(long, conflicts_with = "dry_run")]
    send: bool,
    /// Count what would be sent, and send nothing; this is the default
    #[arg(long)]
    dry_run: bool,
    /// Only objects whose key begins so, such as errors/processing-failed/2026/03/
    #[arg(long, value_name = "KEY")]
    prefix: Option<String>,
    /// Only records that arrived then or later: a day (UTC), or an instant such as 2026-03-02T08:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only records that arrived then or earlier: a day (UTC), taken whole, or an instant
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only records that failed for this reason; can be said several times
    #[arg(long = "reason", value_name = "REASON")]
    reasons: Vec<String>,
    /// Send so many records a second at most
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Also what an earlier run has sent
    #[arg(long)]
    again: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl RedriveArguments {
    fn request(&self) -> Request {
        Request {
            dry_run: !self.send,
            prefix: self.prefix.clone(),
            since: self.since.clone(),
            until: self.until.clone(),
            reasons: self.reasons.clone(),
            rate: self.rate,
            again: self.again,
        }
    }
}

/// Carries it out; answers with what to print. Once `interrupted` is set, it stops after the request under way.
///
/// # Errors
/// When the stack, its bucket or its streams refuse. The same command goes on from there.
pub async fn redrive(
    arguments: &RedriveArguments,
    now: &(dyn Fn() -> Timestamp + Sync),
    interrupted: &AtomicBool,
) -> anyhow::Result<String> {
    let connection = arguments.stack.connect().await?;
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {msg}, {elapsed}")?);
    let control = Control {
        now,
        stop: &|| interrupted.load(Ordering::Relaxed),
        progress: &|report| {
            bar.set_message(format!("{} objects, {} records", report.objects, report.records.sent));
            bar.tick();
        },
    };
    let report = run(&connection.lake(), &connection.destination(), &arguments.request(), &control).await;
    bar.finish_and_clear();
    let report = report?;
    if arguments.json {
        return Ok(serde_json::to_string_pretty(&report)? + "\n");
    }
    let shared = connection.sharing(StreamingKind::ContactRecords).filter(|_| report.records.sent > 0);
    Ok(told(&report, shared))
}

fn told(report: &Report, shared: Option<String>) -> String {
    let mut text = shared.map(|sentence| wrapped(&sentence, width(), 0) + "\n").unwrap_or_default();
    let sent = if report.dry_run { "would be sent" } else { "sent" };
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{} records of {} objects {sent}, {} stay where they are",
        report.records.sent, report.objects, report.records.stay
    );
    if report.objects_done_before > 0 {
        let _ = writeln!(
            text,
            "{} objects were sent by an earlier run (--again sends them once more)",
            report.objects_done_before
        );
    }
    if report.not_wanted > 0 {
        let _ = writeln!(text, "{} records were not asked for", report.not_wanted);
    }
    for (title, counts) in [("REASON", &report.reasons), ("DAY", &report.days)] {
        if !counts.is_empty() {
            let columns = [
                self::text(title, 1),
                number(if report.dry_run { "TO SEND" } else { "SENT" }),
                number("STAY"),
            ];
            let rows: Vec<_> = counts
                .iter()
                .map(|(name, count)| vec![name.clone(), count.sent.to_string(), count.stay.to_string()])
                .collect();
            let _ = write!(text, "\n{}", table(&columns, &rows, width()));
        }
    }
    for (title, counts) in [("WOULD FAIL AGAIN", &report.stay), ("UNREADABLE", &report.unreadable)] {
        if !counts.is_empty() {
            let rows: Vec<_> =
                counts.iter().map(|(why, count)| vec![why.clone(), count.to_string()]).collect();
            let _ = write!(text, "\n{}", table(&[self::text(title, 1), number("RECORDS")], &rows, width()));
        }
    }
    if !report.left_in.is_empty() {
        // Keys are longer than lines; their folders tell the stream and the day.
        let mut folders: BTreeMap<&str, usize> = BTreeMap::new();
        for key in &report.left_in {
            *folders.entry(key.rsplit_once('/').map_or("", |(folder, _)| folder)).or_default() += 1;
        }
        let rows: Vec<_> = folders
            .into_iter()
            .map(|(folder, objects)| vec![format!("{folder}/"), objects.to_string()])
            .collect();
        let columns = [self::text("OBJECTS WITH RECORDS THAT STAY", 1), number("OBJECTS")];
        let _ = write!(
            text,
            "\n{}--json names the first {}.\n",
            table(&columns, &rows, width()),
            report.left_in.len()
        );
    }
    text.push('\n');
    match (&report.run, report.finished) {
        (None, _) if report.records.sent > 0 => {
            text.push_str("Nothing was sent. To send: the same command with --send.\n");
        }
        (None, _) => text.push_str("There is nothing to send.\n"),
        (Some(run), true) => {
            let _ = writeln!(
                text,
                "Run {run} is done; its manifest is redrive/runs/{run}.json in the lake bucket."
            );
        }
        (Some(run), false) => {
            let _ = writeln!(text, "Run {run} is not done; the same command goes on where it was.");
        }
    }
    text
}
