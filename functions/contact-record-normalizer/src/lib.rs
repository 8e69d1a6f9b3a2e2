//! The Firehose transformation function for contact records: `decode → parse → normalize → encode`, record
//! by record, without I/O.
//!
//! Every record ID is answered once, in order. A record never fails the batch: one that cannot become a row is
//! answered `ProcessingFailed`, and Firehose keeps its bytes. `Dropped` is only for a known kind that does not
//! belong in the lake.

pub mod settings;
mod summary;

use connect_streams::{Reject, RejectCode};
use contact_lake::{Arrival, Made, Policy, Transformed};
use lambda_io::firehose::{Answers, TransformEvent, TransformRecord, TransformResponse};
use lambda_io::limits::lambda::PAYLOAD_BYTES;

pub use summary::Summary;

/// Lambda refuses a response above 6 MB, and Firehose then fails the whole batch. The rest of the 6 MB is a margin
/// for bytes that this count does not include.
pub const RESPONSE_BUDGET: usize = 5_900_000;
const _: () = assert!(RESPONSE_BUDGET < PAYLOAD_BYTES);

/// Transforms a batch.
#[must_use]
pub fn transform(event: TransformEvent, policy: &Policy) -> (TransformResponse, Summary) {
    let mut summary = Summary::default();
    // There is always room left to answer every remaining record with a failure.
    let failure_bytes = |record: &TransformRecord| Answers::failure_bytes(&record.record_id);
    let mut reserved: usize = event.records.iter().map(failure_bytes).sum();
    let mut answers = Answers::with_capacity(event.expected_response_bytes().min(RESPONSE_BUDGET));

    for TransformRecord { record_id, arrival, data } in event.records {
        let before = answers.bytes();
        reserved -= Answers::failure_bytes(&record_id);
        let arrival = arrival.map(Arrival::from);
        let transformed = data.bytes().and_then(|data| transform_record(data, arrival, policy, &mut summary));
        let answered = transformed.and_then(|transformed| {
            answer(&mut answers, &record_id, &transformed);
            if answers.bytes() + reserved > RESPONSE_BUDGET {
                answers.truncate(before);
                return Err(Reject::record(RejectCode::TooLarge));
            }
            summary.ok += usize::from(matches!(transformed, Transformed::Row(_)));
            Ok(())
        });
        if let Err(reject) = answered {
            summary.rejected.add(&reject);
            answers.processing_failed(&record_id);
        }
    }
    summary.bytes_out = answers.bytes();
    (answers.into_response(), summary)
}

/// Adds the answer to a record that did not fail.
fn answer(answers: &mut Answers, record_id: &str, transformed: &Transformed) {
    match transformed {
        Transformed::Row(Made { line, contact_date, .. }) => {
            answers.ok(record_id, line, &[("contact_date", contact_date)]);
        }
        Transformed::Dropped(_) => answers.dropped(record_id),
    }
}

