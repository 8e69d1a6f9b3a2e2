//! The whole pipeline, wired like the deployed one: contact records through Firehose to the lake, agent events through
//! Kinesis to the agent tables, contact events through EventBridge and SQS to the table of contacts in flight.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use axum::body::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::api::STREAMS;
use crate::api::{Api, Services};
use crate::descriptors;
use crate::dynamodb::{DynamoDb, Item};
use crate::event_bus::{EventBus, Rule, Target};
use crate::event_source_mapping::batching::BatchRules;
use crate::event_source_mapping::retries::RetryRules;
use crate::event_source_mapping::{EventSourceMapping, MappingSettings};
use crate::faults::{Faults, Part};
use crate::firehose::archive::archive;
use crate::firehose::prefix::Prefix;
use crate::firehose::{self, Buffer, FirehoseSettings, Producer};
use crate::function::{Function, FunctionSettings, check_binary};
use crate::gateway::{Gate, Interference};
use crate::kinesis::{KinesisError, Record, Stream};
use crate::pattern::Pattern;
use crate::permission::Guard;
use crate::queue_mapping::{QueueMapping, QueueMappingSettings};
use crate::s3::{Folder, S3Server};
use crate::service_log::ServiceLog;
use crate::sqs::{Queue, QueueSettings};
use lake_files::{Note, layout};
use lake_parquet::GlueTable;
use loopback::listen;
use served_stack::{
    AGENT_EVENT_STREAM, AGENT_HISTORY_TABLE, AGENT_STATE_TABLE, CONTACT_EVENT_DEAD_LETTERS,
    CONTACT_EVENT_RULE_DEAD_LETTERS, CONTACT_EVENT_UPSERTER, CONTACT_EVENTS, CONTACT_RECORD_STREAM,
    CONTACT_STATE_TABLE, EVENT_SOURCE_MAPPING_LOG, FIREHOSE_LOG, HISTORY_EVENTS, Keys, LAKE_BUCKET,
    NORMALIZER, RETENTION_DAYS, Served, ServedFile, UPSERTER, log_file,
};

/// Maximum number of unread agent events in the stream. At the limit, producers wait.
const UNREAD_EVENTS: usize = 20_000;
/// The event pattern of the deployed rule, `ContactEventRule` in the template.
const CONTACT_EVENT_PATTERN: &str = r#"{"source":["aws.connect"],"detail-type":["Amazon Connect Contact Event","Connect Customer Contact Event"]}"#;

/// How long a received contact event is invisible.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum number of concurrent invocations of contact-event-upserter.
const QUEUE_CONCURRENCY: usize = 2;

/// The settings of a stack.
#[derive(Clone)]
pub struct StackSettings {
    /// Folder of the function binaries.
    pub functions: PathBuf,
    /// Folder for buckets and logs. It must exist.
    pub output: PathBuf,
    /// The table whose schema is used to convert rows to Parquet.
    pub table: GlueTable,
    /// The file for the tables, deleted with the stack. `None` keeps them in memory.
    pub tables_file: Option<PathBuf>,
    /// Port of DynamoDB, 0 for a free one.
    pub dynamodb_port: u16,
    /// Port of S3, 0 for a free one.
    pub s3_port: u16,
    /// Port of Kinesis, Firehose, EventBridge, SQS and Lambda, 0 for a free one; `None` serves none of them.
    pub streams_port: Option<u16>,
    /// The number of shards of the agent event stream.
    pub shards: usize,
    /// Maximum number of agent events per invocation.
    pub batch_size: usize,
    /// Maximum number of retries of a batch before it is discarded.
    pub maximum_retry_attempts: u32,
    /// Maximum number of partitions with rows that wait for delivery.
    pub active_partitions: usize,
    /// Maximum time until rows are delivered.
    pub delivery_interval: Duration,
    /// Fault injection.
    pub faults: Option<Faults>,
    /// Faults for requests to DynamoDB. They replace those of `faults`.
    pub interference: Option<Interference>,
    /// Environment of contact-record-normalizer.
    pub normalizer_environment: BTreeMap<String, String>,
    /// Environment of agent-event-upserter, in addition to the names and endpoints of its tables and its bucket.
    pub upserter_environment: BTreeMap<String, String>,
    /// Environment of contact-event-upserter, in addition to the names and endpoints of its table and its bucket.
    pub contact_event_environment: BTreeMap<String, String>,
    /// Called with every file before it is written.
    pub note: Option<Note>,
    /// Permissions on the tables and buckets. Without a guard, everything is permitted.
    pub guard: Option<Guard>,
    /// Whether other programs find the stack as soon as it has started, or only after [`Stack::publish`].
    pub is_published: bool,
}

