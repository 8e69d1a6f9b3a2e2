//! Where the record of a stream ends, and how to recognize it there: a row by its contact and version, a history entry by
//! its event, a dead letter by its bytes. `send` and `trace` look for records in this way.

use agent_ledger::plan::{Plan, plan};
use agent_ledger::rules::Rules;
use agent_ledger::{AgentKey, HistoryEntry, Register, RegisterWrite, Retention, Version};
use connect_streams::agent_event::AgentEvent;
use connect_streams::contact_record::ContactRecord;
use connect_streams::{RecordKind, StreamKind, Timestamp, parse};
use contact_state::ContactWrite;
use lake_files::decompressed;
use lake_files::failures::{FailedRecord, Payload, read};
use lake_parquet::read_columns;
use lambda_io::aggregate;
use lambda_io::kinesis::StreamRecord;
use serde_json::Value;

/// How to recognize a record at its destination.
#[derive(Debug, PartialEq)]
pub(crate) enum Destination {
    /// A row of this contact and version, in the partition of this day.
    Row { contact_id: String, version: Timestamp, day: String },
    /// The row of a demo record with this symbol.
    DemoRow(String),
    /// The event's own history entry.
    Entry { agent_id: String, entry: String },
    /// The first interval that the event closes, if it has no entry of its own, and the state. The interval may have been
    /// there before, closed by another event.
    Interval { agent_id: String, entry: String, state: StateAt },
    /// The contact's item has all of this event.
    Contact(Box<ContactWrite>),
    /// The agent's state.
    State(StateAt),
    /// A dead letter, because the record is invalid.
    Failure,
    /// Nothing, because the record is another known kind.
    Nothing,
}

/// A register of an agent's state, at this version or a newer one.
#[derive(Debug, PartialEq)]
pub(crate) struct StateAt {
    pub(crate) key: AgentKey,
    pub(crate) register: Register,
    pub(crate) version: Version,
}

impl Destination {
    /// Where a record on the stream of contact records ends.
    pub(crate) fn of_contact_record(data: &[u8]) -> Self {
        contact_record(data).unwrap_or(Self::Failure)
    }

    /// Where the function writes an event on the stream of agent events: its own entry, or the first interval that it
    /// closes, or the state.
    pub(crate) fn of_agent_event(data: &[u8], retention: Retention) -> Self {
        agent_event(data, retention).unwrap_or(Self::Failure)
    }

    /// What a contact event sets in its contact's item.
    pub(crate) fn of_contact_event(data: &[u8]) -> Self {
        let write = contact_state::read(data, &contact_state::Rules::default());
        write.map_or(Self::Failure, |write| {
            write.map_or(Self::Nothing, |write| Self::Contact(Box::new(write)))
        })
    }
}

/// The time in the key of an event's history entry.
pub(crate) fn entry_time(entry: &str) -> Option<&str> {
    entry.split('#').nth(1)
}

/// The key of the same history entry as versions before 0.1.0 wrote it: without the Region at its end.
pub(crate) fn earlier_entry(entry: &str) -> &str {
    entry.rsplit_once('#').map_or(entry, |(earlier, _)| earlier)
}

fn contact_record(data: &[u8]) -> Option<Destination> {
    let document = parse(data).ok()?;
    let object = document.as_object()?;
    match RecordKind::of(object)? {
        RecordKind::AgentEvent | RecordKind::ContactEvent => return Some(Destination::Nothing),
        RecordKind::ContactRecord | RecordKind::DemoRecord | RecordKind::Row => {}
    }
    if let Some(symbol) = object.get("ticker_symbol").and_then(connect_streams::Value::as_str) {
        return Some(Destination::DemoRow(symbol.to_owned()));
    }
    let record = ContactRecord::from_object(object).ok()?;
    let contact_id = object.get("ContactId")?.as_str()?.to_owned();
    let day = record.initiation_timestamp.date();
    Some(Destination::Row { contact_id, version: record.last_update_timestamp, day })
}

