//! The names of its parts.

use std::path::{Path, PathBuf};

/// The Region of every local resource.
pub const REGION: &str = "eu-west-2";
/// The account of every local resource: the account number that AWS uses in examples.
pub const ACCOUNT: &str = "111122223333";
/// The bucket for rows, raw copies and dead letters.
pub const LAKE_BUCKET: &str = "lake";
/// The table of what each agent is doing now.
pub const AGENT_STATE_TABLE: &str = "AgentState";
/// The table of what each agent did.
pub const AGENT_HISTORY_TABLE: &str = "AgentHistory";
/// The table of contacts in flight.
pub const CONTACT_STATE_TABLE: &str = "ContactState";
/// The Kinesis stream of agent events.
pub const AGENT_EVENT_STREAM: &str = "agent-events";
/// The Firehose stream of contact records.
pub const CONTACT_RECORD_STREAM: &str = "contact-records";
/// The queue of contact events, the Firehose stream of their raw copies, and the rule that sends them to both.
pub const CONTACT_EVENTS: &str = "contact-events";
/// The dead-letter queue of the queue of contact events.
pub const CONTACT_EVENT_DEAD_LETTERS: &str = "contact-event-dead-letters";
/// The dead-letter queue of the rule.
pub const CONTACT_EVENT_RULE_DEAD_LETTERS: &str = "contact-event-rule-dead-letters";
/// The function that Firehose invokes.
pub const NORMALIZER: &str = "contact-record-normalizer";
/// The function that reads the Kinesis stream.
pub const UPSERTER: &str = "agent-event-upserter";
/// The function that reads the queue of contact events.
pub const CONTACT_EVENT_UPSERTER: &str = "contact-event-upserter";
/// The setting of agent-event-upserter that decides which events have history entries of their own.
pub const HISTORY_EVENTS: &str = "HISTORY_EVENTS";
/// The log of Firehose.
pub const FIREHOSE_LOG: &str = "firehose";
/// The log of the event source mapping.
pub const EVENT_SOURCE_MAPPING_LOG: &str = "event-source-mapping";
/// How long agent-event-upserter and contact-event-upserter keep items, in days. It is long, because a demo's day may be far in the past.
pub const RETENTION_DAYS: u32 = 3650;

/// The file of a log, named by its function or service, in the output folder.
#[must_use]
pub fn log_file(output: &Path, name: &str) -> PathBuf {
    output.join("logs").join(name).with_extension("jsonl")
}