impl StackSettings {
    /// A stack that runs the binaries in `functions` and writes its result to `output`.
    #[must_use]
    pub fn new(functions: PathBuf, output: PathBuf, table: GlueTable) -> Self {
        Self {
            functions,
            output,
            table,
            tables_file: None,
            dynamodb_port: 0,
            s3_port: 0,
            streams_port: None,
            shards: 2,
            batch_size: 100,
            // Outlasts every injected fault: discarded records would have to be redriven by hand.
            maximum_retry_attempts: 100,
            active_partitions: 500,
            delivery_interval: Duration::from_mins(15),
            faults: None,
            interference: None,
            normalizer_environment: BTreeMap::new(),
            upserter_environment: BTreeMap::new(),
            contact_event_environment: BTreeMap::new(),
            note: None,
            guard: None,
            is_published: true,
        }
    }
}

impl StackSettings {
    /// Checks that the stack can be started, before an earlier result is removed.
    ///
    /// # Errors
    /// When a binary is missing, a port is in use, or the limit of open files is too low.
    pub async fn check(&self) -> anyhow::Result<()> {
        descriptors::check(self.shards)?;
        for name in [NORMALIZER, UPSERTER, CONTACT_EVENT_UPSERTER] {
            check_binary(&self.functions.join(name), name)?;
        }
        let streams = self.streams_port.unwrap_or_default();
        for (port, service) in [(self.dynamodb_port, "DynamoDB"), (self.s3_port, "S3"), (streams, STREAMS)] {
            listen(port, service).await?;
        }
        Ok(())
    }
}

/// A running stack. Dropping it stops it with all its processes.
pub struct Stack {
    /// The outcomes of contact records.
    pub contact_records: Arc<firehose::Counters>,
    /// The event source mapping, with the outcomes of agent events.
    pub agent_events: Arc<EventSourceMapping>,
    /// The function that Firehose invokes.
    pub normalizer: Arc<Function>,
    /// The function that reads the Kinesis stream.
    pub upserter: Arc<Function>,
    /// The function that reads the queue of contact events.
    pub contact_event_upserter: Arc<Function>,
    /// The mapping from the queue of contact events, with their outcomes.
    pub contact_events: Arc<QueueMapping>,
    /// The tables.
    pub dynamodb: DynamoDb,
    /// The buckets.
    pub s3: S3Server,
    /// The injected faults, if any.
    pub faults: Option<Faults>,
    /// Kinesis, Firehose, EventBridge, SQS and Lambda, if they are served.
    pub streams: Option<Api>,
    /// Deleted with the stack.
    served: Option<ServedFile>,
    /// What other programs need to find the stack, and the folder where they look for it.
    endpoints: Option<(Served, PathBuf)>,
    stream: Arc<Stream>,
    producer: Option<Producer>,
    firehose: JoinHandle<anyhow::Result<()>>,
    archive: JoinHandle<anyhow::Result<()>>,
    mapping: JoinHandle<anyhow::Result<()>>,
    /// Closed when no more contact events are put.
    bus: Option<Arc<EventBus>>,
    queue: Arc<Queue>,
    contact_event_archive: JoinHandle<anyhow::Result<()>>,
    queue_mapping: JoinHandle<anyhow::Result<()>>,
}

