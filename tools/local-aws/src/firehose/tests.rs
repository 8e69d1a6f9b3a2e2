//! The rules of Firehose's [Developer Guide](https://docs.aws.amazon.com/firehose/latest/dev/what-is-this-service.html),
//! tested with scripted functions.

use super::*;
use crate::service_log::ServiceLog;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use lambda_io::aggregate::{Packed, pack};
use serde_json::Value;

use super::prefix::Prefix;
use crate::gateway::Interference;
use crate::gateway::Intervention;
use lake_files::files_below;
use lake_parquet::GlueTable;
use lake_parquet::read_rows;

type Answer = fn(&Value, usize) -> Result<Value, InvokeError>;

/// A function whose answer is computed from the event and the number of the invocation.
struct Scripted {
    answer: Answer,
    events: Mutex<Vec<Value>>,
}

#[async_trait::async_trait]
impl Invoke for Scripted {
    fn arn(&self) -> String {
        "arn:aws:lambda:eu-west-2:111122223333:function:scripted".to_owned()
    }

    async fn invoke(&self, payload: Bytes) -> Result<Bytes, InvokeError> {
        let event: Value = serde_json::from_slice(&payload).unwrap();
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(event.clone());
        (self.answer)(&event, events.len()).map(|answer| Bytes::from(answer.to_string()))
    }
}

fn failed() -> InvokeError {
    InvokeError::Failed { error_type: "E".to_owned(), error_message: "m".to_owned() }
}

/// Answers `Ok` for every record, partitioned by the text before a colon.
#[expect(clippy::unnecessary_wraps, reason = "scripts may fail; this one does not")]
fn all_ok(event: &Value, _: usize) -> Result<Value, InvokeError> {
    let record = |record: &Value| {
        let data = base64_simd::STANDARD.decode_to_vec(record["data"].as_str().unwrap()).unwrap();
        let text = String::from_utf8_lossy(&data).into_owned();
        let (day, row) = text.split_once(':').unwrap_or(("none", &text));
        json!({
            "recordId": record["recordId"], "result": "Ok",
            "data": base64_simd::STANDARD.encode_to_string(format!("{row}\n")),
            "metadata": {"partitionKeys": {"day": day, "unused": "x"}},
        })
    };
    Ok(json!({"records": event["records"].as_array().unwrap().iter().map(record).collect::<Vec<_>>()}))
}

fn settings() -> FirehoseSettings {
    let buffer = |bytes| Buffer { bytes, interval: Duration::from_mins(1) };
    FirehoseSettings {
        name: "stream".to_owned(),
        bucket: "lake".to_owned(),
        prefix: Prefix::read("rows/day=!{partitionKeyFromLambda:day}/").unwrap(),
        error_prefix: Prefix::read_error("errors/!{firehose:error-output-type}/").unwrap(),
        transformation_buffer: buffer(1024 * 1024),
        destination_buffer: buffer(64 * 1024 * 1024),
        active_partitions: 500,
        conversion: None,
        backup_prefix: None,
        interference: None,
        log: None,
    }
}

struct Run {
    function: Arc<Scripted>,
    counters: Arc<Counters>,
    folder: tempfile::TempDir,
}

async fn run(settings: FirehoseSettings, answer: Answer, records: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let buckets = Folder::open(folder.path()).unwrap();
    buckets.create_bucket("lake").unwrap();
    let function = Arc::new(Scripted { answer, events: Mutex::default() });
    let (producer, firehose) = start(settings, function.clone(), buckets);
    for record in records {
        producer.put_record(Bytes::from((*record).to_owned())).await;
    }
    drop(producer);
    firehose.task.await.unwrap().unwrap();
    Run { function, counters: firehose.counters, folder }
}

impl Run {
    fn counts(&self) -> [u64; 3] {
        let Counters { ok, dropped, failed, .. } = &*self.counters;
        [ok, dropped, failed].map(|count| count.load(Ordering::Relaxed))
    }

