//! The function's settings, read once.

use std::num::NonZeroUsize;

use agent_ledger::plan::Retention;
use lambda_support::settings::{SettingError, Settings};

/// Everything the environment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpserterSettings {
    /// `AGENT_STATE_TABLE`
    pub agent_state_table: String,
    /// `AGENT_HISTORY_TABLE`
    pub agent_history_table: String,
    /// `REJECTED_BUCKET`
    pub rejected_bucket: String,
    /// `HISTORY_RETENTION_DAYS`, `STATE_RETENTION_DAYS`, `HISTORY_HEARTBEATS`
    pub retention: Retention,
    /// `WRITE_CONCURRENCY`
    pub write_concurrency: NonZeroUsize,
}

impl UpserterSettings {
    /// Reads them.
    ///
    /// # Errors
    /// The first setting that is missing or unreadable.
    pub fn read(settings: &Settings<'_>) -> Result<Self, SettingError> {
        const DAYS: &str = "a whole number of days";
        const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not 0");
        let default = Retention::default();
        Ok(Self {
            agent_state_table: settings.required("AGENT_STATE_TABLE")?,
            agent_history_table: settings.required("AGENT_HISTORY_TABLE")?,
            rejected_bucket: settings.required("REJECTED_BUCKET")?,
            retention: Retention {
                history_days: settings.optional("HISTORY_RETENTION_DAYS", default.history_days, DAYS)?,
                state_days: settings.optional("STATE_RETENTION_DAYS", default.state_days, DAYS)?,
                heartbeats: settings.optional("HISTORY_HEARTBEATS", default.heartbeats, "true or false")?,
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
    use super::*;

    #[test]
    fn only_names_are_required() {
        let lookup = |name: &str| name.ends_with("_TABLE").then(|| name.to_lowercase());
        let error = UpserterSettings::read(&Settings::from_lookup(&lookup)).unwrap_err();
        assert_eq!(error, SettingError::Missing("REJECTED_BUCKET"));

        let lookup =
            |name: &str| (name.ends_with("_TABLE") || name.ends_with("_BUCKET")).then(|| "n".to_owned());
        let settings = UpserterSettings::read(&Settings::from_lookup(&lookup)).unwrap();
        assert_eq!((settings.retention, settings.write_concurrency.get()), (Retention::default(), 64));
    }

    #[test]
    fn a_concurrency_of_zero_is_refused() {
        let lookup = |name: &str| Some(if name == "WRITE_CONCURRENCY" { "0" } else { "1" }.to_owned());
        let heartbeats = |name: &str| {
            if name == "HISTORY_HEARTBEATS" { Some("true".to_owned()) } else { lookup(name) }
        };
        let error = UpserterSettings::read(&Settings::from_lookup(&heartbeats)).unwrap_err();
        assert!(error.to_string().starts_with("environment variable WRITE_CONCURRENCY is \"0\""), "{error}");
    }
}
