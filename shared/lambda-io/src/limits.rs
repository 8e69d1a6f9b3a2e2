//! The limits of Lambda, Firehose, Kinesis, and SQS: each number in one place, with its source. The limits of a DynamoDB
//! item are in `agent-ledger`, which does not depend on AWS.

/// Lambda. Source: [Lambda quotas](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
pub mod lambda {
    /// The event and the response of a synchronous invocation: 6 MB each.
    pub const PAYLOAD_BYTES: usize = 6 * 1024 * 1024;
}

/// Firehose. Source: [Amazon Data Firehose quota](https://docs.aws.amazon.com/firehose/latest/dev/limits.html).
pub mod firehose {
    /// A record, before base64: 1,000 KiB.
    pub const RECORD_BYTES: usize = 1000 * 1024;
    /// Records in one `PutRecordBatch`.
    pub const PUT_RECORDS: usize = 500;
    /// One `PutRecordBatch`: 4 MiB.
    pub const PUT_BYTES: usize = 4 * 1024 * 1024;
}

/// Kinesis Data Streams. Source: [Quotas and limits](https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html).
pub mod kinesis {
    /// The largest record that a stream can be configured to accept: 10 MiB.
    pub const RECORD_BYTES: usize = 10 * 1024 * 1024;
    /// The largest record of a stream by default, without a larger `MaxRecordSizeInKiB`. The partition key counts, too.
    pub const DEFAULT_RECORD_BYTES: usize = 1024 * 1024;
    /// A partition key: 256 characters.
    pub const PARTITION_KEY: usize = 256;
    /// Records in one `PutRecords`.
    pub const PUT_RECORDS: usize = 500;
    /// One `PutRecords`: 10 MiB.
    pub const PUT_BYTES: usize = 10 * 1024 * 1024;
    /// The maximum number of records in a `GetRecords` response.
    pub const GET_RECORDS: usize = 10_000;
    /// The maximum size of a `GetRecords` response: 10 MiB.
    pub const GET_BYTES: usize = 10 * 1024 * 1024;
}

/// SQS.
/// Source: [Amazon SQS message quotas](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
pub mod sqs {
    /// A message with its attributes, and all messages of one `SendMessageBatch`: 1 MiB.
    pub const MESSAGE_BYTES: usize = 1024 * 1024;
    /// Messages in one `SendMessageBatch` and one `ReceiveMessage`.
    pub const BATCH_MESSAGES: usize = 10;
}
