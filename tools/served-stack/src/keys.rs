//! The credentials of one run: made at random when its servers start, and good for nothing else.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An access key, as AWS calls the pair.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// `LOCAL` and 15 hexadecimal digits: as long as those of AWS, and not to be mistaken for one.
    pub access_key_id: String,
    /// 40 hexadecimal digits.
    pub secret_access_key: String,
}

impl Keys {
    /// New keys, which nobody can guess.
    #[must_use]
    pub fn random() -> Self {
        // Of a random UUID's 32 digits all but two come from the system's generator.
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
    fn each_run_has_keys_of_its_own_and_does_not_show_the_secret() {
        let (one, other) = (Keys::random(), Keys::random());
        assert_ne!(one.access_key_id, other.access_key_id);
        assert_ne!(one.secret_access_key, other.secret_access_key);
        assert_eq!((one.access_key_id.len(), one.secret_access_key.len()), (20, 40));
        assert!(!format!("{one:?}").contains(&one.secret_access_key));
    }
}
