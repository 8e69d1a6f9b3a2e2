//! A Firehose stream: buffer, transform, partition, convert, deliver.
//!
//! Records arrive by direct put or from a Kinesis stream. They are buffered up to the transformation's hint and sent to
//! the function. A failed invocation is retried three times; then all its records have failed. `Ok` rows are buffered by
//! partition up to the destination's hint, converted to Parquet if the stream has a table, and delivered under the prefix.
//! Failed records are written as JSON under the error prefix, with their original bytes.
//!
//! Source: [Transform source data](https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html),
//! [Partition streaming data](https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning.html),
//! [Understand data delivery](https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html) (Amazon Data Firehose
//! Developer Guide).

pub(crate) mod archive;
mod delivery;
pub mod prefix;
mod response;
mod settings;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use lambda_io::aggregate;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use self::delivery::{Delivery, Row};
use self::response::{Failure, Transformed, answers};
pub use self::settings::{Buffer, FirehoseSettings};
use crate::function::{Invoke, InvokeError};
use crate::kinesis::{self, Shard, Stream};
use crate::now;
use crate::s3::Folder;
use served_stack::{ACCOUNT, REGION};

/// Number of times that the service retries a failed invocation.
const RETRIES: u32 = 3;
/// Maximum number of queued records. At the limit, producers wait.
const QUEUE_RECORDS: usize = 1000;
/// Timeout while nothing waits for delivery. It has no effect, so any long time will do.
const NO_ROW_WAITS: Duration = Duration::from_hours(1);

/// The number of records by outcome.
#[derive(Debug, Default)]
pub struct Counters {
    /// Rows for the lake.
    pub ok: AtomicU64,
    /// Records that the function dropped.
    pub dropped: AtomicU64,
    /// Records under the error prefix.
    pub failed: AtomicU64,
    /// Rows and failures that wait for delivery.
    pub waiting: AtomicU64,
}

