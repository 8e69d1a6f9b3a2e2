//! `tail`: shows the records in a stream as they arrive.
//!
//! It reads each shard once per second, out of the five reads per second that all consumers share. If contact records go
//! directly to Firehose, there is no stream to read, so it reads their raw copies in the lake. Contact events are never on
//! a stream.

mod arguments;
mod arrived;
mod copies;
mod line;
mod shards;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::bail;
use connect_streams::Timestamp;
use console::Term;
use lake_files::layout::{CONTACT_EVENT_COPIES_PARTITION, COPIES_PARTITION};
use redrive::ContactRecordTarget;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

pub use self::arguments::{Since, TailArguments};
use self::arrived::{Event, Reader};
use self::line::Lines;
use crate::stack::connection::Connection;
use connect_streams::StreamKind;
use ledger_console::process::interruption::Interruption;
use ledger_console::process::outcome::Outcome;
use ledger_console::render::output::{print, say};
use ledger_console::render::terminal::{counted, width, wrapped};

/// In a pipe, `tail` ends this long after the last record.
const IDLE: Duration = Duration::from_secs(10);
/// Default for `--limit` in a pipe.
const PIPE_LIMIT: u64 = 1000;
/// Default for `--since`.
const DEFAULT_SINCE_MILLISECONDS: i64 = 5 * 60 * 1000;
/// Capacity of the queue between the readers and the printer.
const QUEUE: usize = 1000;

/// Shows records until the end, the limit, or an interruption.
///
/// # Errors
/// If the stack, its stream, or its lake returns an error, or the output cannot be written.
pub async fn tail(
    arguments: &TailArguments,
    now: fn() -> Timestamp,
    interruption: &Interruption,
) -> anyhow::Result<Outcome> {
    let Some(connection) = interruption.unless(arguments.stack.connect()).await else {
        return Ok(Outcome::Interrupted);
    };
    let connection = connection?;
    let since = arguments.since.unwrap_or(Since::Ago(DEFAULT_SINCE_MILLISECONDS)).instant(now());
    let (sender, receiver) = channel(QUEUE);
    let behind = Arc::new(AtomicUsize::new(1));
    let reader = Reader { since, sender, behind: behind.clone() };
    let mut readers = JoinSet::new();
    if let Some(name) = stream(&connection, arguments.stream.into()) {
        let client = shards::client(&connection);
        readers.spawn(shards::read(client, name.to_owned(), reader));
    } else {
        let kind = arguments.stream.into();
        let (partition, why) = match kind {
            StreamKind::ContactEvents => (CONTACT_EVENT_COPIES_PARTITION, copies::NO_EVENT_STREAM),
            StreamKind::ContactRecords | StreamKind::AgentEvents => (COPIES_PARTITION, copies::NO_STREAM),
        };
        if kind == StreamKind::ContactEvents && connection.names.contact_events.is_none() {
            bail!("the stack does not process contact events; deploy it with ContactEvents=true");
        }
        say(&wrapped(why, width(), 0));
        readers.spawn(copies::read(connection.clone(), partition, reader, now));
    }
    let mut show = Show { arguments, lines: Lines::of(arguments), receiver, behind };
    tokio::select! {
        shown = show.run(&mut readers) => shown?,
        // An interruption is a success.
        () = interruption.requested() => {}
    }
    Ok(Outcome::Done)
}

/// The Kinesis stream for these records, if there is one.
fn stream(connection: &Connection, kind: StreamKind) -> Option<&str> {
    match (kind, &connection.names.contact_records) {
        (StreamKind::AgentEvents, _) => Some(&connection.names.agent_event_stream),
        (StreamKind::ContactRecords, ContactRecordTarget::Stream(name)) => Some(name),
        (StreamKind::ContactRecords, ContactRecordTarget::Firehose(_)) | (StreamKind::ContactEvents, _) => {
            None
        }
    }
}

struct Show<'a> {
    arguments: &'a TailArguments,
    lines: Lines,
    receiver: Receiver<Event>,
    behind: Arc<AtomicUsize>,
}

impl Show<'_> {
    async fn run(&mut self, readers: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
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
                event = self.receiver.recv() => match event {
                    Some(Event::Record(arrived)) => {
                        let line = self.lines.line(&arrived);
                        print(&line)?;
                        (shown, last) = (shown + 1, Instant::now());
                        if Some(shown) == limit {
                            self.say_limit(shown);
                            return Ok(());
                        }
                    }
                    Some(Event::Message(message)) => say(&wrapped(&message, width(), 0)),
                    None => break,
                },
                _ = tick.tick() => {}
            }
            let is_idle = ends_idle && last.elapsed() >= IDLE && self.behind.load(Ordering::Relaxed) == 0;
            if is_idle || end.is_some_and(|end| Instant::now() >= end) {
                return Ok(());
            }
        }
        // The readers have ended: with an error, or because the stream has no more shards.
        while let Some(ended) = readers.join_next().await {
            ended??;
        }
        Ok(())
    }

    fn say_limit(&self, shown: u64) {
        if self.arguments.limit.is_none() {
            say(&format!(
                "ended after {}; --limit changes the number to show",
                counted(shown, "record", "records")
            ));
        }
    }
}
