//! The upserter: its own work, and its throughput with a slow store.

use std::path::Path;
use std::time::Duration;

use agent_event_upserter::{Upserter, plan_batch};
use agent_ledger::KnownProfiles;
use agent_ledger::batch::Batch;
use agent_ledger::rules::Rules;
use lambda_io::kinesis::StreamEvent;
use record_paths::{events_of_different_agents, kinesis_event};
use rejected_records::RejectedStore;
use serde::de::IgnoredAny;
use tables::StoreError;
use tables_dynamodb::agents::DynamoDbStore;
use tokio::time::Instant;

use crate::figures::{Figures, Target};
use crate::input::{float, generated, median_seconds};
use crate::latency::{LatencyServer, client};
use crate::peers;

const PART: &str = "upserter";
const BATCH: usize = 1000;

/// Panics if a record is rejected: no input here has a bad record.
pub(crate) struct NoRejections;

impl RejectedStore for NoRejections {
    async fn put(&self, key: &str, _: Vec<u8>) -> Result<(), StoreError> {
        panic!("a record is rejected: {key}");
    }
}

fn upserter(endpoint: &str) -> Upserter<DynamoDbStore, NoRejections> {
    let store = DynamoDbStore::new(client(endpoint), "AgentState".to_owned(), "AgentHistory".to_owned());
    let known_profiles = KnownProfiles::default();
    Upserter {
        store,
        rejected_store: NoRejections,
        rules: Rules::default(),
        write_concurrency: 64,
        known_profiles,
    }
}

/// Decodes, parses, plans, and merges.
fn plan(event: &[u8]) -> Batch {
    let event: StreamEvent = serde_json::from_slice(event).unwrap();
    plan_batch(&event, &Rules::default(), &KnownProfiles::default())
}

fn floor(event: &[u8]) {
    let event: StreamEvent = serde_json::from_slice(event).unwrap();
    for record in &event.records {
        let _: IgnoredAny = serde_json::from_slice(record.data.bytes().unwrap()).unwrap();
    }
}

pub(crate) fn measure(folder: &Path, figures: &mut Figures) {
    for (name, records, most) in [
        ("generated events", generated("agent-events", BATCH), 1.8),
        ("events of different agents", events_of_different_agents(BATCH, None), 2.3),
    ] {
        without_store(name, &records, Target::AtMost(most), figures);
        with_store(name, &records, folder, figures);
    }
    growth(figures);
}

fn without_store(name: &str, records: &[Vec<u8>], most: Target, figures: &mut Figures) {
    let event = kinesis_event(records, 0);
    let (ours, least) = (median_seconds(|| plan(&event)), median_seconds(|| floor(&event)));
    let megabytes = float(records.iter().map(Vec::len).sum()) / 1e6;
    let events = float(records.len());
    let target = Target::AtLeast(400.0);
    figures.compare(PART, format!("{name}: decoded, parsed, planned"), megabytes / ours, "MB/s", target);
    figures.add(PART, format!("{name}: decoded, parsed, planned"), ours / events * 1e6, "µs per event");
    figures.compare(PART, format!("{name}: time relative to the floor"), ours / least, "×", most);
}

fn with_store(name: &str, records: &[Vec<u8>], folder: &Path, figures: &mut Figures) {
    // One thread: a function of this size has less than one core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let events = float(records.len());
    let bytes = kinesis_event(records, 0);
    for milliseconds in [2, 5, 20] {
        let server = LatencyServer::start(Duration::from_millis(milliseconds));
        let function = upserter(&server.endpoint);
        let handle = || {
            let event: StreamEvent = serde_json::from_slice(&bytes).unwrap();
            let (response, _) =
                runtime.block_on(function.handle(&event, Instant::now() + Duration::from_mins(1)));
            assert_eq!(serde_json::to_string(&response).unwrap(), r#"{"batchItemFailures":[]}"#);
        };
        handle();
        server.requests();
        handle();
        let requests = float(server.requests()) / events;
        let seconds = median_seconds(handle);
        figures.add(PART, format!("{name}, store of {milliseconds} ms"), events / seconds, "events/s");
        if milliseconds == 5 {
            figures.compare(PART, format!("{name}: requests"), requests, "per event", Target::AtMost(0.2));
            let mut command = peers::python_upserter();
            command.env("AWS_ENDPOINT_URL", &server.endpoint);
            let (theirs, response) = peers::run(command, folder, &bytes);
            assert_eq!(response, br#"{"batchItemFailures": []}"#);
            let figure = format!("{name}, store of 5 ms: faster than Python, one put per record");
            figures.compare(PART, figure, theirs / seconds, "×", Target::AtLeast(25.0));
        }
    }
}

/// Time per byte must not depend on the number of events or agents.
fn growth(figures: &mut Figures) {
    let nanoseconds = |records: &[Vec<u8>]| {
        let event = kinesis_event(records, 0);
        let size = float(event.len());
        median_seconds(|| plan(&event)) / size * 1e9
    };
    let (few, many) = (
        nanoseconds(&events_of_different_agents(10, None)),
        nanoseconds(&events_of_different_agents(4000, None)),
    );
    figures.compare(PART, "time per byte, 4,000 events vs. 10", many / few, "×", Target::AtMost(1.3));
    let one_agent: Vec<_> = events_of_different_agents(1, None).into_iter().cycle().take(BATCH).collect();
    let different = nanoseconds(&events_of_different_agents(BATCH, None));
    figures.compare(
        PART,
        "time per byte, 1,000 agents vs. one",
        different / nanoseconds(&one_agent),
        "×",
        Target::AtMost(2.0),
    );
}
