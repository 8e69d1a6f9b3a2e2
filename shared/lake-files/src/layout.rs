//! What stands where in the lake bucket. Keys are a public interface: the template, alarms and queries name them, too.

/// Rows, as Parquet, by the day their contact began.
pub const ROWS: &str = "contact_records/";
/// The partition of rows, before its value.
pub const ROWS_PARTITION: &str = "contact_records/contact_date=";
/// Contact records as they came.
pub const COPIES: &str = "raw/contact-records/";
/// The partition of copies, before the day they arrived.
pub const COPIES_PARTITION: &str = "raw/contact-records/arrival_date=";
/// Agent events as they came, if Firehose keeps them.
pub const AGENT_EVENT_COPIES: &str = "raw/agent-events/";
/// What Firehose could not transform, convert or deliver, by the kind of failure.
pub const FAILED: &str = "errors/";
/// Copies of agent events that Firehose could not deliver.
pub const FAILED_AGENT_EVENT_COPIES: &str = "errors/agent-events-";
/// Copies of contact records that Firehose could not deliver.
pub const FAILED_COPIES: &str = "errors/backup-";
/// Agent events that were rejected, with their bytes and the reason.
pub const REJECTED: &str = "rejected/agent-events/";
/// Batches of agent events whose retries were exhausted: the on-failure destination.
pub const ON_FAILURE: &str = "aws/lambda/";
/// Markers of copies that backfill is done with, by version of the schema.
pub const BACKFILL_DONE: &str = "backfill/";
/// Manifests of redrive.
pub const REDRIVE_RUNS: &str = "redrive/runs/";
/// Which records of an object redrive has left, by its key.
pub const REDRIVE_LEFT: &str = "redrive/left/";

/// Firehose's prefix of rows. Source: Firehose Developer Guide, "Understand custom prefixes for Amazon S3 objects".
pub const ROWS_PREFIX: &str = "contact_records/contact_date=!{partitionKeyFromLambda:contact_date}/";
/// Firehose's prefix of what it could not deliver.
pub const FAILED_PREFIX: &str = "errors/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/";
/// Firehose's prefix of contact records as they came.
pub const COPIES_PREFIX: &str = "raw/contact-records/arrival_date=!{timestamp:yyyy-MM-dd}/";
/// Firehose's prefix of agent events as they came.
pub const AGENT_EVENT_COPIES_PREFIX: &str = "raw/agent-events/arrival_date=!{timestamp:yyyy-MM-dd}/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_firehose_writes_is_where_it_is_looked_for() {
        assert!(ROWS_PREFIX.starts_with(ROWS_PARTITION) && ROWS_PARTITION.starts_with(ROWS));
        assert!(COPIES_PREFIX.starts_with(COPIES_PARTITION) && COPIES_PARTITION.starts_with(COPIES));
        assert!(FAILED_PREFIX.starts_with(FAILED));
        assert!(AGENT_EVENT_COPIES_PREFIX.starts_with(AGENT_EVENT_COPIES));
    }
}
