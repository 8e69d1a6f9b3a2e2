//! Reads dead letters, in every form the pipeline keeps them, as records that can be sent again.
//!
//! | object | prefix | each JSON object is |
//! |---|---|---|
//! | Firehose failure | `errors/` | a record, with its bytes and arrival time |
//! | discarded batch | `aws/lambda/` | a batch, with the whole event as text or as an object |
//! | rejected records | `rejected/agent-events/` | a record, with its position in the stream |
//! | rejected events | `rejected/contact-events/` | an event, with the ID of its message |
//!
//! The form of a JSON object is recognized by its fields, not by the key, so that a copy in another location can be read,
//! too. JSON objects are concatenated, with or without line feeds between them, and may be compressed with GZIP.
//!
//! Sources: Firehose Developer Guide,
//! [Handle failure in data transformation](https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html),
//! [Handling errors for data format conversion](https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-error-handling.html),
//! [Troubleshoot dynamic partitioning errors](https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-error-handling.html).
//! The pages disagree on the names of the error fields, and the service writes numbers where they show text. Lambda Developer
//! Guide, [Retain discarded batch records](https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html).
//! The payload is escaped JSON there, and an object in other implementations.

use std::borrow::Cow;

use connect_streams::Timestamp;
use lambda_io::{Data, TimeUnit, arrival};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A record that failed.
#[derive(Debug, Clone)]
pub struct FailedRecord {
    /// The data to send again.
    pub payload: Payload,
    /// Why it failed, as the service or function that kept it says.
    pub reason: String,
    /// When it arrived, if known.
    pub arrival: Option<Timestamp>,
}

/// The data to send again, by destination.
#[derive(Debug, Clone)]
pub enum Payload {
    /// For the Firehose of contact records: a raw contact record, or a row that was not delivered.
    ContactRecord(Vec<u8>),
    /// For agent-event-upserter: a record of its event, with its original position in the stream.
    AgentEvent(Box<RawValue>),
    /// For contact-event-upserter: the event in its envelope.
    ContactEvent(Vec<u8>),
}

/// Why a part of an object cannot be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The end of the object is missing, or it is not JSON at all.
    #[error("not JSON from here on")]
    NotJson,
    /// JSON of another form.
    #[error("JSON of an unknown form")]
    UnknownForm,
    /// Firehose's copy of the record is not base64.
    #[error("its bytes are not base64")]
    NotBase64,
    /// The batch was discarded without its records.
    #[error("a discarded batch without its records; read them from the stream while it still has them")]
    NoPayload,
    /// The batch is not from a Kinesis stream.
    #[error("a discarded batch that is not from a Kinesis stream")]
    NotKinesis,
}

/// The records of an object, in order.
#[must_use]
pub fn read(object: &[u8]) -> Vec<Result<FailedRecord, Unreadable>> {
    let mut records = Vec::new();
    for value in serde_json::Deserializer::from_slice(object).into_iter::<&RawValue>() {
        let Ok(value) = value else {
            records.push(Err(Unreadable::NotJson));
            break;
        };
        read_value(value, &mut records);
    }
    records
}

#[derive(Deserialize)]
struct Form<'a> {
    #[serde(borrow, rename = "rawData")]
    raw_data: Option<&'a RawValue>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(borrow, rename = "KinesisBatchInfo")]
    kinesis_batch_info: Option<&'a RawValue>,
    #[serde(borrow, rename = "requestContext")]
    request_context: Option<&'a RawValue>,
    #[serde(borrow)]
    sequence_number: Option<&'a RawValue>,
    #[serde(borrow)]
    message_id: Option<&'a RawValue>,
    #[serde(borrow)]
    reason: Option<&'a RawValue>,
}

