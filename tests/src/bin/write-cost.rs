//! The DynamoDB requests and write units of a day of agent events, by batch size, and of contact events.
//!
//! They do not depend on the machine. The embedded DynamoDB reports the write units.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and panics on errors")]

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use agent_ledger::store::{Store, WrittenEntries, WrittenRegisters};
use agent_ledger::{HistoryEntry, RegisterWrite};
use connect_streams::Timestamp;
use contact_state::Rules;
use fastrand::Rng;
use ledger_console::records::input::Input;
use ledger_tests::contact_events::contact_of;
use ledger_tests::{dynamodb, dynamodb_client, dynamodb_store, far_future, stream_event, upserter};
use local_aws::Gate;
use local_aws::dynamodb::DynamoDb;
use local_aws::stack::create_contact_table;
use serde_json::Value;
use served_stack::CONTACT_STATE_TABLE;
use tables::Consumed;
use tables_dynamodb::contacts::DynamoDbContacts;

/// A request holds 25 entries, and few requests of a batch are not full.
const MOST_REQUESTS_PER_ENTRY: f64 = 0.06;

#[derive(Debug, Default, Clone, Copy)]
struct Bill {
    state: Consumed,
    history: Consumed,
    entries: u32,
}

impl Bill {
    fn requests_per_entry(&self) -> f64 {
        f64::from(self.history.requests) / f64::from(self.entries)
    }

    fn units_per_event(&self, events: f64) -> f64 {
        f64::from(self.state.write_units + self.history.write_units) / events
    }

    /// Four cells: requests and write units per event, and those of the state and of the history.
    fn cells(&self, events: f64) -> String {
        let per_event = |number: u32| f64::from(number) / events;
        format!(
            "{:.3} | {:.3} | {:.3} | {:.3}",
            per_event(self.state.requests + self.history.requests),
            self.units_per_event(events),
            per_event(self.state.write_units),
            per_event(self.history.write_units),
        )
    }
}

struct Billed<S>(S, Mutex<Bill>);

