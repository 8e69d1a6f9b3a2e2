//! What a stack is made of.

use std::collections::BTreeMap;

use connect_streams::StreamKind;
use redrive::ContactRecordTarget;

/// Names of a stack's parts.
#[derive(Debug, Clone)]
pub struct Names {
    /// The bucket of rows, copies and failures.
    pub lake_bucket: String,
    /// The table of what every agent is doing.
    pub agent_state_table: String,
    /// The table of what every agent did.
    pub agent_history_table: String,
    /// The stream of agent events.
    pub agent_event_stream: String,
    /// The function of agent events.
    pub agent_event_function: String,
    /// Where contact records are put.
    pub contact_records: ContactRecordTarget,
}

/// A stream that a stack reads, and that is not its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingStream {
    /// Its name.
    pub name: String,
    /// The key that the stack may decrypt it with.
    pub key: Option<String>,
}

/// What CloudFormation knows of a deployed stack. Of one on this machine, its functions, mapping and Firehose by the
/// same names, and nothing else.
#[derive(Debug, Clone, Default)]
pub struct Deployed {
    /// Its name.
    pub stack: String,
    /// The account that it is in.
    pub account: Option<String>,
    /// Its status.
    pub status: Option<String>,
    /// The instance of Amazon Connect that was given to it.
    pub instance_arn: Option<String>,
    /// The streams that are not the stack's own.
    pub existing: BTreeMap<StreamKind, ExistingStream>,
    /// Where Connect should stream to.
    pub targets: BTreeMap<StreamKind, String>,
    /// Its outputs.
    pub outputs: BTreeMap<String, String>,
    /// Its resources, by their names in the template.
    pub resources: BTreeMap<String, String>,
}