impl Counters {
    /// The number of records that have an outcome.
    #[must_use]
    pub fn over(&self) -> u64 {
        [&self.ok, &self.dropped, &self.failed].iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

/// Puts records on the stream. When the last producer is dropped, the stream delivers its buffers and ends.
#[derive(Debug, Clone)]
pub struct Producer {
    records: mpsc::Sender<Record>,
    /// The ARN of the transformation function.
    pub function_arn: String,
}

impl Producer {
    /// `PutRecord`. Waits while the queue is full. Returns `false` if the stream has stopped because of an error, which its
    /// task returns. The record is not accepted then.
    pub async fn put_record(&self, data: Bytes) -> bool {
        let record = Record { data, arrival_milliseconds: now().as_millisecond(), kinesis: None };
        self.records.send(record).await.is_ok()
    }
}

#[derive(Debug, Clone)]
struct Record {
    data: Bytes,
    arrival_milliseconds: i64,
    /// Its position in the source stream.
    kinesis: Option<KinesisMetadata>,
}

#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct KinesisMetadata {
    shard_id: String,
    partition_key: String,
    approximate_arrival_timestamp: i64,
    sequence_number: String,
    subsequence_number: usize,
}

/// A running Firehose stream.
pub struct Firehose {
    /// The outcomes of the records so far.
    pub counters: Arc<Counters>,
    /// Ends when the source is closed and every record is delivered.
    pub task: JoinHandle<anyhow::Result<()>>,
}

/// Starts a stream of direct puts.
#[must_use]
pub fn start(settings: FirehoseSettings, function: Arc<dyn Invoke>, folder: Folder) -> (Producer, Firehose) {
    let (sender, queue) = mpsc::channel(QUEUE_RECORDS);
    let counters = Arc::new(Counters::default());
    let function_arn = function.arn();
    let worker = Worker::new(settings, function, folder, None, counters.clone());
    (Producer { records: sender, function_arn }, Firehose { counters, task: tokio::spawn(worker.run(queue)) })
}

/// Starts a stream whose source is a Kinesis stream.
#[must_use]
pub fn start_from(
    source: Arc<Stream>,
    settings: FirehoseSettings,
    function: Arc<dyn Invoke>,
    folder: Folder,
) -> Firehose {
    let (sender, queue) = mpsc::channel(QUEUE_RECORDS);
    let counters = Arc::new(Counters::default());
    let worker = Worker::new(settings, function, folder, Some(source.arn()), counters.clone());
    let read = async move {
        let read = |shard: Arc<Shard>| read_shard(source.clone(), shard, sender.clone());
        let result = source.read_shards(read).await;
        drop(sender);
        result
    };
    let task = tokio::spawn(async move { tokio::try_join!(read, worker.run(queue)).map(|_| ()) });
    Firehose { counters, task }
}

/// Queues a shard's records. Records that the Kinesis Producer Library packed are unpacked.
/// Source: [Understand data delivery](https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html): with a Kinesis
/// source, Firehose de-aggregates records before it does anything else with them.
async fn read_shard(
    stream: Arc<Stream>,
    shard: Arc<Shard>,
    queue: mpsc::Sender<Record>,
) -> anyhow::Result<()> {
    let mut place = 0;
    while let Some(record) = shard.read(place).await {
        place += 1;
        let arrival = record.arrival_milliseconds;
        let send = async |data: Bytes, partition_key: String, subsequence_number: usize| {
            let kinesis = Some(KinesisMetadata {
                shard_id: shard.id.clone(),
                partition_key,
                approximate_arrival_timestamp: arrival,
                sequence_number: record.sequence_number.clone(),
                subsequence_number,
            });
            let _ = queue.send(Record { data, arrival_milliseconds: arrival, kinesis }).await;
        };
        for (subsequence_number, part) in unpacked(&record).into_iter().enumerate() {
            send(part.data, part.partition_key, subsequence_number).await;
        }
        stream.trim(&shard, place);
    }
    Ok(())
}

/// The records that the Kinesis Producer Library packed into this one, or the record itself if it is not packed.
fn unpacked(record: &kinesis::Record) -> Vec<aggregate::Packed> {
    let packed = aggregate::is_packed(&record.data).then(|| aggregate::unpack(record.data.to_vec()));
    let itself =
        || aggregate::Packed { partition_key: record.partition_key.clone(), data: record.data.clone() };
    packed.and_then(Result::ok).unwrap_or_else(|| vec![itself()])
}

struct Worker {
    settings: FirehoseSettings,
    function: Arc<dyn Invoke>,
    source_arn: Option<String>,
    counters: Arc<Counters>,
    delivery: Delivery,
    invocations: u64,
}

impl Worker {
    fn new(
        settings: FirehoseSettings,
        function: Arc<dyn Invoke>,
        folder: Folder,
        source_arn: Option<String>,
        counters: Arc<Counters>,
    ) -> Self {
        let delivery = Delivery::new(settings.clone(), folder);
        Self { settings, function, source_arn, counters, delivery, invocations: 0 }
    }

    async fn run(mut self, mut queue: mpsc::Receiver<Record>) -> anyhow::Result<()> {
        loop {
            // Buffered rows are delivered after their interval, even if no record arrives.
            let due = self.delivery.due().unwrap_or_else(|| Instant::now() + NO_ROW_WAITS);
            let Ok(first) = timeout_at(due, queue.recv()).await else {
                self.deliver(Instant::now()).await?;
                continue;
            };
            let Some(first) = first else { break };
            let batch = self.fill_buffer(first, &mut queue).await;
            self.back_up(&batch).await?;
            self.transform(&batch).await?;
            self.deliver(Instant::now()).await?;
        }
        let misfits = self.delivery.deliver_all().await?;
        self.count_misfits(misfits);
        Ok(())
    }

    async fn deliver(&mut self, now: Instant) -> anyhow::Result<()> {
        let misfits = self.delivery.deliver_due(now).await?;
        self.count_misfits(misfits);
        self.counters.waiting.store(self.delivery.waiting(), Ordering::Relaxed);
        Ok(())
    }

    /// Counts rows that did not fit the table as failed. They were counted as `ok` before.
    fn count_misfits(&self, misfits: u64) {
        self.counters.ok.fetch_sub(misfits, Ordering::Relaxed);
        self.counters.failed.fetch_add(misfits, Ordering::Relaxed);
    }

    /// Receives records until the buffer is full or its interval is over.
    async fn fill_buffer(&self, first: Record, queue: &mut mpsc::Receiver<Record>) -> Vec<Record> {
        let mut bytes = first.data.len();
        let mut batch = vec![first];
        let end = Instant::now() + self.settings.transformation_buffer.interval;
        while bytes < self.settings.transformation_buffer.bytes {
            let Ok(Some(record)) = timeout_at(end, queue.recv()).await else {
                break;
            };
            bytes += record.data.len();
            batch.push(record);
        }
        batch
    }

