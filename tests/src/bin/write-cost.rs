//! The DynamoDB requests and write units of a day of agent events, by batch size.
//!
//! They do not depend on the machine. The embedded DynamoDB reports the write units.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and panics on errors")]

use std::sync::{Mutex, PoisonError};

use agent_ledger::store::{Store, WrittenEntries, WrittenRegisters};
use agent_ledger::{HistoryEntry, RegisterWrite};
use ledger_console::records::input::Input;
use ledger_tests::{dynamodb, dynamodb_store, far_future, stream_event, upserter};
use tables::Consumed;

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
        let per_event = |number: u32| f64::from(number) / events;
        println!(
            "| {batch_size} | {times} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} |",
            per_event(bill.state.requests + bill.history.requests),
            per_event(bill.state.write_units + bill.history.write_units),
            per_event(bill.state.write_units),
            per_event(bill.history.write_units),
            bill.requests_per_entry(),
        );
        if (batch_size, times) == (1000, 1) {
            let limit = MOST_REQUESTS_PER_ENTRY;
            assert!(bill.requests_per_entry() <= limit, "more than {limit} requests per history entry");
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
