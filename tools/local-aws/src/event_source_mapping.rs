//! The loop between a Kinesis stream and a Lambda function.
//!
//! Per shard in order, one batch at a time. With `ReportBatchItemFailures` the lowest reported sequence number
//! is the checkpoint: what is before it is done, everything from it on comes again. A batch that keeps failing
//! is written to the on-failure bucket, with its payload, and the shard moves on.
//!
//! Source: Lambda Developer Guide, "How Lambda processes records from stream and queue-based event sources",
//! "Configuring partial batch response with Kinesis Data Streams and Lambda", "Retain discarded batch records".

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use axum::body::Bytes;
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;

use crate::function::{Function, InvokeError};
use crate::kinesis::{Record, Shard, Stream};
use crate::s3::Folder;
use crate::{REGION, now};

/// Lambda's limit for the event of a synchronous invocation.
const PAYLOAD_BYTES: usize = 6 * 1024 * 1024;
/// What a record's envelope adds to its data.
const ENVELOPE_BYTES: usize = 1024;

/// How the mapping is set up.
#[derive(Debug, Clone)]
pub struct MappingSettings {
    /// Most records per invocation.
    pub batch_size: usize,
    /// How often a batch is tried again before it goes to the on-failure bucket.
    pub maximum_retry_attempts: u32,
    /// The on-failure destination.
    pub on_failure_bucket: String,
}

/// A mapping at work.
pub struct EventSourceMapping {
    id: String,
    settings: MappingSettings,
    stream: Arc<Stream>,
    function: Arc<Function>,
    folder: Folder,
    /// Records that the function is done with, or that went to the on-failure bucket.
    pub done: AtomicU64,
    /// Records that went to the on-failure bucket.
    pub failed: AtomicU64,
}

/// What an invocation means for its batch.
enum Progress {
    /// So many records, from the first on, are done; the others come again.
    Done(usize),
    /// None is done.
    Failed(InvokeError),
}

impl EventSourceMapping {
    /// Sets the mapping up.
    #[must_use]
    pub fn new(
        settings: MappingSettings,
        stream: Arc<Stream>,
        function: Arc<Function>,
        folder: Folder,
    ) -> Self {
        let id = uuid::Uuid::new_v4().to_string();
        Self { id, settings, stream, function, folder, done: AtomicU64::new(0), failed: AtomicU64::new(0) }
    }

    /// Works until the stream is closed and read to its end.
    ///
    /// # Errors
    /// When the function cannot be started at all, or the on-failure bucket not written.
    pub async fn run(self: Arc<Self>) -> anyhow::Result<()> {
        let mut shards = JoinSet::new();
        for shard in self.stream.shards() {
            let (mapping, shard) = (self.clone(), shard.clone());
            shards.spawn(async move { mapping.consume(&shard).await });
        }
        while let Some(shard) = shards.join_next().await {
            shard??;
        }
        Ok(())
    }

    async fn consume(&self, shard: &Shard) -> anyhow::Result<()> {
        let mut checkpoint = 0;
        let mut failures = 0;
        while let Some(batch) = shard.read(checkpoint, self.batch_limit()).await {
            let event = self.event(shard, &batch);
            match self.invoke(&event, &batch).await {
                Progress::Failed(InvokeError::NotStarted(error)) => return Err(error),
                Progress::Done(records) if records > 0 => {
                    checkpoint += records;
                    failures = 0;
                    self.done.fetch_add(records as u64, Ordering::Relaxed);
                    continue;
                }
                Progress::Failed(_) | Progress::Done(_) => failures += 1,
            }
            if failures > self.settings.maximum_retry_attempts {
                self.give_up(shard, &batch, &event, failures).await?;
                checkpoint += batch.len();
                failures = 0;
            } else {
                tokio::time::sleep(backoff(failures)).await;
            }
        }
        Ok(())
    }

    /// Accepts records until the batch is full by count or by size.
    fn batch_limit(&self) -> impl FnMut(&Record) -> bool {
        let (mut records, mut bytes) = (self.settings.batch_size, PAYLOAD_BYTES);
        move |record| {
            let size = record.data.len().div_ceil(3) * 4 + record.partition_key.len() + ENVELOPE_BYTES;
            let fits = records > 0 && size <= bytes;
            records = records.saturating_sub(1);
            bytes = bytes.saturating_sub(size);
            fits
        }
    }

