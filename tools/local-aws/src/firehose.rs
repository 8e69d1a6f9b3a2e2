//! A Firehose stream by direct put: buffer, transform, deliver.
//!
//! Records are buffered up to the transformation's hint and sent to the function. `Ok` rows are delivered under
//! the prefix with the partition key that the function gave; failed ones are written as JSON under the error
//! prefix, with their original bytes. An invocation that fails is tried three more times, and then all its
//! records have failed.
//!
//! Source: Amazon Data Firehose Developer Guide, "Transform source data in Amazon Data Firehose",
//! "Handle failure in data transformation", "Understand custom prefixes for Amazon S3 objects".

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use axum::body::Bytes;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout_at;

use crate::function::{Function, InvokeError};
use crate::s3::Folder;
use crate::{ACCOUNT, REGION, now};

/// How a Firehose stream is set up.
#[derive(Debug, Clone)]
pub struct FirehoseSettings {
    /// Its name.
    pub name: String,
    /// Destination.
    pub bucket: String,
    /// Rows go to `<prefix><partition key>=<value>/`.
    pub prefix: &'static str,
    /// The partition key that the function gives.
    pub partition_key: &'static str,
    /// Failures go to `<error prefix><error type>/<yyyy>/<MM>/<dd>/<HH>/`.
    pub error_prefix: &'static str,
    /// The transformation's buffering hint: bytes of records.
    pub buffer_bytes: usize,
    /// The transformation's buffering hint: time.
    pub buffer_interval: Duration,
}

/// What became of the records.
#[derive(Debug, Default)]
pub struct Counters {
    /// Rows for the lake.
    pub ok: AtomicU64,
    /// Records forgotten on purpose.
    pub dropped: AtomicU64,
    /// Records under the error prefix.
    pub failed: AtomicU64,
}

