//! Predicts what the functions would do with a record, by running their code.

use agent_ledger::NamePolicy;
use agent_ledger::rules::Rules;
use agent_ledger::{Read, read};
use connect_streams::{RecordKind, Reject, RejectCode, parse};
use contact_lake::Policy;
use contact_lake::Transformed;
use contact_record_normalizer::{Summary, transform_record};
use lambda_io::aggregate;
use lambda_io::limits::firehose::RECORD_BYTES;

use connect_streams::StreamKind;

/// The predicted outcome of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Written as a row, or as items of the tables.
    Written,
    /// Dropped or skipped: a known kind that belongs elsewhere, or an event without news.
    PassedOver,
    /// Failed or rejected.
    Fails(Reject),
}

/// The judgment of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgment {
    /// The stream whose function decides.
    pub stream: StreamKind,
    /// The kind of the record, if it can be recognized.
    pub kind: Option<RecordKind>,
    /// The predicted outcome.
    pub fate: Fate,
}

/// The functions, with their settings.
pub struct Judge {
    policy: Policy,
    rules: Rules,
    contact_rules: contact_state::Rules,
    /// The normalizer's counts.
    pub summary: Summary,
    /// The stream of the previous record; an unreadable record is assigned to it.
    before: StreamKind,
}

impl Judge {
    /// The functions with these policies. An unreadable record is assigned to the stream of the previous record, at first to
    /// `stream`.
    #[must_use]
    pub fn new(stream: Option<StreamKind>, policy: Policy, names: NamePolicy) -> Self {
        let rules = Rules { names, ..Rules::default() };
        let before = stream.unwrap_or(StreamKind::ContactRecords);
        let contact_rules =
            contact_state::Rules { policy: policy.clone(), ..contact_state::Rules::default() };
        Self { policy, rules, contact_rules, summary: Summary::default(), before }
    }

    /// Judges a record as the function of `stream` would, or by default the function for its kind.
    pub fn judge(&mut self, record: &[u8], stream: Option<StreamKind>) -> Judgment {
        let document = parse(record).ok();
        let object = document.as_ref().and_then(connect_streams::Document::as_object);
        let kind = object.and_then(RecordKind::of);
        let has_envelope = object.is_some_and(|object| object.get_each_in_any_case(["detail"])[0].is_some());
        let by_kind = match kind {
            Some(RecordKind::AgentEvent) => StreamKind::AgentEvents,
            // Without its envelope, a contact event is on another stream, where it is passed over.
            Some(RecordKind::ContactEvent) if has_envelope => StreamKind::ContactEvents,
            Some(_) => StreamKind::ContactRecords,
            None if aggregate::is_packed(record) => StreamKind::AgentEvents,
            None => self.before,
        };
        let stream = stream.unwrap_or(by_kind);
        self.before = stream;
        let fate = match stream {
            StreamKind::ContactRecords => self.contact_record(record),
            StreamKind::AgentEvents => self.agent_event(record),
            StreamKind::ContactEvents => self.contact_event(record),
        };
        Judgment { stream, kind, fate: fate.unwrap_or_else(Fate::Fails) }
    }

    fn contact_record(&mut self, record: &[u8]) -> Result<Fate, Reject> {
        // Firehose would refuse it before any function runs.
        if record.len() > RECORD_BYTES {
            return Err(Reject::record(RejectCode::TooLarge));
        }
        Ok(match transform_record(record, None, &self.policy, &mut self.summary)? {
            Transformed::Row(_) => Fate::Written,
            Transformed::Dropped(_) => Fate::PassedOver,
        })
    }

    fn agent_event(&self, record: &[u8]) -> Result<Fate, Reject> {
        let read = aggregate::read_each(record, |part| read(part, &self.rules))?;
        let is_written = read.iter().any(|read| matches!(read, Read::Event { .. }));
        Ok(if is_written { Fate::Written } else { Fate::PassedOver })
    }

    fn contact_event(&self, record: &[u8]) -> Result<Fate, Reject> {
        let write = contact_state::read(record, &self.contact_rules)?;
        Ok(if write.is_some() { Fate::Written } else { Fate::PassedOver })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: &str = r#"{"AgentARN":"arn:aws:connect:eu-west-2:111122223333:instance/i/agent/a","EventId":"e","EventTimestamp":"2026-03-02T08:00:00Z","EventType":"LOGIN"}"#;
    const CONTACT: &str = r#"{"ContactId":"c","InstanceARN":"arn:aws:connect:eu-west-2:111122223333:instance/i","InitiationTimestamp":"2026-03-02T08:00:00Z","LastUpdateTimestamp":"2026-03-02T08:05:00Z"}"#;

    #[test]
    fn the_function_of_a_records_kind_decides() {
        use StreamKind::{AgentEvents, ContactRecords};
        let mut judge = Judge::new(None, Policy::default(), NamePolicy::default());
        let rejected = |code, path| Fate::Fails(Reject::field(code, path));
        for (record, forced, stream, outcome) in [
            (CONTACT, None, ContactRecords, Fate::Written),
            (CONTACT, Some(AgentEvents), AgentEvents, Fate::PassedOver),
            (LOGIN, None, AgentEvents, Fate::Written),
            // An unreadable record is assigned to the stream of the previous one.
            ("{", None, AgentEvents, rejected(RejectCode::NotJson, "$")),
            (LOGIN, Some(ContactRecords), ContactRecords, Fate::PassedOver),
            ("{", None, ContactRecords, rejected(RejectCode::NotJson, "$")),
            (r#"{"ContactId":"c","EventType":"QUEUED"}"#, None, ContactRecords, Fate::PassedOver),
            (r#"{"ContactId":"c"}"#, None, ContactRecords, rejected(RejectCode::MissingField, "InstanceARN")),
            (r#"{"EventType":"LOGIN"}"#, None, AgentEvents, rejected(RejectCode::MissingField, "AgentARN")),
            (&LOGIN.replace("LOGIN", "HEART_BEAT"), None, AgentEvents, Fate::PassedOver),
        ] {
            let judgment = judge.judge(record.as_bytes(), forced);
            assert_eq!((judgment.stream, judgment.fate), (stream, outcome), "{record}");
        }
        let large = CONTACT.replace("\"c\"", &format!("\"{}\"", "x".repeat(RECORD_BYTES)));
        assert_eq!(
            judge.judge(large.as_bytes(), None).fate,
            Fate::Fails(Reject::record(RejectCode::TooLarge))
        );
    }
}
