//! What every code of a failure means, and what to do about it: the reasons of the functions, the error codes of Firehose,
//! the conditions of Lambda.
//!
//! Sources: docs/contact-record.md and docs/agent-state.md for the functions' own; Firehose Developer Guide, "Monitor Amazon
//! Data Firehose using CloudWatch Logs", "Handle failure in data transformation", "Error handling for data format
//! conversion", "Troubleshoot dynamic partitioning errors"; Lambda Developer Guide, "Retain discarded batch records for a
//! Kinesis Data Streams event source in Lambda".

use connect_streams::{MAX_DEPTH, Reject, RejectCode};
use serde_json::value::RawValue;

use connect_streams::StreamKind;

/// A code in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// What it says.
    pub means: &'static str,
    /// What to do.
    pub to_do: &'static str,
}

const SEND_AGAIN: &str = "When the cause is gone, `contact-ledger redrive` sends it again.";
const MEND: &str = "No retry helps. Find who wrote the record; if it is Amazon Connect, upgrade, or report it without the data.";

/// By code; a code that ends with `.` stands for all that begin so and are not named.
const MEANINGS: &[(&str, &str, &str)] = &[
    (
        "not_base64",
        "The envelope's data is not base64, so there are no bytes to read.",
        "Find who wrote it: neither Kinesis nor Firehose does.",
    ),
    ("not_utf8", "The bytes are not UTF-8 text.", MEND),
    (
        "not_json",
        "The text is not one JSON value: it is cut off, has something behind its end, or is none at all.",
        MEND,
    ),
    ("too_deep", "The JSON is nested deeper than the 64 levels that are read.", MEND),
    ("not_an_object", "It is JSON, but not an object.", MEND),
    (
        "unknown_kind",
        "It is an object of no known kind: neither a contact record, nor an agent event, nor a contact event.",
        "Something else writes to this stream, or Amazon Connect sends a new kind: upgrade, and redrive.",
    ),
    ("missing_field", "A required field is missing or null.", MEND),
    ("bad_field", "A required field has a value that cannot be read.", MEND),
    (
        "too_large",
        "It is larger than where it should go has room for: Firehose takes 1,000 KiB, an answer of Lambda 6 MB, an item of DynamoDB 400 KB.",
        "No retry helps if the record alone is too large. A record that only met many others passes when it is redriven.",
    ),
    (
        "aggregated",
        "The Kinesis Producer Library packed several records into one, and it is broken: it cannot be unpacked.",
        "Find the producer; the records in it are lost unless it sends them again.",
    ),
    (
        "Lambda.FunctionError",
        "contact-record-normalizer refused the record (Firehose's word for any ProcessingFailed), or its invocation failed.",
        "The function's log has reason and field at that time; whether it would fail again is said here. Then redrive.",
    ),
    (
        "Lambda.FunctionTimedOut",
        "contact-record-normalizer did not answer in its time, four times.",
        "Raise FunctionMemory, then redrive.",
    ),
    ("Lambda.FunctionRequestTimedOut", "Firehose's request to Lambda timed out.", SEND_AGAIN),
    (
        "Lambda.InvokeLimitExceeded",
        "Lambda had no room for another invocation: the account's concurrency is used up.",
        "Raise the account's quota, or reserve concurrency for the function; then redrive.",
    ),
    (
        "Lambda.InvokeAccessDenied",
        "Firehose's role may not invoke contact-record-normalizer.",
        "Deploy the stack again, which restores the role; then redrive.",
    ),
    (
        "Lambda.AssumeRoleAccessDenied",
        "Firehose could not assume its role.",
        "Deploy the stack again, which restores the role; then redrive.",
    ),
    (
        "Lambda.ResourceNotFound",
        "contact-record-normalizer is not there.",
        "Deploy the stack again; then redrive.",
    ),
    (
        "Lambda.MissingRecordId",
        "The function's answer lacked this record.",
        "This is a bug: please report it. Then redrive.",
    ),
    (
        "Lambda.DuplicatedRecordId",
        "The function's answer had this record twice.",
        "This is a bug: please report it. Then redrive.",
    ),
    (
        "Lambda.JsonProcessingException",
        "Firehose could not read the function's answer.",
        "Is the function behind Firehose contact-record-normalizer? Deploy the stack again; then redrive.",
    ),
    (
        "Lambda.InvalidSubnetIDException",
        "The function is in a VPC whose subnet is not valid.",
        "Correct the function's VPC configuration, or deploy the stack again; then redrive.",
    ),
    (
        "Lambda.InvalidSecurityGroupIDException",
        "The function is in a VPC whose security group is not valid.",
        "Correct the function's VPC configuration, or deploy the stack again; then redrive.",
    ),
    (
        "Lambda.SubnetIPAddressLimitReachedException",
        "The function's subnets have no free address.",
        "Give the function larger subnets, or deploy the stack again; then redrive.",
    ),
    (
        "Lambda.ENILimitReachedException",
        "The account has no network interface left for the function.",
        "Raise the quota for network interfaces; then redrive.",
    ),
    (
        "Lambda.",
        "Firehose could not get the record transformed by contact-record-normalizer.",
        "The log group /contact-ledger/<stack>/firehose says why. When the cause is gone, redrive.",
    ),
    (
        "DataFormatConversion.InvalidInput",
        "The row has a value that the Glue table has no room for.",
        "Is the table that of the deployed version? `sam deploy` restores it; then redrive. If it is, please report it without the data.",
    ),
    (
        "DataFormatConversion.InvalidSchema",
        "The Glue table's schema cannot be used.",
        "`sam deploy` restores the table; then redrive.",
    ),
    (
        "DataFormatConversion.MalformedData",
        "Firehose could not read the row.",
        "Is the function behind Firehose contact-record-normalizer? Deploy the stack again; then redrive.",
    ),
    (
        "DataFormatConversion.EntityNotFound",
        "The Glue table is not there.",
        "`sam deploy` makes it anew; then redrive.",
    ),
    (
        "DataFormatConversion.AccessDenied",
        "Firehose's role may not read the Glue table.",
        "Deploy the stack again, which restores the role; then redrive.",
    ),
    (
        "DataFormatConversion.",
        "Firehose could not convert the row to Parquet.",
        "The log group /contact-ledger/<stack>/firehose says why. When the cause is gone, redrive.",
    ),
    (
        "DynamicPartitioning.ActivePartitionLimitExceeded",
        "Records of more than 500 days came at the same time, and Firehose has no room for more partitions.",
        "Redrive, slower or day by day (--since, --until, --rate); or ask AWS for more active partitions.",
    ),
    (
        "DynamicPartitioning.MissingPartitionKey",
        "The function's answer lacked the partition.",
        "Is the function behind Firehose contact-record-normalizer? Deploy the stack again; then redrive.",
    ),
    (
        "DynamicPartitioning.",
        "Firehose found no partition for the row.",
        "The log group /contact-ledger/<stack>/firehose says why. When the cause is gone, redrive.",
    ),
    (
        "S3.",
        "Firehose could not write to the bucket.",
        "Check the bucket, its key and Firehose's role; then redrive.",
    ),
    (
        "RetryAttemptsExhausted",
        "Lambda tried the batch as often as MaximumRetryAttempts allows; agent-event-upserter failed each time.",
        "The function's log has the cause at that time: usually DynamoDB or S3 refused. When it is gone, redrive.",
    ),
    (
        "RecordAgeExceeded",
        "The events waited longer than MaximumRecordAgeSeconds, and Lambda gave them up.",
        "Find out why the function fell behind (throttles, faults, too few shards); then redrive, however late: old events change no newer state.",
    ),
    (
        "MaximumRecordAgeExceeded",
        "The events waited longer than MaximumRecordAgeSeconds, and Lambda gave them up.",
        "Find out why the function fell behind (throttles, faults, too few shards); then redrive, however late: old events change no newer state.",
    ),
    ("unknown", "Whoever kept the record did not say why.", SEND_AGAIN),
];

