//! The credentials of one run, generated at random when its servers start. They are valid nowhere else.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An access key: the ID and the secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// `LOCAL` and 15 hexadecimal digits: as long as an AWS access key ID, but impossible to mistake for one.
    pub access_key_id: String,
    /// 40 hexadecimal digits.
    pub secret_access_key: String,
}

impl Keys {
    /// Generates keys that cannot be guessed.
    #[must_use]
    pub fn random() -> Self {
        // 30 of a random UUID's 32 digits are from the system's random number generator.
        let digits = || Uuid::new_v4().simple().to_string();
        let secret = digits() + &digits();
        Self {
            access_key_id: format!("LOCAL{}", digits()[..15].to_uppercase()),
            secret_access_key: secret[..40].to_owned(),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_has_its_own_keys_and_debug_output_hides_the_secret() {
        let (one, other) = (Keys::random(), Keys::random());
        assert_ne!(one.access_key_id, other.access_key_id);
        assert_ne!(one.secret_access_key, other.secret_access_key);
        assert_eq!((one.access_key_id.len(), one.secret_access_key.len()), (20, 40));
        assert!(!format!("{one:?}").contains(&one.secret_access_key));
    }
}