    /// Objects by folder and extension; their names are unique.
    fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let root = self.folder.path().join("lake");
        let object = |path: PathBuf| {
            let key = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            let (folder, name) = key.rsplit_once('/').unwrap();
            assert!(name.starts_with("stream-1-20"), "{name}");
            let extension = Path::new(name).extension().map(|extension| extension.to_string_lossy());
            (format!("{folder} {}", extension.unwrap_or_default()), std::fs::read(&path).unwrap())
        };
        files_below(&root).unwrap().into_iter().map(object).collect()
    }

    fn text(&self, key: &str) -> String {
        String::from_utf8(self.objects()[key].clone()).unwrap()
    }

    fn failures(&self, error_type: &str) -> Vec<Value> {
        let lines = self.text(&format!("errors/{error_type} "));
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn raw(line: &Value) -> String {
    let data = base64_simd::STANDARD.decode_to_vec(line["rawData"].as_str().unwrap()).unwrap();
    String::from_utf8(data).unwrap()
}

/// "Dynamic partitioning": rows are delivered under the prefix with the keys that the function returned.
#[tokio::test(start_paused = true)]
async fn rows_are_delivered_by_partition_in_order() {
    let run = run(settings(), all_ok, &["a:1", "b:2", "a:3"]).await;
    assert_eq!(run.counts(), [3, 0, 0]);
    assert_eq!((run.text("rows/day=a "), run.text("rows/day=b ")), ("1\n3\n".to_owned(), "2\n".to_owned()));
}

/// "Handle failure in data transformation": a failed invocation is retried three times. Then the records go to
/// processing-failed, in the documented format.
#[tokio::test(start_paused = true)]
async fn a_failed_invocation_is_retried_three_times() {
    let fourth = |event: &Value, invocation| if invocation < 4 { Err(failed()) } else { all_ok(event, 0) };
    let saved = run(settings(), fourth, &["a:1"]).await;
    assert_eq!((saved.counts(), saved.function.events.lock().unwrap().len()), ([1, 0, 0], 4));

    let lost = run(settings(), |_, _| Err(failed()), &["a:1", "a:2"]).await;
    assert_eq!((lost.counts(), lost.function.events.lock().unwrap().len()), ([0, 0, 2], 4));
    let lines = lost.failures("processing-failed");
    assert_eq!(lines.iter().map(raw).collect::<Vec<_>>(), ["a:1", "a:2"]);
    let mut fields: Vec<_> = lines[0].as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "arrivalTimestamp",
            "attemptEndingTimestamp",
            "attemptsMade",
            "errorCode",
            "errorMessage",
            "lambdaArn",
            "rawData"
        ]
    );
    assert_eq!(
        (&lines[0]["attemptsMade"], &lines[0]["errorCode"]),
        (&json!(4), &json!("Lambda.FunctionError"))
    );
}

/// "Required parameters for data transformation": every record ID is returned once; "any mismatch … is treated as a data
/// transformation failure".
#[tokio::test(start_paused = true)]
async fn record_ids_that_do_not_match_are_failures() {
    let without_first = |event: &Value, _| {
        let mut answer = all_ok(event, 0)?;
        let records = answer["records"].as_array_mut().unwrap();
        records.remove(0);
        records.push(json!({"recordId": "nobody's", "result": "Ok", "data": "eA=="}));
        Ok(answer)
    };
    let missing = run(settings(), without_first, &["a:1", "a:2"]).await;
    assert_eq!(missing.counts(), [1, 0, 1]);
    let lines = missing.failures("processing-failed");
    assert_eq!(
        (raw(&lines[0]), &lines[0]["errorCode"]),
        ("a:1".to_owned(), &json!("Lambda.MissingRecordId"))
    );
    assert_eq!(missing.text("rows/day=a "), "2\n");

    let twice = |event: &Value, _| {
        let mut answer = all_ok(event, 0)?;
        let first = answer["records"][0].clone();
        answer["records"].as_array_mut().unwrap().push(first);
        Ok(answer)
    };
    let twice = run(settings(), twice, &["a:1", "a:2"]).await;
    assert_eq!(twice.counts(), [0, 0, 2]);
    assert_eq!(twice.failures("processing-failed")[0]["errorCode"], "Lambda.DuplicatedRecordId");
}

/// "Lambda quotas": a response has at most 6 MB. If it is larger, the invocation has failed.
#[tokio::test(start_paused = true)]
async fn a_response_above_six_megabytes_fails_every_record() {
    let too_large = |_: &Value, _| Err(InvokeError::TooLarge { what: "response", bytes: 7_000_000 });
    let run = run(settings(), too_large, &["a:1", "b:2"]).await;
    assert_eq!(run.counts(), [0, 0, 2]);
}