/// What a code means; one that is not known is said to be so.
#[must_use]
pub fn meaning(code: &str) -> Meaning {
    const UNKNOWN: Meaning = Meaning {
        means: "This version does not know this code.",
        to_do: "Look it up in Amazon's documentation. When the cause is gone, `contact-ledger redrive` sends the record again.",
    };
    let named = MEANINGS.iter().find(|(name, ..)| *name == code);
    let of_group = || MEANINGS.iter().find(|(name, ..)| name.ends_with('.') && code.starts_with(name));
    named.or_else(of_group).map_or(UNKNOWN, |(_, means, to_do)| Meaning { means, to_do })
}

/// What is wrong with a record, in one sentence without its values.
#[must_use]
pub fn sentence(reject: &Reject, stream: StreamKind, record: &[u8]) -> String {
    let path = reject.path.as_ref();
    let kind = match stream {
        StreamKind::ContactRecords => "a contact record",
        StreamKind::AgentEvents => "an agent event",
    };
    match reject.code {
        RejectCode::NotBase64 => "its data is not base64".to_owned(),
        RejectCode::NotUtf8 => match str::from_utf8(record) {
            Err(error) => format!("it is not UTF-8 text from byte {} on", error.valid_up_to() + 1),
            Ok(_) => "it is not UTF-8 text".to_owned(),
        },
        RejectCode::NotJson => match serde_json::from_slice::<&RawValue>(record) {
            Err(error) => format!("it is not one JSON value: {error}"),
            Ok(_) => "it is not one JSON value".to_owned(),
        },
        RejectCode::TooDeep => format!("it is nested deeper than {MAX_DEPTH} levels"),
        RejectCode::NotAnObject => "it is JSON, but not an object".to_owned(),
        RejectCode::UnknownKind => format!(
            "it is an object, but of no known kind; {kind} is known by {}",
            match stream {
                StreamKind::ContactRecords => "ContactId",
                StreamKind::AgentEvents => "AgentARN and EventType",
            }
        ),
        RejectCode::MissingField => format!("{path} is missing or null, and {kind} needs it"),
        RejectCode::BadField => format!("{path} cannot be read: it must be {}", expected(path)),
        RejectCode::TooLarge if stream == StreamKind::ContactRecords => {
            format!("it has {} bytes, and Firehose takes at most 1,024,000", record.len())
        }
        RejectCode::TooLarge => format!("what {path} says is larger than the 400 KB of a DynamoDB item"),
        RejectCode::Aggregated => {
            "it is packed by the Kinesis Producer Library, and broken: it cannot be unpacked".to_owned()
        }
    }
}