fn read_value(value: &RawValue, records: &mut Vec<Result<FailedRecord, Unreadable>>) {
    let form = serde_json::from_str::<Form<'_>>(value.get());
    match form {
        Ok(Form { raw_data: Some(data), .. }) => records.push(firehose_failure(value, data)),
        Ok(Form { kinesis_batch_info: Some(_), payload, request_context, .. }) => {
            match discarded_batch(payload, request_context) {
                Ok(batch) => records.extend(batch),
                Err(unreadable) => records.push(Err(unreadable)),
            }
        }
        Ok(Form { request_context: Some(_), .. }) => records.push(Err(Unreadable::NotKinesis)),
        Ok(Form { sequence_number: Some(_), reason: Some(_), .. }) => records.push(rejected_record(value)),
        Ok(Form { message_id: Some(_), reason: Some(_), .. }) => records.push(rejected_event(value)),
        _ => records.push(Err(Unreadable::UnknownForm)),
    }
}

/// The error code under each name that the pages use.
#[derive(Default, Deserialize)]
struct FirehoseFailure<'a> {
    #[serde(borrow, rename = "arrivalTimestamp")]
    arrival_timestamp: Option<&'a RawValue>,
    #[serde(borrow, rename = "errorCode")]
    error_code: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "ErrorCode")]
    capital_error_code: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "lastErrorCode")]
    last_error_code: Option<Cow<'a, str>>,
}

fn firehose_failure(value: &RawValue, data: &RawValue) -> Result<FailedRecord, Unreadable> {
    let FirehoseFailure { arrival_timestamp, error_code, capital_error_code, last_error_code } =
        serde_json::from_str(value.get()).unwrap_or_default();
    let data = Data::decode(Some(data));
    let data = data.bytes().map_err(|_| Unreadable::NotBase64)?;
    let reason = error_code.or(capital_error_code).or(last_error_code);
    Ok(FailedRecord {
        payload: Payload::ContactRecord(data.to_owned()),
        reason: reason.map_or_else(|| "unknown".to_owned(), Cow::into_owned),
        arrival: arrival(arrival_timestamp, TimeUnit::Milliseconds),
    })
}

#[derive(Deserialize)]
struct RequestContext {
    condition: String,
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow, rename = "Records")]
    records: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct BatchRecord<'a> {
    #[serde(borrow)]
    kinesis: Metadata<'a>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, rename = "approximateArrivalTimestamp")]
    arrival: Option<&'a RawValue>,
}

fn discarded_batch(
    payload: Option<&RawValue>,
    request_context: Option<&RawValue>,
) -> Result<Vec<Result<FailedRecord, Unreadable>>, Unreadable> {
    let payload = payload.ok_or(Unreadable::NoPayload)?.get();
    let text = serde_json::from_str::<String>(payload);
    let event = text.as_deref().unwrap_or(payload);
    let batch: Batch<'_> = serde_json::from_str(event).map_err(|_| Unreadable::NoPayload)?;
    let context = request_context.and_then(|context| serde_json::from_str(context.get()).ok());
    let reason = context.map_or_else(|| "unknown".to_owned(), |context: RequestContext| context.condition);
    let record = |record: &&RawValue| {
        let parsed: BatchRecord<'_> =
            serde_json::from_str(record.get()).map_err(|_| Unreadable::NotKinesis)?;
        Ok(FailedRecord {
            payload: Payload::AgentEvent((*record).to_owned()),
            reason: reason.clone(),
            arrival: arrival(parsed.kinesis.arrival, TimeUnit::Seconds),
        })
    };
    Ok(batch.records.iter().map(record).collect())
}

/// A line written by agent-event-upserter.
#[derive(Deserialize)]
struct RejectedLine<'a> {
    reason: String,
    #[serde(default)]
    event_source_arn: String,
    #[serde(default)]
    shard_id: String,
    sequence_number: String,
    #[serde(default)]
    partition_key: String,
    #[serde(borrow)]
    arrival_timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// A line written by contact-event-upserter.
#[derive(Deserialize)]
struct RejectedEventLine<'a> {
    reason: String,
    #[serde(borrow)]
    sent_timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

fn rejected_event(value: &RawValue) -> Result<FailedRecord, Unreadable> {
    let line: RejectedEventLine<'_> =
        serde_json::from_str(value.get()).map_err(|_| Unreadable::UnknownForm)?;
    let data = Data::decode(line.data);
    let data = data.bytes().map_err(|_| Unreadable::NotBase64)?;
    Ok(FailedRecord {
        payload: Payload::ContactEvent(data.to_owned()),
        reason: line.reason,
        arrival: arrival(line.sent_timestamp, TimeUnit::Milliseconds),
    })
}

