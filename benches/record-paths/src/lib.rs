//! Inputs of the benchmarks: events as the services send them, with hand-made records.
//!
//! `benches/` counts the instructions of the record paths for these inputs, with Callgrind.

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

/// The events of contacts that have this many events each, in the order in which they happen.
#[must_use]
pub fn contact_events(contacts: usize, events_per_contact: usize) -> Vec<Vec<u8>> {
    const INSTANCE: &str =
        "arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-000000000001";
    const TYPES: [&str; 5] = ["INITIATED", "QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED", "COMPLETED"];
    let event = |number: usize, contact: usize| {
        // More events than types are updates before the end.
        let ends = TYPES.len() - 2;
        let place = match events_per_contact - number {
            left @ 1..=2 => TYPES.len() - left,
            _ if number < ends => number,
            _ => TYPES.len(),
        };
        let mut detail = json!({
            "eventType": TYPES.get(place).unwrap_or(&"CONTACT_DATA_UPDATED"), "instanceArn": INSTANCE,
            "contactId": format!("00000000-0000-4000-8000-{contact:012}"),
            "initialContactId": "00000000-0000-4000-8000-000000000001", "channel": "VOICE",
            "initiationMethod": "INBOUND", "initiationTimestamp": "2026-03-02T08:00:00.120Z",
            "connectedToSystemTimestamp": "2026-03-02T08:00:01.010Z", "tags": {"aws:connect:instanceId": "i"},
            "segmentAttributes": {"connect:Subtype": {"valueString": "connect:Telephony"}},
        });
        if place > 0 {
            detail["queueInfo"] = json!({
                "queueArn": format!("{INSTANCE}/queue/40000000-0000-4000-8000-000000000001"),
                "queueType": "STANDARD", "enqueueTimestamp": "2026-03-02T08:00:06.480Z",
            });
        }
        if place > 1 {
            detail["agentInfo"] = json!({
                "agentArn": format!("{INSTANCE}/agent/20000000-0000-4000-8000-000000000001"),
                "connectedToAgentTimestamp": "2026-03-02T08:00:41.300Z", "hierarchyGroups": {},
            });
        }
        if place > 2 {
            detail["disconnectTimestamp"] = json!("2026-03-02T08:05:00.000Z");
        }
        let (minute, second) = (number / 60 % 60, number % 60);
        let event = json!({
            "version": "0", "id": format!("50000000-0000-4000-8{:03}-{contact:012}", number % 1000),
            "detail-type": "Amazon Connect Contact Event", "source": "aws.connect", "account": "111122223333",
            "time": format!("2026-03-02T{:02}:{minute:02}:{second:02}Z", 8 + number / 3600), "region": "eu-west-2",
            "resources": [INSTANCE], "detail": detail,
        });
        event.to_string().into_bytes()
    };
    (0..events_per_contact)
        .flat_map(|number| (0..contacts).map(move |contact| event(number, contact)))
        .collect()
}

/// An SQS event.
#[must_use]
pub fn sqs_event(bodies: &[Vec<u8>]) -> Vec<u8> {
    let message = |(index, body): (usize, &Vec<u8>)| -> Value {
        json!({
            "messageId": format!("60000000-0000-4000-8000-{index:012}"), "receiptHandle": "A".repeat(180),
            "body": String::from_utf8_lossy(body), "messageAttributes": {},
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1772438400250",
                "SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1772438400300"},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3", "eventSource": "aws:sqs", "awsRegion": "eu-west-2",
            "eventSourceARN": "arn:aws:sqs:eu-west-2:111122223333:contact-events",
        })
    };
    let messages: Vec<_> = bodies.iter().enumerate().map(message).collect();
    json!({ "Records": messages }).to_string().into_bytes()
}
