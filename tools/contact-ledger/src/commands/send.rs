//! `send`: sends records to a stack's streams as Amazon Connect would, and traces each one to its destination.
//!
//! Records need no markers for this: a row is identified by its contact and version, a history entry by its event, and a dead
//! letter by its bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use aws_errors::why;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use clap::Args;
use connect_streams::Timestamp;
use contact_state::{ContactKey, has};
use indicatif::{ProgressBar, ProgressStyle};
use lake_files::failures::{FailedRecord, Payload};
use lake_files::layout::{FAILED, REJECTED, REJECTED_CONTACT_EVENTS, ROWS, ROWS_PARTITION};
use lambda_io::limits::sqs::{BATCH_MESSAGES, MESSAGE_BYTES};
use redrive::{AwsLake, Destination as _, Fault, Lake as _, put_all};
use serde_json::{Value, json};
use tables::Item;
use tables_dynamodb::contacts::ContactReader;

use crate::stack::connection::{Connection, StackArguments};
use crate::stack::destination::{self, Destination, StateAt};
use crate::stack::tables::cannot_read;
use connect_streams::StreamKind;
use ledger_console::arguments::center::CenterArguments;
use ledger_console::process::interruption::Interruption;
use ledger_console::process::outcome::{Answer, Outcome};
use ledger_console::records::input::{FIREHOSE, Input, Limit, QUEUE, STREAM, read_all};
use ledger_console::records::partition::partition_key;
use ledger_console::render::terminal::{
    Cell, counted, grouped, json_pretty, number, table, text, width, wrapped,
};
use synthetic_center::DEMO_CENTER;