/// The path of agent events: the stream, its mapping, and the archive.
struct AgentEvents {
    stream: Arc<Stream>,
    mapping: Arc<EventSourceMapping>,
    task: JoinHandle<anyhow::Result<()>>,
    archive: JoinHandle<anyhow::Result<()>>,
}

impl AgentEvents {
    fn start(settings: &StackSettings, function: Arc<Function>, folder: Folder) -> anyhow::Result<Self> {
        let (archived, to_archive) = mpsc::unbounded_channel();
        let copies = archive_settings_of(settings, AGENT_EVENT_STREAM, layout::AGENT_EVENT_COPIES_PREFIX)?;
        let archive = tokio::spawn(archive(copies, to_archive, folder.clone()));
        let stream = Stream::new(AGENT_EVENT_STREAM, settings.shards).archived_by(archived);
        // External readers need the records after the mapping has read them.
        let stream = Arc::new(if settings.streams_port.is_some() { stream.retaining() } else { stream });
        let mapping = EventSourceMapping::new(mapping_settings(settings), stream.clone(), function, folder);
        let mapping = Arc::new(mapping);
        let task = tokio::spawn(mapping.clone().run());
        Ok(Self { stream, mapping, task, archive })
    }
}

/// The path of contact events: the bus, its queues, the mapping, and the archive.
struct ContactEvents {
    bus: Arc<EventBus>,
    queues: ContactEventQueues,
    mapping: Arc<QueueMapping>,
    task: JoinHandle<anyhow::Result<()>>,
    archive: JoinHandle<anyhow::Result<()>>,
}

impl ContactEvents {
    fn start(settings: &StackSettings, function: Arc<Function>, folder: Folder) -> anyhow::Result<Self> {
        let (archived, to_archive) = mpsc::unbounded_channel();
        let copies = archive_settings_of(settings, CONTACT_EVENTS, layout::CONTACT_EVENT_COPIES_PREFIX)?;
        let queues = ContactEventQueues::new(settings.maximum_retry_attempts);
        let bus = Arc::new(event_bus(&queues.events, archived)?);
        let mapping_settings = QueueMappingSettings {
            batch_size: settings.batch_size,
            window: Duration::from_millis(20),
            maximum_concurrency: QUEUE_CONCURRENCY,
        };
        let mapping = Arc::new(QueueMapping::new(mapping_settings, queues.events.clone(), function));
        let task = tokio::spawn(mapping.clone().run());
        Ok(Self { bus, queues, mapping, task, archive: tokio::spawn(archive(copies, to_archive, folder)) })
    }
}

impl Stack {
    /// Starts everything.
    ///
    /// # Errors
    /// When a binary is missing, a port is in use, or the folder is not writable. Nothing is left running.
    pub async fn start(settings: StackSettings) -> anyhow::Result<Self> {
        descriptors::check(settings.shards)?;
        let folder = lake(&settings)?;
        let note = |file: &Path| settings.note.as_ref().map_or(Ok(()), |note| note(file));
        note(&settings.output.join(Served::FILE)).context("the output folder cannot be written")?;
        prepare_logs(&settings.output, &note)?;
        let keys = Keys::random();
        let function = |name: &'static str, environment, part| {
            let (binary, log) = (settings.functions.join(name), log_file(&settings.output, name));
            note(&log)?;
            Function::new(FunctionSettings {
                name,
                binary,
                environment,
                timeout: Duration::from_mins(1),
                memory_megabytes: 512,
                keys: keys.clone(),
                log,
                crashes: settings.faults.as_ref().map(|faults| faults.of_function(part)),
            })
            .map(Arc::new)
        };
        let of_service = |part| settings.faults.as_ref().map(|faults| faults.of_service(part));
        let gate = |interference| Gate { keys: keys.clone(), interference, guard: settings.guard.clone() };
        let interference = settings.interference.clone().or_else(|| of_service(Part::DynamoDb));
        let dynamodb = tables(&settings, gate(interference), &note).await?;
        let of_s3 = of_service(Part::S3);
        let s3 = S3Server::start(settings.s3_port, folder.clone(), gate(of_s3.clone())).await?;
        let normalizer = function(NORMALIZER, settings.normalizer_environment.clone(), Part::Normalizer)?;
        let mut environment = settings.upserter_environment.clone();
        environment.extend(upserter_environment(&dynamodb, &s3));
        let upserter = function(UPSERTER, environment, Part::Upserter)?;
        let mut environment = settings.contact_event_environment.clone();
        environment.extend(contact_event_environment(&dynamodb, &s3));
        let contact_event_upserter =
            function(CONTACT_EVENT_UPSERTER, environment, Part::ContactEventUpserter)?;

