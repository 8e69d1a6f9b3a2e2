//! What Lambda, Firehose and Kinesis take at most: each number once, with its source. The bounds of a DynamoDB item are in
//! `agent-ledger`, which needs no AWS.

/// Lambda. Source: Lambda Developer Guide, "Lambda quotas"
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
pub mod lambda {
    /// A synchronous invocation's event, and its response: 6 MB each.
    pub const PAYLOAD_BYTES: usize = 6 * 1024 * 1024;
}

/// Firehose. Source: Firehose Developer Guide, "Amazon Data Firehose quota"
/// (<https://docs.aws.amazon.com/firehose/latest/dev/limits.html>).
pub mod firehose {
    /// A record, before base64: 1,000 KiB.
    pub const RECORD_BYTES: usize = 1000 * 1024;
    /// Records in one `PutRecordBatch`.
    pub const PUT_RECORDS: usize = 500;
    /// One `PutRecordBatch`: 4 MiB.
    pub const PUT_BYTES: usize = 4 * 1024 * 1024;
}

/// Kinesis Data Streams. Source: Kinesis Data Streams Developer Guide, "Quotas and limits"
/// (<https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>).
pub mod kinesis {
    /// The largest record that a stream can be set to take: 10 MiB.
    pub const RECORD_BYTES: usize = 10 * 1024 * 1024;
    /// The largest record of a stream as it is made, without a larger `MaxRecordSizeInKiB`. Its partition key counts, too.
    pub const DEFAULT_RECORD_BYTES: usize = 1024 * 1024;
    /// A partition key: 256 characters.
    pub const PARTITION_KEY: usize = 256;
    /// Records in one `PutRecords`.
    pub const PUT_RECORDS: usize = 500;
    /// One `PutRecords`: 10 MiB.
    pub const PUT_BYTES: usize = 10 * 1024 * 1024;
    /// Records that `GetRecords` answers with, at most.
    pub const GET_RECORDS: usize = 10_000;
    /// Bytes that `GetRecords` answers with, at most: 10 MiB.
    pub const GET_BYTES: usize = 10 * 1024 * 1024;
}
