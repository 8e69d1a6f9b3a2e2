//! Firehose data transformation: the event it sends and the answer it expects.
//!
//! The stock event types fail a whole batch for one record that does not fit and read arrival times through
//! floats. Here any JSON may stand in a record's fields but its id, so that one bad record costs itself.
//!
//! Contract: Amazon Data Firehose Developer Guide, "Transform source data": every `recordId` is answered
//! exactly once, with `Ok`, `Dropped` or `ProcessingFailed`, in at most 6 MB.

use connect_streams::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::wire::{Data, TimeUnit, arrival};

/// A batch of records.
#[derive(Debug, Deserialize)]
pub struct TransformEvent {
    /// The records.
    pub records: Vec<TransformRecord>,
}

impl TransformEvent {
    /// What the answer is likely to take: a row is about as long as its record, in base64 both.
    #[must_use]
    pub fn expected_response_bytes(&self) -> usize {
        const FRAME: usize = 256;
        self.records.iter().map(|record| FRAME + record.data.length() / 2 * 3).sum()
    }
}

/// One record of the batch. It is read from JSON text in memory, as the runtime has it.
#[derive(Debug)]
pub struct TransformRecord {
    /// The id that the answer must repeat: without one there is nobody to answer, and the event is not Firehose's.
    pub record_id: String,
    /// When the record reached Firehose; unknown if the envelope holds nothing readable.
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

/// The answer to a batch.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct TransformResponse(Box<RawValue>);

/// The answers to the records of an event, in its order.
///
/// They are written as they are made, so that a row goes from its own bytes into the response and is forgotten; a list
/// of rows would be as large as the batch once more. And base64 goes in as it is: a serializer would look for what to
/// escape in it.
#[derive(Debug)]
pub struct Answers {
    /// The response but for its end.
    json: String,
}

/// The begin of the response, and its end.
const ENDS: [&str; 2] = ["{\"records\":[", "]}"];

impl Answers {
    /// No answers yet; the response can grow to so many bytes without being moved.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut json = String::with_capacity(bytes);
        json.push_str(ENDS[0]);
        Self { json }
    }

    /// Deliver `data` under these partition keys.
    pub fn ok(&mut self, record_id: &str, data: &[u8], partition_keys: &[(&str, &str)]) {
        self.open(record_id, "Ok");
        self.json.push_str(",\"data\":\"");
        base64_simd::STANDARD.encode_append(data, &mut self.json);
        self.json.push_str("\",\"metadata\":{\"partitionKeys\":{");
        for (place, (key, value)) in partition_keys.iter().enumerate() {
            self.json.push_str(if place == 0 { "" } else { "," });
            self.text(key);
            self.json.push(':');
            self.text(value);
        }
        self.json.push_str("}}}");
    }

    /// Forget the record on purpose: a known kind that belongs elsewhere.
    pub fn dropped(&mut self, record_id: &str) {
        self.open(record_id, "Dropped");
        self.json.push('}');
    }

    /// Keep the original bytes under the error prefix.
    pub fn processing_failed(&mut self, record_id: &str) {
        self.open(record_id, "ProcessingFailed");
        self.json.push('}');
    }

    /// The response.
    ///
    /// # Panics
    /// Never: what was written is JSON.
    #[must_use]
    pub fn into_response(mut self) -> TransformResponse {
        self.json.push_str(ENDS[1]);
        TransformResponse(RawValue::from_string(self.json).expect("what was written is JSON"))
    }

    /// How many bytes the response takes with the answers so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.json.len() + ENDS[1].len()
    }

    /// How many bytes it takes to say that this record failed.
    #[must_use]
    pub fn failure_bytes(record_id: &str) -> usize {
        r#",{"recordId":"","result":"ProcessingFailed"}"#.len() + record_id.len()
    }

    /// Takes back the answers that were given since it had so many bytes.
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

    /// What comes from outside may need escapes.
    fn text(&mut self, text: &str) {
        let json = serde_json::to_string(text).expect("text is JSON");
        self.json.push_str(&json);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_exactly_the_fields_of_the_contract() {
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
    fn an_answer_can_be_taken_back() {
        let mut answers = Answers::with_capacity(0);
        let none = answers.bytes();
        answers.ok("a", b"{}\n", &[]);
        answers.truncate(none);
        assert_eq!(answers.bytes(), none);
        assert_eq!(serde_json::to_string(&answers.into_response()).unwrap(), r#"{"records":[]}"#);
    }

    #[test]
    fn an_odd_field_costs_itself_and_not_the_record() {
        let json = r#"{"recordId":"r","approximateArrivalTimestamp":{},"data":17,"kinesisRecordMetadata":{"subsequenceNumber":""}}"#;
        let record: TransformRecord = serde_json::from_str(json).unwrap();
        assert_eq!((record.record_id.as_ref(), record.arrival), ("r", None));
        assert_eq!(record.data.bytes().unwrap_err().code.as_str(), "not_base64");
    }

    #[test]
    fn an_escaped_slash_is_base64() {
        let json = r#"{"recordId":"r","data":"\/\/8="}"#;
        let record: TransformRecord = serde_json::from_str(json).unwrap();
        assert_eq!(record.data.bytes().unwrap(), [0xff, 0xff]);
        assert_eq!(record.data.to_json().unwrap().get(), r#""//8=""#);
    }
}
