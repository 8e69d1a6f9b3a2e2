//! contact-event-upserter: its own work, and its CPU time and throughput with a slow store.

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use connect_streams::Timestamp;
use contact_event_upserter::{Upserter, plan_batch};
use contact_state::{ContactWrite, Rules};
use record_paths::{contact_events, sqs_event};
use serde::de::IgnoredAny;
use tables_dynamodb::contacts::DynamoDbContacts;
use tokio::time::Instant;

use crate::figures::{Figures, Target};
use crate::input::{float, median_seconds};
use crate::latency::{LatencyServer, client};
use crate::upserter::NoRejections;

const PART: &str = "contact-event-upserter";
const EVENTS_PER_CONTACT: usize = 5;
/// As large as a batch of the event source mapping.
const BATCH: usize = 1000;

/// Decodes, parses, and plans.
fn plan(event: &[u8]) -> Vec<ContactWrite> {
    let event: SqsEvent = serde_json::from_slice(event).unwrap();
    plan_batch(&event, &Rules::default())
}

fn floor(event: &[u8]) {
    let event: SqsEvent = serde_json::from_slice(event).unwrap();
    for message in &event.records {
        let _: IgnoredAny = serde_json::from_str(message.body.as_ref().unwrap()).unwrap();
    }
}

pub(crate) fn measure(figures: &mut Figures) {
    let bodies = contact_events(BATCH / EVENTS_PER_CONTACT, EVENTS_PER_CONTACT);
    without_store(&bodies, figures);
    with_store(&bodies, figures);
    growth(figures);
}

fn without_store(bodies: &[Vec<u8>], figures: &mut Figures) {
    let event = sqs_event(bodies);
    assert_eq!(plan(&event).len(), bodies.len());
    let (ours, least) = (median_seconds(|| plan(&event)), median_seconds(|| floor(&event)));
    let megabytes = float(bodies.iter().map(Vec::len).sum()) / 1e6;
    figures.add(PART, "decoded, parsed, planned", megabytes / ours, "MB/s");
    figures.add(PART, "decoded, parsed, planned", ours / float(bodies.len()) * 1e6, "µs per event");
    figures.compare(PART, "time relative to the floor", ours / least, "×", Target::AtMost(1.8));
}

fn with_store(bodies: &[Vec<u8>], figures: &mut Figures) {
    // One thread: a function of this size has less than one core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let events = float(bodies.len());
    let bytes = sqs_event(bodies);
    let now = Timestamp::parse("2026-03-02T09:00:00Z").unwrap();
    for milliseconds in [2, 5, 20] {
        let server = LatencyServer::start(Duration::from_millis(milliseconds));
        let store = DynamoDbContacts::new(client(&server.endpoint), "ContactState".to_owned());
        let function =
            Upserter { store, rejected_store: NoRejections, rules: Rules::default(), write_concurrency: 64 };
        let handle = || {
            let event: SqsEvent = serde_json::from_slice(&bytes).unwrap();
            let stop_at = Instant::now() + Duration::from_mins(1);
            let (response, _) = runtime.block_on(function.handle(&event, now, stop_at));
            assert!(response.batch_item_failures.is_empty());
        };
        handle();
        server.requests();
        let before = cpu_seconds();
        handle();
        let cpu = cpu_seconds() - before;
        let requests = float(server.requests()) / events;
        let seconds = median_seconds(handle);
        figures.add(PART, format!("store of {milliseconds} ms"), events / seconds, "events/s");
        if milliseconds == 5 {
            figures.compare(PART, "requests, in order", requests, "per event", Target::AtMost(1.0));
            figures.add(PART, "CPU time with requests", cpu / events * 1e6, "µs per event");
        }
    }
}

/// The CPU time of this thread, without that of the store's.
fn cpu_seconds() -> f64 {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = times.split(' ').next().unwrap().parse::<f64>().unwrap();
    nanoseconds / 1e9
}

/// Time per event must not depend on how many contacts the events are of.
fn growth(figures: &mut Figures) {
    let nanoseconds = |contacts: usize, events: usize| {
        let event = sqs_event(&contact_events(contacts, events));
        median_seconds(|| plan(&event)) / float(event.len()) * 1e9
    };
    let (many, one) = (nanoseconds(1000, 10), nanoseconds(1, 10_000));
    let figure = "time per byte, 1,000 contacts of 10 events vs. one of 10,000";
    figures.compare(PART, figure, many / one, "×", Target::AtMost(1.3));
    let few = nanoseconds(1, 10);
    figures.compare(PART, "time per byte, 10,000 events vs. 10", many / few, "×", Target::AtMost(1.3));
}
