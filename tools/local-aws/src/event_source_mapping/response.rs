//! Parses the function's response to a batch.
//!
//! Source: [Configuring partial batch response](https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html)
//! (Lambda Developer Guide).

use serde::Deserialize;

use super::retries::Progress;
use crate::kinesis::Record;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    batch_item_failures: Option<Vec<Failure>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    #[serde(default)]
    item_identifier: Option<String>,
}

/// The progress that a response reports. An empty body or list is success. The lowest sequence number is the checkpoint. An
/// identifier that is missing, empty or not in this batch fails the whole batch. Without `ReportBatchItemFailures`, the
/// body is ignored.
#[must_use]
pub fn progress(response: &[u8], batch: &[Record], reports_failures: bool) -> Progress {
    if !reports_failures || response.trim_ascii().is_empty() {
        return Progress::Done(batch.len());
    }
    let failures = match serde_json::from_slice::<Option<Response>>(response) {
        Ok(response) => response.and_then(|response| response.batch_item_failures).unwrap_or_default(),
        Err(_) => return Progress::Failed,
    };
    let position = |failure: &Failure| {
        let identifier = failure.item_identifier.as_deref()?;
        batch.iter().position(|record| record.sequence_number == identifier)
    };
    let positions: Option<Vec<_>> = failures.iter().map(position).collect();
    match positions {
        None => Progress::Failed,
        Some(positions) => Progress::Done(positions.into_iter().min().unwrap_or(batch.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;

    fn batch() -> Vec<Record> {
        let record = |number: u32| Record {
            sequence_number: number.to_string(),
            partition_key: "p".to_owned(),
            data: Bytes::new(),
            arrival_milliseconds: 0,
        };
        (1..=4).map(record).collect()
    }

    #[test]
    fn a_response_is_parsed_by_the_documented_rules() {
        for (response, expected) in [
            ("", Progress::Done(4)),
            ("null", Progress::Done(4)),
            ("{}", Progress::Done(4)),
            (r#"{"batchItemFailures":null}"#, Progress::Done(4)),
            (r#"{"batchItemFailures":[]}"#, Progress::Done(4)),
            (r#"{"batchItemFailures":[{"itemIdentifier":"3"}]}"#, Progress::Done(2)),
            (r#"{"batchItemFailures":[{"itemIdentifier":"4"},{"itemIdentifier":"2"}]}"#, Progress::Done(1)),
            (r#"{"batchItemFailures":[{"itemIdentifier":"1"}]}"#, Progress::Done(0)),
            (r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, Progress::Failed),
            (r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#, Progress::Failed),
            (r#"{"batchItemFailures":[{"wrongKey":"3"}]}"#, Progress::Failed),
            (r#"{"batchItemFailures":[{"itemIdentifier":"9"}]}"#, Progress::Failed),
            ("not json", Progress::Failed),
        ] {
            assert_eq!(progress(response.as_bytes(), &batch(), true), expected, "{response}");
        }
    }

    /// Without `FunctionResponseTypes`, the response is ignored, even if it reports failures.
    #[test]
    fn reported_failures_are_ignored_unless_reporting_is_enabled() {
        let response = br#"{"batchItemFailures":[{"itemIdentifier":"3"}]}"#;
        assert_eq!(progress(response, &batch(), false), Progress::Done(4));
    }
}
