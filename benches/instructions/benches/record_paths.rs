//! The instructions of the two record paths, which are the same on every run: a change that makes one slower is seen
//! at once, whatever else the machine does.
//!
//! Each limit is what was counted last, and a twentieth more. Who makes a path faster lowers it; who must make it
//! slower raises it and says why.

#![expect(clippy::unwrap_used, reason = "a benchmark has nobody to answer to")]
#![expect(missing_docs, unused_qualifications, clippy::must_use_candidate, reason = "the macros write it so")]

use std::hint::black_box;
use std::path::Path;

use agent_ledger::batch::Batch;
use agent_ledger::plan::{Plan, Rules, plan};
use connect_streams::agent_event::AgentEvent;
use connect_streams::parse;
use contact_lake::Policy;
use contact_record_normalizer::transform;
use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};
use lambda_support::firehose::TransformEvent;
use lambda_support::kinesis::StreamEvent;
use serde_json::json;

const RECORDS: usize = 100;
const NORMALIZER: u64 = 14_510_000;
const UPSERTER: u64 = 9_730_000;

fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, instructions)]));
    config
}

/// Hand-made contact records of every kind.
fn firehose_event() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/contact-records");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| !path.to_string_lossy().ends_with(".row.json"));
    paths.sort();
    let records = paths.iter().cycle().take(RECORDS).enumerate().map(|(place, path)| {
        let data = base64_simd::STANDARD.encode_to_string(std::fs::read(path).unwrap());
        json!({"recordId": format!("{place:056}"), "approximateArrivalTimestamp": 1_772_438_400_250_i64, "data": data})
    });
    json!({"records": records.collect::<Vec<_>>()}).to_string().into_bytes()
}

/// Events of as many agents, with a contact each.
fn kinesis_event() -> Vec<u8> {
    let snapshot = |name: &str, since: &str, state: &str| {
        json!({
            "AgentStatus": {"ARN": "arn:aws:connect:eu-west-2:111122223333:instance/i/agent-state/s", "Name": name,
                "StartTimestamp": since, "Type": "ROUTABLE"},
            "Configuration": {
                "FirstName": "Agent", "LastName": "Number", "Username": "agent.number",
                "RoutingProfile": {"ARN": "arn:aws:connect:eu-west-2:111122223333:instance/i/routing-profile/r",
                    "Name": "Basic", "Concurrency": [{"AvailableSlots": 1, "Channel": "VOICE", "MaximumSlots": 1}]},
            },
            "Contacts": [{"ContactId": "00000000-0000-4000-8000-000000000001", "Channel": "VOICE", "State": state,
                "InitiationMethod": "INBOUND", "StateStartTimestamp": since, "QueueTimestamp": since,
                "Queue": {"ARN": "arn:aws:connect:eu-west-2:111122223333:instance/i/queue/q", "Name": "Sales"}}],
            "NextAgentStatus": null,
        })
    };
    let record = |number: usize| {
        let event = json!({
            "AWSAccountId": "111122223333", "Version": "2017-10-01", "EventType": "STATE_CHANGE",
            "AgentARN": format!("arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-000000000001/agent/20000000-0000-4000-8000-{number:012}"),
            "EventId": format!("40000000-0000-4000-8000-{number:012}"), "EventTimestamp": "2026-03-02T08:00:00.123Z",
            "PreviousAgentSnapshot": snapshot("Available", "2026-03-02T07:00:00.000Z", "CONNECTED"),
            "CurrentAgentSnapshot": snapshot("Lunch", "2026-03-02T08:00:00.123Z", "ENDED"),
        });
        let sequence_number = format!("{number:056}");
        json!({
            "eventID": format!("shardId-000000000000:{sequence_number}"),
            "eventSourceARN": "arn:aws:kinesis:eu-west-2:111122223333:stream/agent-events",
            "kinesis": {"partitionKey": "key", "sequenceNumber": sequence_number,
                "approximateArrivalTimestamp": 1_772_438_400.25,
                "data": base64_simd::STANDARD.encode_to_string(event.to_string())},
        })
    };
    json!({"Records": (0..RECORDS).map(record).collect::<Vec<_>>()}).to_string().into_bytes()
}

// Event bytes in, response bytes out.
#[library_benchmark(config = at_most(NORMALIZER))]
#[bench::contact_records(firehose_event())]
fn normalizer(event: Vec<u8>) -> Vec<u8> {
    let event: TransformEvent = serde_json::from_slice(black_box(&event)).unwrap();
    serde_json::to_vec(&transform(event, &Policy::default()).0).unwrap()
}

// Event bytes in, writes out.
#[library_benchmark(config = at_most(UPSERTER))]
#[bench::agent_events(kinesis_event())]
fn upserter(event: Vec<u8>) -> Batch {
    let event: StreamEvent = serde_json::from_slice(black_box(&event)).unwrap();
    let rules = Rules::default();
    let planned = |data: &[u8]| -> Plan {
        let document = parse(data).unwrap();
        plan(&AgentEvent::from_object(document.as_object().unwrap()).unwrap(), &rules).unwrap()
    };
    let plans: Vec<_> =
        event.records.iter().map(|record| Some(planned(record.data.bytes().unwrap()))).collect();
    Batch::of(plans)
}

library_benchmark_group!(name = record_paths, benchmarks = [normalizer, upserter]);
main!(library_benchmark_groups = record_paths);
