//! `redrive`: redrives dead letters from this machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::Args;
use connect_streams::Timestamp;
use indicatif::{ProgressBar, ProgressStyle};
use redrive::{Control, Report, Request, RunError, run};

use crate::stack::connection::StackArguments;
use connect_streams::StreamKind;
use ledger_console::process::interruption::Interruption;
use ledger_console::process::outcome::{Answer, Outcome};
use ledger_console::process::program::WrongUsage;
use ledger_console::render::output::say;
use ledger_console::render::terminal::{
    Cell, counted, grouped, json_pretty, number, table, text, width, wrapped,
};

/// Arguments of `redrive`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are switches of a command line")]
pub struct RedriveArguments {
    #[command(flatten)]
    stack: StackArguments,
    /// Send the records instead of only counting them
    #[arg(long, conflicts_with = "dry_run")]
    send: bool,
    /// Count the records that would be sent (default)
    #[arg(long)]
    dry_run: bool,
    /// Redrive only objects with this key prefix, such as errors/processing-failed/2026/03/
    #[arg(long, value_name = "KEY")]
    prefix: Option<String>,
    /// Only records that arrived at this UTC date or timestamp, such as 2026-03-02T08:00:00Z, or later
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only records that arrived at this UTC date or timestamp or earlier
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Redrive only dead letters with this reason; can be specified more than once
    #[arg(long = "reason", value_name = "REASON")]
    reasons: Vec<String>,
    /// Maximum number of records to send per second
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Include records that an earlier run has already sent
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

/// Runs the redrive and returns the report. When interrupted, it stops after the current request.
///
/// # Errors
/// If the stack, its bucket, or its streams return an error. Rerunning the command resumes.
pub async fn redrive(
    arguments: &RedriveArguments,
    now: &(dyn Fn() -> Timestamp + Sync),
    interruption: &Interruption,
) -> Answer {
    let Some(connection) = interruption.unless(arguments.stack.connect()).await else {
        return Ok((String::new(), Outcome::Interrupted));
    };
    let connection = connection?;
    if arguments.send {
        connection.announce();
    }
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {msg}, {elapsed}")?);
    let control = Control {
        now,
        stop: &|| interruption.is_requested(),
        progress: &|report| {
            bar.set_message(format!("{} objects, {} records", report.objects, report.records.sent));
            bar.tick();
        },
    };
    let (lake, destination, request) = (connection.lake(), connection.destination(), arguments.request());
    let queues = connection.dead_letter_queues();
    let work = run(&lake, &destination, &queues, &request, &control);
    tokio::pin!(work);
    let report = tokio::select! {
        report = &mut work => report,
        () = interruption.requested() => {
            say("stopping after the current request; interrupt again to end immediately");
            work.await
        }
    };
    bar.finish_and_clear();
    let report = report.map_err(|error| match error {
        RunError::Request(error) => anyhow::Error::from(WrongUsage::of(error)),
        RunError::Fault(fault) => fault.into(),
    })?;
    // Interrupted during its last request, a run is finished all the same.
    let outcome = match interruption.is_requested() && !report.finished {
        true => Outcome::Interrupted,
        false if report.records.stay > 0 || !report.unreadable.is_empty() => Outcome::Differs,
        false => Outcome::Done,
    };
    if arguments.json {
        return Ok((json_pretty(&report)?, outcome));
    }
    let shared = connection.sharing(StreamKind::ContactRecords).filter(|_| report.records.sent > 0);
    Ok((summary(&report, shared), outcome))
}

/// The dead-letter queues that were read, as part of a sentence.
fn queues(report: &Report) -> String {
    match report.queues.len() as u64 {
        0 => String::new(),
        queues => format!(" and {}", counted(queues, "dead-letter queue", "dead-letter queues")),
    }
}

fn summary(report: &Report, shared: Option<String>) -> String {
    let mut text = shared.map(|sentence| wrapped(&sentence, width(), 0) + "\n").unwrap_or_default();
    let sent = if report.dry_run { "would be sent" } else { "sent" };
    // Unreadable records stay, too.
    let stay = report.records.stay + report.unreadable.values().sum::<usize>();
    let queues = queues(report);
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{} of {}{queues} {sent}, {} where {}",
        counted(report.records.sent as u64, "record", "records"),
        counted(report.objects as u64, "object", "objects"),
        counted(stay as u64, "stays", "stay"),
        if stay == 1 { "it is" } else { "they are" },
    );
    for (queue, messages) in &report.queued {
        let _ = writeln!(
            text,
            "{} in dead-letter queue {queue}, which --send reads",
            counted(*messages as u64, "message is", "messages are")
        );
    }
    if report.objects_done_before > 0 {
        let _ = writeln!(
            text,
            "{} by an earlier run (--again includes them)",
            counted(report.objects_done_before as u64, "object was sent", "objects were sent")
        );
    }
    if report.not_wanted > 0 {
        let not_wanted = counted(
            report.not_wanted as u64,
            "record does not match the options",
            "records do not match the options",
        );
        let _ = writeln!(text, "{not_wanted}");
    }
    for (title, counts) in [("REASON", &report.reasons), ("DAY", &report.days)] {
        if !counts.is_empty() {
            let columns = [
                self::text(title, 1),
                number(if report.dry_run { "TO SEND" } else { "SENT" }),
                number("STAY"),
            ];
            let rows: Vec<Vec<Cell>> = counts
                .iter()
                .map(|(name, count)| {
                    vec![
                        name.clone().into(),
                        grouped(count.sent as u64).into(),
                        grouped(count.stay as u64).into(),
                    ]
                })
                .collect();
            let _ = write!(text, "\n{}", table(&columns, &rows, width()));
        }
    }
    for (title, counts) in [("WOULD FAIL AGAIN", &report.stay), ("UNREADABLE", &report.unreadable)] {
        if !counts.is_empty() {
            let rows: Vec<Vec<Cell>> = counts
                .iter()
                .map(|(why, count)| vec![why.clone().into(), grouped(*count as u64).into()])
                .collect();
            let _ = write!(text, "\n{}", table(&[self::text(title, 1), number("RECORDS")], &rows, width()));
        }
    }
    if !report.left_in.is_empty() {
        // Keys are too long for a line. Their folders show the stream and the day.
        let mut folders: BTreeMap<&str, u64> = BTreeMap::new();
        for key in &report.left_in {
            // A dead-letter queue has no folder.
            *folders.entry(key.rsplit_once('/').map_or(key, |(folder, _)| folder)).or_default() += 1;
        }
        let rows: Vec<Vec<Cell>> = folders
            .into_iter()
            .map(|(folder, objects)| {
                let slash = if folder.contains('/') { "/" } else { "" };
                vec![format!("{folder}{slash}").into(), grouped(objects).into()]
            })
            .collect();
        let columns = [self::text("OBJECTS WITH RECORDS THAT STAY", 1), number("OBJECTS")];
        let _ = write!(
            text,
            "\n{}--json lists the first {}.\n",
            table(&columns, &rows, width()),
            report.left_in.len()
        );
    }
    text.push('\n');
    match (&report.run, report.finished) {
        (None, _) if report.records.sent > 0 || !report.queued.is_empty() => {
            text.push_str("Nothing was sent. To send, run the same command with --send.\n");
        }
        (None, _) => text.push_str("There is nothing to send.\n"),
        (Some(run), true) => {
            let _ = writeln!(
                text,
                "Run {run} finished; its manifest is redrive/runs/{run}.json in the lake bucket."
            );
        }
        (Some(run), false) => {
            let _ = writeln!(text, "Run {run} is not finished; run the same command again to resume.");
        }
    }
    text
}