/// Transforms one record and counts it in the summary.
///
/// # Errors
/// The reason why the record failed.
pub fn transform_record(
    data: &[u8],
    arrival: Option<Arrival>,
    policy: &Policy,
    summary: &mut Summary,
) -> Result<Transformed, Reject> {
    summary.bytes_in += data.len();
    let transformed = contact_lake::transform(data, arrival, policy)?;
    summary.note(&transformed);
    Ok(transformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(records: &[&[u8]]) -> TransformEvent {
        let records: Vec<_> = records
            .iter()
            .enumerate()
            .map(|(index, data)| {
                let data = base64_simd::STANDARD.encode_to_string(data);
                serde_json::json!({"recordId": format!("r{index}"), "approximateArrivalTimestamp": 1_772_438_700_123_i64, "data": data})
            })
            .collect();
        serde_json::from_str(&serde_json::json!({ "records": records }).to_string()).unwrap()
    }

    fn results(event: TransformEvent) -> Vec<(String, String)> {
        let (response, _) = transform(event, &Policy::default());
        let json = serde_json::to_value(&response).unwrap();
        let text = |record: &serde_json::Value, name: &str| record[name].as_str().unwrap().to_owned();
        json["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| (text(record, "recordId"), text(record, "result")))
            .collect()
    }

    fn contact(id: &str) -> Vec<u8> {
        format!(
            r#"{{"ContactId":"{id}","InstanceARN":"arn:aws:connect:eu-west-2:111122223333:instance/i",
            "InitiationTimestamp":"2026-03-02T08:00:00Z","LastUpdateTimestamp":"2026-03-02T08:05:00Z"}}"#
        )
        .into_bytes()
    }

    #[test]
    fn a_bad_record_does_not_fail_the_good_ones() {
        let agent_event = br#"{"AgentARN":"a","EventType":"LOGIN"}"#;
        let event =
            || event(&[&contact("a"), b"{\"ContactId\":", agent_event, b"\xff", b"[]", b"{}", &contact("b")]);
        let expected = [
            "Ok",
            "ProcessingFailed",
            "Dropped",
            "ProcessingFailed",
            "ProcessingFailed",
            "ProcessingFailed",
            "Ok",
        ];
        let expected: Vec<_> = expected
            .iter()
            .enumerate()
            .map(|(index, result)| (format!("r{index}"), (*result).to_owned()))
            .collect();
        assert_eq!(results(event()), expected);
        let (_, summary) = transform(event(), &Policy::default());
        assert_eq!((summary.ok, summary.dropped(), summary.failed()), (2, 1, 4));
    }

    #[test]
    fn a_row_sent_again_passes_unchanged() {
        let made = |data: &[u8]| {
            let arrival = connect_streams::Timestamp::parse("2026-03-02T09:00:00Z").map(Arrival::from);
            match transform_record(data, arrival, &Policy::default(), &mut Summary::default())? {
                Transformed::Row(Made { line, contact_date, .. }) => Ok((line, contact_date)),
                Transformed::Dropped(kind) => panic!("it is dropped as {kind:?}"),
            }
        };
        let demo = br#"{"ticker_symbol":"QXZ","sector":"HEALTHCARE","change":-0.05,"price":84.51}"#;
        for record in [contact("a"), demo.to_vec()] {
            let (line, contact_date) = made(&record).unwrap();
            for row in [&line[..], line.trim_ascii()] {
                assert_eq!(made(row).unwrap(), (line.clone(), contact_date.clone()));
            }
        }
        let row = |more: &str| format!(r#"{{"content_hash":"h","schema_version":1,"contact_id":"c"{more}}}"#);
        let error = |more: &str| -> String {
            let made: Result<_, Reject> = made(row(more).as_bytes());
            made.unwrap_err().to_string()
        };
        assert_eq!(error(""), "missing_field at initiation_timestamp");
        assert_eq!(error(r#","initiation_timestamp":5"#), "bad_field at initiation_timestamp");
        assert_eq!(error(r#","recordings":[{"status":5}]"#), "bad_field at recordings");
        assert_eq!(error(r#","what":5"#), "unknown_kind at $");
    }

    #[test]
    fn an_empty_batch_gets_an_empty_response() {
        assert_eq!(results(event(&[])), []);
    }

    #[test]
    fn a_record_that_exceeds_the_response_limit_fails_and_the_rest_is_delivered() {
        let large = String::from_utf8(contact("large"))
            .unwrap()
            .replace("\"large\"", &format!("\"large\",\"CustomerId\":\"{}\"", "x".repeat(900_000)));
        let small = contact("small");
        let event = || {
            event(&[
                large.as_bytes(),
                large.as_bytes(),
                large.as_bytes(),
                large.as_bytes(),
                large.as_bytes(),
                &small,
            ])
        };
        let (response, summary) = transform(event(), &Policy::default());
        assert_eq!((summary.ok, summary.failed()), (5, 1));
        assert!(serde_json::to_vec(&response).unwrap().len() < 6_000_000);
        assert_eq!(results(event()).last().unwrap(), &("r5".to_owned(), "Ok".to_owned()));
    }
}
