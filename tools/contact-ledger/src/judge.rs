//! What the functions would do with a record, by their own code.

use agent_event_upserter::would_write;
use agent_ledger::NamePolicy;
use agent_ledger::plan::Rules;
use anyhow::anyhow;
use connect_streams::{RecordKind, Reject, RejectCode, parse};
use contact_lake::Policy;
use contact_record_normalizer::settings::{NormalizerSettingError, read_policy};
use contact_record_normalizer::{Summary, Transformed, transform_record};
use lambda_support::aggregate;
use lambda_support::settings::Settings;
use local_aws::firehose::RECORD_BYTES;

use crate::center::StreamKind;

/// What would become of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A row, or items in the agent tables.
    Written,
    /// Nothing: it is of a known kind that belongs elsewhere, or an event that tells nothing.
    PassedOver,
    /// It would fail.
    Fails(Reject),
}

/// A record, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judgment {
    /// Whose function decides.
    pub(crate) stream: StreamKind,
    /// What the record is, if that can be told.
    pub(crate) kind: Option<RecordKind>,
    /// What would become of it.
    pub(crate) outcome: Outcome,
}

/// Both functions, with the settings of the environment.
pub(crate) struct Judge {
    policy: Policy,
    rules: Rules,
    /// What the normalizer counts.
    pub(crate) summary: Summary,
    /// The stream of the record before, which one that cannot be read is taken for.
    before: StreamKind,
}

impl Judge {
    /// The functions as `PII_POLICY` and `PII_HASH_KEY` set them. Each function has names of its own in its policy; if
    /// records of both may come, the policy must be good for one of them.
    ///
    /// # Errors
    /// When the policy cannot be used.
    pub(crate) fn of(
        stream: Option<StreamKind>,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        let settings = Settings::from_lookup(lookup);
        let policy = read_policy(&settings).map_err(|error| match error {
            NormalizerSettingError::Policy(error) => wrong(&error),
            NormalizerSettingError::Setting(error) => wrong(&error),
        });
        let names = names(&settings);
        let (policy, names) = match (stream, policy, names) {
            (Some(StreamKind::ContactRecords) | None, Ok(policy), names) => {
                (policy, names.unwrap_or_default())
            }
            (Some(StreamKind::AgentEvents) | None, policy, Ok(names)) => (policy.unwrap_or_default(), names),
            (Some(StreamKind::ContactRecords) | None, Err(error), _) => return Err(error),
            (Some(StreamKind::AgentEvents), _, Err(error)) => return Err(error),
        };
        let rules = Rules { names, ..Rules::default() };
        let before = stream.unwrap_or(StreamKind::ContactRecords);
        Ok(Self { policy, rules, summary: Summary::default(), before })
    }

    /// Judges a record as the function of this stream would, or else that of its kind.
    pub(crate) fn judge(&mut self, record: &[u8], stream: Option<StreamKind>) -> Judgment {
        let document = parse(record).ok();
        let kind = document.as_ref().and_then(|document| RecordKind::of(document.as_object()?));
        let by_kind = match kind {
            Some(RecordKind::AgentEvent) => StreamKind::AgentEvents,
            Some(_) => StreamKind::ContactRecords,
            None if aggregate::is_packed(record) => StreamKind::AgentEvents,
            None => self.before,
        };
        let stream = stream.unwrap_or(by_kind);
        self.before = stream;
        let outcome = match stream {
            StreamKind::ContactRecords => self.contact_record(record),
            StreamKind::AgentEvents => self.agent_event(record),
        };
        Judgment { stream, kind, outcome: outcome.unwrap_or_else(Outcome::Fails) }
    }

    fn contact_record(&mut self, record: &[u8]) -> Result<Outcome, Reject> {
        // Firehose would not take it, before any function.
        if record.len() > RECORD_BYTES {
            return Err(Reject::record(RejectCode::TooLarge));
        }
        Ok(match transform_record(record, None, &self.policy, &mut self.summary)? {
            Transformed::Row { .. } => Outcome::Written,
            Transformed::Dropped => Outcome::PassedOver,
        })
    }

    fn agent_event(&self, record: &[u8]) -> Result<Outcome, Reject> {
        let writes = if aggregate::is_packed(record) {
            let parts = aggregate::unpack(record.to_vec())?;
            let writes = parts.iter().map(|part| would_write(&part.data, &self.rules));
            writes.collect::<Result<Vec<_>, _>>()?.contains(&true)
        } else {
            would_write(record, &self.rules)?
        };
        Ok(if writes { Outcome::Written } else { Outcome::PassedOver })
    }
}

