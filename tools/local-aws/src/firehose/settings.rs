//! The settings of a Firehose stream.

use std::time::Duration;

use lake_parquet::GlueTable;

use super::prefix::Prefix;
use crate::gateway::Interference;
use crate::service_log::ServiceLog;

/// The settings of a Firehose stream.
#[derive(Clone)]
pub struct FirehoseSettings {
    /// Its name.
    pub name: String,
    /// The destination bucket.
    pub bucket: String,
    /// The prefix of rows.
    pub prefix: Prefix,
    /// The prefix of failures.
    pub error_prefix: Prefix,
    /// The transformation's buffering hint.
    pub transformation_buffer: Buffer,
    /// The destination's buffering hint.
    pub destination_buffer: Buffer,
    /// Maximum number of partitions with rows that wait for delivery.
    pub active_partitions: usize,
    /// The table whose columns the rows are converted to. Without a table, they are delivered unchanged.
    pub conversion: Option<GlueTable>,
    /// The prefix of raw source records, compressed with GZIP. Without a prefix, they are not kept.
    pub backup_prefix: Option<Prefix>,
    /// Fault injection, called before each attempt of a delivery. Deliveries are retried until they succeed.
    pub interference: Option<Interference>,
    /// Where failed deliveries are logged.
    pub log: Option<ServiceLog>,
}

/// A buffering hint. The buffer is full as soon as one of the two is reached.
#[derive(Debug, Clone, Copy)]
pub struct Buffer {
    /// Size in bytes.
    pub bytes: usize,
    /// Time since the first record.
    pub interval: Duration,
}
