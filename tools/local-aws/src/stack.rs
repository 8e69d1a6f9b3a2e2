//! The whole pipeline, wired like the deployed one: contact records through Firehose to the lake, agent events through
//! Kinesis to the agent tables.

use std::collections::BTreeMap;
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
use crate::event_source_mapping::batching::BatchRules;
use crate::event_source_mapping::retries::RetryRules;
use crate::event_source_mapping::{EventSourceMapping, MappingSettings};
use crate::faults::{Faults, Part};
use crate::firehose::archive::archive;
use crate::firehose::prefix::Prefix;
use crate::firehose::{self, Buffer, FirehoseSettings, Producer};
use crate::function::{Function, FunctionSettings, check_binary};
use crate::gateway::{Gate, Interference};
use crate::kinesis::{KinesisError, Stream};
use crate::listen::listen;
use crate::permission::Guard;
use crate::s3::{Folder, S3Server};
use lake_files::{Note, layout};
use lake_parquet::GlueTable;
use served_stack::{
    AGENT_EVENT_STREAM, AGENT_HISTORY_TABLE, AGENT_STATE_TABLE, CONTACT_RECORD_STREAM, Keys, LAKE_BUCKET,
    NORMALIZER, RETENTION_DAYS, Served, ServedFile, UPSERTER,
};

/// Maximum number of unread agent events in the stream. At the limit, producers wait.
const UNREAD_EVENTS: usize = 20_000;

/// The settings of a stack.
#[derive(Clone)]
pub struct StackSettings {
    /// Folder of the function binaries.
    pub functions: PathBuf,
    /// Folder for buckets and logs. It must exist.
    pub output: PathBuf,
    /// The table whose schema is used to convert rows to Parquet.
    pub table: GlueTable,
    /// Port of DynamoDB, 0 for a free one.
    pub dynamodb_port: u16,
    /// Port of S3, 0 for a free one.
    pub s3_port: u16,
    /// Port of Kinesis, Firehose and Lambda, 0 for a free one; `None` serves none of them.
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
    /// Called with every file before it is written.
    pub note: Option<Note>,
    /// Permissions on the tables and buckets. Without a guard, everything is permitted.
    pub guard: Option<Guard>,
}