/// "Dynamic partitioning", quota of active partitions: records that exceed it go to the error prefix.
#[tokio::test(start_paused = true)]
async fn records_that_exceed_the_limit_of_active_partitions_go_to_the_error_prefix() {
    let settings = FirehoseSettings { active_partitions: 2, ..settings() };
    let run = run(settings, all_ok, &["a:1", "b:2", "c:3", "a:4"]).await;
    assert_eq!(run.counts(), [3, 0, 1]);
    assert_eq!(run.failures("activePartitionExceeded").iter().map(raw).collect::<Vec<_>>(), ["c:3"]);
}

/// Every key of the prefix must be returned for every `Ok` record.
#[tokio::test(start_paused = true)]
async fn a_row_without_its_partition_key_is_a_failure() {
    let without = |event: &Value, _| {
        let mut answer = all_ok(event, 0)?;
        answer["records"][0]["metadata"] = Value::Null;
        Ok(answer)
    };
    let run = run(settings(), without, &["a:1", "a:2"]).await;
    assert_eq!(run.counts(), [1, 0, 1]);
    assert_eq!(run.failures("processing-failed")[0]["errorCode"], "DynamicPartitioning.MissingPartitionKey");
}

/// "Convert input data format", "Error handling for data format conversion": rows are converted to Parquet with the table's
/// columns. Rows that do not fit go to format-conversion-failed, as the function returned them.
#[tokio::test(start_paused = true)]
async fn rows_become_parquet_and_misfits_are_kept() {
    let table = GlueTable::new("db", "t", [("n", "bigint")]).unwrap();
    let settings = FirehoseSettings { conversion: Some(table), ..settings() };
    let run = run(settings, all_ok, &[r#"a:{"n":1}"#, r#"a:{"n":"x"}"#, r#"a:{"n":3,"o":4}"#]).await;
    assert_eq!(run.counts(), [2, 0, 1]);
    let rows = read_rows(run.objects()["rows/day=a parquet"].clone().into()).unwrap();
    assert_eq!(rows, [json!({"n": 1}), json!({"n": 3})]);
    let lines = run.failures("format-conversion-failed");
    assert_eq!(lines.len(), 1);
    assert_eq!(raw(&lines[0]), "{\"n\":\"x\"}\n");
    assert_eq!(lines[0]["dataCatalogTable"]["tableName"], "t");
}

/// "Configure backup settings": the raw source records are kept, even if they fail.
#[tokio::test(start_paused = true)]
async fn raw_source_records_are_backed_up() {
    let backup_prefix = Some(Prefix::read("raw/!{timestamp:yyyy}/").unwrap());
    let settings = FirehoseSettings { backup_prefix, ..settings() };
    let run = run(settings, |_, _| Err(failed()), &["{\"a\":1}", "{\"b\":2}"]).await;
    let objects = run.objects();
    let (key, body) = objects.iter().find(|(key, _)| key.starts_with("raw/20")).unwrap();
    assert!(key.ends_with(" gz"), "{key}");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(body.as_slice()), &mut text).unwrap();
    assert_eq!(text, "{\"a\":1}{\"b\":2}");
}

/// "Understand data delivery", buffering hints: whichever of size and interval comes first.
#[tokio::test(start_paused = true)]
async fn buffers_are_delivered_when_full_or_when_their_interval_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let buckets = Folder::open(folder.path()).unwrap();
    buckets.create_bucket("lake").unwrap();
    let function = Arc::new(Scripted { answer: all_ok, events: Mutex::default() });
    let settings = FirehoseSettings {
        transformation_buffer: Buffer { bytes: 8, interval: Duration::from_secs(10) },
        destination_buffer: Buffer { bytes: 1024, interval: Duration::from_mins(1) },
        ..settings()
    };
    let (producer, firehose) = start(settings, function.clone(), buckets);
    let invocations = || function.events.lock().unwrap().len();
    let objects = || files_below(&folder.path().join("lake")).unwrap().len();
    let wait = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
    for _ in 0..3 {
        producer.put_record(Bytes::from_static(b"a:1")).await;
    }
    wait(1).await;
    // Nine bytes exceed the hint of eight, so the first buffer is full. One more record waits for its interval.
    producer.put_record(Bytes::from_static(b"a:2")).await;
    wait(5).await;
    assert_eq!((invocations(), objects()), (1, 0));
    wait(10).await;
    assert_eq!((invocations(), objects()), (2, 0));
    wait(60).await;
    assert_eq!((invocations(), objects()), (2, 1));
    drop(producer);
    firehose.task.await.unwrap().unwrap();
    assert_eq!(objects(), 1);
}

