//! What doctor collects about a stack, as plain facts.

use std::collections::{BTreeMap, BTreeSet};

use connect_streams::StreamKind;
use redrive::Count;

use crate::stack::destination::entry_time;
use crate::stack::parts::ExistingStream;
use crate::stack::streaming::Association;

/// A fact, or why it is unavailable.
pub type Fact<T> = Result<T, Unavailable>;

/// Why a fact is unavailable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unavailable {
    /// The named part does not exist.
    Missing(String),
    /// The credentials lack a permission.
    Denied(String),
    /// Another reason, with what to do.
    Unknown(String),
}

impl From<String> for Unavailable {
    fn from(why: String) -> Self {
        Self::Unknown(why)
    }
}

impl From<&str> for Unavailable {
    fn from(why: &str) -> Self {
        Self::Unknown(why.to_owned())
    }
}

/// All facts about a stack. Parts that the stack does not have, such as an Amazon Connect instance of a local stack, are absent.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Whether it is a local stack.
    pub is_local: bool,
    /// The stack's Region.
    pub region: String,
    /// The CloudFormation stack status.
    pub status: Option<Fact<String>>,
    /// The version of the stack, and that of this program.
    pub version: Option<Fact<Version>>,
    /// The Region of the Amazon Connect instance, if the instance is known.
    pub instance_region: Option<Fact<String>>,
    /// The streams that the stack reads but does not own.
    pub existing: BTreeMap<StreamKind, ExistingStream>,
    /// ARNs that Amazon Connect should stream to.
    pub targets: BTreeMap<StreamKind, String>,
    /// Where Amazon Connect streams now.
    pub associations: BTreeMap<StreamKind, Fact<Option<Association>>>,
    /// ARN of the stack's KMS key.
    pub key_arn: Option<String>,
    /// The stack's KMS key.
    pub key: Option<Fact<Key>>,
    /// The Kinesis streams by name.
    pub streams: BTreeMap<String, Fact<Stream>>,
    /// The functions by name.
    pub functions: BTreeMap<String, Fact<Function>>,
    /// The event source mapping for agent events.
    pub mapping: Option<Fact<Mapping>>,
    /// The Firehose stream for contact records.
    pub firehose: Option<Fact<Firehose>>,
    /// The Glue table of rows.
    pub glue: Option<Fact<Glue>>,
    /// The tables by name.
    pub tables: BTreeMap<String, Fact<Table>>,
    /// An old event of the archive, if there is one.
    pub old_event: Option<Fact<OldEvent>>,
    /// What processes contact events, if the stack does.
    pub contact_events: Option<ContactEvents>,
    /// The metrics of the last 24 hours.
    pub metrics: Option<Fact<Metrics>>,
    /// The deliveries and writes of a local stack that failed in the last hour, with their last time, and the alarm that a
    /// deployed stack would have.
    pub refused: Option<Fact<BTreeMap<String, (String, &'static str)>>>,
    /// Agent events that a local stack dropped in the last 24 hours. Deployed stacks have a metric.
    pub dropped: Option<Fact<usize>>,
    /// Dead letters that were not redriven, by reason, with what a redrive would do with them.
    pub failed: Option<Fact<BTreeMap<String, Count>>>,
    /// Alarms in the ALARM state, with their descriptions.
    pub alarms: Option<Fact<Vec<(String, String)>>>,
}

/// Versions of contact-ledger.
#[derive(Debug, Clone)]
pub struct Version {
    /// That of the template that was deployed; none if it was earlier than the first one with a version.
    pub deployed: Option<String>,
    /// That of this program.
    pub program: String,
}

/// The stack's KMS key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Whether it is enabled.
    pub is_enabled: bool,
    /// The services through which Amazon Connect may use it (`kms:ViaService`).
    pub connect_may_use_it_via: BTreeSet<String>,
    /// Whether EventBridge may use it.
    pub event_bridge_may_use_it: bool,
}

