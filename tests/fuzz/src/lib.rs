//! Invariants for any bytes. Each function is a fuzz target (`make fuzz`). The tests run all of them over the corpus
//! and damaged copies of it.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use agent_event_upserter::{Summary, Upserter};
use agent_ledger::KnownProfiles;
use agent_ledger::memory::MemoryStore;
use agent_ledger::rules::Rules;
use aws_lambda_events::sqs::SqsEvent;
use connect_streams::{RejectCode, Timestamp};
use contact_lake::Policy;
use contact_lake::schema::{Column, Kind, columns};
use contact_record_normalizer::transform;
use futures::FutureExt;
use lake_files::decompressed;
use lake_files::failures::{Payload, read};
use lambda_io::aggregate::{is_packed, pack, unpack};
use lambda_io::firehose::TransformEvent;
use lambda_io::kinesis::StreamEvent;
use md5::{Digest, Md5};
use redrive::{Verdict, check};
use rejected_records::RejectedStore;
use serde_json::{Value, json};
use tables::StoreError;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

/// A hash key of 32 bytes, for policies that hash.
const KEY: [u8; 32] = [7; 32];

/// A target with its name.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 9] = [
    ("contact_record", contact_record),
    ("agent_event", agent_event),
    ("contact_event", contact_event),
    ("firehose_envelope", firehose_envelope),
    ("kinesis_envelope", kinesis_envelope),
    ("kpl_aggregate", kpl_aggregate),
    ("pii_policy", pii_policy),
    ("json", json),
    ("failure_object", failure_object),
];

/// A record for the normalizer: it gets one answer, always the same, and its row fits the schema.
///
/// # Panics
/// When an invariant does not hold.
pub fn contact_record(data: &[u8]) {
    let event = json!({
        "records": [{
            "recordId": "r0",
            "approximateArrivalTimestamp": 1_772_438_400_250_i64,
            "data": base64_simd::STANDARD.encode_to_string(data),
        }],
    });
    let event = event.to_string();
    let answers = answered(event.as_bytes(), &Policy::default()).expect("this is a Firehose event");
    let again = answered(event.as_bytes(), &Policy::default());
    assert_eq!(Some(&answers), again.as_ref(), "the same record gives the same answer");
    assert_eq!(answers.len(), 1);
}

/// An event for the normalizer: every record is answered with its ID, in order.
///
/// # Panics
/// When an invariant does not hold.
pub fn firehose_envelope(data: &[u8]) {
    answered(data, &Policy::default());
}

/// An object with dead letters, for redrive: every record in it can be read, and the functions accept the records
/// that pass the check.
///
/// # Panics
/// When an invariant does not hold.
pub fn failure_object(data: &[u8]) {
    let Ok(object) = decompressed(data.to_vec()) else { return };
    for record in read(&object).into_iter().flatten() {
        let passes = check(&record.payload) == Verdict::Passes;
        match record.payload {
            Payload::ContactRecord(data) if passes => {
                let event = json!({"records": [{"recordId": "r0", "data": base64_simd::STANDARD.encode_to_string(data)}]});
                let answers = answered(event.to_string().as_bytes(), &Policy::default());
                assert_ne!(answers.expect("this is a Firehose event")[0]["result"], "ProcessingFailed");
            }
            Payload::AgentEvent(record) if passes => {
                let event = format!(r#"{{"Records":[{record}]}}"#);
                serde_json::from_str::<StreamEvent>(&event).expect("the function can parse it");
            }
            Payload::ContactEvent(data) if passes => {
                assert!(std::str::from_utf8(&data).is_ok(), "a message is text");
                contact_event(&data);
            }
            Payload::ContactRecord(_) | Payload::AgentEvent(_) | Payload::ContactEvent(_) => {}
        }
    }
}

/// A policy, applied to a record: it is refused with a reason, or it can be applied.
///
/// # Panics
/// When an invariant does not hold.
pub fn pii_policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let record = br#"{"AWSAccountId":"111122223333","ContactId":"c-1","InstanceARN":"arn:i","InitiationTimestamp":"2026-03-02T08:00:00Z","LastUpdateTimestamp":"2026-03-02T08:01:00Z",
        "Attributes":{"a":"+15550100","b":7},"CustomerEndpoint":{"Address":"+15550100","Type":"TELEPHONE_NUMBER"},
        "Agent":{"Username":"u","ARN":"arn:aws:connect:eu-west-2:111122223333:instance/i/agent/a"},
        "References":[{"Name":"n","Type":"URL","Value":"v"}],"Tags":{"t":"x"},"Unknown":{"deep":["+15550100"]}}"#;
    for key in [None, Some(&KEY[..])] {
        match Policy::read(text, key) {
            Err(error) => assert!(error.to_string().len() > 10, "an error is a sentence"),
            Ok(policy) => {
                let data = base64_simd::STANDARD.encode_to_string(record);
                let event = json!({"records": [{"recordId": "r0", "data": data}]});
                let answers =
                    answered(event.to_string().as_bytes(), &policy).expect("this is a Firehose event");
                assert_eq!(answers[0]["result"], "Ok", "a policy never makes a record fail");
            }
        }
    }
}