impl StackSettings {
    /// A stack that runs the binaries in `functions` and writes its result to `output`.
    #[must_use]
    pub fn new(functions: PathBuf, output: PathBuf, table: GlueTable) -> Self {
        Self {
            functions,
            output,
            table,
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
            note: None,
            guard: None,
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
        for name in [NORMALIZER, UPSERTER] {
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
    /// The tables.
    pub dynamodb: DynamoDb,
    /// The buckets.
    pub s3: S3Server,
    /// The injected faults, if any.
    pub faults: Option<Faults>,
    /// Kinesis, Firehose and Lambda, if they are served.
    pub streams: Option<Api>,
    /// Deleted with the stack.
    served: Option<ServedFile>,
    stream: Arc<Stream>,
    producer: Option<Producer>,
    firehose: JoinHandle<anyhow::Result<()>>,
    archive: JoinHandle<anyhow::Result<()>>,
    mapping: JoinHandle<anyhow::Result<()>>,
}

impl Stack {
    /// Starts everything.
    ///
    /// # Errors
    /// When a binary is missing, a port is in use, or the folder is not writable. Nothing is left running.
    pub async fn start(settings: StackSettings) -> anyhow::Result<Self> {
        descriptors::check(settings.shards)?;
        let folder = Folder::open_noting(&settings.output, settings.note.clone())?;
        folder.create_bucket(LAKE_BUCKET).context("the lake's folder cannot be created")?;
        // The template does so too.
        folder.enable_versioning(LAKE_BUCKET)?;
        let logs = settings.output.join("logs");
        std::fs::create_dir_all(&logs).context("the folder for logs cannot be created")?;
        let note = |file: &Path| settings.note.as_ref().map_or(Ok(()), |note| note(file));
        note(&settings.output.join(Served::FILE)).context("the output folder cannot be written")?;
        let keys = Keys::random();
        let function = |name: &'static str, environment, part| {
            let (binary, log) = (settings.functions.join(name), logs.join(format!("{name}.jsonl")));
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
        let dynamodb = DynamoDb::start(settings.dynamodb_port, gate(interference)).await?;
        create_agent_tables(&dynamodb)?;
        let of_s3 = of_service(Part::S3);
        let s3 = S3Server::start(settings.s3_port, folder.clone(), gate(of_s3.clone())).await?;
        let normalizer = function(NORMALIZER, settings.normalizer_environment.clone(), Part::Normalizer)?;
        let mut environment = settings.upserter_environment.clone();
        environment.extend(upserter_environment(&dynamodb, &s3));
        let upserter = function(UPSERTER, environment, Part::Upserter)?;

        let of_delivery = settings.faults.as_ref().zip(of_s3).map(|(faults, s3)| faults.of_delivery(s3));
        let firehose_settings =
            FirehoseSettings { interference: of_delivery, ..firehose_settings(&settings)? };
        let (producer, firehose) = firehose::start(firehose_settings, normalizer.clone(), folder.clone());
        let (archived, to_archive) = mpsc::unbounded_channel();
        let archive = tokio::spawn(archive(archive_settings(&settings)?, to_archive, folder.clone()));
        let stream = Stream::new(AGENT_EVENT_STREAM, settings.shards).archived_by(archived);
        // External readers need the records after the mapping has read them.
        let stream = Arc::new(if settings.streams_port.is_some() { stream.retaining() } else { stream });
        let agent_events =
            EventSourceMapping::new(mapping_settings(&settings), stream.clone(), upserter.clone(), folder);
        let agent_events = Arc::new(agent_events);
        let mapping = tokio::spawn(agent_events.clone().run());
        let streams = match settings.streams_port {
            None => None,
            Some(port) => {
                let firehose = (CONTACT_RECORD_STREAM.to_owned(), producer.clone());
                let functions = vec![normalizer.clone(), upserter.clone()];
                let mapping = agent_events.clone();
                let services = Services { stream: stream.clone(), firehose, functions, mapping };
                let api = Api::start(port, services, &keys).await?;
                let served = Served {
                    keys: keys.clone(),
                    dynamodb: dynamodb.endpoint.clone(),
                    s3: s3.endpoint.clone(),
                    streams: api.endpoint.clone(),
                    agent_event_mapping: agent_events.id.clone(),
                };
                Some((served.leave(&settings.output)?, api))
            }
        };
        let (served, streams) = streams.unzip();
        Ok(Self {
            contact_records: firehose.counters,
            normalizer,
            upserter,
            dynamodb,
            s3,
            faults: settings.faults,
            streams,
            served,
            stream,
            producer: Some(producer),
            agent_events,
            firehose: firehose.task,
            archive,
            mapping,
        })
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

    /// Closes the streams, and waits until every record is delivered.
    ///
    /// # Errors
    /// When a function cannot run, or the folder cannot be written.
    pub async fn drain(&mut self) -> anyhow::Result<()> {
        (self.streams, self.served) = (None, None);
        self.producer = None;
        self.stream.close();
        // Returns the first error.
        tokio::try_join!(joined(&mut self.firehose), joined(&mut self.archive), joined(&mut self.mapping))?;
        Ok(())
    }

    /// Waits until this number of records have been processed and delivered. More records can be put afterwards.
    ///
    /// # Errors
    /// When a function cannot run, or the folder cannot be written.
    pub async fn settle(&mut self, records: u64) -> anyhow::Result<()> {
        let processed = || self.contact_records.over() + self.agent_events.counters.over();
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
            () = settled => Ok(()),
        }
    }

    /// Runs until something fails.
    ///
    /// # Errors
    /// When a function cannot run, or the folder cannot be written.
    pub async fn run(&mut self) -> anyhow::Result<()> {
        tokio::try_join!(joined(&mut self.firehose), joined(&mut self.archive), joined(&mut self.mapping))
            .map(|_| ())
    }

    /// The items of the table AgentState.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn agent_state(&self) -> anyhow::Result<Vec<Item>> {
        self.dynamodb.items(AGENT_STATE_TABLE, "board", "agent_id")
    }

    /// The items of the table AgentHistory.
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
    }
}

async fn joined(task: &mut JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    task.await?
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
    })
}

/// The archive of agent events, set up like the template's.
fn archive_settings(settings: &StackSettings) -> anyhow::Result<FirehoseSettings> {
    Ok(FirehoseSettings {
        name: AGENT_EVENT_STREAM.to_owned(),
        prefix: Prefix::read(layout::AGENT_EVENT_COPIES_PREFIX)?,
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
