//! How a Firehose stream is set up.

use std::time::Duration;

use lake_parquet::GlueTable;

use super::prefix::Prefix;
use crate::gateway::Interference;

/// How a Firehose stream is set up.
#[derive(Clone)]
pub struct FirehoseSettings {
    /// Its name.
    pub name: String,
    /// Destination.
    pub bucket: String,
    /// Where rows go.
    pub prefix: Prefix,
    /// Where failures go.
    pub error_prefix: Prefix,
    /// The transformation's buffering hint.
    pub transformation_buffer: Buffer,
    /// The destination's buffering hint.
    pub destination_buffer: Buffer,
    /// Most partitions with rows that wait for delivery.
    pub active_partitions: usize,
    /// The table whose columns the rows are converted to; without one they are delivered as they are.
    pub conversion: Option<GlueTable>,
    /// Where source records go as they came, compressed with GZIP; without it they do not.
    pub backup_prefix: Option<Prefix>,
    /// Fault injection: asked before each delivery, which is tried until it succeeds.
    pub interference: Option<Interference>,
}

/// A buffering hint: whichever comes first.
#[derive(Debug, Clone, Copy)]
pub struct Buffer {
    /// Bytes.
    pub bytes: usize,
    /// Time since the first record.
    pub interval: Duration,
}
