//! `make put-to-item`: how long an agent event takes from `PutRecord` until its item can be read, on a local stack whose
//! event source mapping has a batching window of 0 s, and the share of each hop.
//!
//! The local services stand in for those of AWS, so the figures show what our function adds, and that no part waits
//! longer than it must. They are not those of a deployment.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and panics on errors")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_ledger::rules::Rules;
use agent_ledger::{AgentKey, KnownProfiles, Read, Register, Version, read_knowing};
use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region};
use axum::body::Bytes;
use connect_streams::StreamKind;
use fastrand::Rng;
use lake_files::layout;
use ledger_tests::dynamodb_client;
use local_aws::Gate;
use local_aws::api::{Api, Services};
use local_aws::dynamodb::DynamoDb;
use local_aws::event_bus::EventBus;
use local_aws::event_source_mapping::batching::BatchRules;
use local_aws::event_source_mapping::{EventSourceMapping, MappingSettings};
use local_aws::firehose::prefix::Prefix;
use local_aws::firehose::{self, Buffer, FirehoseSettings};
use local_aws::function::{Function, FunctionSettings, Invoke, InvokeError};
use local_aws::kinesis::Stream;
use local_aws::s3::{Folder, S3Server};
use local_aws::stack::{create_agent_tables, upserter_environment};
use served_stack::{
    AGENT_EVENT_STREAM, AGENT_HISTORY_TABLE, AGENT_STATE_TABLE, CONTACT_RECORD_STREAM, Keys, LAKE_BUCKET,
    REGION, UPSERTER,
};
use synthetic_center::{Center, CenterSize, DEMO_CENTER};
use tables_dynamodb::agents::Reader;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// The longest that 99 of 100 events may take.
const LIMIT: Duration = Duration::from_millis(100);
/// Measured events. As many before them warm up the processes.
const EVENTS: usize = 1000;
const WARM_UP: usize = 100;
/// Events per second that arrive at random, about those of 2,000 agents in the busiest minute.
const RATE: f64 = 60.0;
/// The pause between two reads of an item that is not there yet.
const READ_PAUSE: Duration = Duration::from_millis(1);

/// An event, and how to recognize its item.
struct Event {
    record: Vec<u8>,
    key: AgentKey,
    version: Version,
}

/// When the services saw an event that is alone on the stack.
#[derive(Debug, Default)]
struct Passed {
    invoked: Option<Instant>,
    written_from: Option<Instant>,
}

/// The function, which notes when it is invoked.
struct Noting {
    function: Function,
    passed: Arc<Mutex<Passed>>,
}

#[async_trait::async_trait]
impl Invoke for Noting {
    fn arn(&self) -> String {
        self.function.arn()
    }

    async fn invoke(&self, payload: Bytes) -> Result<Bytes, InvokeError> {
        self.passed.lock().unwrap().invoked.get_or_insert_with(Instant::now);
        self.function.invoke(payload).await
    }
}

/// The stack, of which only the path of agent events is used.
struct Local {
    kinesis: aws_sdk_kinesis::Client,
    reader: Reader,
    passed: Arc<Mutex<Passed>>,
    _services: (DynamoDb, S3Server, Api, tempfile::TempDir),
}

impl Local {
    async fn start(functions: &Path) -> Self {
        let output = tempfile::tempdir().unwrap();
        std::fs::create_dir(output.path().join(LAKE_BUCKET)).unwrap();
        let folder = Folder::open(output.path()).unwrap();
        let passed = Arc::new(Mutex::new(Passed::default()));
        let keys = Keys::random();
        let mut gate = Gate::of(keys.clone());
        let noted = passed.clone();
        gate.guard = Some(Arc::new(move |permission| {
            if permission.action.starts_with("dynamodb:PartiQL") {
                noted.lock().unwrap().written_from.get_or_insert_with(Instant::now);
            }
            true
        }));
        let dynamodb = DynamoDb::start(0, gate).await.unwrap();
        create_agent_tables(&dynamodb).unwrap();
        let s3 = S3Server::start(0, folder.clone(), Gate::of(keys.clone())).await.unwrap();
        let function = || {
            Function::new(FunctionSettings {
                name: UPSERTER,
                binary: functions.join(UPSERTER),
                environment: upserter_environment(&dynamodb, &s3),
                timeout: Duration::from_mins(1),
                memory_megabytes: 512,
                keys: keys.clone(),
                log: output.path().join("upserter.log"),
                crashes: None,
            })
            .unwrap()
        };
        let stream = Arc::new(Stream::new(AGENT_EVENT_STREAM, 2));
        let settings = MappingSettings {
            batches: BatchRules { batch_size: 1000, window: Duration::ZERO },
            reports_failures: true,
            ..MappingSettings::default()
        };
        let noting = Arc::new(Noting { function: function(), passed: passed.clone() });
        let mapping = Arc::new(EventSourceMapping::new(settings, stream.clone(), noting, folder.clone()));
        tokio::spawn(mapping.clone().run());
        // The API also serves Firehose, which nothing is put on here.
        let unused = Arc::new(function());
        let minute = Buffer { bytes: 1024 * 1024, interval: Duration::from_mins(1) };
        let unused_firehose = FirehoseSettings {
            name: CONTACT_RECORD_STREAM.to_owned(),
            bucket: LAKE_BUCKET.to_owned(),
            prefix: Prefix::read(layout::ROWS_PREFIX).unwrap(),
            error_prefix: Prefix::read_error(layout::FAILED_PREFIX).unwrap(),
            transformation_buffer: minute,
            destination_buffer: minute,
            active_partitions: 1,
            conversion: None,
            backup_prefix: None,
            interference: None,
            log: None,
        };
        let (producer, _) = firehose::start(unused_firehose, unused.clone(), folder);
        let services = Services {
            stream,
            firehose: (CONTACT_RECORD_STREAM.to_owned(), producer),
            functions: vec![unused],
            mapping,
            bus: Arc::new(EventBus { rules: Vec::new() }),
            queues: Vec::new(),
            endpoint: String::new(),
        };
        let api = Api::start(0, services, &keys).await.unwrap();
        let credentials =
            Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "measured");
        let config = aws_sdk_kinesis::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(&api.endpoint)
            .region(Region::new(REGION))
            .credentials_provider(credentials);
        let reader = Reader::new(
            dynamodb_client(&dynamodb.endpoint, &keys),
            AGENT_STATE_TABLE.to_owned(),
            AGENT_HISTORY_TABLE.to_owned(),
        );
        let kinesis = aws_sdk_kinesis::Client::from_conf(config.build());
        Self { kinesis, reader, passed, _services: (dynamodb, s3, api, output) }
    }

    async fn put(&self, event: &Event) {
        let put = self.kinesis.put_record().stream_name(AGENT_EVENT_STREAM);
        let put = put.partition_key(&event.key.agent_id).data(event.record.clone().into());
        put.send().await.unwrap();
    }

    /// Waits until the item has this event or a newer one.
    async fn readable(&self, event: &Event) {
        let is_there = async || {
            let held = self.reader.version(&event.key, Register::Snapshot).await.unwrap();
            held.is_some_and(|held| held >= event.version)
        };
        while !is_there().await {
            sleep(READ_PAUSE).await;
        }
    }
}

