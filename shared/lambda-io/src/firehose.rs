//! Firehose data transformation: the event it sends and the response it expects.
//!
//! The stock event types fail a whole batch if one record does not fit, and parse arrival times as floats. Here, every
//! field of a record except its ID may hold any JSON, so that one bad record fails only itself.
//!
//! Contract: [Transform source data](https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html),
//! [Required parameters for data transformation](https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html)
//! (Firehose Developer Guide): every `recordId` is answered exactly once, with `Ok`, `Dropped`, or `ProcessingFailed`, in at
//! most 6 MB.

use connect_streams::Timestamp;
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::wire::{Data, TimeUnit, arrival};

/// A batch of records.
#[derive(Debug, Deserialize)]
pub struct TransformEvent {
    /// The records.
    pub records: Vec<TransformRecord>,
}

impl TransformEvent {
    /// The likely size of the response: a row is about as long as its record, and both are in base64.
    #[must_use]
    pub fn expected_response_bytes(&self) -> usize {
        const FRAME: usize = 256;
        self.records.iter().map(|record| FRAME + record.data.length() / 2 * 3).sum()
    }
}

/// One record of the batch. It can be deserialized only from JSON text in memory, which is what the runtime has.
#[derive(Debug)]
pub struct TransformRecord {
    /// The ID that the response must repeat. Without one there is nothing to answer, and the event is not from
    /// Firehose.
    pub record_id: String,
    /// When the record reached Firehose; `None` if the envelope has no readable time.
    pub arrival: Option<Timestamp>,
    /// What the producer sent.
    pub data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRecord<'a> {
    record_id: String,
    #[serde(borrow)]
    approximate_arrival_timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for TransformRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = WireRecord::deserialize(deserializer)?;
        Ok(Self {
            record_id: wire.record_id,
            arrival: arrival(wire.approximate_arrival_timestamp, TimeUnit::Milliseconds),
            data: Data::decode(wire.data),
        })
    }
}

/// The response to a batch, as JSON.
#[derive(Debug)]
pub struct TransformResponse(String);

/// The name by which `serde_json` knows a value that is JSON already. It is the name that `RawValue` uses, which would check the
/// whole response once more: 5 % of the function's instructions. Tests compare what is written, so a version of `serde_json` with
/// another name would be noticed.
const WRITTEN_AS_IT_IS: &str = "$serde_json::private::RawValue";

impl Serialize for TransformResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut json = serializer.serialize_struct(WRITTEN_AS_IT_IS, 1)?;
        json.serialize_field(WRITTEN_AS_IT_IS, &self.0)?;
        json.end()
    }
}

/// The answers to an event's records, in order.
///
/// They are written as they are made, so that a row goes from its own bytes into the response and is freed. A list of
/// rows would take the size of the batch again. And base64 is appended directly: a serializer would search it for
/// characters to escape.
#[derive(Debug)]
pub struct Answers {
    /// The response without its end.
    json: String,
}

/// The beginning of the response, and its end.
const ENDS: [&str; 2] = ["{\"records\":[", "]}"];

impl Answers {
    /// No answers yet, with room for a response of this many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut json = String::with_capacity(bytes);
        json.push_str(ENDS[0]);
        Self { json }
    }

    /// Delivers `data` under these partition keys.
    pub fn ok(&mut self, record_id: &str, data: &[u8], partition_keys: &[(&str, &str)]) {
        self.open(record_id, "Ok");
        self.json.push_str(",\"data\":\"");
        base64_simd::STANDARD.encode_append(data, &mut self.json);
        self.json.push_str("\",\"metadata\":{\"partitionKeys\":{");
        for (index, (key, value)) in partition_keys.iter().enumerate() {
            self.json.push_str(if index == 0 { "" } else { "," });
            self.text(key);
            self.json.push(':');
            self.text(value);
        }
        self.json.push_str("}}}");
    }

    /// Drops the record on purpose: a known kind that belongs elsewhere.
    pub fn dropped(&mut self, record_id: &str) {
        self.open(record_id, "Dropped");
        self.json.push('}');
    }

    /// Keeps the original bytes under the error prefix.
    pub fn processing_failed(&mut self, record_id: &str) {
        self.open(record_id, "ProcessingFailed");
        self.json.push('}');
    }

    /// The response.
    #[must_use]
    pub fn into_response(mut self) -> TransformResponse {
        self.json.push_str(ENDS[1]);
        TransformResponse(self.json)
    }

    /// The size of the response with the answers so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.json.len() + ENDS[1].len()
    }

    /// The size of the answer that this record failed.
    #[must_use]
    pub fn failure_bytes(record_id: &str) -> usize {
        r#",{"recordId":"","result":"ProcessingFailed"}"#.len() + record_id.len()
    }

    /// Removes the answers added since the response had this size.
    pub fn truncate(&mut self, bytes: usize) {
        self.json.truncate(bytes - ENDS[1].len());
    }

    fn open(&mut self, record_id: &str, result: &str) {
        let is_first = self.json.len() == ENDS[0].len();
        self.json.push_str(if is_first { "{\"recordId\":" } else { ",{\"recordId\":" });
        self.text(record_id);
        self.json.push_str(",\"result\":\"");
        self.json.push_str(result);
        self.json.push('"');
    }

    /// Text from outside may need escapes.
    fn text(&mut self, text: &str) {
        let json = serde_json::to_string(text).expect("text can be written as JSON");
        self.json.push_str(&json);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_response_has_exactly_the_fields_of_the_contract() {
        let mut answers = Answers::with_capacity(0);
        answers.ok("a", b"{}\n", &[("contact_date", "2026-03-02"), ("second", "\"")]);
        answers.dropped("b");
        let two = answers.bytes();
        answers.processing_failed("c");
        assert_eq!(answers.bytes(), two + Answers::failure_bytes("c"));
        let bytes = answers.bytes();
        let json = serde_json::to_string(&answers.into_response()).unwrap();
        assert_eq!(
            json,
            r#"{"records":[{"recordId":"a","result":"Ok","data":"e30K","metadata":{"partitionKeys":{"contact_date":"2026-03-02","second":"\""}}},{"recordId":"b","result":"Dropped"},{"recordId":"c","result":"ProcessingFailed"}]}"#
        );
        assert_eq!(json.len(), bytes);
    }

    #[test]
    fn an_answer_can_be_removed() {
        let mut answers = Answers::with_capacity(0);
        let none = answers.bytes();
        answers.ok("a", b"{}\n", &[]);
        answers.truncate(none);
        assert_eq!(answers.bytes(), none);
        assert_eq!(serde_json::to_string(&answers.into_response()).unwrap(), r#"{"records":[]}"#);
    }

    #[test]
    fn an_unreadable_field_is_unknown_and_the_record_stays() {
        let json = r#"{"recordId":"r","approximateArrivalTimestamp":{},"data":17,"kinesisRecordMetadata":{"subsequenceNumber":""}}"#;
        let record: TransformRecord = serde_json::from_str(json).unwrap();
        assert_eq!((record.record_id.as_ref(), record.arrival), ("r", None));
        assert_eq!(record.data.bytes().unwrap_err().code.as_str(), "not_base64");
    }

    #[test]
    fn base64_with_an_escaped_slash_is_decoded() {
        let json = r#"{"recordId":"r","data":"\/\/8="}"#;
        let record: TransformRecord = serde_json::from_str(json).unwrap();
        assert_eq!(record.data.bytes().unwrap(), [0xff, 0xff]);
        assert_eq!(record.data.to_json().unwrap().get(), r#""//8=""#);
    }
}
