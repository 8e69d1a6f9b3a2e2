//! The whole pipeline, wired as it is deployed: contact records through Firehose to the lake, agent events
//! through Kinesis to the agent tables.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::body::Bytes;
use tokio::task::JoinHandle;

use crate::dynamodb::{DynamoDb, Item};
use crate::event_source_mapping::{EventSourceMapping, MappingSettings};
use crate::firehose::{self, Counters, FirehoseSettings, Producer};
use crate::function::{Function, FunctionSettings};
use crate::gateway::Interference;
use crate::kinesis::Stream;
use crate::s3::{Folder, S3Server};

/// The bucket for everything: rows, failures, rejected records.
pub const LAKE_BUCKET: &str = "lake";
const AGENT_STATE_TABLE: &str = "AgentState";
const AGENT_HISTORY_TABLE: &str = "AgentHistory";
const NORMALIZER: &str = "contact-record-normalizer";
const UPSERTER: &str = "agent-event-upserter";

/// How a stack is set up.
#[derive(Clone)]
pub struct StackSettings {
    /// Folder of the function binaries.
    pub functions: PathBuf,
    /// Folder for buckets and logs; it must be there.
    pub output: PathBuf,
    /// Port of DynamoDB, 0 for a free one.
    pub dynamodb_port: u16,
    /// Port of S3, 0 for a free one.
    pub s3_port: u16,
    /// Shards of the agent event stream.
    pub shards: usize,
    /// Most agent events per invocation.
    pub batch_size: usize,
    /// Called before every request to DynamoDB.
    pub interference: Option<Interference>,
}

impl StackSettings {
    /// A stack of the binaries in `functions` that leaves its result in `output`.
    #[must_use]
    pub fn new(functions: PathBuf, output: PathBuf) -> Self {
        Self {
            functions,
            output,
            dynamodb_port: 0,
            s3_port: 0,
            shards: 2,
            batch_size: 100,
            interference: None,
        }
    }
}

/// A running stack. Dropped, it ends with all its processes.
pub struct Stack {
    /// Where contact records are counted.
    pub contact_records: Arc<Counters>,
    /// Where agent events are counted.
    pub agent_events: Arc<EventSourceMapping>,
    /// The function behind Firehose.
    pub normalizer: Arc<Function>,
    /// The function behind Kinesis.
    pub upserter: Arc<Function>,
    dynamodb: DynamoDb,
    _s3: S3Server,
    stream: Arc<Stream>,
    producer: Option<Producer>,
    firehose: JoinHandle<anyhow::Result<()>>,
    mapping: JoinHandle<anyhow::Result<()>>,
}

impl Stack {
    /// Starts everything.
    ///
    /// # Errors
    /// When a binary is missing, a port taken or the folder not writable; nothing is left running.
    pub async fn start(settings: StackSettings) -> anyhow::Result<Self> {
        let folder = Folder::open(&settings.output)?;
        folder.create_bucket(LAKE_BUCKET).context("the lake's folder cannot be made")?;
        let logs = settings.output.join("logs");
        std::fs::create_dir_all(&logs).context("the folder for logs cannot be made")?;
        let function = |name: &'static str, environment| {
            let (binary, log) = (settings.functions.join(name), logs.join(format!("{name}.jsonl")));
            let timeout = Duration::from_mins(1);
            Function::new(FunctionSettings { name, binary, environment, timeout, memory_megabytes: 512, log })
                .map(Arc::new)
        };
        let dynamodb = DynamoDb::start(settings.dynamodb_port, settings.interference.clone()).await?;
        dynamodb.create_table(AGENT_STATE_TABLE, "board", "agent_id")?;
        dynamodb.create_table(AGENT_HISTORY_TABLE, "agent_id", "entry")?;
        let s3 = S3Server::start(settings.s3_port, folder.clone()).await?;
        let normalizer = function(NORMALIZER, BTreeMap::new())?;
        let upserter = function(UPSERTER, upserter_environment(&dynamodb, &s3))?;

        let (producer, contact_records, firehose) =
            firehose::start(firehose_settings(), normalizer.clone(), folder.clone());
        let stream = Arc::new(Stream::new("agent-events", settings.shards));
        let mapping_settings = MappingSettings {
            batch_size: settings.batch_size,
            maximum_retry_attempts: 10,
            on_failure_bucket: LAKE_BUCKET.to_owned(),
        };
        let agent_events =
            Arc::new(EventSourceMapping::new(mapping_settings, stream.clone(), upserter.clone(), folder));
        let mapping = tokio::spawn(agent_events.clone().run());
        let producer = Some(producer);
        Ok(Self {
            contact_records,
            agent_events,
            normalizer,
            upserter,
            dynamodb,
            _s3: s3,
            stream,
            producer,
            firehose,
            mapping,
        })
    }

    /// Puts a contact record on its stream.
    ///
    /// # Panics
    /// After [`Stack::drain`].
    pub async fn put_contact_record(&self, data: Bytes) {
        self.producer.as_ref().expect("the stack still takes records").put_record(data).await;
    }

    /// Puts an agent event on its stream.
    pub fn put_agent_event(&self, partition_key: &str, data: Bytes) {
        self.stream.put_record(partition_key, data);
    }

    /// Waits until everything has landed. No record can be put any more.
    ///
    /// # Errors
    /// When a function cannot run, or the folder not be written.
    pub async fn drain(&mut self) -> anyhow::Result<()> {
        self.producer = None;
        self.stream.close();
        // Whichever fails first is the one to tell of.
        tokio::try_join!(joined(&mut self.firehose), joined(&mut self.mapping))?;
        Ok(())
    }

    /// The agent table.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn agent_state(&self) -> anyhow::Result<Vec<Item>> {
        self.dynamodb.items(AGENT_STATE_TABLE, "board", "agent_id")
    }

    /// The agents' history.
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
        self.mapping.abort();
    }
}

async fn joined(task: &mut JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    task.await?
}

fn firehose_settings() -> FirehoseSettings {
    FirehoseSettings {
        name: "contact-records".to_owned(),
        bucket: LAKE_BUCKET.to_owned(),
        prefix: "contact_records/",
        partition_key: "contact_date",
        error_prefix: "errors/",
        buffer_bytes: 1024 * 1024,
        buffer_interval: Duration::from_secs(1),
    }
}

fn upserter_environment(dynamodb: &DynamoDb, s3: &S3Server) -> BTreeMap<String, String> {
    let variables = [
        ("AGENT_STATE_TABLE", AGENT_STATE_TABLE),
        ("AGENT_HISTORY_TABLE", AGENT_HISTORY_TABLE),
        ("REJECTED_BUCKET", LAKE_BUCKET),
        ("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb.endpoint),
        ("AWS_ENDPOINT_URL_S3", &s3.endpoint),
    ];
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
