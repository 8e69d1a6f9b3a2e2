//! Kinesis.
//!
//! Source: [the operations](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Operations.html) named here (Amazon
//! Kinesis Data Streams API Reference);
//! [Quotas and limits](https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html).

use std::sync::Arc;

use axum::body::Bytes;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal, batch, blob, invalid, text, unknown, with};
use super::services::Services;
use crate::kinesis::{KinesisError, Record, Shard};
use crate::now;
use lambda_io::limits::kinesis::{DEFAULT_RECORD_BYTES as RECORD_BYTES, GET_BYTES, GET_RECORDS, PUT_BYTES};

/// `GetRecords`, `Limit`.
const GET_LIMITS: std::ops::RangeInclusive<u64> = 1..=GET_RECORDS as u64;
/// `PutRecord`, `PartitionKey`.
const KEY_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=256;

/// One record of a put request.
struct Put<'r> {
    partition_key: &'r str,
    explicit_hash_key: Option<u128>,
    data: Bytes,
}

impl Services {
    pub(super) fn kinesis(&self, operation: &str, request: &Value) -> Answer {
        match operation {
            "ListStreams" => Ok(json!({"StreamNames": [self.stream.name()], "HasMoreStreams": false})),
            "DescribeStream" => self.described(request).map(|stream| json!({"StreamDescription": stream})),
            "DescribeStreamSummary" => {
                self.described(request).map(|stream| json!({"StreamDescriptionSummary": stream}))
            }
            "ListShards" => {
                self.check_stream_name(request)?;
                Ok(json!({"Shards": self.shards()}))
            }
            "PutRecord" => {
                self.check_stream_name(request)?;
                self.put(Put::read(request)?).map(|put| with(put, "EncryptionType", json!("NONE")))
            }
            "PutRecords" => self.put_all(request),
            "GetShardIterator" => self.iterator(request),
            "GetRecords" => self.records(request),
            "SplitShard" => {
                self.check_stream_name(request)?;
                let key = text(request, "NewStartingHashKey")?.parse();
                let key = key.map_err(|_| invalid("NewStartingHashKey is not a number"))?;
                self.stream.split_shard(text(request, "ShardToSplit")?, key)?;
                Ok(json!({}))
            }
            "MergeShards" => {
                self.check_stream_name(request)?;
                let (shard, neighbor) =
                    (text(request, "ShardToMerge")?, text(request, "AdjacentShardToMerge")?);
                self.stream.merge_shards(shard, neighbor)?;
                Ok(json!({}))
            }
            other => Err(unknown(other)),
        }
    }

    fn check_stream_name(&self, request: &Value) -> Result<(), Refusal> {
        let name =
            request["StreamName"].as_str().or_else(|| request["StreamARN"].as_str()?.rsplit('/').next());
        match name {
            Some(name) if name == self.stream.name() => Ok(()),
            name => Err(Refusal {
                code: "ResourceNotFoundException",
                message: format!(
                    "stream {} does not exist; the only one is {}",
                    name.unwrap_or("(no name)"),
                    self.stream.name()
                ),
            }),
        }
    }

    fn described(&self, request: &Value) -> Answer {
        self.check_stream_name(request)?;
        Ok(json!({
            "StreamName": self.stream.name(), "StreamARN": self.stream.arn(), "StreamStatus": "ACTIVE",
            "StreamModeDetails": {"StreamMode": "PROVISIONED"}, "Shards": self.shards(), "HasMoreShards": false,
            "RetentionPeriodHours": 24, "StreamCreationTimestamp": 0, "EnhancedMonitoring": [],
            "EncryptionType": "NONE", "MaxRecordSizeInKiB": RECORD_BYTES / 1024, "OpenShardCount": self.stream.shards().iter().filter(|shard| shard.is_open()).count(),
        }))
    }

    fn shards(&self) -> Vec<Value> {
        let shard = |shard: &Arc<Shard>| {
            let mut json = json!({
                "ShardId": shard.id,
                "HashKeyRange": {
                    "StartingHashKey": shard.hash_range.0.to_string(),
                    "EndingHashKey": shard.hash_range.1.to_string(),
                },
                "SequenceNumberRange": {"StartingSequenceNumber": "0"},
            });
            for (name, parent) in ["ParentShardId", "AdjacentParentShardId"].into_iter().zip(&shard.parents) {
                json[name] = json!(parent);
            }
            json
        };
        self.stream.shards().iter().map(shard).collect()
    }

    fn put(&self, put: Put<'_>) -> Answer {
        let place = self.stream.put(put.partition_key, put.explicit_hash_key, put.data)?;
        Ok(json!({"ShardId": place.shard_id, "SequenceNumber": place.sequence_number}))
    }

    /// An invalid record fails the whole request. A record that the stream refuses fails alone.
    fn put_all(&self, request: &Value) -> Answer {
        self.check_stream_name(request)?;
        let puts = batch(request)?.iter().map(Put::read).collect::<Result<Vec<_>, _>>()?;
        if puts.iter().map(Put::bytes).sum::<usize>() > PUT_BYTES {
            return Err(invalid(format!("the records exceed {PUT_BYTES} bytes in total")));
        }
        let put = |record| match self.put(record) {
            Ok(put) => put,
            Err(refusal) => json!({"ErrorCode": refusal.code, "ErrorMessage": refusal.message}),
        };
        let put: Vec<_> = puts.into_iter().map(put).collect();
        let failed = put.iter().filter(|put| put["ErrorCode"].is_string()).count();
        Ok(json!({"FailedRecordCount": failed, "Records": put, "EncryptionType": "NONE"}))
    }

