//! The function's settings, read once.

use std::num::NonZeroUsize;

use agent_ledger::Retention;
use agent_ledger::rules::Rules;
use agent_ledger::{NamePolicy, NamePolicyError};
use lambda_io::settings::{SettingError, Settings};

/// An invalid setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpserterSettingError {
    /// A variable is missing or cannot be read.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The policy is invalid.
    #[error("{0}; correct it in the function's configuration")]
    Policy(#[from] NamePolicyError),
}

/// The settings from the environment.
#[derive(Debug, Clone)]
pub struct UpserterSettings {
    /// `AGENT_STATE_TABLE`
    pub agent_state_table: String,
    /// `AGENT_HISTORY_TABLE`
    pub agent_history_table: String,
    /// `REJECTED_BUCKET`
    pub rejected_bucket: String,
    /// `HISTORY_RETENTION_DAYS`, `STATE_RETENTION_DAYS`, `HISTORY_EVENTS`, `HISTORY_HEARTBEATS`, `PII_POLICY`, `PII_HASH_KEY`
    pub rules: Rules,
    /// `WRITE_CONCURRENCY`
    pub write_concurrency: NonZeroUsize,
}

impl UpserterSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// The first setting that is missing or unreadable.
    pub fn read(settings: &Settings<'_>) -> Result<Self, UpserterSettingError> {
        const DAYS: &str = "a whole number of days";
        const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not 0");
        let default = Retention::default();
        let policy = settings.optional("PII_POLICY", "{}".to_owned(), "a JSON object")?;
        let key = settings.optional_base64("PII_HASH_KEY")?;
        Ok(Self {
            agent_state_table: settings.required("AGENT_STATE_TABLE")?,
            agent_history_table: settings.required("AGENT_HISTORY_TABLE")?,
            rejected_bucket: settings.required("REJECTED_BUCKET")?,
            rules: Rules {
                retention: Retention {
                    history_days: settings.optional("HISTORY_RETENTION_DAYS", default.history_days, DAYS)?,
                    state_days: settings.optional("STATE_RETENTION_DAYS", default.state_days, DAYS)?,
                    events: settings.optional("HISTORY_EVENTS", default.events, "all, sessions, or none")?,
                    heartbeats: settings.optional(
                        "HISTORY_HEARTBEATS",
                        default.heartbeats,
                        "true or false",
                    )?,
                },
                names: NamePolicy::read(&policy, key.as_deref())?,
            },
            write_concurrency: settings.optional(
                "WRITE_CONCURRENCY",
                CONCURRENCY,
                "a whole number above 0",
            )?,
        })
    }
}

#[cfg(test)]
mod tests {
    use agent_ledger::EventEntries;

    use super::*;

    #[test]
    fn only_table_and_bucket_names_are_required() {
        let lookup = |name: &str| name.ends_with("_TABLE").then(|| name.to_lowercase());
        let error = UpserterSettings::read(&Settings::from_lookup(&lookup)).unwrap_err();
        assert_eq!(error, SettingError::Missing("REJECTED_BUCKET").into());

        let lookup =
            |name: &str| (name.ends_with("_TABLE") || name.ends_with("_BUCKET")).then(|| "n".to_owned());
        let settings = UpserterSettings::read(&Settings::from_lookup(&lookup)).unwrap();
        assert_eq!((settings.rules.retention, settings.write_concurrency.get()), (Retention::default(), 64));
    }

    #[test]
    fn an_invalid_policy_is_refused_with_the_reason() {
        for (policy, key, expected) in [
            ("[]", "", "PII_POLICY is not a JSON object"),
            (r#"{"agent_username":"drop"}"#, "", "only username, first_name, and last_name"),
            (r#"{"username":"erase"}"#, "", "not keep, drop, mask or hash"),
            (r#"{"username":"hash"}"#, "", "PII_HASH_KEY is not set"),
            (r#"{"username":"hash"}"#, "c2hvcnQ=", "PII_HASH_KEY holds 5 bytes"),
            ("{}", "?", "PII_HASH_KEY is not base64"),
        ] {
            let lookup = |name: &str| match name {
                "PII_POLICY" => Some(policy.to_owned()),
                "PII_HASH_KEY" => Some(key.to_owned()),
                _ => (name.ends_with("_TABLE") || name.ends_with("_BUCKET")).then(|| "n".to_owned()),
            };
            let error = UpserterSettings::read(&Settings::from_lookup(&lookup)).unwrap_err().to_string();
            assert!(
                error.contains(expected) && error.ends_with("correct it in the function's configuration"),
                "{policy}: {error}"
            );
        }
    }

    #[test]
    fn an_unknown_choice_of_events_is_refused() {
        let read = |events: &str| {
            let lookup = |name: &str| match name {
                "HISTORY_EVENTS" => Some(events.to_owned()),
                _ => (name.ends_with("_TABLE") || name.ends_with("_BUCKET")).then(|| "n".to_owned()),
            };
            UpserterSettings::read(&Settings::from_lookup(&lookup))
        };
        assert_eq!(read("sessions").unwrap().rules.retention.events, EventEntries::Sessions);
        let error = read("true").unwrap_err().to_string();
        assert!(error.contains("HISTORY_EVENTS is \"true\"") && error.contains("sessions"), "{error}");
    }

    #[test]
    fn a_concurrency_of_zero_is_refused() {
        let lookup = |name: &str| match name {
            "WRITE_CONCURRENCY" => Some("0".to_owned()),
            _ => (name.ends_with("_TABLE") || name.ends_with("_BUCKET")).then(|| "n".to_owned()),
        };
        let error = UpserterSettings::read(&Settings::from_lookup(&lookup)).unwrap_err();
        assert!(error.to_string().starts_with("environment variable WRITE_CONCURRENCY is \"0\""), "{error}");
    }
}
