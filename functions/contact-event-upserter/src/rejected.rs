//! Rejected events, as lines of an object in S3.
//!
//! The key is derived from the lines, so a retry of the same messages overwrites its own object, and objects with
//! different lines never overwrite each other.

use aws_lambda_events::sqs::SqsMessage;
use connect_streams::{Reject, Timestamp};
use lake_files::layout::REJECTED_CONTACT_EVENTS;
use lambda_io::encode_base64;
use rejected_records::{append, plain_name};
use serde::Serialize;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

/// An object with rejected events.
#[derive(Debug)]
pub(crate) struct RejectedObject {
    pub(crate) key: String,
    pub(crate) body: Vec<u8>,
}

#[derive(Serialize)]
struct Line<'a> {
    reason: &'static str,
    path: &'a str,
    event_source_arn: Option<&'a str>,
    message_id: Option<&'a str>,
    sent_timestamp: Option<String>,
    data: Box<RawValue>,
}

/// The object with these messages; `None` if there are none.
pub(crate) fn rejected_object(rejected: &[(&SqsMessage, &Reject)], now: Timestamp) -> Option<RejectedObject> {
    let (first, _) = rejected.first()?;
    let mut body = Vec::new();
    for (message, reject) in rejected {
        let line = Line {
            reason: reject.code.as_str(),
            path: &reject.path,
            event_source_arn: message.event_source_arn.as_deref(),
            message_id: message.message_id.as_deref(),
            sent_timestamp: sent(message).map(|sent| sent.to_string()),
            data: encode_base64(message.body.as_deref().unwrap_or_default().as_bytes()),
        };
        append(&mut body, &line);
    }
    // The time at which the message was sent is the same in every delivery.
    let date = sent(first).unwrap_or(now).date().replace('-', "/");
    let name = plain_name(first.message_id.as_deref().unwrap_or_default());
    let key = format!("{REJECTED_CONTACT_EVENTS}{date}/{name}-{:016x}.jsonl", xxh3_64(&body));
    Some(RejectedObject { key, body })
}

/// When the message was sent.
/// Source: [Using Lambda with Amazon SQS](https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html), example event.
fn sent(message: &SqsMessage) -> Option<Timestamp> {
    Timestamp::from_epoch_milliseconds(message.attributes.get("SentTimestamp")?.parse().ok()?)
}
