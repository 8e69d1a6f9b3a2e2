//! `tail`: the records of a stream as they come.
//!
//! It reads beside the functions and takes little from them: one read a second of each shard, of the five that all readers
//! share. Contact records that are put on Firehose directly are on no stream; their raw copies in the lake are read instead.

mod copies;
mod line;
mod shards;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap::Args;
use connect_streams::Timestamp;
use console::Term;
use lambda_io::aggregate;
use redrive::{ContactRecordTarget, day_or_instant};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::line::Lines;
use crate::commands::validate::RecordsKind;
use crate::stack::connection::{Connection, StackArguments};
use connect_streams::StreamKind;
use ledger_console::process::interruption::Interruption;
use ledger_console::process::outcome::Outcome;
use ledger_console::render::output::{print, say};
use ledger_console::render::terminal::{counted, width, wrapped};

/// In a pipe, it ends this long after the last record.
const IDLE: Duration = Duration::from_secs(10);
/// In a pipe, most records that are shown, without --limit.
const PIPE_LIMIT: u64 = 1000;
/// How far back it begins without --since.
const BEGIN_MILLISECONDS: i64 = 5 * 60 * 1000;
/// Records between who reads and who prints.
const QUEUE: usize = 1000;

/// Arguments of `tail`.
#[derive(Debug, Clone, Args)]
pub struct TailArguments {
    /// Whose records
    #[arg(value_enum, value_name = "STREAM")]
    stream: RecordsKind,
    /// Begin with records that arrived then: an instant, a day (UTC), or a time ago such as 15m [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Since>,
    /// Most records to show [default: 1000 in a pipe, no limit on a terminal]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Go on until interrupted, as on a terminal; in a pipe, it ends after 10 seconds without a record otherwise
    #[arg(long)]
    follow: bool,
    /// Seconds after which it ends
    #[arg(long = "for", value_name = "SECONDS", conflicts_with = "follow")]
    seconds: Option<u64>,
    /// Show values, also those that may be personal data
    #[arg(long)]
    show_values: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stack: StackArguments,
}

/// When to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Milliseconds ago.
    Ago(i64),
    /// At this instant.
    At(Timestamp),
}

fn since(text: &str) -> Result<Since, String> {
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
    let ago = units.into_iter().find_map(|(unit, seconds)| {
        let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
        Some(Since::Ago(i64::from(number) * seconds * 1000))
    });
    let at = || day_or_instant(text).map(|(begin, _)| Since::At(begin));
    ago.or_else(at).ok_or_else(|| {
        "it is no time; say 15m, 2h, a day such as 2026-03-02, or an instant such as 2026-03-02T08:00:00Z"
            .to_owned()
    })
}

impl Since {
    /// Not after now: a stream has nothing from the future.
    fn instant(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(milliseconds) => {
                Timestamp::from_epoch_milliseconds(now.epoch_milliseconds() - milliseconds).unwrap_or(now)
            }
            Self::At(at) => at.min(now),
        }
    }
}

/// A record, as it came.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// When; of a copy, when the oldest record beside it did.
    at: Option<Timestamp>,
    /// The shard, or the key of the copy.
    from: Arc<str>,
    /// The record's number in its shard.
    sequence_number: Option<String>,
    /// Its place among the records that were packed into one.
    part: Option<usize>,
    data: Vec<u8>,
}

/// What comes from a reader.
pub(crate) enum Told {
    Record(Arrived),
    Sentence(String),
}

/// Reads a stream or its copies.
#[derive(Clone)]
pub(crate) struct Reader {
    since: Timestamp,
    sender: Sender<Told>,
    /// How many sources have records that were not read yet.
    behind: Arc<AtomicUsize>,
}

impl Reader {
    /// Hands on a record, or those that are packed in it. `false` if nobody wants any more.
    async fn hand_on(&self, arrived: Arrived) -> bool {
        let parts = aggregate::is_packed(&arrived.data).then(|| aggregate::unpack(arrived.data.clone()).ok());
        let Some(parts) = parts.flatten() else { return self.tell(Told::Record(arrived)).await };
        for (part, packed) in parts.into_iter().enumerate() {
            let Arrived { at, from, sequence_number, .. } = &arrived;
            let record = Arrived {
                at: *at,
                from: from.clone(),
                sequence_number: sequence_number.clone(),
                part: Some(part),
                data: packed.data.to_vec(),
            };
            if !self.tell(Told::Record(record)).await {
                return false;
            }
        }
        true
    }

    async fn tell(&self, told: Told) -> bool {
        self.sender.send(told).await.is_ok()
    }
}

