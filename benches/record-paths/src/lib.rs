//! Inputs of the benchmarks: events as the services send them, with hand-made records.
//!
//! `benches/` counts the instructions of the two record paths for these inputs, with Callgrind.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a benchmark panics on errors")]

use std::path::PathBuf;

use serde_json::{Value, json};

/// Hand-made contact records of every kind.
#[must_use]
pub fn records_of_every_kind(records: usize) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/contact-records");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| !path.to_string_lossy().ends_with(".row.json"));
    paths.sort();
    let fixtures: Vec<_> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    fixtures.iter().cycle().take(records).cloned().collect()
}

/// A Firehose event.
#[must_use]
pub fn firehose_event(records: &[Vec<u8>]) -> Vec<u8> {
    let record = |(index, data): (usize, &Vec<u8>)| {
        json!({
            "recordId": format!("{index:056}"), "approximateArrivalTimestamp": 1_772_438_400_250_i64,
            "data": base64_simd::STANDARD.encode_to_string(data),
        })
    };
    let records: Vec<_> = records.iter().enumerate().map(record).collect();
    let event = json!({
        "invocationId": "i", "deliveryStreamArn": "arn:aws:firehose:eu-west-2:111122223333:deliverystream/d",
        "region": "eu-west-2", "records": records,
    });
    event.to_string().into_bytes()
}

/// A Kinesis event whose first record has the sequence number `first`.
#[must_use]
pub fn kinesis_event(records: &[Vec<u8>], first: usize) -> Vec<u8> {
    let record = |(index, data): (usize, &Vec<u8>)| -> Value {
        let number = format!("{:056}", first + index);
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0", "partitionKey": "key", "sequenceNumber": number,
                "data": base64_simd::STANDARD.encode_to_string(data),
                "approximateArrivalTimestamp": 1_772_438_400.25,
            },
            "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventID": format!("shardId-000000000000:{number}"),
            "eventName": "aws:kinesis:record", "invokeIdentityArn": "arn:aws:iam::111122223333:role/r",
            "awsRegion": "eu-west-2", "eventSourceARN": "arn:aws:kinesis:eu-west-2:111122223333:stream/agent-events",
        })
    };
    let records: Vec<_> = records.iter().enumerate().map(record).collect();
    json!({ "Records": records }).to_string().into_bytes()
}

/// Events that are each of a different agent, so that nothing can be merged. Each has a contact with the given
/// states in the previous and the current snapshot, or no contact.
#[must_use]
pub fn events_of_different_agents(events: usize, contact_states: Option<[&str; 2]>) -> Vec<Vec<u8>> {
    let contact = |state: &str, since: &str| {
        json!({
            "ContactId": "00000000-0000-4000-8000-000000000001", "Channel": "VOICE", "State": state,
            "InitiationMethod": "INBOUND", "StateStartTimestamp": since, "QueueTimestamp": since,
            "Queue": {"ARN": "arn:aws:connect:eu-west-2:111122223333:instance/i/queue/q", "Name": "Sales"},
        })
    };
    let snapshot = |name: &str, since: &str, state: Option<&str>| {
        json!({
            "AgentStatus": {"ARN": "arn:aws:connect:eu-west-2:111122223333:instance/i/agent-state/s", "Name": name,
                "StartTimestamp": since, "Type": "ROUTABLE"},
            "Configuration": {
                "FirstName": "Agent", "LastName": "Number", "Username": "agent.number",
                "RoutingProfile": {"ARN": "arn:aws:connect:eu-west-2:111122223333:instance/i/routing-profile/r",
                    "Name": "Basic", "Concurrency": [{"AvailableSlots": 1, "Channel": "VOICE", "MaximumSlots": 1}]},
            },
            "Contacts": state.map(|state| contact(state, since)).as_slice(), "NextAgentStatus": null,
        })
    };
    let [before, after] = contact_states.map_or([None; 2], |states| states.map(Some));
    let event = |number: usize| {
        let event = json!({
            "AWSAccountId": "111122223333", "Version": "2017-10-01", "EventType": "STATE_CHANGE",
            "AgentARN": format!("arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-000000000001/agent/20000000-0000-4000-8000-{number:012}"),
            "EventId": format!("40000000-0000-4000-8000-{number:012}"), "EventTimestamp": "2026-03-02T08:00:00.123Z",
            "PreviousAgentSnapshot": snapshot("Available", "2026-03-02T07:00:00.000Z", before),
            "CurrentAgentSnapshot": snapshot("Lunch", "2026-03-02T08:00:00.123Z", after),
        });
        event.to_string().into_bytes()
    };
    (0..events).map(event).collect()
}
