//! Rejected records in S3, with their bytes and the reason.
//!
//! One object per batch, one line per record. The key is derived from the records and the lines, so a retry
//! overwrites its own object, and objects with different lines never overwrite each other.

use std::borrow::Cow;
use std::fmt::Write as _;

use lake_files::layout::REJECTED;
use lambda_io::encode_base64;
use lambda_io::kinesis::StreamRecord;
use rejected_records::{append, plain_name};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use xxhash_rust::xxh3::xxh3_64;

use crate::decode::{Decoded, UserRecord};

/// The object for a batch's rejected records.
#[derive(Debug)]
pub(crate) struct RejectedObject {
    pub(crate) key: String,
    pub(crate) body: Vec<u8>,
    /// Index of the first record in the object.
    pub(crate) first_record: usize,
}

#[derive(Serialize)]
struct Line<'a> {
    reason: &'static str,
    path: &'a str,
    event_source_arn: &'a str,
    shard_id: &'a str,
    sequence_number: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subsequence_number: Option<usize>,
    partition_key: &'a str,
    arrival_timestamp: Option<String>,
    data: Option<Cow<'a, RawValue>>,
}

/// The object with the rejected records among `records`, including parts of aggregates. `None` if there are none.
pub(crate) fn rejected_object(records: &[StreamRecord], decoded: &[UserRecord]) -> Option<RejectedObject> {
    let mut body = Vec::new();
    let mut first_record = None;
    for UserRecord { index, part, decoded } in decoded {
        let (Decoded::Rejected(reject), Some(record)) = (decoded, records.get(*index)) else {
            continue;
        };
        first_record.get_or_insert(*index);
        let part = part.as_ref();
        let line = Line {
            reason: reject.code.as_str(),
            path: &reject.path,
            event_source_arn: &record.event_source_arn,
            shard_id: record.shard_id(),
            sequence_number: &record.sequence_number,
            subsequence_number: part.map(|part| part.subsequence_number),
            partition_key: part.map_or(&record.partition_key, |part| &part.packed.partition_key),
            arrival_timestamp: record.arrival.map(|arrival| arrival.to_string()),
            data: match part {
                None => record.data.to_json().map(readable),
                Some(part) => Some(Cow::Owned(encode_base64(&part.packed.data))),
            },
        };
        append(&mut body, &line);
    }
    Some(RejectedObject { key: key(records, &body)?, body, first_record: first_record? })
}

/// The envelope's `data`, unchanged. JSON that parsers refuse, such as half a surrogate pair, is wrapped in a
/// string, so that the line stays readable.
fn readable(data: Cow<'_, RawValue>) -> Cow<'_, RawValue> {
    if serde_json::from_str::<serde_json::Value>(data.get()).is_ok() {
        return data;
    }
    Cow::Owned(to_raw_value(data.get()).expect("text is JSON"))
}

/// `rejected/agent-events/<shard id>/<YYYY>/<MM>/<DD>/<first sequence number>-<last>-<hash of the lines>.jsonl`
///
/// The hash is needed because the numbers alone do not identify the lines: a redrive of some of a batch's records may
/// include its first and its last.
fn key(records: &[StreamRecord], body: &[u8]) -> Option<String> {
    let (first, last) = (records.first()?, records.last()?);
    let date = records
        .iter()
        .find_map(|record| record.arrival)
        .map_or("1970-01-01".to_owned(), connect_streams::Timestamp::date);
    let mut key = String::from(REJECTED);
    let _ = write!(
        key,
        "{}/{}/{}-{}-{:016x}.jsonl",
        plain_name(first.shard_id()),
        date.replace('-', "/"),
        plain_name(&first.sequence_number),
        plain_name(&last.sequence_number),
        xxh3_64(body),
    );
    Some(key)
}