        let of_delivery = settings.faults.as_ref().zip(of_s3).map(|(faults, s3)| faults.of_delivery(s3));
        let firehose_settings =
            FirehoseSettings { interference: of_delivery, ..firehose_settings(&settings)? };
        let (producer, firehose) = firehose::start(firehose_settings, normalizer.clone(), folder.clone());
        let agent_events = AgentEvents::start(&settings, upserter.clone(), folder.clone())?;
        let contact_events = ContactEvents::start(&settings, contact_event_upserter.clone(), folder)?;
        let streams = match settings.streams_port {
            None => None,
            Some(port) => {
                let firehose = (CONTACT_RECORD_STREAM.to_owned(), producer.clone());
                let functions = vec![normalizer.clone(), upserter.clone(), contact_event_upserter.clone()];
                let services = Services {
                    stream: agent_events.stream.clone(),
                    firehose,
                    functions,
                    mapping: agent_events.mapping.clone(),
                    bus: contact_events.bus.clone(),
                    queues: contact_events.queues.all(),
                    endpoint: String::new(),
                };
                let api = Api::start(port, services, &keys).await?;
                let served = Served {
                    keys: keys.clone(),
                    dynamodb: dynamodb.endpoint.clone(),
                    s3: s3.endpoint.clone(),
                    streams: api.endpoint.clone(),
                    agent_event_mapping: agent_events.mapping.id.clone(),
                    history_events: settings.upserter_environment.get(HISTORY_EVENTS).cloned(),
                };
                Some((served, api))
            }
        };
        let (endpoints, streams) = streams.unzip();
        let mut stack = Self {
            contact_records: firehose.counters,
            normalizer,
            upserter,
            dynamodb,
            s3,
            faults: settings.faults,
            streams,
            endpoints: endpoints.map(|endpoints| (endpoints, settings.output.clone())),
            served: None,
            stream: agent_events.stream,
            producer: Some(producer),
            agent_events: agent_events.mapping,
            firehose: firehose.task,
            archive: agent_events.archive,
            mapping: agent_events.task,
            contact_event_upserter,
            contact_events: contact_events.mapping,
            bus: Some(contact_events.bus),
            queue: contact_events.queues.events,
            contact_event_archive: contact_events.archive,
            queue_mapping: contact_events.task,
        };
        if settings.is_published {
            stack.publish()?;
        }
        Ok(stack)
    }

    /// Lets other programs find the stack.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn publish(&mut self) -> anyhow::Result<()> {
        if let Some((endpoints, folder)) = &self.endpoints {
            self.served = Some(endpoints.clone().leave(folder)?);
        }
        Ok(())
    }

    /// Puts a contact record on its stream.
    ///
    /// # Panics
    /// After [`Stack::drain`].
    pub async fn put_contact_record(&self, data: Bytes) {
        let producer = self.producer.as_ref().expect("the stack still accepts records");
        // If the stream has stopped, its task returns the error when it is joined.
        let _ = producer.put_record(data).await;
    }

    /// Puts an agent event on its stream. Waits while too many events are unread.
    ///
    /// # Errors
    /// When the stream refuses it.
    pub async fn put_agent_event(&self, partition_key: &str, data: Bytes) -> Result<(), KinesisError> {
        self.stream.room(UNREAD_EVENTS).await;
        self.stream.put_record(partition_key, data).map(drop)
    }

    /// Puts a contact event on the event bus. Waits while too many events are unread. An event that no rule matches is
    /// gone, as on EventBridge; returns whether one did.
    ///
    /// # Panics
    /// After [`Stack::drain`].
    pub async fn put_contact_event(&self, data: &[u8]) -> bool {
        let bus = self.bus.as_ref().expect("the stack still accepts events");
        while self.queue.unread() > UNREAD_EVENTS {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let (Ok(text), Ok(event)) = (std::str::from_utf8(data), serde_json::from_slice(data)) else {
            return false;
        };
        bus.put(&event, text)
    }

    /// Sends a contact event to the queue, past the event bus.
    ///
    /// # Errors
    /// When it is not text.
    pub fn send_contact_event(&self, data: Vec<u8>) -> anyhow::Result<()> {
        let text =
            String::from_utf8(data).context("a contact event is not UTF-8; correct it, and try again")?;
        self.queue.send(text, BTreeMap::new());
        Ok(())
    }

    /// Closes the streams, and waits until every record is delivered.
    ///
    /// # Errors
    /// When a function cannot run, or the folder cannot be written.
    pub async fn drain(&mut self) -> anyhow::Result<()> {
        (self.streams, self.served) = (None, None);
        (self.producer, self.bus) = (None, None);
        self.stream.close();
        self.queue.close();
        self.run().await
    }

    /// Waits until this number of records have been processed and delivered. More records can be put afterwards.
    ///
    /// # Errors
    /// When a function cannot run, or the folder cannot be written.
    pub async fn settle(&mut self, records: u64) -> anyhow::Result<()> {
        let processed = || {
            let contact_events = self.contact_events.done.load(Ordering::Relaxed);
            self.contact_records.over() + self.agent_events.counters.over() + contact_events
        };
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        let settled = async {
            while processed() < records || self.contact_records.waiting.load(Ordering::Relaxed) > 0 {
                tick.tick().await;
            }
        };
        tokio::select! {
            ended = joined(&mut self.firehose) => ended,
            ended = joined(&mut self.archive) => ended,
            ended = joined(&mut self.mapping) => ended,
            ended = joined(&mut self.contact_event_archive) => ended,
            ended = joined(&mut self.queue_mapping) => ended,
            () = settled => Ok(()),
        }
    }

    /// Runs until something fails.
    ///
    /// # Errors
    /// When a function cannot run, or the folder cannot be written.
    pub async fn run(&mut self) -> anyhow::Result<()> {
        // Returns the first error.
        tokio::try_join!(
            joined(&mut self.firehose),
            joined(&mut self.archive),
            joined(&mut self.mapping),
            joined(&mut self.contact_event_archive),
            joined(&mut self.queue_mapping),
        )
        .map(|_| ())
    }

    /// The items of the table `AgentState`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn agent_state(&self) -> anyhow::Result<Vec<Item>> {
        self.dynamodb.items(AGENT_STATE_TABLE, "board", "agent_id")
    }

    /// The items of the table `ContactState`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn contact_state(&self) -> anyhow::Result<Vec<Item>> {
        self.dynamodb.items(CONTACT_STATE_TABLE, "board", "contact_id")
    }

    /// The items of the table `AgentHistory`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn agent_history(&self) -> anyhow::Result<Vec<Item>> {
        self.dynamodb.items(AGENT_HISTORY_TABLE, "agent_id", "entry")
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.firehose.abort();
        self.archive.abort();
        self.mapping.abort();
        self.contact_event_archive.abort();
        self.queue_mapping.abort();
    }
}

