//! Firehose data transformation: the event it sends and the answer it expects.
//!
//! The stock event types fail a whole batch for one record that does not fit and read arrival times through
//! floats. Here each record is kept as raw JSON and decoded by itself, so that one bad record costs itself.
//!
//! Contract: Amazon Data Firehose Developer Guide, "Transform source data": every `recordId` is answered
//! exactly once, with `Ok`, `Dropped` or `ProcessingFailed`, in at most 6 MB.

use std::borrow::Cow;
use std::collections::BTreeMap;

use connect_streams::{Reject, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::wire::{Unit, arrival, decode_base64};

/// A batch of records.
#[derive(Debug, Deserialize)]
pub struct TransformEvent {
    /// The records, each still to be decoded.
    pub records: Vec<Box<RawValue>>,
}

/// One record of the batch.
#[derive(Debug)]
pub struct TransformRecord<'a> {
    /// The id that the answer must repeat.
    pub record_id: Cow<'a, str>,
    /// When the record reached Firehose; unknown if the envelope holds nothing readable.
    pub arrival: Option<Timestamp>,
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRecord<'a> {
    #[serde(borrow)]
    record_id: Cow<'a, str>,
    #[serde(borrow)]
    approximate_arrival_timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl<'a> TransformRecord<'a> {
    /// Decodes the envelope of one record.
    ///
    /// # Errors
    /// Without a readable `recordId` there is nobody to answer: the event is not Firehose's.
    pub fn decode(raw: &'a RawValue) -> Result<Self, serde_json::Error> {
        let wire: WireRecord<'a> = serde_json::from_str(raw.get())?;
        Ok(Self {
            record_id: wire.record_id,
            arrival: arrival(wire.approximate_arrival_timestamp, Unit::Milliseconds),
            data: wire.data,
        })
    }

    /// The record's own bytes.
    ///
    /// # Errors
    /// `not_base64`.
    pub fn data(&self) -> Result<Vec<u8>, Reject> {
        decode_base64(self.data)
    }
}

/// The answer to a batch.
#[derive(Debug, Default, Serialize)]
pub struct TransformResponse {
    /// One per record of the event, in its order.
    pub records: Vec<TransformedRecord>,
}

/// The answer to one record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransformedRecord {
    record_id: String,
    result: TransformResult,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum TransformResult {
    Ok,
    Dropped,
    ProcessingFailed,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    partition_keys: BTreeMap<&'static str, String>,
}

impl TransformedRecord {
    /// Deliver `data` under these partition keys.
    #[must_use]
    pub fn ok(record_id: String, data: &[u8], partition_keys: BTreeMap<&'static str, String>) -> Self {
        Self {
            record_id,
            result: TransformResult::Ok,
            data: Some(base64_simd::STANDARD.encode_to_string(data)),
            metadata: Some(Metadata { partition_keys }),
        }
    }

    /// Forget the record on purpose: a known kind that belongs elsewhere.
    #[must_use]
    pub fn dropped(record_id: String) -> Self {
        Self { record_id, result: TransformResult::Dropped, data: None, metadata: None }
    }

    /// Keep the original bytes under the error prefix.
    #[must_use]
    pub fn processing_failed(record_id: String) -> Self {
        Self { record_id, result: TransformResult::ProcessingFailed, data: None, metadata: None }
    }

    /// Whether the answer is [`dropped`](Self::dropped).
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.result == TransformResult::Dropped
    }

    /// An upper bound of the bytes this answer takes in the response.
    #[must_use]
    pub fn response_bytes(&self) -> usize {
        /// `{"recordId":"","result":"ProcessingFailed","data":"","metadata":{"partitionKeys":{}}},`
        const FRAME: usize = 96;
        let keys: usize = self
            .metadata
            .iter()
            .flat_map(|metadata| &metadata.partition_keys)
            .map(|(key, value)| key.len() + value.len() + 6)
            .sum();
        FRAME + self.record_id.len() + self.data.as_ref().map_or(0, String::len) + keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_exactly_the_fields_of_the_contract() {
        let response = TransformResponse {
            records: vec![
                TransformedRecord::ok(
                    "a".into(),
                    b"{}\n",
                    BTreeMap::from([("contact_date", "2026-03-02".to_owned())]),
                ),
                TransformedRecord::dropped("b".into()),
                TransformedRecord::processing_failed("c".into()),
            ],
        };
        let json = serde_json::to_string(&response).unwrap();
        assert_eq!(
            json,
            r#"{"records":[{"recordId":"a","result":"Ok","data":"e30K","metadata":{"partitionKeys":{"contact_date":"2026-03-02"}}},{"recordId":"b","result":"Dropped"},{"recordId":"c","result":"ProcessingFailed"}]}"#
        );
        let bound: usize = response.records.iter().map(TransformedRecord::response_bytes).sum();
        assert!(json.len() <= bound + r#"{"records":[]}"#.len(), "{} > {bound}", json.len());
    }

    #[test]
    fn an_odd_field_costs_itself_and_not_the_record() {
        let json = r#"{"recordId":"r","approximateArrivalTimestamp":{},"data":17,"kinesisRecordMetadata":{"subsequenceNumber":""}}"#;
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        let record = TransformRecord::decode(&raw).unwrap();
        assert_eq!((record.record_id.as_ref(), record.arrival), ("r", None));
        assert_eq!(record.data().unwrap_err().code.as_str(), "not_base64");
    }
}
