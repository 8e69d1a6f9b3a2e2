//! The meaning of every failure code, and its fix: the functions' reasons, Firehose's error codes, Lambda's conditions.
//!
//! Sources: docs/contact-record.md and docs/agent-state.md for the functions' reasons; Firehose Developer Guide,
//! [Monitor Amazon Data Firehose using CloudWatch Logs](https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-logs.html),
//! [Handle failure in data transformation](https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html),
//! [Handling errors for data format conversion](https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-error-handling.html),
//! [Troubleshoot dynamic partitioning errors](https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-error-handling.html);
//! Lambda Developer Guide,
//! [Retain discarded batch records](https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html).

use connect_streams::{MAX_DEPTH, Reject, RejectCode};
use serde_json::value::RawValue;

use connect_streams::StreamKind;

/// The explanation of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The cause.
    pub means: &'static str,
    /// The fix.
    pub to_do: &'static str,
}

const SEND_AGAIN: &str = "When the cause is fixed, run `contact-ledger redrive`.";
const FIX_PRODUCER: &str = "Retrying does not help. Find the producer of the record. If it is Amazon Connect, upgrade contact-ledger, or report the failure without the data.";

/// Meanings and fixes by code. An entry that ends with `.` covers every unlisted code with that prefix.
const MEANINGS: &[(&str, &str, &str)] = &[
    (
        "not_base64",
        "The data of the record is not base64, so it cannot be decoded.",
        "Find the producer. Kinesis and Firehose always send base64.",
    ),
    ("not_utf8", "The record is not UTF-8 text.", FIX_PRODUCER),
    (
        "not_json",
        "The record is not one JSON value: it is truncated, has extra text at the end, or is not JSON at all.",
        FIX_PRODUCER,
    ),
    ("too_deep", "The JSON is nested deeper than the limit of 64 levels.", FIX_PRODUCER),
    ("not_an_object", "The record is JSON, but not an object.", FIX_PRODUCER),
    (
        "unknown_kind",
        "The record is a JSON object, but not a contact record, an agent event, or a contact event, nor a row with only columns of this version.",
        "Check whether another producer writes to this stream. If Amazon Connect sends a new kind of record, or a newer version made the row, upgrade contact-ledger, then redrive.",
    ),
    ("missing_field", "A required field is missing or null.", FIX_PRODUCER),
    ("bad_field", "A required field has an invalid value.", FIX_PRODUCER),
    (
        "too_large",
        "The record exceeds a size limit: 1,000 KiB in Firehose, 6 MB in a Lambda response, or 400 KB in a DynamoDB item.",
        "Redrive it: a record passes if only its batch was too large. A record that is too large itself fails again, and retrying does not help.",
    ),
    (
        "aggregated",
        "This is an aggregated record of the Kinesis Producer Library, and it is damaged: its records cannot be extracted.",
        "Find the producer and have it send the records again. Otherwise they are lost.",
    ),
    (
        "Lambda.FunctionError",
        "contact-record-normalizer answered ProcessingFailed for the record, or its invocation failed. Firehose reports both with this code.",
        "Find the reason and the field in the function's log at that time. Redrive once this command shows that a redrive would pass.",
    ),
    (
        "Lambda.FunctionTimedOut",
        "contact-record-normalizer timed out four times in a row.",
        "Raise FunctionMemory. Then redrive.",
    ),
    ("Lambda.FunctionRequestTimedOut", "Firehose's request to Lambda timed out.", SEND_AGAIN),
    (
        "Lambda.InvokeLimitExceeded",
        "Lambda throttled the invocation: the function's reserved concurrency or the account's concurrency is used up.",
        "`contact-ledger doctor` tells which. Remove the limit or raise the quota. Then redrive.",
    ),
    (
        "Lambda.InvokeAccessDenied",
        "Firehose's role is not allowed to invoke contact-record-normalizer.",
        "Restore the role (docs/operations.md, Restoring the deployment). Then redrive.",
    ),
    (
        "Lambda.AssumeRoleAccessDenied",
        "Firehose could not assume its role.",
        "Restore the role (docs/operations.md, Restoring the deployment). Then redrive.",
    ),
    (
        "Lambda.ResourceNotFound",
        "contact-record-normalizer does not exist.",
        "Restore the function (docs/operations.md, Restoring the deployment). Then redrive.",
    ),
    (
        "Lambda.MissingRecordId",
        "The function's response did not contain this record.",
        "This is a bug in contact-ledger: redrive, and report it.",
    ),
    (
        "Lambda.DuplicatedRecordId",
        "The function's response contained this record twice.",
        "This is a bug in contact-ledger: redrive, and report it.",
    ),
    (
        "Lambda.JsonProcessingException",
        "Firehose could not parse the function's response.",
        "Check that Firehose invokes contact-record-normalizer; if not, restore the stream (docs/operations.md, Restoring the deployment). Then redrive.",
    ),
    (
        "Lambda.InvalidSubnetIDException",
        "A subnet in the function's VPC configuration is invalid.",
        "Correct the VPC configuration, or deploy the stack again. Then redrive.",
    ),
    (
        "Lambda.InvalidSecurityGroupIDException",
        "A security group in the function's VPC configuration is invalid.",
        "Correct the VPC configuration, or deploy the stack again. Then redrive.",
    ),
    (
        "Lambda.SubnetIPAddressLimitReachedException",
        "The function's subnets have no free IP address.",
        "Give the function larger subnets, or deploy the stack again. Then redrive.",
    ),
    (
        "Lambda.ENILimitReachedException",
        "The account has reached its quota of network interfaces, and the function needs another one.",
        "Raise the quota of network interfaces. Then redrive.",
    ),
    (
        "Lambda.",
        "Firehose could not transform the record with contact-record-normalizer.",
        "Find the cause in the log group /contact-ledger/<stack>/firehose. When it is fixed, redrive.",
    ),
    (
        "DataFormatConversion.InvalidInput",
        "A value of the row does not fit its column in the Glue table.",
        "If the table has been changed, `sam deploy` restores it. Then redrive. If the table is that of the deployed version, report the failure without the data.",
    ),
    (
        "DataFormatConversion.InvalidSchema",
        "The Glue table's schema is invalid.",
        "Run `sam deploy`, which restores the table. Then redrive.",
    ),
    (
        "DataFormatConversion.MalformedData",
        "Firehose could not parse the row.",
        "Check that Firehose invokes contact-record-normalizer; if not, restore the stream (docs/operations.md, Restoring the deployment). Then redrive.",
    ),
    (
        "DataFormatConversion.EntityNotFound",
        "The Glue table does not exist.",
        "Run `sam deploy`, which creates the table again. Then redrive.",
    ),
    (
        "DataFormatConversion.AccessDenied",
        "Firehose's role is not allowed to read the Glue table.",
        "Restore the role (docs/operations.md, Restoring the deployment). Then redrive.",
    ),
    (
        "DataFormatConversion.",
        "Firehose could not convert the row to Parquet.",
        "Find the cause in the log group /contact-ledger/<stack>/firehose. When it is fixed, redrive.",
    ),
    (
        "DynamicPartitioning.ActivePartitionLimitExceeded",
        "Rows for more than 500 contact dates arrived at the same time, more than Firehose's limit of active partitions.",
        "Redrive more slowly or day by day (--rate, --since, --until), or ask AWS to raise the limit.",
    ),
    (
        "DynamicPartitioning.MissingPartitionKey",
        "The function's response did not contain the partition key.",
        "Check that Firehose invokes contact-record-normalizer; if not, restore the stream (docs/operations.md, Restoring the deployment). Then redrive.",
    ),
    (
        "DynamicPartitioning.",
        "Firehose could not determine the partition of the row.",
        "Find the cause in the log group /contact-ledger/<stack>/firehose. When it is fixed, redrive.",
    ),
    (
        "S3.",
        "Firehose could not write to the lake bucket.",
        "Check the bucket, its KMS key and Firehose's role. Then redrive.",
    ),
    (
        "RetryAttemptsExhausted",
        "Lambda retried the batch MaximumRetryAttempts times, and agent-event-upserter failed each time.",
        "Find the cause in the function's log at that time, usually an error of DynamoDB or S3. When it is fixed, redrive.",
    ),
    (
        "RecordAgeExceeded",
        "The events waited longer than MaximumRecordAgeSeconds, and Lambda discarded them.",
        "Find out why the function fell behind: throttling, faults or too few shards. Then redrive at any time: old events never overwrite newer state.",
    ),
    (
        "MaximumRecordAgeExceeded",
        "The events waited longer than MaximumRecordAgeSeconds, and Lambda discarded them.",
        "Find out why the function fell behind: throttling, faults or too few shards. Then redrive at any time: old events never overwrite newer state.",
    ),
    ("unknown", "The stored failure does not include a reason.", SEND_AGAIN),
];

