//! Parses the function's response to a buffer of records.
//!
//! Source: [Transform source data](https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html),
//! [Required parameters for data transformation](https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html),
//! [Handle failure in data transformation](https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html)
//! (Firehose Developer Guide).

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use crate::function::InvokeError;

/// The function's result for one record.
pub(super) enum Transformed {
    /// A row to deliver.
    Row { keys: BTreeMap<String, String>, data: Vec<u8> },
    /// Not delivered.
    Dropped,
}

/// Why a record goes to the error prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}

impl Failure {
    pub(super) const MISSING_RECORD_ID: Self = Self {
        code: "Lambda.MissingRecordId",
        message: "The function did not return every record ID in the event.",
    };
    const DUPLICATED_RECORD_ID: Self = Self {
        code: "Lambda.DuplicatedRecordId",
        message: "The function returned a record ID more than once.",
    };
    const UNREADABLE_RESPONSE: Self = Self {
        code: "Lambda.JsonProcessingException",
        message: "The function's response does not have the expected format.",
    };
    const PROCESSING_FAILED: Self = Self {
        code: "Lambda.FunctionError",
        message: "The Lambda function was successfully invoked but it returned an error result.",
    };
    pub(super) const MISSING_PARTITION_KEY: Self = Self {
        code: "DynamicPartitioning.MissingPartitionKey",
        message: "The function did not return the partition key that the prefix needs.",
    };
    pub(super) const ACTIVE_PARTITIONS_EXCEEDED: Self = Self {
        code: "DynamicPartitioning.ActivePartitionLimitExceeded",
        message: "The stream's limit of active partitions is exceeded.",
    };

    pub(super) fn from_invoke_error(error: &InvokeError) -> Self {
        match error {
            InvokeError::TimedOut(_) => {
                Self { code: "Lambda.FunctionTimedOut", message: "The function timed out." }
            }
            InvokeError::TooLarge { .. } => Self {
                code: "Lambda.FunctionError",
                message: "The event or the response exceeds Lambda's 6 MB.",
            },
            InvokeError::Throttled => {
                Self { code: "Lambda.InvokeLimitExceeded", message: "The Lambda invoke limit is exceeded." }
            }
            _ => Self { code: "Lambda.FunctionError", message: "The function failed or its process exited." },
        }
    }
}

/// Answers by record ID.
pub(super) type Answers = HashMap<String, Result<Transformed, Failure>>;

#[derive(Deserialize)]
struct Response {
    records: Vec<ResponseRecord>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseRecord {
    record_id: String,
    result: String,
    #[serde(default)]
    data: Option<String>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    partition_keys: BTreeMap<String, String>,
}

/// Parses the function's answers. The caller ignores those with an unknown record ID.
pub(super) fn answers(response: &[u8]) -> Result<Answers, Failure> {
    let response: Response = serde_json::from_slice(response).map_err(|_| Failure::UNREADABLE_RESPONSE)?;
    let mut answers = Answers::new();
    for record in response.records {
        let record_id = record.record_id.clone();
        if answers.insert(record_id, transformed(record)).is_some() {
            return Err(Failure::DUPLICATED_RECORD_ID);
        }
    }
    Ok(answers)
}

fn transformed(record: ResponseRecord) -> Result<Transformed, Failure> {
    match record.result.as_str() {
        "Dropped" => Ok(Transformed::Dropped),
        "Ok" => {
            let data = record.data.ok_or(Failure::UNREADABLE_RESPONSE)?;
            let data = base64_simd::STANDARD.decode_to_vec(data).map_err(|_| Failure::UNREADABLE_RESPONSE)?;
            Ok(Transformed::Row { keys: record.metadata.unwrap_or_default().partition_keys, data })
        }
        _ => Err(Failure::PROCESSING_FAILED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(response: &str) -> Result<Vec<String>, Failure> {
        let name = |answer: &Result<Transformed, Failure>| match answer {
            Ok(Transformed::Row { keys, .. }) => format!("row with {keys:?}"),
            Ok(Transformed::Dropped) => "dropped".to_owned(),
            Err(failure) => failure.code.to_owned(),
        };
        answers(response.as_bytes()).map(|answers| answers.values().map(name).collect())
    }

    /// "Required parameters for data transformation": `recordId`, `result` (Ok, Dropped, `ProcessingFailed`), `data`.
    #[test]
    fn a_response_is_parsed_by_the_documented_rules() {
        let record = |rest: &str| format!(r#"{{"records":[{{"recordId":"a",{rest}}}]}}"#);
        for (response, expected) in [
            (
                record(r#""result":"Ok","data":"e30K","metadata":{"partitionKeys":{"contact_date":"d"}}"#),
                r#"row with {"contact_date": "d"}"#,
            ),
            (record(r#""result":"Ok","data":"e30K","metadata":null"#), "row with {}"),
            (record(r#""result":"Ok","data":"%""#), "Lambda.JsonProcessingException"),
            (record(r#""result":"Ok""#), "Lambda.JsonProcessingException"),
            (record(r#""result":"Dropped""#), "dropped"),
            (record(r#""result":"ProcessingFailed""#), "Lambda.FunctionError"),
            (record(r#""result":"ok""#), "Lambda.FunctionError"),
        ] {
            assert_eq!(outcome(&response), Ok(vec![expected.to_owned()]), "{response}");
        }
        assert_eq!(outcome("{}"), Err(Failure::UNREADABLE_RESPONSE));
        let twice =
            r#"{"records":[{"recordId":"a","result":"Dropped"},{"recordId":"a","result":"Dropped"}]}"#;
        assert_eq!(outcome(twice), Err(Failure::DUPLICATED_RECORD_ID));
    }
}