/// Arguments of `send`.
#[derive(Debug, Clone, Args)]
pub struct SendArguments {
    #[command(flatten)]
    stack: StackArguments,
    /// Send the contact records in this file or folder instead of the demo record
    #[arg(long, value_name = "PATH")]
    contact_records: Option<PathBuf>,
    /// Send the agent events in this file or folder
    #[arg(long, value_name = "PATH")]
    agent_events: Option<PathBuf>,
    /// Send the contact events in this file or folder to the queue that EventBridge sends them to
    #[arg(long, value_name = "PATH")]
    contact_events: Option<PathBuf>,
    /// Generate a contact center with this many agents, and send the records of its last hour before closing, with new contact, agent, and event IDs
    #[arg(long, value_name = "AGENTS", conflicts_with_all = ["contact_records", "agent_events", "contact_events"], value_parser = ledger_console::arguments::center::agents)]
    generated: Option<usize>,
    /// Number of seconds to wait for records to arrive. Firehose buffers rows before it delivers them
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    wait: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How often to poll for arrivals.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// A record that was sent.
struct Sent {
    data: Vec<u8>,
    expected: Destination,
    ended: Option<(End, Duration)>,
}

/// Where a record ended up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// In the rows, the history, or the state.
    Arrived(&'static str),
    /// A dead letter, with this reason.
    Failed(String),
    /// It existed before it was sent, so processing it again leaves no trace.
    ThereBefore(&'static str),
    /// Nowhere, because it is another known kind.
    Nowhere,
}

impl End {
    fn text(&self) -> String {
        match self {
            Self::Arrived(place) => (*place).to_owned(),
            Self::Failed(reason) => reason.clone(),
            Self::ThereBefore(place) => format!("{place} (existed before sending)"),
            Self::Nowhere => "nowhere: another known kind".to_owned(),
        }
    }
}

/// Sends the records, traces them, and returns the report.
///
/// # Errors
/// If the stack cannot be reached, or its streams return an error.
pub async fn send(
    arguments: &SendArguments,
    now: impl Fn() -> Timestamp,
    interruption: &Interruption,
) -> Answer {
    let Input { contact_records, agent_events, contact_events } = input(arguments, now())?;
    let Some(connection) = interruption.unless(arguments.stack.connect()).await else {
        return Ok((String::new(), Outcome::Interrupted));
    };
    let connection = connection?;
    // Generated events are left out if the stack does not process them.
    let contact_events = match (&connection.names.contact_events, arguments.contact_events.is_some()) {
        (Some(_), _) => contact_events,
        (None, false) => Vec::new(),
        (None, true) => {
            bail!("the stack does not process contact events; deploy it with ContactEvents=true")
        }
    };
    connection.announce();
    let kept_events = connection.deployed.kept_events;
    let of_agent_event = |data: &[u8]| Destination::of_agent_event(data, kept_events);
    let mut contact_records: Vec<_> =
        contact_records.into_iter().map(|data| tracked(data, Destination::of_contact_record)).collect();
    let mut agent_events: Vec<_> =
        agent_events.into_iter().map(|data| tracked(data, of_agent_event)).collect();
    let mut contact_events: Vec<_> =
        contact_events.into_iter().map(|data| tracked(data, Destination::of_contact_event)).collect();
    let lake = connection.lake();
    let rejected =
        [(REJECTED, !agent_events.is_empty()), (REJECTED_CONTACT_EVENTS, !contact_events.is_empty())];
    let rejected = rejected.into_iter().filter_map(|(prefix, is_sent)| is_sent.then_some(prefix));
    let mut objects = NewObjects::before_sending(&lake, &contact_records, rejected, now()).await?;
    let start = tokio::time::Instant::now();
    check_tables(&connection, &mut agent_events, start, End::ThereBefore).await?;
    check_contacts(&connection, &mut contact_events, start, End::ThereBefore).await?;
    put(&connection, &contact_records, &agent_events).await?;
    put_on_queue(&connection, &contact_events).await?;
    let put = start.elapsed();

    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {msg}")?);
    let timeout = Duration::from_secs(arguments.wait);
    loop {
        objects.check(&lake, [&mut contact_records, &mut agent_events, &mut contact_events], start).await?;
        check_tables(&connection, &mut agent_events, start, End::Arrived).await?;
        check_contacts(&connection, &mut contact_events, start, End::Arrived).await?;
        let all = contact_records.iter().chain(&agent_events).chain(&contact_events);
        let open = all.filter(|sent| sent.ended.is_none()).count();
        if open == 0 || start.elapsed() >= timeout || interruption.is_requested() {
            break;
        }
        let left = timeout.saturating_sub(start.elapsed()).as_secs();
        let open = counted(open as u64, "record", "records");
        bar.set_message(format!("{open} not seen yet; waiting up to {left} s more"));
        bar.tick();
        tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = interruption.requested() => {}
        }
    }
    bar.finish_and_clear();
    let sent = [
        (StreamKind::ContactRecords, &contact_records),
        (StreamKind::AgentEvents, &agent_events),
        (StreamKind::ContactEvents, &contact_events),
    ];
    let shared = sent.into_iter().filter(|(_, records)| !records.is_empty());
    let shared: Vec<_> = shared.filter_map(|(kind, _)| connection.sharing(kind)).collect();
    let streams: [(&str, &[Sent]); 3] = sent.map(|(kind, records)| (kind.as_str(), records.as_slice()));
    let waited = if interruption.is_requested() { "when interrupted" } else { "in time" };
    // A record that was in place before is in place.
    let all_arrived = sent
        .iter()
        .flat_map(|(_, records)| records.iter())
        .all(|sent| matches!(sent.ended, Some((End::Arrived(_) | End::ThereBefore(_), _))));
    let outcome = match (interruption.is_requested(), all_arrived) {
        (true, _) => Outcome::Interrupted,
        (false, true) => Outcome::Done,
        (false, false) => Outcome::Differs,
    };
    Ok((report(arguments, put, &streams, waited, &shared)?, outcome))
}

/// The records to send.
fn input(arguments: &SendArguments, now: Timestamp) -> anyhow::Result<Input> {
    let records =
        |path: &Option<PathBuf>, limit: Limit| path.as_deref().map(|path| read_all(path, limit)).transpose();
    let (contact_records, agent_events) =
        (records(&arguments.contact_records, FIREHOSE)?, records(&arguments.agent_events, STREAM)?);
    let contact_events = records(&arguments.contact_events, QUEUE)?;
    if let Some(agents) = arguments.generated {
        return Ok(generated(agents, now));
    }
    if contact_records.is_none() && agent_events.is_none() && contact_events.is_none() {
        return Ok(Input { contact_records: vec![demo_record(now)], ..Input::default() });
    }
    Ok(Input {
        contact_records: contact_records.unwrap_or_default(),
        agent_events: agent_events.unwrap_or_default(),
        contact_events: contact_events.unwrap_or_default(),
    })
}

/// The last hour of a generated center with new IDs, so that everything that arrives was sent by this run.
fn generated(agents: usize, now: Timestamp) -> Input {
    /// One open hour, and the time until the last records and heartbeats after closing.
    const SINCE_OPENING: i64 = 75 * 60_000;
    let center = CenterArguments {
        agents,
        hours: 1,
        contacts_per_hour: None,
        seed: DEMO_CENTER.seed,
        duplicated: 0,
        late: Some(0),
        malformed: 0,
        lost: 0,
    };
    // Unix seconds, shifted to leave room for the center's IDs.
    let first_id = (now.epoch_milliseconds().unsigned_abs() / 1000) << 16;
    center.records_of(now.epoch_milliseconds() - SINCE_OPENING, first_id).collect()
}

/// A demo record, as the Firehose console's "Test with demo data" sends it, with a unique symbol.
fn demo_record(now: Timestamp) -> Vec<u8> {
    let symbol = format!("CL{}", now.epoch_milliseconds());
    json!({"ticker_symbol": symbol, "sector": "ENERGY", "change": -0.51, "price": 23.95})
        .to_string()
        .into_bytes()
}

fn tracked(data: Vec<u8>, destination: impl Fn(&[u8]) -> Destination) -> Sent {
    let expected = destination(&data);
    let ended = (expected == Destination::Nothing).then_some((End::Nowhere, Duration::ZERO));
    Sent { data, expected, ended }
}

/// An event as the body of a message.
fn body((place, sent): (usize, &Sent)) -> anyhow::Result<&str> {
    std::str::from_utf8(&sent.data).map_err(|_| {
        anyhow!(
            "contact event {} is not UTF-8, and a queue takes only text; nothing was sent to the queue. `contact-ledger validate` shows where it is",
            place + 1
        )
    })
}

/// Sends events to the queue, as EventBridge does. `PutEvents` does not accept events of AWS services.
async fn put_on_queue(connection: &Connection, events: &[Sent]) -> anyhow::Result<()> {
    let Some(names) = &connection.names.contact_events else { return Ok(()) };
    let client = connection.queues();
    let bodies = events.iter().enumerate().map(body).collect::<anyhow::Result<Vec<_>>>()?;
    let mut rest = &bodies[..];
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |body: &&&str| {
            bytes += body.len();
            bytes <= MESSAGE_BYTES
        };
        let count = rest.iter().take(BATCH_MESSAGES).take_while(fits).count().max(1);
        let (batch, others) = rest.split_at(count);
        rest = others;
        let mut request = client.send_message_batch().queue_url(&names.queue);
        for (index, body) in batch.iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(*body);
            request = request.entries(entry.build()?);
        }
        let rights = "sqs:SendMessage on it, and kms:GenerateDataKey and kms:Decrypt on its KMS key";
        let answer = request.send().await.map_err(|error| {
            anyhow!("queue {} does not accept messages: {}", names.queue, why(&error, rights))
        })?;
        if let Some(refused) = answer.failed.first() {
            bail!(
                "queue {} refused {} of {} messages ({}); run the command again",
                names.queue,
                answer.failed.len(),
                batch.len(),
                refused.code
            );
        }
    }
    Ok(())
}