/// Events with a snapshot, as a center sends them.
fn events() -> Vec<Event> {
    let size = CenterSize { agents: 200, hours: 1, contacts_per_hour: 1200, ..DEMO_CENTER };
    let of = |record: Vec<u8>| {
        let read = read_knowing(&record, &Rules::default(), &KnownProfiles::default()).unwrap();
        let Read::Event { plan, .. } = read else { return None };
        let write = plan.registers.into_iter().find(|write| write.register == Register::Snapshot)?;
        Some(Event { record, key: write.key, version: write.version })
    };
    let agent_events = Center::new(size).filter(|sent| sent.stream == StreamKind::AgentEvents);
    agent_events.filter_map(|sent| of(sent.record)).take(2 * (WARM_UP + EVENTS)).collect()
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn print_row(name: &str, times: &mut [Duration], whole: Duration) -> Duration {
    let [median, most] = [50, 99].map(|percent| percentile(times, percent));
    let share = times.iter().sum::<Duration>().as_secs_f64() / whole.as_secs_f64() * 100.0;
    println!("| {name} | {:.2} | {:.2} | {share:.0} % |", milliseconds(median), milliseconds(most));
    most
}

/// One event after the other, each alone on the stack.
async fn one_by_one(local: &Local, events: &[Event]) -> Duration {
    const HOPS: [&str; 4] = [
        "PutRecord and the event source mapping, until it invokes the function",
        "Runtime API, and the function until it sends its first write",
        "DynamoDB: the write, until the item can be read",
        "all",
    ];
    let mut hops: [Vec<Duration>; HOPS.len()] = Default::default();
    for (number, event) in events.iter().enumerate() {
        *local.passed.lock().unwrap() = Passed::default();
        let begin = Instant::now();
        local.put(event).await;
        local.readable(event).await;
        let end = Instant::now();
        let Passed { invoked, written_from } = std::mem::take(&mut *local.passed.lock().unwrap());
        let (invoked, written_from) = (invoked.unwrap(), written_from.unwrap());
        if number >= WARM_UP {
            let times = [invoked - begin, written_from - invoked, end - written_from, end - begin];
            hops.iter_mut().zip(times).for_each(|(hop, time)| hop.push(time));
        }
        // The function must have answered, or the next event would wait for it.
        sleep(Duration::from_millis(2)).await;
    }
    println!("{} events, one after the other, in milliseconds", events.len() - WARM_UP);
    println!();
    println!("| | median | p99 | share |");
    println!("|---|---:|---:|---:|");
    let whole = hops[HOPS.len() - 1].iter().sum();
    let rows: Vec<_> = HOPS.iter().zip(&mut hops).map(|(name, hop)| print_row(name, hop, whole)).collect();
    rows[HOPS.len() - 1]
}

/// Events that arrive at random, also while others are on their way.
async fn at_random(local: Arc<Local>, events: Vec<Event>) -> Duration {
    let mut rng = Rng::with_seed(7);
    let mut waiting = JoinSet::new();
    for event in events {
        sleep(Duration::from_secs_f64(-(1.0 - rng.f64()).ln() / RATE)).await;
        let local = local.clone();
        waiting.spawn(async move {
            let begin = Instant::now();
            local.put(&event).await;
            local.readable(&event).await;
            begin.elapsed()
        });
    }
    let mut times = waiting.join_all().await;
    println!();
    println!("{} events at random, {RATE} a second, in milliseconds", times.len());
    println!();
    println!("| | median | p99 | share |");
    println!("|---|---:|---:|---:|");
    let whole = times.iter().sum();
    print_row("all", &mut times, whole)
}

#[tokio::main]
async fn main() {
    let functions = std::env::args().nth(1).expect("the folder of the functions is the first argument");
    let local = Local::start(Path::new(&functions)).await;
    let mut events = events();
    assert_eq!(events.len(), 2 * (WARM_UP + EVENTS), "the center has too few events");
    let later = events.split_off(WARM_UP + EVENTS);
    let alone = one_by_one(&local, &events).await;
    let together = at_random(Arc::new(local), later).await;
    assert!(alone <= LIMIT && together <= LIMIT, "1 of 100 events takes longer than {LIMIT:?}");
}
