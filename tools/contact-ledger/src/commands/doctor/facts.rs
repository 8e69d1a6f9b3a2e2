//! What doctor looks at, as plain facts.

use std::collections::{BTreeMap, BTreeSet};

use connect_streams::StreamKind;

use crate::stack::parts::ExistingStream;
use crate::stack::streaming::Association;

/// A fact, or why there is none.
pub type Looked<T> = Result<T, Unseen>;

/// Why something was not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unseen {
    /// This is not there.
    Missing(String),
    /// The credentials may not look at it.
    Denied(String),
    /// It could not be looked at for another reason, which says what to do.
    Unknown(String),
}

impl From<String> for Unseen {
    fn from(why: String) -> Self {
        Self::Unknown(why)
    }
}

impl From<&str> for Unseen {
    fn from(why: &str) -> Self {
        Self::Unknown(why.to_owned())
    }
}

/// Everything that was looked at. What a stack does not have, such as an instance of Connect on this machine, is absent.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Whether it runs on this machine, and is not deployed.
    pub is_local: bool,
    /// The stack's region.
    pub region: String,
    /// Its status in CloudFormation.
    pub status: Option<Looked<String>>,
    /// The region of the instance of Connect, if it is known which instance streams here.
    pub instance_region: Option<Looked<String>>,
    /// The streams that the stack reads, and that are not its own.
    pub existing: BTreeMap<StreamKind, ExistingStream>,
    /// ARNs that Connect should stream to.
    pub targets: BTreeMap<StreamKind, String>,
    /// Where Connect streams to.
    pub associations: BTreeMap<StreamKind, Looked<Option<Association>>>,
    /// ARN of the stack's key.
    pub key_arn: Option<String>,
    /// The stack's key.
    pub key: Option<Looked<Key>>,
    /// The Kinesis streams by name.
    pub streams: BTreeMap<String, Looked<Stream>>,
    /// The functions by name.
    pub functions: BTreeMap<String, Looked<Function>>,
    /// The mapping of the agent event stream to its function.
    pub mapping: Option<Looked<Mapping>>,
    /// The Firehose of contact records.
    pub firehose: Option<Looked<Firehose>>,
    /// The lake's table.
    pub glue: Option<Looked<Glue>>,
    /// The agent tables by name.
    pub tables: BTreeMap<String, Looked<Table>>,
    /// The metrics of the last 24 hours.
    pub metrics: Option<Looked<Metrics>>,
    /// Records that wait to be sent again, by reason.
    pub failed: Option<Looked<BTreeMap<String, usize>>>,
    /// Alarms that are in alarm, with their descriptions.
    pub alarms: Option<Looked<Vec<(String, String)>>>,
}

/// The stack's key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Whether it can be used.
    pub is_enabled: bool,
    /// The services that Amazon Connect may use it through.
    pub connect_may_use_it_via: BTreeSet<String>,
}

/// A Kinesis stream.
#[derive(Debug, Clone)]
pub struct Stream {
    /// `ACTIVE`, …
    pub status: String,
    /// Whether it is encrypted.
    pub is_encrypted: bool,
    /// The key it is encrypted with.
    pub key: Option<String>,
}

/// A function.
#[derive(Debug, Clone)]
pub struct Function {
    /// `Active`, …
    pub state: String,
    /// `Successful`, `Failed`, …
    pub last_update: String,
    /// Why, if it is not as it should be.
    pub reason: String,
    /// How many of it may run, if that is limited.
    pub reserved_concurrency: Option<i32>,
}

/// An event source mapping.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting by itself")]
pub struct Mapping {
    /// `Enabled`, …
    pub state: String,
    /// `OK`, `No records processed`, `PROBLEM: …`
    pub last_result: String,
    /// Whether it has `ReportBatchItemFailures`.
    pub reports_failures: bool,
    /// Whether it bisects a batch that fails.
    pub bisects: bool,
    /// Whether it has a place for what it gives up.
    pub has_on_failure: bool,
    /// Whether it filters.
    pub has_filter: bool,
    /// Seconds after which it gives a record up.
    pub maximum_record_age: Option<i32>,
    /// Retries after which it gives a batch up.
    pub maximum_retries: Option<i32>,
}

/// A Firehose.
#[derive(Debug, Clone)]
pub struct Firehose {
    /// `ACTIVE`, …
    pub status: String,
    /// Whether it invokes a function.
    pub is_transformed: bool,
}

/// The columns of the lake's table, by name, with their types.
#[derive(Debug, Clone)]
pub struct Glue {
    /// As they are.
    pub is: BTreeMap<String, String>,
    /// As this version writes them.
    pub expected: BTreeMap<String, String>,
}

/// A table of DynamoDB.
#[derive(Debug, Clone)]
pub struct Table {
    /// `ACTIVE`, …
    pub status: String,
    /// The attribute that items expire by.
    pub ttl_attribute: Option<String>,
}

/// Sums and peaks of the last 24 hours.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// Contact records that came.
    pub contact_records: f64,
    /// Agent events that came.
    pub agent_events: f64,
    /// Of the oldest agent event that waited, in the last hour.
    pub iterator_age_milliseconds: f64,
    /// Of the oldest contact record that Firehose held, in the last hour.
    pub freshness_seconds: f64,
    /// Agent events that were rejected.
    pub rejected: f64,
    /// Contact records that failed.
    pub failed: f64,
    /// Rows that were not converted.
    pub unconverted: f64,
    /// Writes that were refused.
    pub environment_faults: f64,
    /// Writes that were throttled.
    pub throttled: f64,
}