async fn joined(task: &mut JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    task.await?
}

/// The folder with the lake's bucket.
fn lake(settings: &StackSettings) -> anyhow::Result<Folder> {
    let folder = Folder::open_noting(&settings.output, settings.note.clone())?;
    folder.create_bucket(LAKE_BUCKET).context("the lake's folder cannot be created")?;
    // The template does so too.
    folder.enable_versioning(LAKE_BUCKET)?;
    Ok(folder)
}

fn firehose_settings(settings: &StackSettings) -> anyhow::Result<FirehoseSettings> {
    Ok(FirehoseSettings {
        name: CONTACT_RECORD_STREAM.to_owned(),
        bucket: LAKE_BUCKET.to_owned(),
        prefix: Prefix::read(layout::ROWS_PREFIX)?,
        error_prefix: Prefix::read_error(layout::FAILED_PREFIX)?,
        transformation_buffer: Buffer { bytes: 1024 * 1024, interval: Duration::from_secs(1) },
        // The service's minimum with conversion and dynamic partitioning.
        destination_buffer: Buffer { bytes: 64 * 1024 * 1024, interval: settings.delivery_interval },
        active_partitions: settings.active_partitions,
        conversion: Some(settings.table.clone()),
        backup_prefix: Some(Prefix::read(layout::COPIES_PREFIX)?),
        interference: None,
        log: Some(ServiceLog::new(log_file(&settings.output, FIREHOSE_LOG))),
    })
}

