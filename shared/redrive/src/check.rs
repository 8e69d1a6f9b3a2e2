//! Predicts whether a record would fail again, with the code that would process it.
//!
//! The check knows the code's rules, not the account: it does not notice a function without permissions, or a table with
//! another schema.

use agent_ledger::read;
use agent_ledger::rules::Rules;
use connect_streams::{Reject, RejectCode};
use contact_lake::{Policy, transform};
use lambda_io::aggregate;
use lambda_io::kinesis::StreamRecord;
use lambda_io::limits::firehose::RECORD_BYTES;

use lake_files::failures::Payload;

/// The predicted outcome of sending a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It would be accepted.
    Passes,
    /// It would be rejected.
    FailsAgain(Reject),
}

/// Checks a record as its function would.
#[must_use]
pub fn check(payload: &Payload) -> Verdict {
    let reject = match payload {
        Payload::ContactRecord(data) if data.len() > RECORD_BYTES => {
            Some(Reject::record(RejectCode::TooLarge))
        }
        // The PII policy does not affect the verdict.
        Payload::ContactRecord(data) => transform(data, None, &Policy::default()).err(),
        Payload::AgentEvent(record) => match serde_json::from_str::<StreamRecord>(record.get()) {
            Ok(record) => would_reject(&record, &Rules::default()),
            Err(_) => Some(Reject::field(RejectCode::MissingField, "sequenceNumber")),
        },
        Payload::ContactEvent(data) => contact_state::read(data, &contact_state::Rules::default()).err(),
    };
    reject.map_or(Verdict::Passes, Verdict::FailsAgain)
}

/// Why its function would reject a record, if it would.
fn would_reject(record: &StreamRecord, rules: &Rules) -> Option<Reject> {
    let read = |data: &[u8]| aggregate::read_each(data, |part| read(part, rules));
    record.data.bytes().and_then(read).err()
}

#[cfg(test)]
mod tests {
    use super::{Verdict, check};
    use connect_streams::{Reject, RejectCode};
    use lake_files::failures::Payload;

    /// A contact record of exactly this many bytes.
    fn record(bytes: usize) -> Payload {
        let record = |customer: &str| {
            format!(
                r#"{{"ContactId":"c","InstanceARN":"arn:aws:connect:eu-west-2:111122223333:instance/i","InitiationTimestamp":"2026-03-02T08:00:00Z","LastUpdateTimestamp":"2026-03-02T08:05:00Z","CustomerId":"{customer}"}}"#
            )
        };
        let padding = bytes - record("").len();
        Payload::ContactRecord(record(&"x".repeat(padding)).into_bytes())
    }

    #[test]
    fn a_record_at_the_size_limit_of_firehose_passes_and_one_byte_more_does_not() {
        assert_eq!(check(&record(1_024_000)), Verdict::Passes);
        let too_large = Verdict::FailsAgain(Reject::record(RejectCode::TooLarge));
        assert_eq!(check(&record(1_024_001)), too_large);
    }
}
