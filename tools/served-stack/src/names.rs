//! Names of its parts.

/// The region that everything pretends to be in.
pub const REGION: &str = "eu-west-2";
/// The account that everything pretends to belong to: AWS's own example.
pub const ACCOUNT: &str = "111122223333";
/// The bucket for everything: rows, failures, rejected records.
pub const LAKE_BUCKET: &str = "lake";
/// The table of what every agent is doing.
pub const AGENT_STATE_TABLE: &str = "AgentState";
/// The table of what every agent did.
pub const AGENT_HISTORY_TABLE: &str = "AgentHistory";
/// The stream of agent events.
pub const AGENT_EVENT_STREAM: &str = "agent-events";
/// The Firehose stream of contact records.
pub const CONTACT_RECORD_STREAM: &str = "contact-records";
/// The function behind Firehose.
pub const NORMALIZER: &str = "contact-record-normalizer";
/// The function behind Kinesis.
pub const UPSERTER: &str = "agent-event-upserter";
/// How long agent-event-upserter keeps items, in days: a demo's day may be long ago, and is still to be looked at.
pub const RETENTION_DAYS: u32 = 3650;
