//! `make load`: continuous load on both function binaries over the Runtime API, as fast as they respond, with fault
//! injection. Memory must stay flat, and nothing may be lost.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a benchmark prints figures, and panics on errors"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connect_streams::StreamKind;
use contact_lake::Policy;
use contact_ledger_demo::Expected;
use contact_record_normalizer::transform;
use ledger_tests::{processes_with_files_below, resident_bytes, stream_record};
use local_aws::Gate;
use local_aws::dynamodb::DynamoDb;
use local_aws::faults::{Faults, Part};
use local_aws::function::{Function, FunctionSettings, Invoke};
use local_aws::s3::{Folder, S3Server};
use local_aws::stack::{create_agent_tables, upserter_environment};
use serde_json::{Value, json};
use served_stack::Keys;
use served_stack::{AGENT_HISTORY_TABLE, AGENT_STATE_TABLE, LAKE_BUCKET};
use synthetic_center::{Center, CenterSize, DEMO_CENTER, DeliveryFaults, Sent, with_delivery_faults};
use tokio::time::Instant;

/// Concurrent invocations. The machine runs the tables, too.
const WORKERS: usize = 2;
const EVENTS_PER_BATCH: usize = 500;
const RECORDS_PER_BATCH: usize = 500;
/// Allowed growth of memory from the second third of the time to the last: pages that an allocator keeps.
const ALLOWED_GROWTH: u64 = 4 * 1024 * 1024;

/// Measurements of one function's clients.
#[derive(Default)]
struct Seen {
    milliseconds: Mutex<Vec<f64>>,
    records: AtomicUsize,
    partial: AtomicUsize,
}

impl Seen {
    async fn invoke(&self, function: &Function, event: Vec<u8>) -> Value {
        let begin = Instant::now();
        let answer = function.invoke(event.into()).await.unwrap_or_else(|error| panic!("{error}"));
        self.milliseconds.lock().unwrap().push(begin.elapsed().as_secs_f64() * 1000.0);
        serde_json::from_slice(&answer).unwrap()
    }

    fn print(&self, name: &str, seconds: f64, memory: &[u64]) -> bool {
        let mut milliseconds = std::mem::take(&mut *self.milliseconds.lock().unwrap());
        milliseconds.sort_by(f64::total_cmp);
        let percentile = |percent: usize| milliseconds[(milliseconds.len() - 1) * percent / 100];
        let (records, partial) = (self.records.load(Ordering::Relaxed), self.partial.load(Ordering::Relaxed));
        let third = memory.len() / 3;
        let (warm, end) = (median(&memory[third..2 * third]), median(&memory[2 * third..]));
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        println!("{name}");
        println!(
            "  {} invocations, {partial} of them with partial batch responses, {records} records in {seconds:.0} s: {:.0} per second",
            milliseconds.len(),
            records as f64 / seconds
        );
        println!(
            "  milliseconds: median {:.1}, 90 % {:.1}, 99 % {:.1}, longest {:.1}",
            percentile(50),
            percentile(90),
            percentile(99),
            percentile(100)
        );
        println!(
            "  resident memory of a process: {:.1} MB in the second third of the time, {:.1} MB in the last third, {:.1} MB at peak",
            megabytes(warm),
            megabytes(end),
            megabytes(memory.iter().copied().max().unwrap_or_default())
        );
        end <= warm + ALLOWED_GROWTH
    }
}

fn median(values: &[u64]) -> u64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Samples the memory of a function's largest process until `stop` is set.
async fn watch(log: PathBuf, stop: Arc<AtomicBool>) -> Vec<u64> {
    let mut memory = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let processes = processes_with_files_below(&log);
        memory.extend(processes.iter().map(|process| resident_bytes(process, "VmRSS")).max());
    }
    memory
}

fn function(
    name: &'static str,
    folder: &Path,
    environment: BTreeMap<String, String>,
    keys: Keys,
) -> Function {
    let binary = PathBuf::from(std::env::var("FUNCTIONS").unwrap_or("target/release".to_owned())).join(name);
    Function::new(FunctionSettings {
        name,
        binary,
        environment,
        timeout: Duration::from_mins(1),
        memory_megabytes: 512,
        keys,
        log: folder.join(name),
        crashes: None,
    })
    .unwrap()
}

fn sent(stream: StreamKind) -> impl Iterator<Item = Sent> {
    let size = CenterSize { agents: 2000, hours: 24, contacts_per_hour: 13_000, seed: 1, ..DEMO_CENTER };
    let faults = DeliveryFaults { duplicated: 25, late: 15, malformed: 8, lost: 0, seed: 1 };
    with_delivery_faults(Center::new(size), faults).filter(move |sent| sent.stream == stream)
}

