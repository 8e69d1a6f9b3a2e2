//! Counts the instructions of the record paths. The count is the same on every run, so a slower path is noticed
//! even on a busy machine.
//!
//! Each limit is the last count plus 5 %. A change that makes a path faster lowers its limit; one that makes it
//! slower raises the limit and states why.

#![expect(clippy::unwrap_used, reason = "a benchmark panics on errors")]
#![expect(
    missing_docs,
    unused_qualifications,
    clippy::must_use_candidate,
    reason = "the macros generate such code"
)]

use std::hint::black_box;

use agent_ledger::batch::Batch;
use agent_ledger::plan::{Plan, plan};
use agent_ledger::rules::Rules;
use aws_lambda_events::sqs::SqsEvent;
use connect_streams::agent_event::AgentEvent;
use connect_streams::parse;
use contact_lake::Policy;
use contact_record_normalizer::transform;
use contact_state::ContactWrite;
use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};
use lambda_io::firehose::TransformEvent;
use lambda_io::kinesis::StreamEvent;
use record_paths::{
    contact_events, events_of_different_agents, firehose_event, kinesis_event, records_of_every_kind,
    sqs_event,
};

const RECORDS: usize = 100;
// 2 million of these write and hash the records in canonical form, for `content_hash`.
const NORMALIZER: u64 = 17_200_000;
// 0.3 million of these read and hash the queues of the routing profiles, for the live board. Here, no routing profile is
// known to be stored, as after a start.
const UPSERTER: u64 = 10_400_000;
const CONTACT_EVENTS: u64 = 7_700_000;

fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, instructions)]));
    config
}

fn contact_records() -> Vec<u8> {
    firehose_event(&records_of_every_kind(RECORDS))
}

fn agent_events() -> Vec<u8> {
    kinesis_event(&events_of_different_agents(RECORDS, Some(["CONNECTED", "ENDED"])), 0)
}

// Event bytes in, response bytes out.
#[library_benchmark(config = at_most(NORMALIZER))]
#[bench::contact_records(contact_records())]
fn normalizer(event: Vec<u8>) -> Vec<u8> {
    let event: TransformEvent = serde_json::from_slice(black_box(&event)).unwrap();
    serde_json::to_vec(&transform(event, &Policy::default()).0).unwrap()
}

// Event bytes in, writes out.
#[library_benchmark(config = at_most(UPSERTER))]
#[bench::agent_events(agent_events())]
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

fn messages() -> Vec<u8> {
    sqs_event(&contact_events(RECORDS / 5, 5))
}

// Event bytes in, writes out.
#[library_benchmark(config = at_most(CONTACT_EVENTS))]
#[bench::contact_events(messages())]
fn contact_event_upserter(event: Vec<u8>) -> Vec<ContactWrite> {
    let event: SqsEvent = serde_json::from_slice(black_box(&event)).unwrap();
    let rules = contact_state::Rules::default();
    let read = |body: &String| contact_state::read(body.as_bytes(), &rules).unwrap().unwrap();
    event.records.iter().map(|message| read(message.body.as_ref().unwrap())).collect()
}

library_benchmark_group!(name = hundred_records, benchmarks = [normalizer, upserter, contact_event_upserter]);
main!(library_benchmark_groups = hundred_records);