    fn event(&self, shard: &Shard, batch: &[Record]) -> Bytes {
        let record = |record: &Record| {
            json!({
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record.partition_key,
                    "sequenceNumber": record.sequence_number,
                    "data": base64_simd::STANDARD.encode_to_string(&record.data),
                    "approximateArrivalTimestamp": seconds(record.arrival_milliseconds),
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": format!("{}:{}", shard.id, record.sequence_number),
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::111122223333:role/local",
                "awsRegion": REGION,
                "eventSourceARN": self.stream.arn(),
            })
        };
        let records: Vec<_> = batch.iter().map(record).collect();
        json!({ "Records": records }).to_string().into()
    }

    async fn invoke(&self, event: &Bytes, batch: &[Record]) -> Progress {
        match self.function.invoke(event.clone()).await {
            Ok(response) => Progress::Done(records_done(&response, batch)),
            Err(error) => Progress::Failed(error),
        }
    }

    /// Writes the batch and its payload to the on-failure bucket.
    async fn give_up(
        &self,
        shard: &Shard,
        batch: &[Record],
        event: &Bytes,
        invocations: u32,
    ) -> anyhow::Result<()> {
        let now = now();
        let arrival = |record: Option<&Record>| record.map(|record| timestamp(record.arrival_milliseconds));
        let body = json!({
            "requestContext": {
                "requestId": uuid::Uuid::new_v4().to_string(),
                "functionArn": self.function.arn(),
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": invocations,
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "version": "1.0",
            "timestamp": timestamp(now.as_millisecond()),
            "KinesisBatchInfo": {
                "shardId": shard.id,
                "startSequenceNumber": batch.first().map(|record| &record.sequence_number),
                "endSequenceNumber": batch.last().map(|record| &record.sequence_number),
                "approximateArrivalOfFirstRecord": arrival(batch.first()),
                "approximateArrivalOfLastRecord": arrival(batch.last()),
                "batchSize": batch.len(),
                "streamArn": self.stream.arn(),
            },
            "payload": String::from_utf8_lossy(event),
        });
        let key = format!(
            "aws/lambda/{}/{}/{}-{}",
            self.id,
            shard.id,
            now.strftime("%Y/%m/%d/%Y-%m-%dT%H.%M.%S"),
            uuid::Uuid::new_v4()
        );
        let put = self.folder.put(&self.settings.on_failure_bucket, &key, body.to_string().as_bytes()).await;
        put.context("the on-failure bucket cannot be written")?;
        self.failed.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.done.fetch_add(batch.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    batch_item_failures: Option<Vec<Failure>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    #[serde(default)]
    item_identifier: Option<String>,
}

/// How many records the response says are done. An empty body or list is success; an identifier that is
/// missing, empty or not of this batch fails the whole batch.
fn records_done(response: &[u8], batch: &[Record]) -> usize {
    if response.trim_ascii().is_empty() {
        return batch.len();
    }
    let failures = match serde_json::from_slice::<Option<Response>>(response) {
        Ok(response) => response.and_then(|response| response.batch_item_failures).unwrap_or_default(),
        Err(_) => return 0,
    };
    let position = |failure: &Failure| {
        let identifier = failure.item_identifier.as_deref()?;
        batch.iter().position(|record| record.sequence_number == identifier)
    };
    failures.iter().map(|failure| position(failure).unwrap_or(0)).min().unwrap_or(batch.len())
}

/// Seconds with milliseconds as their fraction, as in real events.
fn seconds(milliseconds: i64) -> serde_json::Number {
    let text = format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
    text.parse().expect("digits with a fraction are a JSON number")
}

fn timestamp(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds)
        .map_or_else(|_| String::new(), |instant| format!("{instant:.3}"))
}

fn backoff(failures: u32) -> Duration {
    Duration::from_millis(50) * 2_u32.saturating_pow(failures.min(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Vec<Record> {
        let record = |number: u32| Record {
            sequence_number: number.to_string(),
            partition_key: "p".to_owned(),
            data: Bytes::new(),
            arrival_milliseconds: 0,
        };
        (1..=4).map(record).collect()
    }

    #[test]
    fn a_response_is_read_by_the_documented_rules() {
        for (response, done) in [
            ("", 4),
            ("null", 4),
            ("{}", 4),
            (r#"{"batchItemFailures":null}"#, 4),
            (r#"{"batchItemFailures":[]}"#, 4),
            (r#"{"batchItemFailures":[{"itemIdentifier":"3"}]}"#, 2),
            (r#"{"batchItemFailures":[{"itemIdentifier":"4"},{"itemIdentifier":"2"}]}"#, 1),
            (r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, 0),
            (r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#, 0),
            (r#"{"batchItemFailures":[{"wrongKey":"3"}]}"#, 0),
            (r#"{"batchItemFailures":[{"itemIdentifier":"9"}]}"#, 0),
            ("not json", 0),
        ] {
            assert_eq!(records_done(response.as_bytes(), &batch()), done, "{response}");
        }
    }
}
