//! Shared by the tests in `tests/`: events as the services send them, stores with fault injection, and the location
//! of the function binaries.

pub mod agent_days;
pub mod chaos;
pub mod contact_events;
pub mod control_plane;
pub mod golden;
pub mod hostile;
pub mod queue_simulation;
pub mod signed;
pub mod simulation;
pub mod template;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agent_event_upserter::Upserter;
use agent_ledger::memory::MemoryStore;
use agent_ledger::rules::Rules;
use agent_ledger::store::{Store, WrittenEntries, WrittenRegisters};
use agent_ledger::{HistoryEntry, KnownProfiles, RegisterWrite};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use flate2::Compression;
use flate2::write::GzEncoder;
use lambda_io::firehose::TransformEvent;
use lambda_io::kinesis::StreamEvent;
use local_aws::Gate;
use local_aws::dynamodb::DynamoDb;
use local_aws::stack::{Stack, StackSettings};
use rejected_records::RejectedStore;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use served_stack::Keys;
use tables::{Answer, FaultClass, StoreError};
use tables_dynamodb::agents::DynamoDbStore;
use tokio::time::Instant;

/// A local stack with its streams on a free port, whose Firehose delivers after this time, and its folder.
///
/// # Panics
/// When it cannot start.
pub async fn served_stack(delivery_interval: Duration) -> (Stack, tempfile::TempDir) {
    let output = tempfile::tempdir().expect("a temporary folder can be created");
    let glue_table = lake_parquet::contact_records().expect("the template has the table");
    let settings = StackSettings {
        streams_port: Some(0),
        delivery_interval,
        ..StackSettings::new(functions_folder(), output.path().to_owned(), glue_table)
    };
    (Stack::start(settings).await.expect("the stack starts"), output)
}

/// The folder of this build's binaries.
///
/// # Panics
/// When they were not built; `make test` builds them.
#[must_use]
pub fn functions_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    let folder = test.ancestors().nth(2).expect("tests are in <target>/<profile>/deps").to_owned();
    let binary = folder.join("agent-event-upserter");
    assert!(
        binary.is_file(),
        "{} is missing: run `cargo build --workspace`, or `make test-rust`",
        binary.display()
    );
    folder
}

/// The bytes compressed with GZIP.
///
/// # Panics
/// Never: writing to memory cannot fail.
#[must_use]
pub fn compressed(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes.as_ref()).expect("writing to memory cannot fail");
    gzip.finish().expect("writing to memory cannot fail")
}

/// The hand-made contact records, by name.
///
/// # Panics
/// When they cannot be read.
#[must_use]
pub fn contact_record_fixtures() -> BTreeMap<String, Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/contact-records");
    let fixture = |path: PathBuf| {
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        (name, std::fs::read(&path).expect("the fixture can be read"))
    };
    let entries = std::fs::read_dir(folder).expect("the fixtures are in the repository");
    let fixtures = entries.map(|entry| fixture(entry.expect("the folder can be read").path()));
    fixtures.filter(|(name, _)| !name.contains('.')).collect()
}

/// The processes with an open file below a folder. A function process keeps its log open.
#[must_use]
pub fn processes_with_files_below(folder: &Path) -> Vec<PathBuf> {
    let has_file_below = |process: &PathBuf| {
        // Processes that have ended or belong to other users show no files.
        let open_files = std::fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        let mut targets = open_files.filter_map(|file| std::fs::read_link(file.path()).ok());
        targets.any(|target| target.starts_with(folder))
    };
    // A process that another test of this program is forking has this test's files open until it executes its own
    // program.
    let this = std::env::current_exe().ok();
    let is_other = |process: &PathBuf| std::fs::read_link(process.join("exe")).ok() != this;
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|process| process.path());
    processes.filter(is_other).filter(has_file_below).collect()
}

/// A memory figure of a process, in bytes: `VmRSS` is the current resident memory, `VmHWM` its peak.
///
/// # Panics
/// When there is no such process or figure.
#[must_use]
pub fn resident_bytes(process: &Path, name: &str) -> u64 {
    let status = std::fs::read_to_string(process.join("status")).expect("a running process has a status");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel reports this size");
    let kilobytes = line.trim_matches([':', ' ', '\t']).trim_end_matches(" kB");
    kilobytes.parse::<u64>().expect("a size is a number") * 1024
}

/// A Kinesis event with these records, numbered from `first`.
///
/// # Panics
/// Never: the JSON has the event's form.
#[must_use]
pub fn stream_event<'a>(first: usize, records: impl IntoIterator<Item = &'a [u8]>) -> StreamEvent {
    let record = |(index, data): (usize, &[u8])| {
        stream_record(0, &(first + index).to_string(), "key", 1_772_438_400.25, data)
    };
    let records: Vec<_> = records.into_iter().enumerate().map(record).collect();
    read_event(&json!({ "Records": records }))
}

/// Parses an event from its text, as the runtime does.
///
/// # Panics
/// When the event does not have the form of `T`.
#[must_use]
pub fn read_event<T: DeserializeOwned>(event: &Value) -> T {
    serde_json::from_str(&event.to_string()).expect("the event has its service's form")
}

