//! The loop between a Kinesis stream and a Lambda function.
//!
//! A shard is read in order, and only after its parents. The parallelization factor is its number of lanes. Records are
//! assigned to lanes by partition key, so that the records of one key stay in order. Each lane forms batches, invokes the
//! function with one batch at a time, and acts on the response.
//!
//! Source: [Using Lambda to process records from Amazon Kinesis Data Streams](https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html).
//! The modules name the pages of their rules.

pub mod batching;
mod discarded;
pub mod filter;
mod instant;
pub mod response;
pub mod retries;

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use self::batching::{BatchRules, Batches};
use self::discarded::Discarded;
use self::filter::FilterCriteria;
use self::retries::{Lane, Next, Progress, RetryRules};
use crate::function::{Invoke, InvokeError};
use crate::kinesis::{Record, Shard, Stream};
use crate::now;
use crate::permission::bucket_arn;
use crate::s3::Folder;
use crate::service_log::ServiceLog;
use served_stack::{ACCOUNT, REGION};

/// Maximum number of queued records per lane. At the limit, the shard's reader waits.
const QUEUE_RECORDS: usize = 10_000;
/// Parallelization factors that the service accepts.
const FACTORS: std::ops::RangeInclusive<usize> = 1..=10;

/// The service's result for an invocation without a response.
const CALL_FAILED: &str = "PROBLEM: Function call failed";

/// Pause before a throttled batch is sent again.
const THROTTLED: Duration = Duration::from_millis(200);

/// The settings of a mapping.
#[derive(Debug, Clone)]
pub struct MappingSettings {
    /// Whether it invokes the function at all. If not, records wait in the stream.
    pub is_enabled: bool,
    /// The limits of a batch.
    pub batches: BatchRules,
    /// Maximum number of concurrent batches per shard, 1 to 10.
    pub parallelization_factor: usize,
    /// How failed batches are retried and discarded.
    pub retries: RetryRules,
    /// `FunctionResponseTypes: [ReportBatchItemFailures]`
    pub reports_failures: bool,
    /// The records that reach the function.
    pub filter: FilterCriteria,
    /// The on-failure destination: a bucket. Without one, discarded records are lost.
    pub on_failure_bucket: Option<String>,
    /// Where records that are lost are logged.
    pub log: Option<ServiceLog>,
}

impl Default for MappingSettings {
    /// The service's own defaults.
    fn default() -> Self {
        Self {
            is_enabled: true,
            batches: BatchRules { batch_size: 100, window: Duration::ZERO },
            parallelization_factor: 1,
            retries: RetryRules::default(),
            reports_failures: false,
            filter: FilterCriteria::default(),
            on_failure_bucket: None,
            log: None,
        }
    }
}

/// The number of records by outcome.
#[derive(Debug, Default)]
pub struct Counters {
    /// Processed by the function.
    pub done: AtomicU64,
    /// Discarded.
    pub discarded: AtomicU64,
    /// Discarded without a copy, because the on-failure destination could not be written. Also counted as discarded.
    pub dropped: AtomicU64,
    /// Removed by the filter.
    pub filtered: AtomicU64,
}