/// Invokes the normalizer. Its answers must equal those of the same code in this process.
async fn normalize(folder: &Path, time: Duration) -> bool {
    let function = Arc::new(function("contact-record-normalizer", folder, BTreeMap::new(), Keys::random()));
    let records: Vec<_> = sent(StreamKind::ContactRecords).take(8 * RECORDS_PER_BATCH).collect();
    let batches: Vec<_> = records
        .chunks(RECORDS_PER_BATCH)
        .map(|batch| {
            let record = |(place, sent): (usize, &Sent)| {
                json!({"recordId": place.to_string(), "approximateArrivalTimestamp": sent.at,
                    "data": base64_simd::STANDARD.encode_to_string(&sent.record)})
            };
            let event =
                json!({"records": batch.iter().enumerate().map(record).collect::<Vec<_>>()}).to_string();
            let expected = transform(serde_json::from_str(&event).unwrap(), &Policy::default()).0;
            (event.into_bytes(), serde_json::to_value(&expected).unwrap())
        })
        .collect();
    let (batches, seen, stop) =
        (Arc::new(batches), Arc::new(Seen::default()), Arc::new(AtomicBool::new(false)));
    let watched = tokio::spawn(watch(folder.join("contact-record-normalizer"), stop.clone()));
    let begin = Instant::now();
    let worker = |number: usize| {
        let (function, batches, seen) = (function.clone(), batches.clone(), seen.clone());
        tokio::spawn(async move {
            for place in (number..).step_by(WORKERS) {
                if begin.elapsed() > time {
                    return;
                }
                let (event, expected) = &batches[place % batches.len()];
                let answer = seen.invoke(&function, event.clone()).await;
                assert!(answer == *expected, "an answer differs from the expected one");
                seen.records.fetch_add(RECORDS_PER_BATCH, Ordering::Relaxed);
            }
        })
    };
    for worker in (0..WORKERS).map(worker).collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    let seconds = begin.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    seen.print("contact-record-normalizer", seconds, &watched.await.unwrap())
}

/// A gate that injects faults and counts them.
fn gate(faults: &Faults, part: Part, keys: &Keys) -> Gate {
    Gate { interference: Some(faults.of_service(part)), ..Gate::of(keys.clone()) }
}

/// Invokes the upserter. After all events the tables must agree with the events.
async fn upsert(folder: &Path, time: Duration) -> bool {
    let (faults, keys) = (Faults::new(1), Keys::random());
    let dynamodb = DynamoDb::start(0, gate(&faults, Part::DynamoDb, &keys)).await.unwrap();
    create_agent_tables(&dynamodb).unwrap();
    let bucket = Folder::open(folder).unwrap();
    bucket.create_bucket(LAKE_BUCKET).unwrap();
    let s3 = S3Server::start(0, bucket, gate(&faults, Part::S3, &keys)).await.unwrap();
    let environment = upserter_environment(&dynamodb, &s3);
    let function = Arc::new(function("agent-event-upserter", folder, environment, keys));
    let events = Arc::new(Mutex::new((sent(StreamKind::AgentEvents).enumerate(), Expected::default())));
    let (seen, stop) = (Arc::new(Seen::default()), Arc::new(AtomicBool::new(false)));
    let watched = tokio::spawn(watch(folder.join("agent-event-upserter"), stop.clone()));
    let begin = Instant::now();
    let worker = |_| {
        let (function, events, seen) = (function.clone(), events.clone(), seen.clone());
        tokio::spawn(async move {
            while begin.elapsed() < time {
                let batch: Vec<_> = {
                    let (events, expected) = &mut *events.lock().unwrap();
                    let batch: Vec<_> = events.take(EVENTS_PER_BATCH).collect();
                    for (_, sent) in &batch {
                        expected.note(sent);
                    }
                    let record = |(number, sent): &(usize, Sent)| {
                        stream_record(0, &number.to_string(), "key", sent.at / 1000, &sent.record)
                    };
                    batch.iter().map(record).collect()
                };
                assert!(!batch.is_empty(), "the generated center has no more events: make it larger");
                let mut rest = &batch[..];
                while !rest.is_empty() {
                    let answer =
                        seen.invoke(&function, json!({"Records": rest}).to_string().into_bytes()).await;
                    let failed =
                        answer["batchItemFailures"][0]["itemIdentifier"].as_str().map(ToOwned::to_owned);
                    let is_failed =
                        |record: &Value| record["kinesis"]["sequenceNumber"].as_str() == failed.as_deref();
                    seen.partial.fetch_add(usize::from(failed.is_some()), Ordering::Relaxed);
                    let done =
                        if failed.is_none() { rest.len() } else { rest.iter().position(is_failed).unwrap() };
                    seen.records.fetch_add(done, Ordering::Relaxed);
                    rest = &rest[done..];
                }
            }
        })
    };
    for worker in (0..WORKERS).map(worker).collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    let seconds = begin.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    let is_flat = seen.print("agent-event-upserter", seconds, &watched.await.unwrap());
    let mut expected = std::mem::take(&mut events.lock().unwrap().1);
    dynamodb.for_each_item(AGENT_STATE_TABLE, |item| expected.compare_agent(item)).unwrap();
    dynamodb.for_each_item(AGENT_HISTORY_TABLE, |item| expected.compare_entry(item)).unwrap();
    let differences = expected.differences();
    let injected: u64 = faults.injected().values().flat_map(|kinds| kinds.values()).sum();
    println!("  {injected} requests hit a fault; {differences:?}");
    is_flat && differences.is_empty()
}

#[tokio::main]
async fn main() {
    let seconds = std::env::var("LOAD_SECONDS").map_or(60, |seconds| seconds.parse().unwrap());
    let time = Duration::from_secs(seconds);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let passed = [normalize(&folder, time).await, upsert(&folder, time).await];
    assert_eq!(passed, [true; 2], "memory grows, or something is lost");
}