/// A Kinesis stream.
#[derive(Debug, Clone)]
pub struct Stream {
    /// `ACTIVE`, …
    pub status: String,
    /// Whether it is encrypted.
    pub is_encrypted: bool,
    /// The KMS key it is encrypted with.
    pub key: Option<String>,
}

/// A Lambda function.
#[derive(Debug, Clone)]
pub struct Function {
    /// `Active`, …
    pub state: String,
    /// `Successful`, `Failed`, …
    pub last_update: String,
    /// The reason for an unhealthy state.
    pub reason: String,
    /// The reserved concurrency, if set.
    pub reserved_concurrency: Option<i32>,
}

/// What processes contact events.
#[derive(Debug, Clone, Default)]
pub struct ContactEvents {
    /// The state of the rule: `ENABLED`, …
    pub rule: Option<Fact<String>>,
    /// The event source mapping from the queue.
    pub mapping: Option<Fact<Mapping>>,
    /// The table of contacts in flight.
    pub table: Option<Fact<Table>>,
    /// The number of messages in the dead-letter queues, by name.
    pub dead_letters: BTreeMap<String, Fact<usize>>,
}

/// An event source mapping.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate setting")]
pub struct Mapping {
    /// `Enabled`, …
    pub state: String,
    /// `OK`, `No records processed`, `PROBLEM: …`
    pub last_result: String,
    /// Whether it has `ReportBatchItemFailures`.
    pub reports_failures: bool,
    /// Whether it bisects a failed batch.
    pub bisects: bool,
    /// Whether it has an on-failure destination.
    pub has_on_failure: bool,
    /// Whether it has filter criteria.
    pub has_filter: bool,
    /// Age in seconds after which it discards a record.
    pub maximum_record_age: Option<i32>,
    /// Retries after which it discards a batch.
    pub maximum_retries: Option<i32>,
}

/// A Firehose stream.
#[derive(Debug, Clone)]
pub struct Firehose {
    /// `ACTIVE`, …
    pub status: String,
    /// Whether it invokes a function.
    pub is_transformed: bool,
}

/// The types of the columns in the Glue table, by name.
#[derive(Debug, Clone)]
pub struct Glue {
    /// The current columns.
    pub is: BTreeMap<String, String>,
    /// The columns of this version.
    pub expected: BTreeMap<String, String>,
}

/// A DynamoDB table.
#[derive(Debug, Clone)]
pub struct Table {
    /// `ACTIVE`, …
    pub status: String,
    /// The TTL attribute.
    pub ttl_attribute: Option<String>,
    /// The KMS key it is encrypted with, if it is not AWS's own.
    pub key: Option<String>,
}

/// An event of the archive, which the history should have, too.
#[derive(Debug, Clone)]
pub struct OldEvent {
    /// Its history entry.
    pub entry: String,
    /// Its object in the archive.
    pub object: String,
    /// Whether the history has it.
    pub is_in_history: bool,
}

impl OldEvent {
    /// When it happened.
    pub(super) fn time(&self) -> &str {
        entry_time(&self.entry).unwrap_or(&self.entry)
    }
}

/// Metrics of the last 24 hours.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// Contact records received.
    pub contact_records: f64,
    /// Agent events received.
    pub agent_events: f64,
    /// Age of the oldest waiting agent event in the last hour.
    pub iterator_age_milliseconds: f64,
    /// Age of the oldest contact record in Firehose in the last hour.
    pub freshness_seconds: f64,
    /// Rejected agent events.
    pub rejected: f64,
    /// Failed contact records.
    pub failed: f64,
    /// Rows that Firehose could not convert.
    pub unconverted: f64,
    /// Writes that failed because of environment faults.
    pub environment_faults: f64,
    /// Rejected contact events.
    pub contact_events_rejected: f64,
    /// Writes of contact events that failed because of environment faults.
    pub contact_event_faults: f64,
    /// Contact events that the rule could not deliver to a target.
    pub undelivered_events: f64,
    /// Throttled writes to the agent tables.
    pub throttled: f64,
    /// Agent events that the on-failure destination could not take.
    pub dropped: f64,
}