/// Transforms an event and checks the invariants of every answer. `None` if it is not a Firehose event.
fn answered(event: &[u8], policy: &Policy) -> Option<Vec<Value>> {
    let event = serde_json::from_slice::<TransformEvent>(event).ok()?;
    let ids: Vec<_> = event.records.iter().map(|record| record.record_id.clone()).collect();
    let (response, summary) = transform(event, policy);
    let response = serde_json::to_vec(&response).expect("the response is JSON");
    assert_eq!(response.len(), summary.bytes_out, "every byte is counted");
    let response: Value = serde_json::from_slice(&response).expect("the response is JSON");
    let records = response["records"].as_array().expect("the response has records");
    assert_eq!(records.len(), ids.len());
    let dropped: usize = summary.dropped.values().sum();
    assert_eq!(
        summary.ok + dropped + summary.rejected.total(),
        records.len(),
        "every record is in one count"
    );
    for (answer, id) in records.iter().zip(&ids) {
        assert_eq!(answer["recordId"], **id);
        if answer["result"] == "Ok" {
            check_row(answer);
        }
    }
    Some(records.clone())
}

/// Checks that a row is one line of JSON with the schema's columns and types, and has a valid partition.
fn check_row(answer: &Value) {
    let data = base64_simd::STANDARD.decode_to_vec(answer["data"].as_str().expect("a row has data"));
    let line = String::from_utf8(data.expect("data is base64")).expect("a row is text");
    let row = line.strip_suffix('\n').expect("a row ends with a line break");
    assert!(!row.contains('\n'), "a row is one line");
    let row: Value = serde_json::from_str(row).expect("a row is JSON");
    let fields: BTreeMap<_, _> = columns().map(|column| (column.name, column)).collect();
    for (name, value) in row.as_object().expect("a row is an object") {
        let column = fields.get(name.as_str()).unwrap_or_else(|| panic!("{name} is not in the schema"));
        assert!(is_of(column, value), "{name} has {value}");
    }
    let partition =
        answer["metadata"]["partitionKeys"]["contact_date"].as_str().expect("a row has a partition");
    let is_date =
        partition.len() == 10 && partition.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    assert!(is_date || partition == "demo", "{partition}");
}

/// Whether a value fits the column's Glue type.
fn is_of(column: &Column, value: &Value) -> bool {
    let is_struct = |fields: &[Column], value: &Value| {
        value.as_object().is_some_and(|object| {
            object.iter().all(|(name, value)| {
                fields.iter().find(|field| field.name == name).is_some_and(|field| is_of(field, value))
            })
        })
    };
    let all = |value: &Value, is: &dyn Fn(&Value) -> bool| match value {
        Value::Array(values) => values.iter().all(is),
        Value::Object(values) => values.values().all(is),
        _ => false,
    };
    match column.kind {
        Kind::Text | Kind::Json | Kind::Timestamp => value.is_string(),
        Kind::Integer => value.is_i64(),
        Kind::Double => value.is_number(),
        Kind::Boolean => value.is_boolean(),
        Kind::TextMap | Kind::UnionMap => value.is_object() && all(value, &Value::is_string),
        Kind::TextList => value.is_array() && all(value, &Value::is_string),
        Kind::StructList(fields) | Kind::StructMap(fields) => {
            value.is_array() && all(value, &|value| is_struct(fields, value))
        }
    }
}