impl Counters {
    /// The number of records that have an outcome.
    #[must_use]
    pub fn over(&self) -> u64 {
        [&self.done, &self.discarded, &self.filtered].iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

/// A mapping between a stream and a function.
pub struct EventSourceMapping {
    /// Its UUID.
    pub id: String,
    settings: watch::Sender<MappingSettings>,
    stream: Arc<Stream>,
    function: Arc<dyn Invoke>,
    folder: Folder,
    last_result: Mutex<String>,
    /// The outcomes of the records so far.
    pub counters: Counters,
}

impl EventSourceMapping {
    /// Sets up the mapping.
    ///
    /// # Panics
    /// When the parallelization factor is not 1 to 10.
    #[must_use]
    pub fn new(
        settings: MappingSettings,
        stream: Arc<Stream>,
        function: Arc<dyn Invoke>,
        folder: Folder,
    ) -> Self {
        assert!(FACTORS.contains(&settings.parallelization_factor), "a parallelization factor is 1 to 10");
        let id = uuid::Uuid::new_v4().to_string();
        Self {
            id,
            settings: watch::Sender::new(settings),
            stream,
            function,
            folder,
            last_result: Mutex::new("No records processed".to_owned()),
            counters: Counters::default(),
        }
    }

    /// The current settings.
    #[must_use]
    pub fn settings(&self) -> MappingSettings {
        self.settings.borrow().clone()
    }

    /// Changes the settings. They take effect with the next batch. Batch rules and the parallelization factor shape the
    /// queues, so they take effect with the next shard.
    pub fn update(&self, settings: MappingSettings) {
        self.settings.send_replace(settings);
    }

    /// The result of the last invocation, in the service's words.
    #[must_use]
    pub fn last_result(&self) -> String {
        self.last_result.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The ARNs of the stream and of the function.
    #[must_use]
    pub fn ends(&self) -> (String, String) {
        (self.stream.arn(), self.function.arn())
    }

    /// Waits until the mapping is enabled, and returns the current settings.
    async fn enabled(&self) -> MappingSettings {
        let mut settings = self.settings.subscribe();
        let enabled = settings.wait_for(|settings| settings.is_enabled).await;
        enabled.expect("the mapping holds the sender").clone()
    }

    /// Runs until the stream is closed and read to its end.
    ///
    /// # Errors
    /// When the function can never be started, or the on-failure bucket cannot be written.
    pub async fn run(self: Arc<Self>) -> anyhow::Result<()> {
        let read = |shard: Arc<Shard>| {
            let mapping = self.clone();
            async move { mapping.read(&shard).await }
        };
        let ended = self.stream.read_shards(read).await;
        // Producers that wait for the stream to drain would wait forever.
        self.stream.close();
        ended
    }

    /// Reads a shard to its end.
    async fn read(self: &Arc<Self>, shard: &Arc<Shard>) -> anyhow::Result<()> {
        let mut lanes = JoinSet::new();
        let mut queues = Vec::new();
        let settings = self.settings();
        for _ in 0..settings.parallelization_factor {
            let (queue, batches) = mpsc::channel(QUEUE_RECORDS);
            queues.push(queue);
            let batches = Batches::new(settings.batches.clone(), batches);
            let (mapping, shard) = (self.clone(), shard.clone());
            lanes.spawn(async move { mapping.work(&shard, batches).await });
        }
        let reader = async {
            let mut place = 0;
            while let Some(record) = shard.read(place).await {
                place += 1;
                if self.settings.borrow().filter.pass(&record.data) {
                    // If the lane has stopped, its task returns the error.
                    let _ = queues[lane_of(&record, queues.len())].send(record).await;
                } else {
                    self.counters.filtered.fetch_add(1, Ordering::Relaxed);
                }
                self.stream.trim(shard, place);
            }
            queues.clear();
            Ok(())
        };
        let workers = async {
            while let Some(ended) = lanes.join_next().await {
                ended??;
            }
            Ok(())
        };
        tokio::try_join!(reader, workers).map(|_: ((), ())| ())
    }

    async fn work(&self, shard: &Shard, mut batches: Batches) -> anyhow::Result<()> {
        let mut lane = Lane::default();
        while let Some(batch) = batches.next().await {
            lane.push(batch);
            loop {
                let MappingSettings { retries, reports_failures, on_failure_bucket, log, .. } =
                    self.enabled().await;
                match lane.next(&retries, now().as_millisecond()) {
                    Next::Idle => break,
                    Next::Invoke { failures } => {
                        if failures > 0 {
                            tokio::time::sleep(backoff(failures)).await;
                        }
                        let Some(answer) = self.invoke(shard, lane.batch(), reports_failures).await? else {
                            tokio::time::sleep(THROTTLED).await;
                            continue;
                        };
                        if let Progress::Done(records) = answer {
                            self.counters.done.fetch_add(records as u64, Ordering::Relaxed);
                        }
                        lane.answered(answer, &retries);
                    }
                    Next::Discard { records, condition, invocations } => {
                        if let Some(bucket) = &on_failure_bucket {
                            let batch = &lane.batch()[..records];
                            let sent = self.send_to_on_failure_destination(
                                bucket,
                                shard,
                                batch,
                                condition,
                                invocations,
                            );
                            if let Err(error) = sent.await {
                                self.drop_records(batch, bucket, &error, log.as_ref())?;
                            }
                        }
                        self.counters.discarded.fetch_add(records as u64, Ordering::Relaxed);
                        lane.discard(records);
                    }
                }
            }
        }
        Ok(())
    }

    /// Invokes the function with a batch. Returns `None` if the function is throttled, which does not count as a failure:
    /// the batch is retried until it is too old.
    /// Source: [Using Lambda to process records from Amazon Kinesis Data Streams](https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html),
    /// throttles.
    async fn invoke(
        &self,
        shard: &Shard,
        batch: &[Record],
        reports_failures: bool,
    ) -> anyhow::Result<Option<Progress>> {
        let (progress, result) = match self.function.invoke(self.event(shard, batch).into()).await {
            Ok(response) => (Some(response::progress(&response, batch, reports_failures)), "OK".to_owned()),
            Err(InvokeError::NotStarted(error)) => return Err(error),
            Err(InvokeError::Throttled) => (None, CALL_FAILED.to_owned()),
            Err(error @ InvokeError::FailedStart(_)) => {
                (Some(Progress::Failed), format!("{CALL_FAILED}: {error}"))
            }
            Err(_) => (Some(Progress::Failed), CALL_FAILED.to_owned()),
        };
        *self.last_result.lock().unwrap_or_else(PoisonError::into_inner) = result;
        Ok(progress)
    }

    fn event(&self, shard: &Shard, batch: &[Record]) -> String {
        // Written as text and not built from values: most of an event is the data, which is copied only once this way.
        let bytes: usize = batch.iter().map(|record| record.data.len() * 4 / 3 + 600).sum();
        let mut event = String::with_capacity(bytes);
        event.push_str("{\"Records\":[");
        let stream_arn = self.stream.arn();
        for (place, record) in batch.iter().enumerate() {
            let Record { sequence_number, partition_key, arrival_milliseconds, data } = record;
            let separator = if place == 0 { "" } else { "," };
            let (partition_key, arrival) = (json!(partition_key), seconds(*arrival_milliseconds));
            let shard_id = &shard.id;
            // Writing to a string cannot fail.
            let _ = write!(
                event,
                r#"{separator}{{"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"{shard_id}:{sequence_number}","eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::{ACCOUNT}:role/local","awsRegion":"{REGION}","eventSourceARN":"{stream_arn}","kinesis":{{"kinesisSchemaVersion":"1.0","partitionKey":{partition_key},"sequenceNumber":"{sequence_number}","approximateArrivalTimestamp":{arrival},"data":""#,
            );
            base64_simd::STANDARD.encode_append(data, &mut event);
            event.push_str("\"}}");
        }
        event.push_str("]}");
        event
    }

    async fn send_to_on_failure_destination(
        &self,
        bucket: &str,
        shard: &Shard,
        records: &[Record],
        condition: &'static str,
        invocations: u32,
    ) -> io::Result<()> {
        let discarded = Discarded {
            mapping_id: &self.id,
            function_arn: &self.function.arn(),
            stream_arn: &self.stream.arn(),
            shard_id: &shard.id,
            records,
            condition,
            invocations,
            event: &self.event(shard, records),
            now: now(),
        };
        self.folder.put(bucket, &discarded.key(), discarded.body().as_bytes()).await
    }

    /// Counts and logs records whose copy the on-failure destination refused. As in the service, nothing else happens: they
    /// are lost, except for what is still in the stream and in the archive.
    /// Source: [Types of metrics for Lambda functions](https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html),
    /// `DroppedEventCount`.
    fn drop_records(
        &self,
        records: &[Record],
        bucket: &str,
        error: &io::Error,
        log: Option<&ServiceLog>,
    ) -> anyhow::Result<()> {
        if !matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound) {
            anyhow::bail!("the on-failure destination cannot be written: {error}");
        }
        self.counters.dropped.fetch_add(records.len() as u64, Ordering::Relaxed);
        if let Some(log) = log {
            log.write(&json!({
                "timestamp": now().to_string(),
                "DroppedEventCount": records.len(),
                "message": format!("the on-failure destination {} cannot be written: {error}", bucket_arn(bucket)),
            }));
        }
        Ok(())
    }
}

/// The lane of a partition key.
#[must_use]
pub fn lane_of(record: &Record, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    record.partition_key.hash(&mut hasher);
    usize::try_from(hasher.finish() % lanes as u64).unwrap_or_default()
}

/// Formats milliseconds as seconds with three decimals, as in real events.
fn seconds(milliseconds: i64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

fn backoff(failures: u32) -> Duration {
    Duration::from_millis(50) * 2_u32.saturating_pow(failures.min(5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use axum::body::Bytes;

    use serde_json::Value;

    use lake_files::files_below;

    /// A function that records its batches, takes a while, and fails for a batch that contains the poison record.
    #[derive(Default)]
    struct Recorder {
        batches: Mutex<Vec<Vec<(String, String)>>>,
        running: AtomicU64,
        most_running: AtomicU64,
        poison: Option<&'static str>,
    }

    #[async_trait::async_trait]
    impl Invoke for Recorder {
        fn arn(&self) -> String {
            "arn:aws:lambda:eu-west-2:111122223333:function:recorder".to_owned()
        }

        async fn invoke(&self, payload: Bytes) -> Result<Bytes, InvokeError> {
            let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
            self.most_running.fetch_max(running, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(10)).await;
            self.running.fetch_sub(1, Ordering::Relaxed);
            let event: Value = serde_json::from_slice(&payload).unwrap();
            let record = |record: &Value| {
                let data = record["kinesis"]["data"].as_str().unwrap();
                let data = base64_simd::STANDARD.decode_to_vec(data).unwrap();
                let key = record["kinesis"]["partitionKey"].as_str().unwrap().to_owned();
                (key, String::from_utf8(data).unwrap())
            };
            let batch: Vec<_> = event["Records"].as_array().unwrap().iter().map(record).collect();
            if self.poison.is_some_and(|poison| batch.iter().any(|(_, data)| data == poison)) {
                return Err(InvokeError::Failed {
                    error_type: "Poison".to_owned(),
                    error_message: String::new(),
                });
            }
            self.batches.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
            Ok(Bytes::new())
        }
    }

    impl Recorder {
        fn records(&self) -> Vec<(String, String)> {
            self.batches.lock().unwrap().concat()
        }
    }

    struct Run {
        recorder: Arc<Recorder>,
        mapping: Arc<EventSourceMapping>,
        folder: tempfile::TempDir,
    }

    async fn run(
        settings: MappingSettings,
        recorder: Recorder,
        stream: Stream,
        put: impl FnOnce(&Stream),
    ) -> Run {
        let folder = tempfile::tempdir().unwrap();
        let buckets = Folder::open(folder.path()).unwrap();
        buckets.create_bucket("failures").unwrap();
        let (recorder, stream) = (Arc::new(recorder), Arc::new(stream));
        let mapping = EventSourceMapping::new(settings, stream.clone(), recorder.clone(), buckets);
        let mapping = Arc::new(mapping);
        put(&stream);
        stream.close();
        mapping.clone().run().await.unwrap();
        Run { recorder, mapping, folder }
    }

    fn put(stream: &Stream, keys: usize, records: std::ops::Range<usize>) {
        for number in records {
            let data = format!("{number:04}");
            stream.put_record(&format!("key-{}", number % keys), data.into()).unwrap();
        }
    }

    fn is_in_order_by_key(records: &[(String, String)]) -> bool {
        let mut by_key: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, data) in records {
            by_key.entry(key).or_default().push(data);
        }
        by_key.values().all(|records| records.is_sorted())
    }

    /// "Using Lambda to process records from Amazon Kinesis Data Streams", `ParallelizationFactor`: several batches of
    /// a shard at once, and still in order by partition key.
    #[tokio::test(start_paused = true)]
    async fn a_shard_is_processed_in_parallel_but_each_key_in_order() {
        for (factor, most) in [(1, 1), (10, 10)] {
            let settings = MappingSettings {
                parallelization_factor: factor,
                batches: BatchRules { batch_size: 7, window: Duration::ZERO },
                ..MappingSettings::default()
            };
            let run =
                run(settings, Recorder::default(), Stream::new("s", 1), |stream| put(stream, 100, 0..400))
                    .await;
            let records = run.recorder.records();
            assert_eq!((records.len(), is_in_order_by_key(&records)), (400, true));
            assert_eq!(run.recorder.most_running.load(Ordering::Relaxed), most);
        }
    }

    /// "Reshard a stream", and the poller's behavior: the records of a parent are processed before those of its
    /// children, so a key's records stay in order across a split and a merge.
    #[tokio::test(start_paused = true)]
    async fn parents_are_finished_before_children() {
        let run = run(MappingSettings::default(), Recorder::default(), Stream::new("s", 2), |stream| {
            put(stream, 20, 0..200);
            stream.split_shard("shardId-000000000000", u128::MAX / 4).unwrap();
            put(stream, 20, 200..400);
            stream.merge_shards("shardId-000000000003", "shardId-000000000001").unwrap();
            put(stream, 20, 400..600);
        })
        .await;
        let records = run.recorder.records();
        assert_eq!((records.len(), is_in_order_by_key(&records)), (600, true));
    }

    /// The metric `DroppedEventCount`: records whose on-failure destination cannot be written are lost, and the shard goes on.
    #[tokio::test(start_paused = true)]
    async fn records_are_dropped_if_the_on_failure_destination_refuses_them() {
        let logs = tempfile::tempdir().unwrap();
        let log = logs.path().join("log");
        let settings = MappingSettings {
            retries: RetryRules {
                maximum_retry_attempts: Some(1),
                bisect_on_error: true,
                ..RetryRules::default()
            },
            on_failure_bucket: Some("no-such-bucket".to_owned()),
            log: Some(ServiceLog::new(log.clone())),
            ..MappingSettings::default()
        };
        let recorder = Recorder { poison: Some("0017"), ..Recorder::default() };
        let run = run(settings, recorder, Stream::new("s", 1), |stream| put(stream, 3, 0..40)).await;
        assert_eq!(run.recorder.records().len(), 39);
        let counters = &run.mapping.counters;
        assert_eq!(counters.dropped.load(Ordering::Relaxed), 1);
        assert_eq!(counters.over(), 40);
        let line: Value = serde_json::from_slice(&std::fs::read(log).unwrap()).unwrap();
        assert_eq!(line["DroppedEventCount"], 1);
    }

    /// "Retain discarded batch records": the object's key and body, the whole invocation event as escaped JSON text.
    #[tokio::test(start_paused = true)]
    async fn discarded_records_go_to_the_on_failure_destination_with_their_payload() {
        let settings = MappingSettings {
            retries: RetryRules {
                maximum_retry_attempts: Some(2),
                bisect_on_error: true,
                ..RetryRules::default()
            },
            on_failure_bucket: Some("failures".to_owned()),
            ..MappingSettings::default()
        };
        let recorder = Recorder { poison: Some("0017"), ..Recorder::default() };
        let run = run(settings, recorder, Stream::new("s", 1), |stream| put(stream, 3, 0..40)).await;
        assert_eq!(run.recorder.records().len(), 39);
        let counters = &run.mapping.counters;
        assert_eq!(counters.discarded.load(Ordering::Relaxed), 1);
        assert_eq!(counters.over(), 40);

        let objects = files_below(&run.folder.path().join("failures")).unwrap();
        let [object] = &objects[..] else { panic!("there should be one object: {objects:?}") };
        let key =
            object.strip_prefix(run.folder.path().join("failures")).unwrap().to_string_lossy().into_owned();
        let parts: Vec<_> = key.split('/').collect();
        let ["aws", "lambda", mapping, shard, year, month, day, name] = parts[..] else { panic!("{key}") };
        assert_eq!((mapping, shard), (run.mapping.id.as_str(), "shardId-000000000000"));
        assert!(name.starts_with(&format!("{year}-{month}-{day}T")) && name.contains('.'), "{name}");
        let body: Value = serde_json::from_slice(&std::fs::read(object).unwrap()).unwrap();
        assert_eq!(body["requestContext"]["condition"], "RetryAttemptsExhausted");
        assert_eq!(body["KinesisBatchInfo"]["batchSize"], 1);
        assert_eq!(
            body["KinesisBatchInfo"]["startSequenceNumber"],
            body["KinesisBatchInfo"]["endSequenceNumber"]
        );
        let event: Value = serde_json::from_str(body["payload"].as_str().unwrap()).unwrap();
        let data = event["Records"][0]["kinesis"]["data"].as_str().unwrap();
        assert_eq!(base64_simd::STANDARD.decode_to_vec(data).unwrap(), b"0017");
    }

    #[tokio::test(start_paused = true)]
    async fn filtered_records_never_reach_the_function() {
        let filter = FilterCriteria::read([r#"{"data":{"n":[{"numeric":["<",3]}]}}"#]).unwrap();
        let settings = MappingSettings { filter, ..MappingSettings::default() };
        let run = run(settings, Recorder::default(), Stream::new("s", 1), |stream| {
            for number in 0..5 {
                stream.put_record("k", format!(r#"{{"n":{number}}}"#).into()).unwrap();
            }
            stream.put_record("k", Bytes::from_static(b"not json")).unwrap();
        })
        .await;
        assert_eq!(run.recorder.records().len(), 3);
        assert_eq!(run.mapping.counters.filtered.load(Ordering::Relaxed), 3);
    }
}