/// DynamoDB with the tables.
async fn tables(
    settings: &StackSettings,
    gate: Gate,
    note: &impl Fn(&Path) -> io::Result<()>,
) -> anyhow::Result<DynamoDb> {
    let port = settings.dynamodb_port;
    let dynamodb = match &settings.tables_file {
        None => DynamoDb::start(port, gate).await?,
        Some(file) => {
            DynamoDb::files(file).iter().try_for_each(|file| note(file))?;
            DynamoDb::start_in(file.clone(), port, gate).await?
        }
    };
    create_agent_tables(&dynamodb)?;
    create_contact_table(&dynamodb)?;
    Ok(dynamodb)
}

/// Creates the folder for logs, and notes those of services, which are written only if something fails.
fn prepare_logs(output: &Path, note: &impl Fn(&Path) -> io::Result<()>) -> anyhow::Result<()> {
    std::fs::create_dir_all(output.join("logs")).context("the folder for logs cannot be created")?;
    Ok([FIREHOSE_LOG, EVENT_SOURCE_MAPPING_LOG]
        .iter()
        .try_for_each(|service| note(&log_file(output, service)))?)
}

/// An archive of raw copies, set up like the template's.
fn archive_settings_of(
    settings: &StackSettings,
    name: &str,
    prefix: &str,
) -> anyhow::Result<FirehoseSettings> {
    Ok(FirehoseSettings {
        name: name.to_owned(),
        prefix: Prefix::read(prefix)?,
        conversion: None,
        backup_prefix: None,
        ..firehose_settings(settings)?
    })
}

fn mapping_settings(settings: &StackSettings) -> MappingSettings {
    MappingSettings {
        batches: BatchRules { batch_size: settings.batch_size, window: Duration::from_millis(20) },
        retries: RetryRules {
            maximum_retry_attempts: Some(settings.maximum_retry_attempts),
            maximum_record_age: None,
            bisect_on_error: true,
        },
        reports_failures: true,
        on_failure_bucket: Some(LAKE_BUCKET.to_owned()),
        log: Some(ServiceLog::new(log_file(&settings.output, EVENT_SOURCE_MAPPING_LOG))),
        ..MappingSettings::default()
    }
}