    /// An iterator is the shard ID and the position in the shard, as text.
    fn iterator(&self, request: &Value) -> Answer {
        self.check_stream_name(request)?;
        let id = text(request, "ShardId")?;
        let shards = self.stream.shards();
        let shard = shards.iter().find(|shard| shard.id == id);
        let shard = shard.ok_or_else(|| KinesisError::ResourceNotFound(id.to_owned()))?;
        let records = shard.peek(0, usize::MAX);
        let place_of_number = || {
            let number = text(request, "StartingSequenceNumber")?;
            let place = records.iter().position(|record| record.sequence_number == number);
            place.ok_or_else(|| invalid("StartingSequenceNumber is not in the shard"))
        };
        let place = match text(request, "ShardIteratorType")? {
            "TRIM_HORIZON" => 0,
            "LATEST" => records.len(),
            "AT_SEQUENCE_NUMBER" => place_of_number()?,
            "AFTER_SEQUENCE_NUMBER" => place_of_number()? + 1,
            "AT_TIMESTAMP" => {
                let seconds = request["Timestamp"].as_f64();
                let seconds =
                    seconds.ok_or_else(|| invalid("Timestamp is not a number of seconds since 1970"))?;
                records.partition_point(|record| arrival_seconds(record) < seconds)
            }
            other => return Err(validation(format!("{other} is not a shard iterator type"))),
        };
        Ok(json!({"ShardIterator": format!("{id}:{place}")}))
    }

    fn records(&self, request: &Value) -> Answer {
        let iterator = text(request, "ShardIterator")?;
        let shards = self.stream.shards();
        let found = iterator.split_once(':').and_then(|(id, place)| {
            Some((shards.iter().find(|shard| shard.id == id)?, place.parse::<usize>().ok()?))
        });
        let (shard, place) = found.ok_or_else(|| invalid("ShardIterator is not valid"))?;
        let limit = match &request["Limit"] {
            Value::Null => *GET_LIMITS.end(),
            limit => limit
                .as_u64()
                .filter(|limit| GET_LIMITS.contains(limit))
                .ok_or_else(|| validation(format!("Limit is {limit}; it must be {GET_LIMITS:?}")))?,
        };
        let mut records = shard.peek(place, usize::try_from(limit).unwrap_or(usize::MAX));
        records.truncate(fitting(&records));
        let after = place + records.len();
        let next = (shard.is_open() || !records.is_empty()).then(|| format!("{}:{after}", shard.id));
        let behind = match (records.last(), shard.peek(after, 1).is_empty()) {
            (Some(last), false) => (now().as_millisecond() - last.arrival_milliseconds).max(0),
            _ => 0,
        };
        let records: Vec<_> = records.iter().map(described_record).collect();
        Ok(json!({"Records": records, "NextShardIterator": next, "MillisBehindLatest": behind}))
    }
}

impl<'r> Put<'r> {
    fn read(record: &'r Value) -> Result<Self, Refusal> {
        let (partition_key, data) = (text(record, "PartitionKey")?, blob(record, "Data")?);
        if !KEY_CHARACTERS.contains(&partition_key.chars().count()) {
            return Err(validation("PartitionKey must have 1 to 256 characters"));
        }
        if data.len() > RECORD_BYTES {
            let bytes = data.len();
            return Err(validation(format!(
                "Data has {bytes} bytes and exceeds this stream's {RECORD_BYTES}"
            )));
        }
        let explicit_hash_key = match &record["ExplicitHashKey"] {
            Value::Null => None,
            key => Some(
                key.as_str()
                    .and_then(|key| key.parse().ok())
                    .ok_or_else(|| invalid("ExplicitHashKey is not a whole number below 2^128"))?,
            ),
        };
        Ok(Self { partition_key, explicit_hash_key, data })
    }

    fn bytes(&self) -> usize {
        self.partition_key.len() + self.data.len()
    }
}

/// The number of leading records that fit in one response; at least one.
fn fitting(records: &[Record]) -> usize {
    let mut bytes = 0;
    let does_not_fit = |record: &Record| {
        bytes += record.data.len() + record.partition_key.len();
        bytes > GET_BYTES
    };
    records.iter().position(does_not_fit).map_or(records.len(), |place| place.max(1))
}

fn described_record(record: &Record) -> Value {
    json!({
        "SequenceNumber": record.sequence_number,
        "PartitionKey": record.partition_key,
        "ApproximateArrivalTimestamp": arrival_seconds(record),
        "Data": base64_simd::STANDARD.encode_to_string(&record.data),
    })
}

/// Arrival time in seconds since 1970, with milliseconds as the fraction.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
fn arrival_seconds(record: &Record) -> f64 {
    record.arrival_milliseconds as f64 / 1000.0
}

fn validation(message: impl Into<String>) -> Refusal {
    Refusal { code: "ValidationException", message: message.into() }
}
