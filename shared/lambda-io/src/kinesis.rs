//! Kinesis event source mapping: the event it sends and the response it expects.
//!
//! Contract: [Using Lambda with Kinesis](https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html) and
//! [Configuring partial batch response](https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html)
//! (Lambda Developer Guide): with `ReportBatchItemFailures`, the lowest reported sequence number is the checkpoint, and Lambda
//! retries from there. An empty list is success. An empty or unknown identifier fails the whole batch.

use std::borrow::Cow;

use aws_lambda_events::streams::KinesisEventResponse;
use compact_str::CompactString;
use connect_streams::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::wire::{Data, TimeUnit, arrival};

/// A batch of records of one shard, in shard order.
#[derive(Debug, Deserialize)]
pub struct StreamEvent {
    /// The records.
    #[serde(rename = "Records")]
    pub records: Vec<StreamRecord>,
}

/// One record of the batch. It can be deserialized only from JSON text in memory, which is what the runtime has.
#[derive(Debug)]
pub struct StreamRecord {
    /// Position in the stream, never empty. Without one, no failure could be reported, and the event is not from
    /// Kinesis.
    pub sequence_number: String,
    /// ARN of the stream.
    pub event_source_arn: String,
    /// The producer's key; Amazon Connect uses the agent's ARN.
    pub partition_key: String,
    /// When the record reached the stream; `None` if the envelope has no readable time.
    pub arrival: Option<Timestamp>,
    /// What the producer sent.
    pub data: Data,
    /// Short enough to be stored without an allocation.
    shard_id: CompactString,
}

#[derive(Deserialize)]
struct WireEvent<'a> {
    #[serde(rename = "eventID", default, borrow)]
    event_id: Cow<'a, str>,
    #[serde(rename = "eventSourceARN", default)]
    event_source_arn: String,
    #[serde(borrow)]
    kinesis: WireRecord<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRecord<'a> {
    sequence_number: String,
    #[serde(default)]
    partition_key: String,
    #[serde(borrow)]
    approximate_arrival_timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for StreamRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let WireEvent { event_id, event_source_arn, kinesis } = WireEvent::deserialize(deserializer)?;
        if kinesis.sequence_number.is_empty() {
            return Err(D::Error::custom("sequenceNumber is empty"));
        }
        Ok(Self {
            sequence_number: kinesis.sequence_number,
            event_source_arn,
            partition_key: kinesis.partition_key,
            arrival: arrival(kinesis.approximate_arrival_timestamp, TimeUnit::Seconds),
            data: Data::decode(kinesis.data),
            // The event ID is `<shard id>:<sequence number>`.
            shard_id: event_id.split(':').next().unwrap_or_default().into(),
        })
    }
}

impl StreamRecord {
    /// `shardId-…`
    #[must_use]
    pub fn shard_id(&self) -> &str {
        &self.shard_id
    }
}

/// The response to a batch, in Amazon's own type.
pub type BatchResponse = KinesisEventResponse;

/// The response that everything before this record is done, and that Lambda must retry this record and all after it.
#[must_use]
pub fn retry_from(record: &StreamRecord) -> BatchResponse {
    let mut response = BatchResponse::default();
    response.add_failure(&record.sequence_number);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"eventID":"shardId-000000000007:4959","eventSourceARN":"arn:s","kinesis":
        {"sequenceNumber":"4959","partitionKey":"p","approximateArrivalTimestamp":1545084650.5,"data":"e30="}}"#;

    #[test]
    fn a_record_is_decoded_from_its_envelope() {
        let record: StreamRecord = serde_json::from_str(RECORD).unwrap();
        assert_eq!(record.shard_id(), "shardId-000000000007");
        assert_eq!(record.arrival.unwrap().epoch_milliseconds(), 1_545_084_650_500);
        assert_eq!(record.data.bytes().unwrap(), b"{}");
        let answer = serde_json::to_string(&retry_from(&record)).unwrap();
        assert_eq!(answer, r#"{"batchItemFailures":[{"itemIdentifier":"4959"}]}"#);
        assert_eq!(serde_json::to_string(&BatchResponse::default()).unwrap(), r#"{"batchItemFailures":[]}"#);
    }

    #[test]
    fn a_record_without_a_sequence_number_is_an_error() {
        for wrong in [
            RECORD.replace(r#""sequenceNumber":"4959","#, r#""sequenceNumber":"","#),
            RECORD.replace(r#""sequenceNumber":"4959","#, ""),
        ] {
            assert!(serde_json::from_str::<StreamRecord>(&wrong).is_err());
        }
    }
}