impl Counters {
    /// Records that have an outcome.
    #[must_use]
    pub fn done(&self) -> u64 {
        [&self.ok, &self.dropped, &self.failed].iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

/// Where records are put; when the last producer is dropped, the stream delivers what it has and ends.
#[derive(Debug, Clone)]
pub struct Producer(mpsc::Sender<Record>);

impl Producer {
    /// `PutRecord`. Waits while the stream has no room.
    pub async fn put_record(&self, data: Bytes) {
        // The stream ends early only on an error that its own task reports.
        let _ = self.0.send(Record { data, arrival_milliseconds: now().as_millisecond() }).await;
    }
}

#[derive(Debug)]
struct Record {
    data: Bytes,
    arrival_milliseconds: i64,
}

/// The service's retries of a failed invocation.
const RETRIES: u32 = 3;
/// An object is written when a partition holds this much; the service's default hint for S3.
const OBJECT_BYTES: usize = 5 * 1024 * 1024;
/// Records that wait for the buffer before producers wait.
const QUEUE_RECORDS: usize = 1000;

/// Starts a stream. The task ends when all producers are gone and everything is delivered.
#[must_use]
pub fn start(
    settings: FirehoseSettings,
    function: Arc<Function>,
    folder: Folder,
) -> (Producer, Arc<Counters>, JoinHandle<anyhow::Result<()>>) {
    let (sender, receiver) = mpsc::channel(QUEUE_RECORDS);
    let counters = Arc::new(Counters::default());
    let firehose = Firehose {
        settings,
        function,
        folder,
        counters: counters.clone(),
        partitions: BTreeMap::new(),
        failures: Vec::new(),
    };
    (Producer(sender), counters, tokio::spawn(firehose.run(receiver)))
}

struct Firehose {
    settings: FirehoseSettings,
    function: Arc<Function>,
    folder: Folder,
    counters: Arc<Counters>,
    /// Rows to be delivered, by partition.
    partitions: BTreeMap<String, Vec<u8>>,
    /// Lines for the error prefix.
    failures: Vec<u8>,
}

impl Firehose {
    async fn run(mut self, mut queue: mpsc::Receiver<Record>) -> anyhow::Result<()> {
        while let Some(first) = queue.recv().await {
            let batch = self.fill_buffer(first, &mut queue).await;
            self.transform(&batch).await?;
            self.deliver(OBJECT_BYTES).await?;
        }
        self.deliver(0).await
    }

    /// Takes records until the buffer is full or its interval over.
    async fn fill_buffer(&self, first: Record, queue: &mut mpsc::Receiver<Record>) -> Vec<Record> {
        let mut bytes = first.data.len();
        let mut batch = vec![first];
        let end = tokio::time::Instant::now() + self.settings.buffer_interval;
        while bytes < self.settings.buffer_bytes {
            let Ok(Some(record)) = timeout_at(end, queue.recv()).await else {
                break;
            };
            bytes += record.data.len();
            batch.push(record);
        }
        batch
    }

    async fn transform(&mut self, batch: &[Record]) -> anyhow::Result<()> {
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
        let answers = response
            .map_err(|error| Failure::of_invocation(&error))
            .and_then(|response| answers(&response, self.settings.partition_key));
        for (index, record) in batch.iter().enumerate() {
            let answer = match &answers {
                Ok(answers) => answers.get(&record_id(index)).unwrap_or(&Err(Failure::MISSING_RECORD_ID)),
                Err(failure) => &Err(*failure),
            };
            match answer {
                Ok(Transformed::Row { partition, data }) => {
                    self.partitions.entry(partition.clone()).or_default().extend_from_slice(data);
                    self.counters.ok.fetch_add(1, Ordering::Relaxed);
                }
                Ok(Transformed::Dropped) => {
                    self.counters.dropped.fetch_add(1, Ordering::Relaxed);
                }
                Err(failure) => self.fail(record, *failure, attempts),
            }
        }
        Ok(())
    }

    fn event(&self, batch: &[Record]) -> Bytes {
        let record = |(index, record): (usize, &Record)| {
            json!({
                "recordId": record_id(index),
                "approximateArrivalTimestamp": record.arrival_milliseconds,
                "data": base64_simd::STANDARD.encode_to_string(&record.data),
            })
        };
        let event = json!({
            "invocationId": uuid::Uuid::new_v4().to_string(),
            "deliveryStreamArn": format!("arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{}", self.settings.name),
            "region": REGION,
            "records": batch.iter().enumerate().map(record).collect::<Vec<_>>(),
        });
        event.to_string().into()
    }

    /// Keeps the record as it came, in the documented form.
    fn fail(&mut self, record: &Record, failure: Failure, attempts: u32) {
        let line = json!({
            "attemptsMade": attempts,
            "arrivalTimestamp": record.arrival_milliseconds,
            "errorCode": failure.code,
            "errorMessage": failure.message,
            "attemptEndingTimestamp": now().as_millisecond(),
            "rawData": base64_simd::STANDARD.encode_to_string(&record.data),
            "lambdaArn": self.function.arn(),
        });
        self.failures.extend_from_slice(line.to_string().as_bytes());
        self.failures.push(b'\n');
        self.counters.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes every partition, and the failures, that hold at least so many bytes.
    async fn deliver(&mut self, at_least: usize) -> anyhow::Result<()> {
        let FirehoseSettings { prefix, partition_key, error_prefix, .. } = self.settings;
        let full: Vec<_> = self.partitions.extract_if(.., |_, rows| rows.len() > at_least).collect();
        for (partition, rows) in full {
            self.write(&format!("{prefix}{partition_key}={partition}/"), &rows).await?;
        }
        if self.failures.len() > at_least {
            let failures = std::mem::take(&mut self.failures);
            let date = now().strftime("%Y/%m/%d/%H");
            self.write(&format!("{error_prefix}processing-failed/{date}/"), &failures).await?;
        }
        Ok(())
    }

    /// `<prefix><stream>-<version>-<yyyy>-<MM>-<dd>-<HH>-<mm>-<ss>-<uuid>`
    async fn write(&self, prefix: &str, body: &[u8]) -> anyhow::Result<()> {
        let (name, bucket) = (&self.settings.name, &self.settings.bucket);
        let key =
            format!("{prefix}{name}-1-{}-{}", now().strftime("%Y-%m-%d-%H-%M-%S"), uuid::Uuid::new_v4());
        let put = self.folder.put(bucket, &key, body).await;
        put.with_context(|| format!("bucket {bucket} cannot be written"))
    }
}

/// An id of the form that the service uses, unique in its batch.
fn record_id(index: usize) -> String {
    format!("4966{index:052}000000000000")
}

enum Transformed {
    Row { partition: String, data: Vec<u8> },
    Dropped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Failure {
    code: &'static str,
    message: &'static str,
}

impl Failure {
    const MISSING_RECORD_ID: Self = Self {
        code: "Lambda.MissingRecordId",
        message: "The function did not return every record id that it was given.",
    };
    const DUPLICATED_RECORD_ID: Self = Self {
        code: "Lambda.DuplicatedRecordId",
        message: "The function returned a record id more than once.",
    };
    const UNREADABLE_RESPONSE: Self = Self {
        code: "Lambda.JsonProcessingException",
        message: "The function's response is not in the expected form.",
    };
    const PROCESSING_FAILED: Self = Self {
        code: "Lambda.FunctionError",
        message: "The Lambda function was successfully invoked but it returned an error result.",
    };
    const MISSING_PARTITION_KEY: Self = Self {
        code: "DynamicPartitioning.MissingPartitionKey",
        message: "The function did not return the partition key that the prefix needs.",
    };

    fn of_invocation(error: &InvokeError) -> Self {
        match error {
            InvokeError::TimedOut(_) => {
                Self { code: "Lambda.FunctionTimedOut", message: "The function timed out." }
            }
            _ => Self { code: "Lambda.FunctionError", message: "The function failed or its process ended." },
        }
    }
}

type Answers = HashMap<String, Result<Transformed, Failure>>;

#[derive(Deserialize)]
struct Response {
    records: Vec<ResponseRecord>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseRecord {
    record_id: String,
    result: String,
    #[serde(default)]
    data: Option<String>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    partition_keys: HashMap<String, String>,
}

/// The function's answers by record id; an id that is not of the batch is nobody's answer.
fn answers(response: &[u8], partition_key: &str) -> Result<Answers, Failure> {
    let response: Response = serde_json::from_slice(response).map_err(|_| Failure::UNREADABLE_RESPONSE)?;
    let mut answers = Answers::new();
    for record in response.records {
        let record_id = record.record_id.clone();
        if answers.insert(record_id, transformed(record, partition_key)).is_some() {
            return Err(Failure::DUPLICATED_RECORD_ID);
        }
    }
    Ok(answers)
}

fn transformed(mut record: ResponseRecord, partition_key: &str) -> Result<Transformed, Failure> {
    match record.result.as_str() {
        "Dropped" => Ok(Transformed::Dropped),
        "Ok" => {
            let data = record.data.ok_or(Failure::UNREADABLE_RESPONSE)?;
            let data = base64_simd::STANDARD.decode_to_vec(data).map_err(|_| Failure::UNREADABLE_RESPONSE)?;
            let partition = record.metadata.partition_keys.remove(partition_key);
            let partition =
                partition.filter(|value| !value.is_empty()).ok_or(Failure::MISSING_PARTITION_KEY)?;
            Ok(Transformed::Row { partition, data })
        }
        _ => Err(Failure::PROCESSING_FAILED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(response: &str) -> Result<Vec<String>, Failure> {
        let name = |answer: &Result<Transformed, Failure>| match answer {
            Ok(Transformed::Row { partition, .. }) => format!("row in {partition}"),
            Ok(Transformed::Dropped) => "dropped".to_owned(),
            Err(failure) => failure.code.to_owned(),
        };
        answers(response.as_bytes(), "contact_date").map(|answers| answers.values().map(name).collect())
    }

    #[test]
    fn a_response_is_read_by_the_documented_rules() {
        let record = |rest: &str| format!(r#"{{"records":[{{"recordId":"a",{rest}}}]}}"#);
        for (response, expected) in [
            (
                record(r#""result":"Ok","data":"e30K","metadata":{"partitionKeys":{"contact_date":"d"}}"#),
                "row in d",
            ),
            (record(r#""result":"Ok","data":"e30K""#), "DynamicPartitioning.MissingPartitionKey"),
            (
                record(r#""result":"Ok","data":"%","metadata":{"partitionKeys":{"contact_date":"d"}}"#),
                "Lambda.JsonProcessingException",
            ),
            (record(r#""result":"Dropped""#), "dropped"),
            (record(r#""result":"ProcessingFailed""#), "Lambda.FunctionError"),
            (record(r#""result":"ok""#), "Lambda.FunctionError"),
        ] {
            assert_eq!(outcome(&response), Ok(vec![expected.to_owned()]), "{response}");
        }
        assert_eq!(outcome("{}"), Err(Failure::UNREADABLE_RESPONSE));
        let twice =
            r#"{"records":[{"recordId":"a","result":"Dropped"},{"recordId":"a","result":"Dropped"}]}"#;
        assert_eq!(outcome(twice), Err(Failure::DUPLICATED_RECORD_ID));
    }
}