/// The policy of agent-event-upserter.
fn names(settings: &Settings<'_>) -> anyhow::Result<NamePolicy> {
    let policy = settings.optional("PII_POLICY", "{}".to_owned(), "a JSON object");
    let policy = policy.map_err(|error| wrong(&error))?;
    let key = settings.optional_base64("PII_HASH_KEY").map_err(|error| wrong(&error))?;
    NamePolicy::read(&policy, key.as_deref()).map_err(|error| wrong(&error))
}

fn wrong(error: &dyn std::error::Error) -> anyhow::Error {
    anyhow!("{error}; correct the variable in your environment, or unset it")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: &str = r#"{"AgentARN":"arn:aws:connect:eu-west-2:111122223333:instance/i/agent/a","EventId":"e","EventTimestamp":"2026-03-02T08:00:00Z","EventType":"LOGIN"}"#;
    const CONTACT: &str = r#"{"ContactId":"c","InstanceARN":"arn:aws:connect:eu-west-2:111122223333:instance/i","InitiationTimestamp":"2026-03-02T08:00:00Z","LastUpdateTimestamp":"2026-03-02T08:05:00Z"}"#;

    fn judge(policy: &'static str, stream: Option<StreamKind>) -> Result<Judge, String> {
        let lookup = |name: &str| (name == "PII_POLICY").then(|| policy.to_owned());
        Judge::of(stream, &lookup).map_err(|error| error.to_string())
    }

    #[test]
    fn the_function_of_a_records_kind_decides() {
        use StreamKind::{AgentEvents, ContactRecords};
        let mut judge = judge("{}", None).unwrap();
        let rejected = |code, path| Outcome::Fails(Reject::field(code, path));
        for (record, forced, stream, outcome) in [
            (CONTACT, None, ContactRecords, Outcome::Written),
            (CONTACT, Some(AgentEvents), AgentEvents, Outcome::PassedOver),
            (LOGIN, None, AgentEvents, Outcome::Written),
            // One that cannot be read is taken for another of the kind before.
            ("{", None, AgentEvents, rejected(RejectCode::NotJson, "$")),
            (LOGIN, Some(ContactRecords), ContactRecords, Outcome::PassedOver),
            ("{", None, ContactRecords, rejected(RejectCode::NotJson, "$")),
            (r#"{"ContactId":"c","EventType":"QUEUED"}"#, None, ContactRecords, Outcome::PassedOver),
            (r#"{"ContactId":"c"}"#, None, ContactRecords, rejected(RejectCode::MissingField, "InstanceARN")),
            (r#"{"EventType":"LOGIN"}"#, None, AgentEvents, rejected(RejectCode::MissingField, "AgentARN")),
            (&LOGIN.replace("LOGIN", "HEART_BEAT"), None, AgentEvents, Outcome::PassedOver),
        ] {
            let judgment = judge.judge(record.as_bytes(), forced);
            assert_eq!((judgment.stream, judgment.outcome), (stream, outcome), "{record}");
        }
        let large = CONTACT.replace("\"c\"", &format!("\"{}\"", "x".repeat(RECORD_BYTES)));
        assert_eq!(
            judge.judge(large.as_bytes(), None).outcome,
            Outcome::Fails(Reject::record(RejectCode::TooLarge))
        );
    }

    #[test]
    fn a_policy_must_be_good_for_the_function_that_decides() {
        use StreamKind::{AgentEvents, ContactRecords};
        let (contacts, agents, neither) =
            (r#"{"customer_endpoint_address":"mask"}"#, r#"{"last_name":"mask"}"#, r#"{"nobody":"mask"}"#);
        for (policy, stream, is_good) in [
            (contacts, Some(ContactRecords), true),
            (contacts, Some(AgentEvents), false),
            (contacts, None, true),
            (agents, Some(ContactRecords), false),
            (agents, Some(AgentEvents), true),
            (agents, None, true),
            (neither, Some(ContactRecords), false),
            (neither, Some(AgentEvents), false),
            (neither, None, false),
            ("[", None, false),
        ] {
            let judge = judge(policy, stream);
            assert_eq!(judge.is_ok(), is_good, "{policy} {stream:?}");
            if let Err(error) = judge {
                assert!(error.starts_with("PII_POLICY ") && error.ends_with("or unset it"), "{error}");
            }
        }
    }
}
