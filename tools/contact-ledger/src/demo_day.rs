//! A small synthetic day of a contact centre: the same every time, and like the real streams not tidy. Some
//! records come twice, some late, some are not what they should be.
//!
//! Field names and shapes are those of the Administrator Guide's "Contact records data model" and "Agent event
//! streams data model". Nobody in it exists; phone numbers are from the range reserved for fiction.

mod agent;
mod contact;

use fastrand::Rng;
use serde_json::Value;

use agent::AgentDay;

use crate::input::Input;

const AGENTS: u64 = 12;
const SEED: u64 = 20_260_302;
/// 2026-03-02T08:00:00Z in milliseconds.
const OPENING: i64 = 1_772_438_400_000;
const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

/// Of so many agent events, one comes twice, and one late.
const ONE_TWICE_IN: usize = 40;
const ONE_LATE_IN: usize = 60;

/// The day.
#[must_use]
pub fn demo_day() -> Input {
    let mut rng = Rng::with_seed(SEED);
    let mut ids = Ids::default();
    let mut events = Vec::new();
    let mut contacts = Vec::new();
    for number in 1..=AGENTS {
        let day = AgentDay::live(number, &mut rng, &mut ids);
        events.extend(day.events);
        contacts.extend(day.contacts);
    }
    contacts.extend(contact::abandoned(&mut rng, &mut ids));

    let mut agent_events = in_order(events);
    come_twice_and_late(&mut agent_events, &mut rng);
    let mut contact_records =
        in_order(contacts.iter().flat_map(|contact| contact.deliveries(&mut rng)).collect());
    add_malformed(&mut contact_records, &mut agent_events);
    Input { contact_records, agent_events }
}

/// A record and when it is sent, in milliseconds since 1970.
struct Sent {
    at: i64,
    record: Value,
}

fn in_order(mut sent: Vec<Sent>) -> Vec<Vec<u8>> {
    sent.sort_by_key(|sent| sent.at);
    sent.into_iter().map(|sent| sent.record.to_string().into_bytes()).collect()
}

fn come_twice_and_late(events: &mut Vec<Vec<u8>>, rng: &mut Rng) {
    for _ in 0..events.len() / ONE_TWICE_IN {
        let first = rng.usize(..events.len());
        let second = rng.usize(first..=events.len());
        events.insert(second, events[first].clone());
    }
    for _ in 0..events.len() / ONE_LATE_IN {
        let on_time = rng.usize(..events.len());
        let late = (on_time + rng.usize(20..200)).min(events.len() - 1);
        let event = events.remove(on_time);
        events.insert(late, event);
    }
}

/// Records that are not what their stream should carry, spread over the day.
fn add_malformed(contact_records: &mut Vec<Vec<u8>>, agent_events: &mut Vec<Vec<u8>>) {
    let (contact, event) = (contact_records[0].clone(), agent_events[0].clone());
    let truncated = |record: &[u8]| record[..record.len() / 2].to_vec();
    let without = |record: &[u8], field: &str| {
        let mut value: Value = serde_json::from_slice(record).unwrap_or_default();
        value.as_object_mut().map(|fields| fields.remove(field));
        value.to_string().into_bytes()
    };
    spread(
        contact_records,
        [
            truncated(&contact),
            without(&contact, "ContactId"),
            without(&contact, "LastUpdateTimestamp"),
            b"\xff\xfe not text".to_vec(),
            br#"{"hello": "world"}"#.to_vec(),
            event.clone(),
        ],
    );
    spread(
        agent_events,
        [
            truncated(&event),
            without(&event, "EventId"),
            without(&event, "AgentARN"),
            b"\xff\xfe not text".to_vec(),
            b"[]".to_vec(),
            br#"{"hello": "world"}"#.to_vec(),
            contact,
        ],
    );
}

fn spread<const N: usize>(records: &mut Vec<Vec<u8>>, others: [Vec<u8>; N]) {
    let distance = records.len() / (N + 1);
    for (index, other) in others.into_iter().enumerate() {
        records.insert((index + 1) * distance, other);
    }
}

/// Ids in the form of UUIDs, counted up.
#[derive(Default)]
struct Ids(u64);

impl Ids {
    fn next(&mut self) -> String {
        self.0 += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.0)
    }
}

fn arn(resource: &str) -> String {
    format!("arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-000000000001{resource}")
}

/// Agent events carry milliseconds.
fn milliseconds(at: i64) -> String {
    instant(at, "%Y-%m-%dT%H:%M:%S.%3fZ")
}

/// Contact records carry whole seconds.
fn seconds(at: i64) -> String {
    instant(at, "%Y-%m-%dT%H:%M:%SZ")
}

fn instant(at: i64, format: &str) -> String {
    jiff::Timestamp::from_millisecond(at)
        .map_or_else(|_| String::new(), |instant| instant.strftime(format).to_string())
}

const QUEUES: [(&str, &str); 3] =
    [("q-billing", "Billing"), ("q-orders", "Orders"), ("q-returns", "Returns")];