/// Checks which events are part of their contacts' items.
async fn check_contacts(
    connection: &Connection,
    events: &mut [Sent],
    start: tokio::time::Instant,
    end_in: fn(&'static str) -> End,
) -> anyhow::Result<()> {
    let Some(names) = &connection.names.contact_events else { return Ok(()) };
    let reader = ContactReader::new(connection.tables(), names.table.clone());
    let mut items: BTreeMap<ContactKey, Option<Item>> = BTreeMap::new();
    for sent in events.iter_mut().filter(|sent| sent.ended.is_none()) {
        let Destination::Contact(write) = &sent.expected else { continue };
        if !items.contains_key(&write.key) {
            let item = reader.item(&write.key).await.map_err(|error| cannot_read("the contacts", error))?;
            items.insert(write.key.clone(), item);
        }
        let item = items.get(&write.key).and_then(Option::as_ref);
        if item.is_some_and(|item| has(item, write)) {
            sent.ended = Some((end_in("contacts in flight"), start.elapsed()));
        }
    }
    Ok(())
}

async fn put(connection: &Connection, contact_records: &[Sent], agent_events: &[Sent]) -> Result<(), Fault> {
    let destination = connection.destination();
    let contact_records: Vec<_> = contact_records.iter().map(|sent| sent.data.as_slice()).collect();
    let agent_events: Vec<_> = agent_events.iter().map(|sent| sent.data.as_slice()).collect();
    put_all(&contact_records, async |records| destination.put_contact_records(records).await).await?;
    let stream = &connection.names.agent_event_stream;
    put_all(&agent_events, async |events| destination.put_on_stream(stream, events, partition_key).await)
        .await
}

/// Finds objects that are created after the records were sent.
struct NewObjects {
    prefixes: BTreeSet<String>,
    known: BTreeSet<String>,
}

impl NewObjects {
    /// Lists the objects that exist before sending.
    async fn before_sending(
        lake: &AwsLake,
        contact_records: &[Sent],
        rejected: impl Iterator<Item = &'static str>,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let mut prefixes = BTreeSet::new();
        for sent in contact_records {
            let day = match &sent.expected {
                Destination::Row { day, .. } => day,
                Destination::DemoRow(_) => "demo",
                _ => continue,
            };
            prefixes.insert(format!("{ROWS_PARTITION}{day}/"));
        }
        if !contact_records.is_empty() {
            let day = now.date().replace('-', "/");
            for kind in ["processing-failed", "format-conversion-failed", "activePartitionExceeded"] {
                prefixes.insert(format!("{FAILED}{kind}/{day}/"));
            }
        }
        prefixes.extend(rejected.map(str::to_owned));
        let mut known = BTreeSet::new();
        for prefix in &prefixes {
            known.extend(lake.keys(prefix).await?);
        }
        Ok(Self { prefixes, known })
    }

    async fn check(
        &mut self,
        lake: &AwsLake,
        [contact_records, agent_events, contact_events]: [&mut Vec<Sent>; 3],
        start: tokio::time::Instant,
    ) -> anyhow::Result<()> {
        for prefix in &self.prefixes {
            for key in lake.keys(prefix).await? {
                if !self.known.insert(key.clone()) {
                    continue;
                }
                let Some(body) = lake.get(&key).await? else { continue };
                let found = if key.starts_with(ROWS) { arrived(&key, body)? } else { failed(body) };
                for (end, identity) in found {
                    let records: &mut [Sent] = if prefix.starts_with(REJECTED) {
                        agent_events
                    } else if prefix.starts_with(REJECTED_CONTACT_EVENTS) {
                        contact_events
                    } else {
                        contact_records
                    };
                    // Two equal records become two rows or dead letters, so each match ends one record.
                    let mut open = records.iter_mut().filter(|sent| sent.ended.is_none());
                    if let Some(sent) = open.find(|sent| identity.matches(sent)) {
                        sent.ended = Some((end, start.elapsed()));
                    }
                }
            }
        }
        Ok(())
    }
}

/// What identifies a record in an object.
enum Identity {
    Row(Value),
    Bytes(Vec<u8>),
}

impl Identity {
    fn matches(&self, sent: &Sent) -> bool {
        match (self, &sent.expected) {
            (Self::Bytes(data), _) => *data == sent.data,
            (Self::Row(row), Destination::Row { contact_id, version, .. }) => {
                row["contact_id"] == contact_id.as_str() && destination::version(row) == Some(*version)
            }
            (Self::Row(row), Destination::DemoRow(symbol)) => {
                row["extra"].as_str().is_some_and(|extra| extra.contains(symbol))
            }
            (Self::Row(_), _) => false,
        }
    }
}

fn arrived(key: &str, body: Vec<u8>) -> anyhow::Result<Vec<(End, Identity)>> {
    let rows = destination::rows(key, body, &["contact_id", "last_update_timestamp", "extra"])?;
    Ok(rows.into_iter().map(|row| (End::Arrived("rows of the lake"), Identity::Row(row))).collect())
}

fn failed(body: Vec<u8>) -> Vec<(End, Identity)> {
    let end = |(FailedRecord { payload, reason, .. }, data): (FailedRecord, Vec<u8>)| {
        let place = if matches!(payload, Payload::ContactRecord(_)) { "errors" } else { "rejected" };
        (End::Failed(format!("{place}: {reason}")), Identity::Bytes(data))
    };
    destination::dead_letters(body).into_iter().map(end).collect()
}

async fn check_tables(
    connection: &Connection,
    events: &mut [Sent],
    start: tokio::time::Instant,
    end_in: fn(&'static str) -> End,
) -> anyhow::Result<()> {
    let reader = crate::stack::tables::reader(connection);
    for sent in events.iter_mut().filter(|sent| sent.ended.is_none()) {
        let end = match &sent.expected {
            Destination::Entry { agent_id, entry } => {
                let is_there = reader.has_entry(agent_id, entry).await;
                let is_there =
                    is_there.context("the history cannot be read; check that you have dynamodb:GetItem")?;
                is_there.then_some("history")
            }
            Destination::State(StateAt { key, register, version })
            | Destination::Interval { state: StateAt { key, register, version }, .. } => {
                let held = reader.version(key, *register).await.context("the agents cannot be read")?;
                held.is_some_and(|held| held >= *version).then_some("state")
            }
            Destination::Row { .. }
            | Destination::DemoRow(_)
            | Destination::Contact(_)
            | Destination::Failure
            | Destination::Nothing => None,
        };
        if let Some(end) = end {
            sent.ended = Some((end_in(end), start.elapsed()));
        }
    }
    Ok(())
}

/// Records with the same destination.
#[derive(Default)]
struct Ended {
    records: u64,
    first: Duration,
    last: Duration,
}

fn report(
    arguments: &SendArguments,
    put: Duration,
    streams: &[(&str, &[Sent])],
    waited: &str,
    shared: &[String],
) -> anyhow::Result<String> {
    let mut places: BTreeMap<(&str, Option<End>), Ended> = BTreeMap::new();
    for (stream, records) in streams {
        for sent in *records {
            let (place, after) = sent.ended.clone().unzip();
            let (ended, after) = (places.entry((stream, place)).or_default(), after.unwrap_or_default());
            ended.first = if ended.records == 0 { after } else { ended.first.min(after) };
            ended.last = ended.last.max(after);
            ended.records += 1;
        }
    }
    let end = |place: &Option<End>| place.as_ref().map_or_else(|| format!("not seen {waited}"), End::text);
    if arguments.json {
        let groups: Vec<_> = places
            .iter()
            .map(|((stream, place), ended)| {
                json!({"stream": stream, "ended_in": end(place), "arrived": matches!(place, Some(End::Arrived(_))),
                    "records": ended.records, "first_after_seconds": ended.first.as_secs_f64(),
                    "last_after_seconds": ended.last.as_secs_f64()})
            })
            .collect();
        return json_pretty(&json!({"put_in_seconds": put.as_secs_f64(), "ended": groups, "shared": shared}));
    }
    let columns = [
        text("STREAM", 0),
        text("ENDED IN", 1),
        number("RECORDS"),
        number("FIRST AFTER"),
        number("LAST AFTER"),
    ];
    let seconds = |after: Duration| format!("{:.1} s", after.as_secs_f64());
    let rows: Vec<Vec<Cell>> = places
        .iter()
        .map(|((stream, place), ended)| {
            vec![
                (*stream).into(),
                end(place).into(),
                grouped(ended.records).into(),
                seconds(ended.first).into(),
                seconds(ended.last).into(),
            ]
        })
        .collect();
    let mut notes: Vec<&str> = shared.iter().map(String::as_str).collect();
    let not_seen = "Records that were not seen may still arrive: Firehose buffers rows for LakeBufferSeconds plus a minute. Run `contact-ledger doctor` to check for problems.";
    let there_before = "Records that existed before sending are in place. They cannot be traced, because a duplicate changes nothing.";
    let is_any = |is: fn(&Option<End>) -> bool| places.keys().any(|(_, place)| is(place));
    notes.extend(is_any(Option::is_none).then_some(not_seen));
    notes.extend(is_any(|place| matches!(place, Some(End::ThereBefore(_)))).then_some(there_before));
    let notes: Vec<_> =
        notes.into_iter().map(|sentence| format!("\n{}\n", wrapped(sentence, width(), 0))).collect();
    let notes = notes.concat();
    Ok(format!("Sent in {}.\n\n{}{notes}", seconds(put), table(&columns, &rows, width())))
}