/// One record of a Kinesis event. `arrival` is in seconds since 1970.
#[must_use]
pub fn stream_record(
    shard: usize,
    sequence_number: &str,
    partition_key: &str,
    arrival: impl Into<Value>,
    data: &[u8],
) -> Value {
    json!({
        "eventID": format!("shardId-{shard:012}:{sequence_number}"),
        "eventSourceARN": "arn:aws:kinesis:eu-west-2:111122223333:stream/agent-events",
        "kinesis": {
            "sequenceNumber": sequence_number,
            "partitionKey": partition_key,
            "approximateArrivalTimestamp": arrival.into(),
            "data": base64_simd::STANDARD.encode_to_string(data),
        },
    })
}

/// A Firehose event with these records, named `r0`, `r1`, ….
///
/// # Panics
/// Never: the JSON has the event's form.
#[must_use]
pub fn transform_event<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> TransformEvent {
    let record = |(index, data): (usize, &[u8])| {
        json!({
            "recordId": format!("r{index}"),
            "approximateArrivalTimestamp": 1_772_438_400_250_i64,
            "data": base64_simd::STANDARD.encode_to_string(data),
        })
    };
    let records: Vec<_> = records.into_iter().enumerate().map(record).collect();
    read_event(&json!({ "records": records }))
}

/// A client of a DynamoDB on this machine, with its keys.
#[must_use]
pub fn dynamodb_client(endpoint: &str, keys: &Keys) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new("eu-west-2"))
        .credentials_provider(Credentials::new(
            &keys.access_key_id,
            &keys.secret_access_key,
            None,
            None,
            "test",
        ))
        .build();
    Client::from_conf(config)
}

/// A new DynamoDB with the two tables, `State` and `History`.
///
/// # Panics
/// When it cannot be started.
pub async fn dynamodb() -> (DynamoDb, Client) {
    let server = DynamoDb::start(0, Gate::default()).await.expect("a free port can be listened on");
    server.create_table("State", "board", "agent_id").expect("the table is new");
    server.create_table("History", "agent_id", "entry").expect("the table is new");
    let client = dynamodb_client(&server.endpoint, &server.keys);
    (server, client)
}

/// The store on the tables of [`dynamodb`].
#[must_use]
pub fn dynamodb_store(client: Client) -> DynamoDbStore {
    DynamoDbStore::new(client, "State".to_owned(), "History".to_owned())
}

/// A deadline that no test reaches.
#[must_use]
pub fn far_future() -> Instant {
    Instant::now() + Duration::from_hours(1)
}

/// The upserter on any store, with rejected records in memory.
pub fn upserter<S>(store: S) -> Upserter<S, MemoryRejectedStore> {
    Upserter {
        store,
        rejected_store: MemoryRejectedStore::default(),
        rules: Rules::default(),
        write_concurrency: 8,
        known_profiles: KnownProfiles::default(),
    }
}

/// Rejected records in memory, by key.
#[derive(Debug, Default)]
pub struct MemoryRejectedStore {
    /// The objects.
    pub objects: Mutex<BTreeMap<String, String>>,
    /// Whether every put is refused.
    pub refuses: bool,
}

impl MemoryRejectedStore {
    /// The lines of all objects, with the object's key.
    ///
    /// # Panics
    /// When a line is not JSON.
    #[must_use]
    pub fn lines(&self) -> Vec<(String, Value)> {
        let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let line =
            |key: &String, line: &str| (key.clone(), serde_json::from_str(line).expect("a line is JSON"));
        objects.iter().flat_map(|(key, body)| body.lines().map(move |text| line(key, text))).collect()
    }
}

impl RejectedStore for MemoryRejectedStore {
    async fn put(&self, key: &str, body: Vec<u8>) -> Result<(), StoreError> {
        if self.refuses {
            return Err(fault(FaultClass::Environment));
        }
        let body = String::from_utf8(body).expect("lines are text");
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), body);
        Ok(())
    }
}

/// A failed write.
#[must_use]
pub fn fault(class: FaultClass) -> StoreError {
    StoreError {
        class,
        code: "OnPurpose".to_owned(),
        is_answer: true,
        source: Arc::from(Box::<dyn std::error::Error + Send + Sync>::from("on purpose")),
    }
}

/// A store in memory that fails some of its writes: before they take effect, or after, so that the response is lost.
#[derive(Debug)]
pub struct FailingStore {
    /// The store behind the faults.
    pub store: MemoryStore,
    writes: AtomicUsize,
    failing: Range<usize>,
    class: FaultClass,
    loses_answer: bool,
}

impl FailingStore {
    /// A store whose writes in the range `failing`, counted from 0, fail. With `loses_answer` they still take effect.
    #[must_use]
    pub fn new(failing: Range<usize>, class: FaultClass, loses_answer: bool) -> Self {
        Self { store: MemoryStore::default(), writes: AtomicUsize::new(0), failing, class, loses_answer }
    }

    fn fails(&self) -> bool {
        let write = self.writes.fetch_add(1, Ordering::Relaxed);
        self.failing.contains(&write)
    }

    /// The number of writes so far.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }
}

impl Store for FailingStore {
    async fn write_registers(&self, writes: &[&RegisterWrite]) -> WrittenRegisters {
        if !self.fails() {
            return self.store.write_registers(writes).await;
        }
        if self.loses_answer {
            let _ = self.store.write_registers(writes).await;
        }
        Answer::free(writes.iter().map(|_| Err(fault(self.class))).collect())
    }

    async fn insert_entries(&self, entries: &[&HistoryEntry]) -> WrittenEntries {
        if !self.fails() {
            return self.store.insert_entries(entries).await;
        }
        if self.loses_answer {
            let _ = self.store.insert_entries(entries).await;
        }
        Answer::free(entries.iter().map(|_| Err(fault(self.class))).collect())
    }
}
