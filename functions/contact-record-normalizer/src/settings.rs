//! The function's settings, read once.

use contact_lake::{Policy, PolicyError};
use lambda_io::settings::{SettingError, Settings};

/// An invalid setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NormalizerSettingError {
    /// `PII_HASH_KEY` cannot be read.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The policy is invalid.
    #[error("{0}; correct it in the function's configuration")]
    Policy(#[from] PolicyError),
}

/// Reads `PII_POLICY` and `PII_HASH_KEY`.
///
/// # Errors
/// The error names the variable and what is wrong with it. It never contains the hash key.
pub fn read_policy(settings: &Settings<'_>) -> Result<Policy, NormalizerSettingError> {
    let policy = settings.optional("PII_POLICY", "{}".to_owned(), "a JSON object")?;
    let key = settings.optional_base64("PII_HASH_KEY")?;
    Ok(Policy::read(&policy, key.as_deref())?)
}

#[cfg(test)]
mod tests {
    use super::read_policy;
    use lambda_io::settings::Settings;

    fn read(policy: &str, key: &str) -> Result<bool, String> {
        let lookup = |name: &str| match name {
            "PII_POLICY" => Some(policy.to_owned()),
            "PII_HASH_KEY" => Some(key.to_owned()),
            _ => None,
        };
        read_policy(&Settings::from_lookup(&lookup))
            .map(|policy| policy.keeps_all())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_invalid_policy_is_refused_with_the_reason() {
        let key = base64_simd::STANDARD.encode_to_string([7; 32]);
        assert_eq!(read("", ""), Ok(true));
        assert_eq!(
            read(r#"{"agent_username": "hash", "attributes": {"*": "drop", "language": "keep"}}"#, &key),
            Ok(false)
        );
        for (policy, key, expected) in [
            ("keep", "", "PII_POLICY is not a JSON object"),
            (r#"{"agent_name": "drop"}"#, "", "\"agent_name\", which is not a column"),
            (r#"{"agent_username": "erase"}"#, "", "not keep, drop, mask or hash"),
            (r#"{"agent_username": "hash"}"#, "", "PII_HASH_KEY is not set"),
            (r#"{"attributes": {"*": "hash"}}"#, "", "PII_HASH_KEY is not set"),
            (r#"{"agent_username": {"*": "drop"}}"#, "", "it is not a map"),
            (r#"{"queue_duration_seconds": "mask"}"#, "", "holds no text"),
            (r#"{"contact_id": "hash"}"#, &key, "could not be distinguished"),
            ("{}", "not base64!", "PII_HASH_KEY is not base64"),
            ("{}", "c2hvcnQ=", "PII_HASH_KEY holds 5 bytes"),
        ] {
            let error = read(policy, key).expect_err(policy);
            assert!(
                error.contains(expected) && error.ends_with("correct it in the function's configuration"),
                "{policy}: {error}"
            );
            assert!(!error.contains("c2hvcnQ="));
        }
    }
}
