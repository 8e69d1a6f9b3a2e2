//! The protocols of the servers.

use axum::http::request::Parts;

/// The protocol of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// JSON, one path.
    DynamoDb,
    /// REST with XML.
    S3,
    /// Kinesis, Firehose, EventBridge and SQS (JSON, one path) and Lambda (REST with JSON).
    Streams,
    /// The Lambda Runtime API, for one process. Its requests are not signed.
    Runtime,
}

impl Protocol {
    /// The services for which a signature is accepted.
    pub(super) fn services(self, head: &Parts) -> &'static [&'static str] {
        let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        match self {
            Self::DynamoDb => &["dynamodb"],
            Self::S3 => &["s3"],
            Self::Runtime => &[],
            Self::Streams if is_lambda(head.uri.path()) => &["lambda"],
            Self::Streams => match target.and_then(|target| target.split(['_', '.']).next()) {
                Some("Kinesis") => &["kinesis"],
                Some("Firehose") => &["firehose"],
                Some("AWSEvents") => &["events"],
                Some("AmazonSQS") => &["sqs"],
                _ => &["kinesis", "firehose", "events", "sqs", "lambda"],
            },
        }
    }
}

/// Whether a path is Lambda's: each begins with the date of its API version.
pub(crate) fn is_lambda(path: &str) -> bool {
    path.starts_with("/20")
}
