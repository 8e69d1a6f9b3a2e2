//! The function's settings, read once.

use std::num::NonZeroUsize;

use contact_lake::{Policy, PolicyError};
use contact_state::{Retention, Rules};
use lambda_io::settings::{SettingError, Settings};

/// An invalid setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpserterSettingError {
    /// A variable is missing or cannot be read.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The policy is invalid.
    #[error("{0}; correct it in the function's configuration")]
    Policy(#[from] PolicyError),
    /// Not the ID of an instance: every event would be skipped.
    #[error(
        "CONNECT_INSTANCE_ID is {0:?}, which is not the ID of an instance; set the part of the instance's ARN after instance/, or nothing for all instances"
    )]
    InstanceId(String),
    /// Ended contacts could be deleted later than others.
    #[error(
        "UNENDED_RETENTION_DAYS is {unended}, below ENDED_RETENTION_DAYS, which is {ended}; contacts without an end must be kept at least as long; correct it in the function's configuration"
    )]
    Retention {
        /// Days for ended contacts.
        ended: u32,
        /// Days for the others.
        unended: u32,
    },
}

/// The settings from the environment.
#[derive(Clone)]
pub struct UpserterSettings {
    /// `CONTACT_STATE_TABLE`
    pub contact_state_table: String,
    /// `REJECTED_BUCKET`
    pub rejected_bucket: String,
    /// `CONNECT_INSTANCE_ID`, `ENDED_RETENTION_DAYS`, `UNENDED_RETENTION_DAYS`, `PII_POLICY`, `PII_HASH_KEY`
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
        let instance_id = settings.optional("CONNECT_INSTANCE_ID", String::new(), "the ID of an instance")?;
        if instance_id.contains([':', '/']) {
            return Err(UpserterSettingError::InstanceId(instance_id));
        }
        let ended = settings.optional("ENDED_RETENTION_DAYS", default.ended_days, DAYS)?;
        let unended = settings.optional("UNENDED_RETENTION_DAYS", default.unended_days, DAYS)?;
        if unended < ended {
            return Err(UpserterSettingError::Retention { ended, unended });
        }
        Ok(Self {
            contact_state_table: settings.required("CONTACT_STATE_TABLE")?,
            rejected_bucket: settings.required("REJECTED_BUCKET")?,
            rules: Rules {
                retention: Retention { ended_days: ended, unended_days: unended },
                policy: Policy::read(&policy, key.as_deref())?,
                instance_id: Some(instance_id).filter(|id| !id.is_empty()),
            },
            write_concurrency: settings.optional(
                "WRITE_CONCURRENCY",
                CONCURRENCY,
                "a whole number above 0",
            )?,
        })
    }
}
