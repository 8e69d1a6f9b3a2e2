//! Kinesis event source mapping: the event it sends and the answer it expects.
//!
//! Contract: Lambda Developer Guide, "Using Lambda with Kinesis" and "Configuring partial batch response":
//! with `ReportBatchItemFailures` the lowest reported sequence number is the checkpoint, and everything from
//! it on comes again. An empty list is success; an empty or unknown identifier fails the whole batch.

use std::borrow::Cow;

use connect_streams::{Reject, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::wire::{Unit, arrival, decode_base64};

/// A batch of records of one shard, in the shard's order.
#[derive(Debug, Deserialize)]
pub struct StreamEvent {
    /// The records, each still to be decoded.
    #[serde(rename = "Records")]
    pub records: Vec<Box<RawValue>>,
}

/// One record of the batch.
#[derive(Debug)]
pub struct StreamRecord<'a> {
    /// Position in the stream; never empty.
    pub sequence_number: Cow<'a, str>,
    /// `shardId-…`, from the event id.
    pub shard_id: Cow<'a, str>,
    /// ARN of the stream.
    pub event_source_arn: Cow<'a, str>,
    /// The producer's key; Amazon Connect uses the agent's ARN.
    pub partition_key: Cow<'a, str>,
    /// When the record reached the stream; unknown if the envelope holds nothing readable.
    pub arrival: Option<Timestamp>,
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireEvent<'a> {
    #[serde(borrow, rename = "eventID", default)]
    event_id: Cow<'a, str>,
    #[serde(borrow, rename = "eventSourceARN", default)]
    event_source_arn: Cow<'a, str>,
    #[serde(borrow)]
    kinesis: WireRecord<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRecord<'a> {
    #[serde(borrow)]
    sequence_number: Cow<'a, str>,
    #[serde(borrow, default)]
    partition_key: Cow<'a, str>,
    #[serde(borrow)]
    approximate_arrival_timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl<'a> StreamRecord<'a> {
    /// Decodes the envelope of one record.
    ///
    /// # Errors
    /// Without a sequence number no failure could be reported: the event is not Kinesis's.
    pub fn decode(raw: &'a RawValue) -> Result<Self, serde_json::Error> {
        let wire: WireEvent<'a> = serde_json::from_str(raw.get())?;
        if wire.kinesis.sequence_number.is_empty() {
            return Err(serde::de::Error::custom("sequenceNumber is empty"));
        }
        let shard_id = match wire.event_id {
            Cow::Borrowed(id) => Cow::Borrowed(shard_of(id)),
            Cow::Owned(id) => Cow::Owned(shard_of(&id).to_owned()),
        };
        Ok(Self {
            sequence_number: wire.kinesis.sequence_number,
            shard_id,
            event_source_arn: wire.event_source_arn,
            partition_key: wire.kinesis.partition_key,
            arrival: arrival(wire.kinesis.approximate_arrival_timestamp, Unit::Seconds),
            data: wire.kinesis.data,
        })
    }

    /// The record's own bytes.
    ///
    /// # Errors
    /// `not_base64`.
    pub fn data(&self) -> Result<Vec<u8>, Reject> {
        decode_base64(self.data)
    }

    /// The record's `data` as it came, a JSON value.
    #[must_use]
    pub fn raw_data(&self) -> Option<&'a RawValue> {
        self.data
    }
}

/// The event id is `<shard id>:<sequence number>`.
fn shard_of(event_id: &str) -> &str {
    event_id.split(':').next().unwrap_or_default()
}

/// The answer to a batch.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    batch_item_failures: Vec<ItemFailure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemFailure {
    item_identifier: String,
}

impl BatchResponse {
    /// Everything is done.
    #[must_use]
    pub fn success() -> Self {
        Self::default()
    }

    /// Everything before this record is done; from it on, send again.
    #[must_use]
    pub fn retry_from(record: &StreamRecord<'_>) -> Self {
        let item_identifier = record.sequence_number.clone().into_owned();
        Self { batch_item_failures: vec![ItemFailure { item_identifier }] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"eventID":"shardId-000000000007:4959","eventSourceARN":"arn:s","kinesis":
        {"sequenceNumber":"4959","partitionKey":"p","approximateArrivalTimestamp":1545084650.5,"data":"e30="}}"#;

    #[test]
    fn a_record_is_decoded_from_its_envelope() {
        let raw: Box<RawValue> = serde_json::from_str(RECORD).unwrap();
        let record = StreamRecord::decode(&raw).unwrap();
        assert_eq!(record.shard_id, "shardId-000000000007");
        assert_eq!(record.arrival.unwrap().epoch_milliseconds(), 1_545_084_650_500);
        assert_eq!(record.data().unwrap(), b"{}");
        let answer = serde_json::to_string(&BatchResponse::retry_from(&record)).unwrap();
        assert_eq!(answer, r#"{"batchItemFailures":[{"itemIdentifier":"4959"}]}"#);
        assert_eq!(serde_json::to_string(&BatchResponse::success()).unwrap(), r#"{"batchItemFailures":[]}"#);
    }

    #[test]
    fn an_empty_identifier_can_never_be_answered() {
        for wrong in [
            RECORD.replace(r#""sequenceNumber":"4959","#, r#""sequenceNumber":"","#),
            RECORD.replace(r#""sequenceNumber":"4959","#, ""),
        ] {
            let raw: Box<RawValue> = serde_json::from_str(&wrong).unwrap();
            assert!(StreamRecord::decode(&raw).is_err());
        }
    }
}