/// The function reads the clock, but nothing waits.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime can be built"));

#[derive(Debug, Default)]
struct Objects(Mutex<BTreeMap<String, Vec<u8>>>);

impl RejectedStore for Objects {
    async fn put(&self, key: &str, body: Vec<u8>) -> Result<(), StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), body);
        Ok(())
    }
}

impl Objects {
    fn lines(&self) -> Vec<Value> {
        let objects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = objects.values().flat_map(|body| body.split(|byte| *byte == b'\n'));
        let lines = lines.filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).expect("a line is JSON")).collect()
    }
}

fn upserter() -> Upserter<MemoryStore, Objects> {
    Upserter {
        store: MemoryStore::default(),
        rejected_store: Objects::default(),
        rules: Rules::default(),
        write_concurrency: 4,
        known_profiles: KnownProfiles::default(),
    }
}

fn handle(function: &Upserter<MemoryStore, Objects>, event: &StreamEvent) -> Summary {
    let stop_at = Instant::now() + Duration::from_mins(1);
    let _entered = RUNTIME.enter();
    let answer = function.handle(event, stop_at).now_or_never();
    let (response, summary) = answer.expect("the memory store is ready");
    let response = serde_json::to_string(&response).expect("the response is JSON");
    assert_eq!(response, r#"{"batchItemFailures":[]}"#, "only a failed write blocks the shard");
    summary
}

/// A record for the upserter: it is in one count, its bytes are kept if it is rejected, and the second time it
/// changes nothing.
///
/// # Panics
/// When an invariant does not hold.
pub fn agent_event(data: &[u8]) {
    let event = json!({
        "Records": [{
            "eventID": "shardId-000000000000:1",
            "eventSourceARN": "arn:aws:kinesis:eu-west-2:111122223333:stream/agent-events",
            "kinesis": {
                "sequenceNumber": "1", "partitionKey": "key", "approximateArrivalTimestamp": 1_772_438_400.25,
                "data": base64_simd::STANDARD.encode_to_string(data),
            },
        }],
    });
    let event: StreamEvent = serde_json::from_str(&event.to_string()).expect("this is a Kinesis event");
    let function = upserter();
    let first = handle(&function, &event);
    let counted = |summary: &Summary| {
        let Summary { applied, duplicate, stale, skipped, retried, .. } = summary;
        applied + duplicate + stale + skipped + retried + summary.rejected.total()
    };
    let lines = function.rejected_store.lines();
    assert_eq!(lines.len(), first.rejected.total());
    if !is_packed(data) {
        assert_eq!(counted(&first), 1);
        if let [line] = &lines[..] {
            assert_eq!(line["data"], base64_simd::STANDARD.encode_to_string(data), "every byte is kept");
        }
    }
    let tables = function.store.tables();
    let second = handle(&function, &event);
    assert_eq!(second.applied, 0, "a written event is not applied again");
    assert_eq!(counted(&second), counted(&first));
    assert!(function.store.tables() == tables, "a duplicate changes nothing");
    assert_eq!(function.rejected_store.lines(), lines);
}

/// A message for contact-event-upserter: it is in one count, its bytes are kept if it is rejected, the second time it
/// changes nothing, and no placeholder is taken for a time.
///
/// # Panics
/// When an invariant does not hold.
pub fn contact_event(data: &[u8]) {
    let body = String::from_utf8_lossy(data);
    let event = json!({"Records": [{"messageId": "m-1", "body": body, "attributes": {"SentTimestamp": "1772438400250"}}]});
    let event: SqsEvent = serde_json::from_value(event).expect("this is an SQS event");
    let function = contact_event_upserter::Upserter {
        store: contact_state::memory::MemoryStore::default(),
        rejected_store: Objects::default(),
        rules: contact_state::Rules::default(),
        write_concurrency: 4,
    };
    let now = Timestamp::parse("2026-03-02T09:00:00Z").expect("it is a time");
    let handle = || {
        let _entered = RUNTIME.enter();
        let answer = function.handle(&event, now, Instant::now() + Duration::from_mins(1)).now_or_never();
        let (response, summary) = answer.expect("the memory store is ready");
        assert!(response.batch_item_failures.is_empty(), "only a failed write is retried");
        summary
    };
    let counted = |summary: &contact_event_upserter::Summary| {
        let contact_event_upserter::Summary { applied, duplicate, stale, too_old, skipped, retried, .. } =
            summary;
        applied + duplicate + stale + too_old + skipped + retried + summary.rejected.total()
    };
    let first = handle();
    assert_eq!(counted(&first), 1);
    let lines = function.rejected_store.lines();
    assert_eq!(lines.len(), first.rejected.total());
    if let [line] = &lines[..] {
        assert_eq!(
            line["data"],
            base64_simd::STANDARD.encode_to_string(body.as_bytes()),
            "every byte is kept"
        );
    }
    let table = function.store.table();
    let values = table.values().flat_map(BTreeMap::values).filter_map(tables::Attribute::as_text);
    assert!(!values.clone().any(|value| value.starts_with("1970-01-01T")), "a placeholder is not a time");
    let second = handle();
    assert_eq!((second.applied, counted(&second)), (0, 1), "a written event is not applied again");
    assert!(function.store.table() == table, "a duplicate changes nothing");
    assert_eq!(function.rejected_store.lines(), lines);
}

/// An event for the upserter: it is refused as a whole, or every record is finished.
///
/// # Panics
/// When an invariant does not hold.
pub fn kinesis_envelope(data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<StreamEvent>(data) else { return };
    let function = upserter();
    let summary = handle(&function, &event);
    assert_eq!(summary.retried, 0);
    assert_eq!(function.rejected_store.lines().len(), summary.rejected.total());
}

/// An aggregate, with its own checksum and with the correct one: if it can be unpacked, packing its records again
/// gives an equal aggregate.
///
/// # Panics
/// When an invariant does not hold.
pub fn kpl_aggregate(data: &[u8]) {
    let with_checksum = [&pack(&[])[..4], data, &Md5::digest(data)[..]].concat();
    for packed in [data.to_vec(), with_checksum] {
        let Ok(parts) = unpack(packed) else { continue };
        assert!((1..=10_000).contains(&parts.len()));
        assert_eq!(unpack(pack(&parts)).as_ref(), Ok(&parts));
    }
    agent_event(data);
}

/// Our JSON reader and `serde_json` accept the same texts and read the same values. They differ on purpose: we skip
/// a byte order mark, replace lone surrogates, stop at 64 levels instead of 128, and keep the digits of a number
/// that is too large for `serde_json`.
///
/// # Panics
/// When they differ otherwise.
pub fn json(bytes: &[u8]) {
    let ours = connect_streams::parse(bytes);
    let theirs = serde_json::from_slice::<Value>(bytes);
    match (&ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            let mut written = Vec::new();
            ours.root().write_json(&mut written);
            let again: Value = serde_json::from_slice(&written).expect("our output is JSON");
            assert_eq!(again, theirs);
        }
        (Err(reject), Ok(_)) => assert_eq!(reject.code, RejectCode::TooDeep),
        (Ok(_), Err(error)) => {
            let message = error.to_string();
            let only_we_accept_it = bytes.starts_with(b"\xef\xbb\xbf")
                || message.contains("surrogate")
                || message.contains("unexpected end of hex escape")
                || message.contains("number out of range");
            assert!(only_we_accept_it, "{message}: {bytes:?}");
        }
        (Err(_), Err(_)) => {}
    }
}