/// The meaning and the fix of a code; unknown codes get a generic answer.
#[must_use]
pub fn meaning(code: &str) -> Meaning {
    const UNKNOWN: Meaning = Meaning {
        means: "This version does not know this code.",
        to_do: "Look it up in the AWS documentation. When the cause is fixed, run `contact-ledger redrive`.",
    };
    let named = MEANINGS.iter().find(|(name, ..)| *name == code);
    let of_group = || MEANINGS.iter().find(|(name, ..)| name.ends_with('.') && code.starts_with(name));
    named.or_else(of_group).map_or(UNKNOWN, |(_, means, to_do)| Meaning { means, to_do })
}

/// Why a record fails, in one sentence without its values.
#[must_use]
pub fn sentence(reject: &Reject, stream: StreamKind, record: &[u8]) -> String {
    let path = reject.path.as_ref();
    let kind = match stream {
        StreamKind::ContactRecords => "a contact record",
        StreamKind::AgentEvents => "an agent event",
        StreamKind::ContactEvents => "a contact event",
    };
    match reject.code {
        RejectCode::NotBase64 => "its data is not base64".to_owned(),
        RejectCode::NotUtf8 => match str::from_utf8(record) {
            Err(error) => format!("it is not UTF-8 text: byte {} is invalid", error.valid_up_to() + 1),
            Ok(_) => "it is not UTF-8 text".to_owned(),
        },
        RejectCode::NotJson => match serde_json::from_slice::<&RawValue>(record) {
            Err(error) => format!("it is not one JSON value: {error}"),
            Ok(_) => "it is not one JSON value".to_owned(),
        },
        RejectCode::TooDeep => format!("it is nested deeper than {MAX_DEPTH} levels"),
        RejectCode::NotAnObject => "it is JSON, but not an object".to_owned(),
        RejectCode::UnknownKind => format!(
            "it is an object of an unknown kind; {kind} is recognized by {}",
            match stream {
                StreamKind::ContactRecords => "ContactId",
                StreamKind::AgentEvents => "AgentARN and EventType",
                StreamKind::ContactEvents => "detail-type and detail",
            }
        ),
        RejectCode::MissingField => format!("{path} is missing or null, and {kind} requires it"),
        RejectCode::BadField => format!("{path} is invalid: it must be {}", expected(path)),
        RejectCode::TooLarge if stream == StreamKind::ContactRecords => {
            format!("it has {} bytes, more than Firehose's limit of 1,024,000", record.len())
        }
        RejectCode::TooLarge => format!("{path} makes an item larger than DynamoDB's limit of 400 KB"),
        RejectCode::Aggregated => {
            "it is a damaged aggregated record of the Kinesis Producer Library, and its records cannot be extracted".to_owned()
        }
    }
}

