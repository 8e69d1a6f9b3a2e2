//! The layout of the lake bucket. Keys are a public interface: the template, alarms, and queries use them, too.

/// Rows, as Parquet, by contact date.
pub const ROWS: &str = "contact_records/";
/// The partition of rows, up to its value.
pub const ROWS_PARTITION: &str = "contact_records/contact_date=";
/// Raw copies of contact records.
pub const COPIES: &str = "raw/contact-records/";
/// The partition of raw copies, up to the day they arrived.
pub const COPIES_PARTITION: &str = "raw/contact-records/arrival_date=";
/// Raw copies of agent events, if Firehose keeps them: the archive.
pub const AGENT_EVENT_COPIES: &str = "raw/agent-events/";
/// The partition of raw copies of agent events, up to the day they arrived.
pub const AGENT_EVENT_COPIES_PARTITION: &str = "raw/agent-events/arrival_date=";
/// Raw copies of contact events, if contact events are processed: the archive.
pub const CONTACT_EVENT_COPIES: &str = "raw/contact-events/";
/// The partition of raw copies of contact events, up to the day they arrived.
pub const CONTACT_EVENT_COPIES_PARTITION: &str = "raw/contact-events/arrival_date=";
/// Records that Firehose could not transform, convert, or deliver, by kind of failure.
pub const FAILED: &str = "errors/";
/// Raw copies of agent events that Firehose could not deliver.
pub const FAILED_AGENT_EVENT_COPIES: &str = "errors/agent-events-";
/// Raw copies of contact events that Firehose could not deliver.
pub const FAILED_CONTACT_EVENT_COPIES: &str = "errors/contact-events-";
/// Raw copies of contact records that Firehose could not deliver.
pub const FAILED_COPIES: &str = "errors/backup-";
/// Agent events that were rejected, with their bytes and the reason.
pub const REJECTED: &str = "rejected/agent-events/";
/// Contact events that were rejected, with their bytes and the reason.
pub const REJECTED_CONTACT_EVENTS: &str = "rejected/contact-events/";
/// Batches of agent events whose retries were exhausted: the on-failure destination.
pub const ON_FAILURE: &str = "aws/lambda/";
/// Markers of raw copies that backfill has finished, by schema version.
pub const BACKFILL_DONE: &str = "backfill/";
/// Manifests of redrive runs.
pub const REDRIVE_RUNS: &str = "redrive/runs/";
/// The records of an object that redrive has not sent, by the object's key.
pub const REDRIVE_LEFT: &str = "redrive/left/";

/// Firehose's prefix for rows.
/// Source: [Understand custom prefixes for Amazon S3 objects](https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html)
/// (Firehose Developer Guide).
pub const ROWS_PREFIX: &str = "contact_records/contact_date=!{partitionKeyFromLambda:contact_date}/";
/// Firehose's prefix for records it could not deliver.
pub const FAILED_PREFIX: &str = "errors/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/";
/// Firehose's prefix for raw copies of contact records.
pub const COPIES_PREFIX: &str = "raw/contact-records/arrival_date=!{timestamp:yyyy-MM-dd}/";
/// Firehose's prefix for raw copies of agent events.
pub const AGENT_EVENT_COPIES_PREFIX: &str = "raw/agent-events/arrival_date=!{timestamp:yyyy-MM-dd}/";
/// Firehose's prefix for raw copies of contact events.
pub const CONTACT_EVENT_COPIES_PREFIX: &str = "raw/contact-events/arrival_date=!{timestamp:yyyy-MM-dd}/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefixes_of_firehose_match_the_layout() {
        assert!(ROWS_PREFIX.starts_with(ROWS_PARTITION) && ROWS_PARTITION.starts_with(ROWS));
        assert!(COPIES_PREFIX.starts_with(COPIES_PARTITION) && COPIES_PARTITION.starts_with(COPIES));
        assert!(FAILED_PREFIX.starts_with(FAILED));
        assert!(AGENT_EVENT_COPIES_PREFIX.starts_with(AGENT_EVENT_COPIES_PARTITION));
        assert!(AGENT_EVENT_COPIES_PARTITION.starts_with(AGENT_EVENT_COPIES));
        assert!(CONTACT_EVENT_COPIES_PREFIX.starts_with(CONTACT_EVENT_COPIES));
    }
}