fn rejected_record(value: &RawValue) -> Result<FailedRecord, Unreadable> {
    let line: RejectedLine<'_> = serde_json::from_str(value.get()).map_err(|_| Unreadable::UnknownForm)?;
    let arrival = arrival(line.arrival_timestamp, TimeUnit::Milliseconds);
    // Seconds with a fraction, as Lambda writes them. Written as digits, because a float would lose precision.
    let seconds = arrival.map(|arrival| {
        let milliseconds = arrival.epoch_milliseconds();
        format!("{}.{:03}", milliseconds.div_euclid(1000), milliseconds.rem_euclid(1000))
    });
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let event_id = text(&format!("{}:{}", line.shard_id, line.sequence_number));
    let record = format!(
        r#"{{"kinesis":{{"kinesisSchemaVersion":"1.0","partitionKey":{},"sequenceNumber":{},"data":{},"approximateArrivalTimestamp":{}}},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":{event_id},"eventName":"aws:kinesis:record","eventSourceARN":{}}}"#,
        text(&line.partition_key),
        text(&line.sequence_number),
        line.data.map_or("null", RawValue::get),
        seconds.as_deref().unwrap_or("null"),
        text(&line.event_source_arn),
    );
    let record = RawValue::from_string(record).map_err(|_| Unreadable::UnknownForm)?;
    Ok(FailedRecord { payload: Payload::AgentEvent(record), reason: line.reason, arrival })
}

#[cfg(test)]
mod tests {

    use lambda_io::kinesis::StreamRecord;

    use super::*;

    fn described(object: &str) -> Vec<String> {
        let describe = |record: Result<FailedRecord, Unreadable>| match record {
            Err(unreadable) => unreadable.to_string(),
            Ok(FailedRecord { payload, reason, arrival }) => {
                let payload = match payload {
                    Payload::ContactRecord(data) | Payload::ContactEvent(data) => {
                        String::from_utf8_lossy(&data).into_owned()
                    }
                    Payload::AgentEvent(record) => {
                        let record: StreamRecord = serde_json::from_str(record.get()).unwrap();
                        let data = record.data.bytes().map_or("?".into(), String::from_utf8_lossy);
                        format!(
                            "{} {} {} {data}",
                            record.shard_id(),
                            record.sequence_number,
                            record.partition_key
                        )
                    }
                };
                let arrival = arrival.map_or_else(|| "?".to_owned(), |arrival| arrival.to_string());
                format!("{reason} | {arrival} | {payload}")
            }
        };
        read(object.as_bytes()).into_iter().map(describe).collect()
    }