    /// Writes the raw records, concatenated and compressed.
    /// Source: [Configure backup settings](https://docs.aws.amazon.com/firehose/latest/dev/create-configure-backup.html).
    async fn back_up(&self, batch: &[Record]) -> anyhow::Result<()> {
        let (Some(prefix), Some(first)) = (&self.settings.backup_prefix, batch.first()) else {
            return Ok(());
        };
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        for record in batch {
            gzip.write_all(&record.data).context("compression failed")?;
        }
        let body = gzip.finish().context("compression failed")?;
        let prefix = prefix.of(&BTreeMap::new(), first.arrival_milliseconds, "");
        self.delivery.write(&prefix, first.arrival_milliseconds, ".gz", &body).await
    }

    async fn transform(&mut self, batch: &[Record]) -> anyhow::Result<()> {
        self.invocations += 1;
        let event = self.event(batch);
        let mut attempts = 0;
        let response = loop {
            attempts += 1;
            match self.function.invoke(event.clone()).await {
                Err(InvokeError::NotStarted(error)) => return Err(error),
                Err(_) if attempts <= RETRIES => {}
                result => break result,
            }
        };
        let response = response.map_err(|error| Failure::from_invoke_error(&error));
        let mut answers = response.and_then(|response| answers(&response));
        for (index, record) in batch.iter().enumerate() {
            let answer = match &mut answers {
                Ok(answers) => {
                    answers.remove(&self.record_id(index)).unwrap_or(Err(Failure::MISSING_RECORD_ID))
                }
                Err(failure) => Err(*failure),
            };
            // Incremented before the record's outcome is counted, so that a reader never sees every record counted but
            // none waiting.
            self.counters.waiting.fetch_add(1, Ordering::Relaxed);
            let failure = match answer {
                Ok(Transformed::Dropped) => {
                    self.counters.dropped.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                Ok(Transformed::Row { keys, data }) => {
                    let row = Row { data, arrival: record.arrival_milliseconds };
                    self.delivery.add(keys, row).err()
                }
                Err(failure) => Some(failure),
            };
            match failure {
                None => self.counters.ok.fetch_add(1, Ordering::Relaxed),
                Some(failure) => {
                    self.delivery.fail(self.failed_line(record, failure, attempts), failure);
                    self.counters.failed.fetch_add(1, Ordering::Relaxed)
                }
            };
        }
        Ok(())
    }

    fn event(&self, batch: &[Record]) -> Bytes {
        let record = |(index, record): (usize, &Record)| {
            let mut json = json!({
                "recordId": self.record_id(index),
                "approximateArrivalTimestamp": record.arrival_milliseconds,
                "data": base64_simd::STANDARD.encode_to_string(&record.data),
            });
            if let Some(kinesis) = &record.kinesis {
                json["kinesisRecordMetadata"] = json!(kinesis);
            }
            json
        };
        let mut event = json!({
            "invocationId": uuid::Uuid::new_v4().to_string(),
            "deliveryStreamArn": format!("arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{}", self.settings.name),
            "region": REGION,
            "records": batch.iter().enumerate().map(record).collect::<Vec<_>>(),
        });
        if let Some(source) = &self.source_arn {
            event["sourceKinesisStreamArn"] = json!(source);
        }
        event.to_string().into()
    }

    /// A record ID in the service's format.
    fn record_id(&self, index: usize) -> String {
        format!("4966{:026}{index:026}000000", self.invocations)
    }

    /// The line for a failed record, with its raw data, in the documented format.
    /// Source: [Handle failure in data transformation](https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html).
    fn failed_line(&self, record: &Record, failure: Failure, attempts: u32) -> serde_json::Value {
        let mut line = json!({
            "attemptsMade": attempts,
            "arrivalTimestamp": record.arrival_milliseconds,
            "errorCode": failure.code,
            "errorMessage": failure.message,
            "attemptEndingTimestamp": now().as_millisecond(),
            "rawData": base64_simd::STANDARD.encode_to_string(&record.data),
            "lambdaArn": self.function.arn(),
        });
        if let Some(kinesis) = &record.kinesis {
            line["sequenceNumber"] = json!(kinesis.sequence_number);
            line["subSequenceNumber"] = json!(kinesis.subsequence_number);
        }
        line
    }
}

#[cfg(test)]
mod tests;