/// "Understand data delivery": with a Kinesis source, packed records are unpacked before the function gets them, with
/// their position in the stream.
#[tokio::test(start_paused = true)]
async fn records_of_a_kinesis_source_are_unpacked_and_have_their_position() {
    let folder = tempfile::tempdir().unwrap();
    let buckets = Folder::open(folder.path()).unwrap();
    buckets.create_bucket("lake").unwrap();
    let function = Arc::new(Scripted { answer: all_ok, events: Mutex::default() });
    let stream = Arc::new(Stream::new("source", 1));
    let part = |data: &'static [u8]| Packed { partition_key: "inner".to_owned(), data: data.into() };
    let place = stream.put_record("outer", pack(&[part(b"a:1"), part(b"a:2")]).into()).unwrap();
    stream.put_record("outer", Bytes::from_static(b"a:3")).unwrap();
    stream.close();
    let firehose = start_from(stream, settings(), function.clone(), buckets);
    firehose.task.await.unwrap().unwrap();
    assert_eq!(firehose.counters.over(), 3);
    let events = function.events.lock().unwrap();
    assert_eq!(events[0]["sourceKinesisStreamArn"], "arn:aws:kinesis:eu-west-2:111122223333:stream/source");
    let metadata = |index: usize| &events[0]["records"][index]["kinesisRecordMetadata"];
    assert_eq!(metadata(1)["sequenceNumber"], place.sequence_number);
    assert_eq!(
        (&metadata(1)["subsequenceNumber"], &metadata(1)["partitionKey"]),
        (&json!(1), &json!("inner"))
    );
    assert_eq!(
        (&metadata(2)["subsequenceNumber"], &metadata(2)["partitionKey"]),
        (&json!(0), &json!("outer"))
    );
    assert_eq!(metadata(2)["shardId"], "shardId-000000000000");
}

/// "Understand data delivery", "Retry": a failed delivery to S3 is retried. An object whose response was lost is not
/// written twice.
#[tokio::test(start_paused = true)]
async fn a_failed_delivery_is_retried_until_it_succeeds() {
    let interventions = Mutex::new(vec![
        Intervention::Slow(Duration::from_millis(5)),
        Intervention::DropResponse,
        Intervention::Deny,
        Intervention::ServerError,
        Intervention::Throttle,
    ]);
    let left = Arc::new(interventions);
    let asked = left.clone();
    let interference: Interference =
        Arc::new(move |_| asked.lock().unwrap().pop().unwrap_or(Intervention::Pass));
    let run =
        run(FirehoseSettings { interference: Some(interference), ..settings() }, all_ok, &["a:1", "a:2"])
            .await;
    assert!(left.lock().unwrap().is_empty());
    assert_eq!(run.counts(), [2, 0, 0]);
    let objects = run.objects();
    assert_eq!(objects.len(), 1, "{:?}", objects.keys());
}

/// "Understand data delivery", "Retry": Firehose retries, and logs `S3.AccessDenied` and `S3.NoSuchBucket`. Nothing is lost
/// while the bucket cannot be written.
#[tokio::test(start_paused = true)]
async fn rows_wait_until_the_bucket_can_be_written_and_the_log_tells_why() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let settings = FirehoseSettings { log: Some(ServiceLog::new(log.clone())), ..settings() };
    let function = Arc::new(Scripted { answer: all_ok, events: Mutex::default() });
    let buckets = Folder::open(folder.path()).unwrap();
    let (producer, firehose) = start(settings, function, buckets.clone());
    producer.put_record(Bytes::from_static(b"a:1")).await;
    drop(producer);
    // There is no bucket yet.
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert!(!firehose.task.is_finished());
    let lines = std::fs::read_to_string(&log).unwrap();
    let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&line["errorCode"], &line["destination"]),
        (&json!("S3.NoSuchBucket"), &json!("arn:aws:s3:::lake"))
    );
    buckets.create_bucket("lake").unwrap();
    firehose.task.await.unwrap().unwrap();
    let objects = files_below(&folder.path().join("lake")).unwrap();
    assert_eq!(objects.len(), 1, "{objects:?}");
}