/// Creates both agent tables.
///
/// # Errors
/// When they exist.
pub fn create_agent_tables(dynamodb: &DynamoDb) -> anyhow::Result<()> {
    dynamodb.create_table(AGENT_STATE_TABLE, "board", "agent_id")?;
    dynamodb.create_table(AGENT_HISTORY_TABLE, "agent_id", "entry")?;
    [AGENT_STATE_TABLE, AGENT_HISTORY_TABLE].iter().try_for_each(|table| dynamodb.expire(table, "expires_at"))
}

/// Creates the table of contacts in flight.
///
/// # Errors
/// When it exists.
pub fn create_contact_table(dynamodb: &DynamoDb) -> anyhow::Result<()> {
    dynamodb.create_table_with_index(
        CONTACT_STATE_TABLE,
        ["board", "contact_id"],
        ("in_flight", "in_flight"),
    )?;
    dynamodb.expire(CONTACT_STATE_TABLE, "expires_at")
}

/// The queues of contact events, set up like the template's.
struct ContactEventQueues {
    events: Arc<Queue>,
    dead_letters: Arc<Queue>,
    rule_dead_letters: Arc<Queue>,
}

impl ContactEventQueues {
    fn new(most_receives: u32) -> Self {
        // Much shorter than deployed, so that a retry after an injected fault does not take minutes.
        let settings = QueueSettings { visibility_timeout: VISIBILITY_TIMEOUT, dead_letters: None };
        let queue = |name| Arc::new(Queue::new(name, settings.clone()));
        let dead_letters = queue(CONTACT_EVENT_DEAD_LETTERS);
        let with_dead_letters =
            QueueSettings { dead_letters: Some((dead_letters.clone(), most_receives)), ..settings.clone() };
        Self {
            events: Arc::new(Queue::new(CONTACT_EVENTS, with_dead_letters)),
            dead_letters,
            rule_dead_letters: queue(CONTACT_EVENT_RULE_DEAD_LETTERS),
        }
    }

    fn all(&self) -> Vec<Arc<Queue>> {
        vec![self.events.clone(), self.dead_letters.clone(), self.rule_dead_letters.clone()]
    }
}

/// The event bus with the deployed rule.
fn event_bus(queue: &Arc<Queue>, archive: mpsc::UnboundedSender<Record>) -> anyhow::Result<EventBus> {
    let rule = Rule {
        name: CONTACT_EVENTS.to_owned(),
        pattern: Pattern::of(serde_json::from_str(CONTACT_EVENT_PATTERN)?)?,
        targets: vec![Target::Queue(queue.clone()), Target::Firehose(CONTACT_EVENTS.to_owned(), archive)],
    };
    Ok(EventBus { rules: vec![rule] })
}

/// The environment of contact-event-upserter for this table and this bucket.
#[must_use]
pub fn contact_event_environment(dynamodb: &DynamoDb, s3: &S3Server) -> BTreeMap<String, String> {
    let retention = RETENTION_DAYS.to_string();
    let variables = [
        ("ENDED_RETENTION_DAYS", retention.as_str()),
        ("UNENDED_RETENTION_DAYS", &retention),
        ("CONTACT_STATE_TABLE", CONTACT_STATE_TABLE),
        ("REJECTED_BUCKET", LAKE_BUCKET),
        ("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb.endpoint),
        ("AWS_ENDPOINT_URL_S3", &s3.endpoint),
    ];
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The environment of agent-event-upserter for these tables and this bucket.
#[must_use]
pub fn upserter_environment(dynamodb: &DynamoDb, s3: &S3Server) -> BTreeMap<String, String> {
    let retention = RETENTION_DAYS.to_string();
    let variables = [
        ("HISTORY_RETENTION_DAYS", retention.as_str()),
        ("STATE_RETENTION_DAYS", &retention),
        ("AGENT_STATE_TABLE", AGENT_STATE_TABLE),
        ("AGENT_HISTORY_TABLE", AGENT_HISTORY_TABLE),
        ("REJECTED_BUCKET", LAKE_BUCKET),
        ("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb.endpoint),
        ("AWS_ENDPOINT_URL_S3", &s3.endpoint),
    ];
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
