//! Our envelopes and responses against the types of `aws_lambda_events` (the stock types).
//!
//! The stock types must parse every response of ours, and are the referee for every envelope that they can parse.
//! They cannot parse all: one odd record fails their whole batch, so the functions do not use them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use agent_ledger::memory::MemoryStore;
use aws_lambda_events::firehose::{KinesisFirehoseEvent, KinesisFirehoseResponse};
use aws_lambda_events::kinesis::KinesisEvent;
use aws_lambda_events::streams::KinesisEventResponse;
use connect_streams::Timestamp;
use contact_lake::Policy;
use contact_record_normalizer::transform;
use lambda_io::firehose::TransformEvent;
use lambda_io::kinesis::StreamEvent;
use ledger_console::records::input::Input;
use ledger_tests::template::repository;
use ledger_tests::{far_future, transform_event, upserter};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Parses a Firehose envelope with both types. Returns whether the stock type could parse it.
fn firehose_agrees(envelope: &[u8]) -> bool {
    let Ok(stock) = serde_json::from_slice::<KinesisFirehoseEvent>(envelope) else { return false };
    // A record without an ID cannot be answered. The stock type accepts it, and ours fails the batch.
    if stock.records.iter().any(|record| record.record_id.is_none()) {
        return false;
    }
    let ours: TransformEvent = serde_json::from_slice(envelope).unwrap();
    assert_eq!(ours.records.len(), stock.records.len());
    for (ours, stock) in ours.records.iter().zip(&stock.records) {
        assert_eq!(Some(ours.record_id.as_ref()), stock.record_id.as_deref());
        // The stock type truncates a float, and so may lose a millisecond.
        let arrival = ours.arrival.unwrap().epoch_milliseconds();
        let stock_arrival = stock.approximate_arrival_timestamp.timestamp_millis();
        assert!(
            (stock_arrival..=stock_arrival + 1).contains(&arrival),
            "{arrival} instead of {stock_arrival}"
        );
        assert_eq!(ours.data.bytes().unwrap(), stock.data.0.as_slice());
    }
    true
}

/// Does the same for Kinesis.
fn kinesis_agrees(envelope: &[u8]) -> bool {
    let Ok(stock) = serde_json::from_slice::<KinesisEvent>(envelope) else { return false };
    if stock.records.iter().any(|record| record.kinesis.sequence_number.is_empty()) {
        return false;
    }
    let ours: StreamEvent = serde_json::from_slice(envelope).unwrap();
    assert_eq!(ours.records.len(), stock.records.len());
    for (ours, stock) in ours.records.iter().zip(&stock.records) {
        assert_eq!(ours.sequence_number, stock.kinesis.sequence_number);
        assert_eq!(ours.partition_key, stock.kinesis.partition_key);
        assert_eq!(ours.event_source_arn, stock.event_source_arn.clone().unwrap_or_default());
        let shard = stock.event_id.as_deref().unwrap_or_default().split(':').next().unwrap();
        assert_eq!(ours.shard_id(), shard);
        // The stock type parses the fraction of a second as a whole number: 0.25 becomes 25 milliseconds.
        let arrival = ours.arrival.unwrap().epoch_milliseconds();
        assert_eq!(arrival.div_euclid(1000), stock.kinesis.approximate_arrival_timestamp.timestamp());
        assert_eq!(ours.data.bytes().unwrap(), stock.kinesis.data.0.as_slice());
    }
    true
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.map(|file| fs::read(file).unwrap()).collect()
}