impl<S> Billed<S> {
    fn bill(&self, add: impl FnOnce(&mut Bill)) {
        add(&mut self.1.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl<S: Store> Store for Billed<S> {
    async fn write_registers(&self, writes: &[&RegisterWrite]) -> WrittenRegisters {
        let answer = self.0.write_registers(writes).await;
        self.bill(|bill| bill.state += answer.consumed);
        answer
    }

    async fn insert_entries(&self, entries: &[&HistoryEntry]) -> WrittenEntries {
        let answer = self.0.insert_entries(entries).await;
        self.bill(|bill| {
            bill.history += answer.consumed;
            bill.entries += u32::try_from(entries.len()).unwrap();
        });
        answer
    }
}

#[tokio::main]
async fn main() {
    let day = Input::demo_day().agent_events;
    println!("A day of {} agent events, in batches of", day.len());
    println!();
    println!(
        "| batch | times | requests/event | write units/event | state | history | history requests/entry |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (batch_size, times) in [(1, 1), (10, 1), (100, 1), (1000, 1), (1000, 2)] {
        let bill = bill(&day, batch_size, times).await;
        let events = f64::from(u32::try_from(day.len() * times).unwrap());
        let (cells, per_entry) = (bill.cells(events), bill.requests_per_entry());
        println!("| {batch_size} | {times} | {cells} | {per_entry:.3} |");
        if (batch_size, times) == (1000, 1) {
            let limit = MOST_REQUESTS_PER_ENTRY;
            assert!(bill.requests_per_entry() <= limit, "more than {limit} requests per history entry");
        }
    }
    print_by_type(&day).await;
    print_contact_events().await;
}

/// The most that a heartbeat may need, unbatched: one write, of more than one unit if the agent has several contacts.
const MOST_UNITS_PER_HEARTBEAT: f64 = 1.05;

/// Writes each event on its own, and prints what the events of each type consumed.
async fn print_by_type(day: &[Vec<u8>]) {
    println!();
    println!("By type of event, one event a batch");
    println!();
    println!("| HISTORY_EVENTS | type | events | requests/event | write units/event | state | history |");
    println!("|---|---|---|---|---|---|---|");
    for kept in ["all", "sessions", "none"] {
        let (_server, client) = dynamodb().await;
        let mut function = upserter(Billed(dynamodb_store(client), Mutex::default()));
        function.rules.retention.events = kept.parse().unwrap();
        let mut types: BTreeMap<String, (u32, Bill)> = BTreeMap::new();
        for record in day {
            let Ok(event) = serde_json::from_slice::<Value>(record) else { continue };
            let Some(kind) = event["EventType"].as_str() else { continue };
            function.handle(&stream_event(0, [record.as_slice()]), far_future()).await;
            let (events, bill) = types.entry(kind.to_owned()).or_default();
            let spent = std::mem::take(&mut *function.store.1.lock().unwrap());
            *events += 1;
            bill.state += spent.state;
            bill.history += spent.history;
        }
        for (kind, (events, bill)) in types {
            println!("| {kept} | {kind} | {events} | {} |", bill.cells(events.into()));
            let limit = MOST_UNITS_PER_HEARTBEAT;
            let units = bill.units_per_event(events.into());
            assert!(kind != "HEART_BEAT" || units <= limit, "a heartbeat costs more than {limit} units");
        }
    }
}

/// The most that the median contact event may need, unbatched.
const MOST_REQUESTS_PER_CONTACT_EVENT: f64 = 1.1;
const MOST_UNITS_PER_CONTACT_EVENT: f64 = 2.0;

/// Writes the events of contacts one at a time, in this order, and returns what each one consumed.
async fn contact_events(events: &[Value]) -> Vec<Consumed> {
    let server = DynamoDb::start(0, Gate::default()).await.unwrap();
    create_contact_table(&server).unwrap();
    let client = dynamodb_client(&server.endpoint, &server.keys);
    let store = DynamoDbContacts::new(client, CONTACT_STATE_TABLE.to_owned());
    let now = Timestamp::parse("2026-03-02T09:00:00Z").unwrap();
    let mut consumed = Vec::with_capacity(events.len());
    for event in events {
        let planned = contact_state::read(event.to_string().as_bytes(), &Rules::default()).unwrap().unwrap();
        let answer = contact_state::write(&store, &planned, now).await;
        answer.value.unwrap();
        consumed.push(answer.consumed);
    }
    consumed
}

async fn print_contact_events() {
    const CONTACTS: usize = 300;
    println!();
    println!("Contact events, one write each, without batches; median and mean");
    println!();
    println!("| events a contact | order | requests/event | write units/event |");
    println!("|---|---|---|---|");
    for count in [4, 8] {
        for order in ["as sent", "all contacts at once", "all twice", "shuffled"] {
            let contacts = (0..CONTACTS).map(|number| contact_of(count, number));
            let mut events: Vec<_> = contacts.flatten().collect();
            match order {
                "all contacts at once" => events.sort_by_key(|event| event["time"].to_string()),
                "all twice" => {
                    let again = events.clone();
                    events.extend(again);
                }
                "shuffled" => Rng::with_seed(7).shuffle(&mut events),
                _ => {}
            }
            let consumed = contact_events(&events).await;
            let of = |field: fn(&Consumed) -> u32| {
                let mut values: Vec<_> = consumed.iter().map(field).collect();
                values.sort_unstable();
                let all: u32 = values.iter().sum();
                let mean = f64::from(all) / f64::from(u32::try_from(values.len()).unwrap());
                (f64::from(values[values.len() / 2]), mean)
            };
            let (requests, units) = (of(|one| one.requests), of(|one| one.write_units));
            println!(
                "| {count} | {order} | {:.0} and {:.3} | {:.0} and {:.3} |",
                requests.0, requests.1, units.0, units.1
            );
            let limits = (MOST_REQUESTS_PER_CONTACT_EVENT, MOST_UNITS_PER_CONTACT_EVENT);
            assert!(requests.0 <= limits.0 && units.0 <= limits.1, "the median is above {limits:?}");
        }
    }
}

async fn bill(day: &[Vec<u8>], batch_size: usize, times: usize) -> Bill {
    let (_server, client) = dynamodb().await;
    let function = upserter(Billed(dynamodb_store(client), Mutex::default()));
    for _ in 0..times {
        for batch in day.chunks(batch_size) {
            let event = stream_event(0, batch.iter().map(Vec::as_slice));
            function.handle(&event, far_future()).await;
        }
    }
    *function.store.1.lock().unwrap()
}