fn agent_event(data: &[u8], retention: Retention) -> Option<Destination> {
    let document = parse(data).ok()?;
    let object = document.as_object()?;
    match RecordKind::of(object)? {
        RecordKind::AgentEvent => {}
        RecordKind::ContactRecord | RecordKind::ContactEvent | RecordKind::Row => {
            return Some(Destination::Nothing);
        }
        RecordKind::DemoRecord => return None,
    }
    let rules = Rules { retention, ..Rules::default() };
    let Plan { event, intervals, registers, .. } =
        plan(&AgentEvent::from_object(object).ok()?, &rules).ok()?;
    if let Some(HistoryEntry { agent_id, entry, .. }) = event {
        return Some(Destination::Entry { agent_id, entry });
    }
    let Some(RegisterWrite { key, register, version, .. }) = registers.into_iter().next() else {
        return Some(Destination::Nothing);
    };
    let state = StateAt { key, register, version };
    Some(match intervals.into_iter().next() {
        Some(HistoryEntry { agent_id, entry, .. }) => Destination::Interval { agent_id, entry, state },
        None => Destination::State(state),
    })
}

/// These columns of the rows in an object of the lake.
pub(crate) fn rows(key: &str, body: Vec<u8>, columns: &[&str]) -> anyhow::Result<Vec<Value>> {
    if key.ends_with(".parquet") {
        return read_columns(body.into(), columns);
    }
    let lines = decompressed(body)?;
    Ok(serde_json::Deserializer::from_slice(&lines).into_iter().collect::<Result<_, _>>()?)
}

/// The version of a row. Timestamps in Parquet have no zone; ours are UTC.
pub(crate) fn version(row: &Value) -> Option<Timestamp> {
    let text = row["last_update_timestamp"].as_str()?;
    Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}Z")))
}

/// The records in an object of dead letters, each with its bytes. What cannot be read is left out.
pub(crate) fn dead_letters(body: Vec<u8>) -> Vec<(FailedRecord, Vec<u8>)> {
    let Ok(object) = decompressed(body) else { return Vec::new() };
    let with_parts = |failed: FailedRecord| {
        let (_, parts) = parts(&failed.payload);
        parts.into_iter().map(move |part| (failed.clone(), part))
    };
    read(&object).into_iter().flatten().flat_map(with_parts).collect()
}

/// The records of a dead letter, and the stream they came from: several if a producer had aggregated them.
pub(crate) fn parts(payload: &Payload) -> (StreamKind, Vec<Vec<u8>>) {
    match payload {
        Payload::ContactRecord(data) => (StreamKind::ContactRecords, vec![data.clone()]),
        Payload::ContactEvent(data) => (StreamKind::ContactEvents, vec![data.clone()]),
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

#[cfg(test)]
mod tests {
    use super::{Destination, Register, Retention, StateAt};

    /// An event ends in its own entry; without one, in the interval that it closes, or else in the state.
    #[test]
    fn the_destination_of_an_event_depends_on_which_events_are_kept() {
        let snapshot = |since: &str| {
            format!(
                r#"{{"AgentStatus":{{"Name":"A","StartTimestamp":"2026-03-02T{since}Z"}},"Contacts":[]}}"#
            )
        };
        let event = |kind: &str, previous: &str, current: &str| {
            format!(
                r#"{{"AgentARN":"arn:aws:connect:eu-west-2:111122223333:instance/i/agent/a","EventId":"e",
                "EventTimestamp":"2026-03-02T09:00:00.000Z","EventType":"{kind}",
                "PreviousAgentSnapshot":{previous},"CurrentAgentSnapshot":{current}}}"#
            )
        };
        let (eight, nine) = (&*snapshot("08:00:00"), &*snapshot("09:00:00"));
        let own = "event#2026-03-02T09:00:00.000Z#e#eu-west-2";
        let interval = "status#2026-03-02T08:00:00.000Z#eu-west-2";
        for (kind, previous, current, [all, sessions, none]) in [
            ("LOGIN", "null", "null", [own, own, "login"]),
            ("LOGOUT", eight, nine, [own, own, interval]),
            ("STATE_CHANGE", eight, nine, [own, interval, interval]),
            ("STATE_CHANGE", nine, nine, [own, "snapshot", "snapshot"]),
            ("HEART_BEAT", nine, nine, ["snapshot"; 3]),
        ] {
            for (events, expected) in [("all", all), ("sessions", sessions), ("none", none)] {
                let retention = Retention { events: events.parse().expect(events), ..Retention::default() };
                let found = Destination::of_agent_event(event(kind, previous, current).as_bytes(), retention);
                let found = match &found {
                    Destination::Entry { entry, .. } | Destination::Interval { entry, .. } => entry.as_str(),
                    Destination::State(StateAt { register: Register::Login, .. }) => "login",
                    Destination::State(StateAt { register: Register::Snapshot, .. }) => "snapshot",
                    other => panic!("{kind}: {other:?}"),
                };
                assert_eq!(found, expected, "{kind}, {events}");
            }
        }
    }
}
