//! What is measured with: events as the services send them.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// So long each thing is measured.
pub(crate) const MEASURED: Duration = Duration::from_secs(3);

/// The first records of a stream of a generated centre; `make bench` has generated them.
pub(crate) fn generated(stream: &str, records: usize) -> Vec<Vec<u8>> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../target/bench/input/{stream}.jsonl"));
    let lines = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; `make bench` makes it", path.display()));
    let lines: Vec<_> = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    assert!(lines.len() >= records, "{} has {} records", path.display(), lines.len());
    lines[..records].iter().map(|line| line.to_vec()).collect()
}

/// Hand-made contact records of every kind.
pub(crate) fn records_of_every_kind(records: usize) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/contact-records");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| !path.to_string_lossy().ends_with(".row.json"));
    paths.sort();
    let fixtures: Vec<_> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    fixtures.iter().cycle().take(records).cloned().collect()
}

/// A Firehose event.
pub(crate) fn firehose_event(records: &[Vec<u8>]) -> Vec<u8> {
    let record = |(place, data): (usize, &Vec<u8>)| {
        json!({
            "recordId": format!("{place:056}"), "approximateArrivalTimestamp": 1_772_438_400_250_i64,
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

/// A Kinesis event.
pub(crate) fn kinesis_event(records: &[Vec<u8>], first: usize) -> Vec<u8> {
    let record = |(place, data): (usize, &Vec<u8>)| -> Value {
        let number = format!("{:056}", first + place);
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

/// Events of as many agents as there are events: nothing can be merged.
pub(crate) fn events_of_different_agents(events: usize) -> Vec<Vec<u8>> {
    let status = |name: &str, since: &str| {
        json!({
            "AgentStatus": {"ARN": "arn:aws:connect:eu-west-2:111122223333:instance/i/agent-state/s", "Name": name,
                "StartTimestamp": since, "Type": "ROUTABLE"},
            "Configuration": {
                "FirstName": "Agent", "LastName": "Number", "Username": "agent.number",
                "RoutingProfile": {"ARN": "arn:aws:connect:eu-west-2:111122223333:instance/i/routing-profile/r",
                    "Name": "Basic", "Concurrency": [{"AvailableSlots": 1, "Channel": "VOICE", "MaximumSlots": 1}]},
            },
            "Contacts": [], "NextAgentStatus": null,
        })
    };
    let event = |number: usize| {
        let event = json!({
            "AWSAccountId": "111122223333", "Version": "2017-10-01", "EventType": "STATE_CHANGE",
            "AgentARN": format!("arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-000000000001/agent/20000000-0000-4000-8000-{number:012}"),
            "EventId": format!("40000000-0000-4000-8000-{number:012}"), "EventTimestamp": "2026-03-02T08:00:00.123Z",
            "PreviousAgentSnapshot": status("Available", "2026-03-02T07:00:00.000Z"),
            "CurrentAgentSnapshot": status("Lunch", "2026-03-02T08:00:00.123Z"),
        });
        event.to_string().into_bytes()
    };
    (0..events).map(event).collect()
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "what is counted here is small")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}

/// The median time of one call, in seconds.
#[expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]
pub(crate) fn median_seconds<T>(mut call: impl FnMut() -> T) -> f64 {
    black_box(call());
    let mut times = Vec::new();
    let end = Instant::now() + MEASURED;
    while times.len() < 5 || Instant::now() < end {
        let begin = Instant::now();
        black_box(call());
        times.push(begin.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