    #[test]
    fn firehose_failures_are_read_with_numbers_or_text_and_with_either_name() {
        let number = r#"{"attemptsMade":4,"arrivalTimestamp":1772438400123,"errorCode":"Lambda.FunctionError","errorMessage":"m","attemptEndingTimestamp":1772438460123,"rawData":"e30=","lambdaArn":"arn"}"#;
        let text = r#"{"attemptsMade":"4","arrivalTimestamp":"1772438400123","errorCode":"Lambda.FunctionError","rawData":"e30=","lambdaARN":"arn"}"#;
        let converted = r#"{"arrivalTimestamp":1772438400123,"lastErrorCode":"DataFormatConversion.InvalidInput","rawData":"e30=","dataCatalogTable":{}}"#;
        let capital = r#"{"arrivalTimestamp":1772438400123,"ErrorCode":"DataFormatConversion.InvalidInput","rawData":"e30="}"#;
        let function = "Lambda.FunctionError | 2026-03-02T08:00:00.123Z | {}";
        let conversion = "DataFormatConversion.InvalidInput | 2026-03-02T08:00:00.123Z | {}";
        let expected = [function, function, conversion, conversion];
        for separator in ["", "\n", "\r\n", " "] {
            assert_eq!(
                described(&[number, text, converted, capital].join(separator)),
                expected,
                "{separator:?}"
            );
        }
        assert_eq!(described(r#"{"rawData":"e30="}"#), ["unknown | ? | {}"]);
        assert_eq!(described(r#"{"rawData":"%","errorCode":"c"}"#), ["its bytes are not base64"]);
    }

    const EVENT: &str = r#"{"Records":[{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"p","sequenceNumber":"49","data":"e30=","approximateArrivalTimestamp":1772438400.123},"eventID":"shardId-000000000001:49","eventSourceARN":"arn:s"}]}"#;

    #[test]
    fn discarded_batches_are_read_with_the_event_as_text_or_as_an_object() {
        let context = r#""requestContext":{"requestId":"r","functionArn":"f","condition":"RetryAttemptsExhausted","approximateInvokeCount":3}"#;
        let text = serde_json::Value::from(EVENT);
        let expected = ["RetryAttemptsExhausted | 2026-03-02T08:00:00.123Z | shardId-000000000001 49 p {}"];
        for payload in [text.to_string(), EVENT.to_owned()] {
            let object =
                format!(r#"{{{context},"version":"1.0","KinesisBatchInfo":{{}},"payload":{payload}}}"#);
            assert_eq!(described(&object), expected);
        }
        let without = format!(r#"{{{context},"KinesisBatchInfo":{{}}}}"#);
        assert_eq!(described(&without), [Unreadable::NoPayload.to_string()]);
        let other = format!(r#"{{{context},"DDBStreamBatchInfo":{{}},"payload":"{{}}"}}"#);
        assert_eq!(described(&other), [Unreadable::NotKinesis.to_string()]);
    }

    #[test]
    fn rejected_records_get_their_position_in_the_stream_back() {
        let line = r#"{"reason":"missing_field","path":"AgentARN","event_source_arn":"arn:s","shard_id":"shardId-000000000001","sequence_number":"49","partition_key":"p\"","arrival_timestamp":"2026-03-02T08:00:00.123Z","data":"e30="}"#;
        let described_line = described(line);
        assert_eq!(
            described_line,
            [r#"missing_field | 2026-03-02T08:00:00.123Z | shardId-000000000001 49 p" {}"#]
        );
        let Payload::AgentEvent(record) = &read(line.as_bytes()).remove(0).unwrap().payload else { panic!() };
        let record: StreamRecord = serde_json::from_str(record.get()).unwrap();
        assert_eq!(record.arrival, Timestamp::parse("2026-03-02T08:00:00.123Z"));
        assert_eq!(record.event_source_arn, "arn:s");
        // Data that is not base64 stays unchanged.
        let odd = line.replace(r#""e30=""#, r#"{"a":1}"#);
        assert_eq!(
            described(&odd),
            [r#"missing_field | 2026-03-02T08:00:00.123Z | shardId-000000000001 49 p" ?"#]
        );
    }

    #[test]
    fn unreadable_parts_are_reported_and_do_not_affect_other_records() {
        let good = r#"{"rawData":"e30="}"#;
        let object = format!("{good}{{\"a\":1}}[]\n{good}{{\"rawData\":");
        let [unknown, ok] = [Unreadable::UnknownForm.to_string(), "unknown | ? | {}".to_owned()];
        let expected = [ok.clone(), unknown.clone(), unknown, ok, Unreadable::NotJson.to_string()];
        assert_eq!(described(&object), expected);
        assert_eq!(described(""), [] as [String; 0]);
        assert_eq!(described("PAR1"), [Unreadable::NotJson.to_string()]);
    }

    #[test]
    fn a_rejected_contact_event_is_its_bytes() {
        let line = r#"{"reason":"missing_field","path":"detail.contactId","event_source_arn":"arn","message_id":"m-1","sent_timestamp":"2026-03-02T08:00:00.123Z","data":"e30="}"#;
        assert_eq!(described(line), ["missing_field | 2026-03-02T08:00:00.123Z | {}"]);
        assert_eq!(described(&line.replace("e30=", "?")), ["its bytes are not base64"]);
    }
}