/// What a required field must be.
fn expected(path: &str) -> &'static str {
    match path {
        "AgentARN" => "the ARN of an agent, with ids of up to 256 bytes without `#`",
        "EventId" => "a text of up to 256 bytes without `#`",
        "CurrentAgentSnapshot.Contacts" => "contacts with ids of up to 256 bytes without `#`",
        _ if path.ends_with("Timestamp") || path.ends_with("_timestamp") => {
            "a time with its zone, such as 2026-03-02T08:00:00Z"
        }
        _ if path.chars().next().is_some_and(char::is_lowercase) => "what its column in the lake holds",
        _ => "a text that is not empty",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The quoted words of a source that look so.
    fn codes(source: &str, is_code: impl Fn(&str) -> bool) -> BTreeSet<String> {
        source.split('"').filter(|word| is_code(word)).map(str::to_owned).collect()
    }

    #[test]
    fn every_code_that_the_functions_firehose_and_lambda_can_give_has_a_meaning() {
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
    fn the_codes_that_operations_names_have_a_meaning() {
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
    fn a_code_of_tomorrow_falls_to_its_group() {
        assert_eq!(meaning("Lambda.SomethingNew"), meaning("Lambda."));
        assert!(meaning("DataFormatConversion.New").means.contains("Parquet"));
        assert!(meaning("Other").means.contains("does not know"));
        assert_ne!(meaning("Lambda.FunctionError"), meaning("Lambda."));
        let names: BTreeSet<_> = MEANINGS.iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), MEANINGS.len(), "a code stands twice");
    }

    #[test]
    fn sentences_name_the_field_and_never_a_value() {
        let of = |code, path: &'static str, stream, record: &str| {
            sentence(&Reject { code, path: path.into() }, stream, record.as_bytes())
        };
        let contact = StreamKind::ContactRecords;
        assert_eq!(
            of(RejectCode::BadField, "InitiationTimestamp", contact, "{}"),
            "InitiationTimestamp cannot be read: it must be a time with its zone, such as 2026-03-02T08:00:00Z"
        );
        assert_eq!(
            of(RejectCode::NotJson, "$", contact, r#"{"Name":"Ada"#),
            "it is not one JSON value: EOF while parsing a string at line 1 column 12"
        );
        assert_eq!(
            of(RejectCode::TooLarge, "$", contact, "{}"),
            "it has 2 bytes, and Firehose takes at most 1,024,000"
        );
    }
}