/// Shows records until it is over.
///
/// # Errors
/// When the stack, its stream or its lake refuse, or the output cannot be written.
pub async fn tail(
    arguments: &TailArguments,
    now: fn() -> Timestamp,
    interruption: &Interruption,
) -> anyhow::Result<Outcome> {
    let Some(connection) = interruption.unless(arguments.stack.connect()).await else {
        return Ok(Outcome::Interrupted);
    };
    let connection = connection?;
    let since = arguments.since.unwrap_or(Since::Ago(BEGIN_MILLISECONDS)).instant(now());
    let (sender, receiver) = channel(QUEUE);
    let behind = Arc::new(AtomicUsize::new(1));
    let reader = Reader { since, sender, behind: behind.clone() };
    let mut readers = JoinSet::new();
    if let Some(name) = stream(&connection, arguments.stream.into()) {
        let client = shards::client(&connection);
        readers.spawn(shards::read(client, name.to_owned(), reader));
    } else {
        say(&wrapped(copies::NO_STREAM, width(), 0));
        readers.spawn(copies::read(connection.clone(), reader, now));
    }
    let mut show = Show { arguments, lines: Lines::of(arguments), receiver, behind };
    tokio::select! {
        shown = show.until_over(&mut readers) => shown?,
        // Who interrupts has seen what was asked for.
        () = interruption.requested() => {}
    }
    Ok(Outcome::Done)
}

/// The Kinesis stream of these records; `None` if there is none.
fn stream(connection: &Connection, kind: StreamKind) -> Option<&str> {
    match (kind, &connection.names.contact_records) {
        (StreamKind::AgentEvents, _) => Some(&connection.names.agent_event_stream),
        (StreamKind::ContactRecords, ContactRecordTarget::Stream(name)) => Some(name),
        (StreamKind::ContactRecords, ContactRecordTarget::Firehose(_)) => None,
    }
}

struct Show<'a> {
    arguments: &'a TailArguments,
    lines: Lines,
    receiver: Receiver<Told>,
    behind: Arc<AtomicUsize>,
}

impl Show<'_> {
    async fn until_over(&mut self, readers: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
        let is_terminal = Term::stdout().is_term();
        let limit = self.arguments.limit.or((!is_terminal).then_some(PIPE_LIMIT));
        let end = self.arguments.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let ends_idle = end.is_none() && !is_terminal && !self.arguments.follow;
        let (mut shown, mut last) = (0, Instant::now());
        let mut tick = interval(Duration::from_millis(200));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                told = self.receiver.recv() => match told {
                    Some(Told::Record(arrived)) => {
                        let line = self.lines.line(&arrived);
                        print(&line)?;
                        (shown, last) = (shown + 1, Instant::now());
                        if Some(shown) == limit {
                            self.say_limit(shown);
                            return Ok(());
                        }
                    }
                    Some(Told::Sentence(sentence)) => say(&wrapped(&sentence, width(), 0)),
                    None => break,
                },
                _ = tick.tick() => {}
            }
            let is_idle = ends_idle && last.elapsed() >= IDLE && self.behind.load(Ordering::Relaxed) == 0;
            if is_idle || end.is_some_and(|end| Instant::now() >= end) {
                return Ok(());
            }
        }
        // Who reads has ended: by a failure, or because the stream has no more shards.
        while let Some(ended) = readers.join_next().await {
            ended??;
        }
        Ok(())
    }

    fn say_limit(&self, shown: u64) {
        if self.arguments.limit.is_none() {
            say(&format!(
                "ended after {}; --limit says how many to show",
                counted(shown, "record", "records")
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_at_an_instant_a_day_or_some_time_ago_and_never_in_the_future() {
        let now = Timestamp::parse("2026-03-02T08:00:00Z").unwrap();
        for (text, instant) in [
            ("15m", "2026-03-02T07:45:00.000Z"),
            ("90s", "2026-03-02T07:58:30.000Z"),
            ("2h", "2026-03-02T06:00:00.000Z"),
            ("1d", "2026-03-01T08:00:00.000Z"),
            ("2026-03-01", "2026-03-01T00:00:00.000Z"),
            ("2026-03-02T07:00:00.5Z", "2026-03-02T07:00:00.500Z"),
            ("2027-01-01", "2026-03-02T08:00:00.000Z"),
        ] {
            assert_eq!(since(text).unwrap().instant(now).to_string(), instant, "{text}");
        }
        for text in ["", "m", "-5m", "5 m", "yesterday", "5w", "2026-13-01"] {
            assert!(since(text).unwrap_err().contains("15m"), "{text}");
        }
    }
}