/// What the value of a required field must be.
fn expected(path: &str) -> &'static str {
    match path {
        "AgentARN" => "the ARN of an agent, with IDs of up to 256 bytes without `#`",
        "EventId" => "text of up to 256 bytes without `#`",
        "id" => "text of up to 128 bytes",
        "time" => {
            "a time with a time zone, after 1970 and before the year 9999, such as 2026-03-02T08:00:00Z"
        }
        "detail" => "an object",
        "detail.contactId" | "detail.channel" | "detail.initiationMethod" => "text of up to 256 bytes",
        "detail.queueInfo.queueArn" | "detail.agentInfo.agentArn" => "an ARN with an ID of up to 256 bytes",
        "detail.eventType" => "non-empty text",
        "detail.instanceArn" => "the ARN of an Amazon Connect instance, with an ID of up to 256 bytes",
        "CurrentAgentSnapshot.Contacts" => "contacts with IDs of up to 256 bytes without `#`",
        _ if path.ends_with("Timestamp") || path.ends_with("_timestamp") => {
            "a time with a time zone, such as 2026-03-02T08:00:00Z"
        }
        _ if path.chars().next().is_some_and(char::is_lowercase) => "a value of its column in the lake",
        _ => "non-empty text",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The string literals of a source file that look like codes.
    fn codes(source: &str, is_code: impl Fn(&str) -> bool) -> BTreeSet<String> {
        source.split('"').filter(|word| is_code(word)).map(str::to_owned).collect()
    }

    #[test]
    fn every_code_of_the_functions_firehose_and_lambda_has_a_meaning() {
        let is_reject = |word: &str| {
            word.contains('_')
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        let is_error = |word: &str| {
            let groups = ["Lambda.", "DataFormatConversion.", "DynamicPartitioning."];
            groups.iter().any(|group| word.starts_with(group) && word.len() > group.len())
                && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        };
        let rejects = codes(include_str!("../../../../shared/connect-streams/src/reject.rs"), |word| {
            is_reject(word) || word == "aggregated"
        });
        let firehose = [
            include_str!("../../../local-aws/src/firehose/response.rs"),
            include_str!("../../../local-aws/src/firehose/delivery.rs"),
        ];
        let errors: BTreeSet<_> = firehose.iter().flat_map(|source| codes(source, is_error)).collect();
        let conditions =
            codes(include_str!("../../../local-aws/src/event_source_mapping/retries.rs"), |word| {
                word.ends_with("Exhausted") || word.ends_with("Exceeded")
            });
        assert_eq!(
            (rejects.len(), errors.len(), conditions.len()),
            (10, 9, 2),
            "{rejects:?} {errors:?} {conditions:?}"
        );
        for code in rejects.iter().chain(&errors).chain(&conditions) {
            assert!(MEANINGS.iter().any(|(name, ..)| name == code), "{code} has no meaning of its own");
        }
    }

    #[test]
    fn every_code_in_the_operations_page_has_a_meaning() {
        let page = include_str!("../../../../docs/operations.md");
        let words = page.split(|char: char| !(char.is_ascii_alphanumeric() || matches!(char, '.' | '_')));
        let is_code = |word: &&str| {
            word.starts_with("Lambda.") || ["not_json", "missing_field", "unknown_kind"].contains(word)
        };
        let named: BTreeSet<_> = words.filter(is_code).collect();
        assert!(named.len() >= 4, "{named:?}");
        for code in named {
            assert!(MEANINGS.iter().any(|(name, ..)| name == &code.trim_end_matches('.')), "{code}");
        }
    }

    #[test]
    fn an_unlisted_code_gets_the_meaning_of_its_group() {
        assert_eq!(meaning("Lambda.SomethingNew"), meaning("Lambda."));
        assert!(meaning("DataFormatConversion.New").means.contains("Parquet"));
        assert!(meaning("Other").means.contains("does not know"));
        assert_ne!(meaning("Lambda.FunctionError"), meaning("Lambda."));
        let names: BTreeSet<_> = MEANINGS.iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), MEANINGS.len(), "a code is listed twice");
    }

    #[test]
    fn sentences_contain_the_field_and_never_a_value() {
        let of = |code, path: &'static str, stream, record: &str| {
            sentence(&Reject { code, path: path.into() }, stream, record.as_bytes())
        };
        let contact = StreamKind::ContactRecords;
        assert_eq!(
            of(RejectCode::BadField, "InitiationTimestamp", contact, "{}"),
            "InitiationTimestamp is invalid: it must be a time with a time zone, such as 2026-03-02T08:00:00Z"
        );
        assert_eq!(
            of(RejectCode::NotJson, "$", contact, r#"{"Name":"Ada"#),
            "it is not one JSON value: EOF while parsing a string at line 1 column 12"
        );
        assert_eq!(
            of(RejectCode::TooLarge, "$", contact, "{}"),
            "it has 2 bytes, more than Firehose's limit of 1,024,000"
        );
    }
}