#[test]
fn an_envelope_that_the_stock_types_parse_has_the_same_content_in_ours() {
    let example = |name: &str| fs::read(repository().join("events").join(name)).unwrap();
    assert!(firehose_agrees(&example("contact-records.json")));
    assert!(kinesis_agrees(&example("agent-events.json")));
    for (target, agrees) in
        [("firehose_envelope", firehose_agrees as fn(&[u8]) -> bool), ("kinesis_envelope", kinesis_agrees)]
    {
        let read = corpus(target).iter().filter(|envelope| agrees(envelope)).count();
        assert!(read > 0, "the stock type parses nothing of the corpus of {target}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_envelope_of_a_service_has_the_same_content_in_the_stock_types_and_ours(
        records in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..200), "[ -~]{1,60}", 0_i64..4_102_444_800_000, any::<bool>()), 0..20,
        ),
    ) {
        let encoded = |data: &[u8]| base64_simd::STANDARD.encode_to_string(data);
        let firehose: Vec<_> = records.iter().map(|(data, id, at, has_metadata)| {
            let mut record = json!({"recordId": id, "approximateArrivalTimestamp": at, "data": encoded(data)});
            if *has_metadata {
                // For a record without a number, Firehose writes "", which the stock type does not parse.
                record["kinesisRecordMetadata"] = json!({
                    "shardId": "shardId-000000000000", "partitionKey": id, "approximateArrivalTimestamp": at,
                    "sequenceNumber": "49", "subsequenceNumber": 0,
                });
            }
            record
        }).collect();
        let envelope = json!({
            "invocationId": "i", "deliveryStreamArn": "arn:d", "sourceKinesisStreamArn": "arn:s",
            "region": "eu-west-2", "records": firehose,
        });
        let envelope = envelope.to_string();
        prop_assert!(firehose_agrees(envelope.as_bytes()));
        let ours: TransformEvent = serde_json::from_str(&envelope).unwrap();
        let sent: Vec<_> = records.iter().map(|(_, _, at, _)| Some(*at)).collect();
        let arrivals = |times: Vec<Option<Timestamp>>| -> Vec<_> {
            times.into_iter().map(|time| time.map(Timestamp::epoch_milliseconds)).collect()
        };
        prop_assert_eq!(&arrivals(ours.records.iter().map(|record| record.arrival).collect()), &sent);

        let kinesis: Vec<_> = records.iter().enumerate().map(|(place, (data, key, at, has_window))| {
            // Fractional seconds, as Lambda writes them.
            #[expect(clippy::cast_precision_loss, reason = "a time of this century has few digits")]
            let seconds = *at as f64 / 1000.0;
            let mut record = json!({
                "kinesis": {
                    "kinesisSchemaVersion": "1.0", "partitionKey": key, "sequenceNumber": (place + 1).to_string(),
                    "data": encoded(data), "approximateArrivalTimestamp": seconds,
                },
                "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventID": format!("shardId-000000000006:{place}"),
                "eventName": "aws:kinesis:record", "invokeIdentityArn": "arn:r", "awsRegion": "eu-west-2",
                "eventSourceARN": "arn:s",
            });
            if *has_window {
                record["kinesis"]["encryptionType"] = json!("KMS");
            }
            record
        }).collect();
        let envelope = json!({"Records": kinesis});
        let envelope = envelope.to_string();
        prop_assert!(kinesis_agrees(envelope.as_bytes()));
        let ours: StreamEvent = serde_json::from_str(&envelope).unwrap();
        prop_assert_eq!(&arrivals(ours.records.iter().map(|record| record.arrival).collect()), &sent);
    }
}

#[test]
fn every_response_to_firehose_is_parsed_by_the_stock_type() {
    let mut records = Input::demo_day().contact_records;
    records.truncate(300);
    records.push(br#"{"AgentARN":"a","EventType":"LOGIN"}"#.to_vec());
    records.extend([b"{".to_vec(), Vec::new()]);
    let (response, summary) =
        transform(transform_event(records.iter().map(Vec::as_slice)), &Policy::default());
    assert!(summary.ok > 250 && summary.dropped() > 0 && summary.failed() > 1);
    let mut answer = serde_json::to_value(&response).unwrap();
    for record in answer["records"].as_array_mut().unwrap() {
        // Firehose requires data and keys only for rows. The stock type requires them for every record.
        if record["result"] != "Ok" {
            assert_eq!(record.as_object().unwrap().len(), 2, "{record}");
            (record["data"], record["metadata"]) = (json!(""), json!({}));
        }
    }
    let stock: KinesisFirehoseResponse = serde_json::from_value(answer.clone()).unwrap();
    let mut results: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, record) in stock.records.iter().enumerate() {
        assert_eq!(record.record_id.as_deref(), answer["records"][number]["recordId"].as_str());
        let result = record.result.as_deref().unwrap();
        *results.entry(result).or_default() += 1;
        if result == "Ok" {
            let row: Value = serde_json::from_slice(&record.data.0).unwrap();
            let initiation = row["initiation_timestamp"].as_str().unwrap();
            assert_eq!(record.metadata.partition_keys["contact_date"], initiation[..10]);
        }
    }
    let expected =
        [("Dropped", summary.dropped()), ("Ok", summary.ok), ("ProcessingFailed", summary.failed())];
    assert_eq!(results, expected.into());
}

/// The response to Kinesis is the stock type. This test shows its wire format.
#[tokio::test]
async fn every_response_to_kinesis_has_the_stock_types_format() {
    let mut function = upserter(MemoryStore::default());
    let records: [&[u8]; 2] = [b"{", b"{}"];
    let event = ledger_tests::stream_event(7, records);
    let (response, _) = function.handle(&event, far_future()).await;
    assert_eq!(serde_json::to_string(&response).unwrap(), r#"{"batchItemFailures":[]}"#);
    function.rejected_store.refuses = true;
    let (response, _) = function.handle(&event, far_future()).await;
    let wire = serde_json::to_string(&response).unwrap();
    assert_eq!(wire, r#"{"batchItemFailures":[{"itemIdentifier":"7"}]}"#);
    let stock: KinesisEventResponse = serde_json::from_str(&wire).unwrap();
    assert_eq!(stock, response);
}
