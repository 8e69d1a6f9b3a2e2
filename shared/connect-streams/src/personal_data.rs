//! Actions on personal data, the same for all streams.

use std::borrow::Cow;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Value;

/// The minimum length of a hash key: as many bytes as the hash has.
pub const MINIMUM_KEY_BYTES: usize = 32;

/// What happens to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Action {
    /// The value stays.
    #[default]
    Keep,
    /// The value is left out.
    Drop,
    /// All but the last four characters become `*`. In a text of up to four characters, all do.
    Mask,
    /// The value becomes its HMAC-SHA-256 in hex, so that equal values still join.
    Hash,
}

impl Action {
    /// The action that a policy sets for `name`.
    ///
    /// # Errors
    /// [`ActionError::Unknown`]
    pub fn from_policy(name: &str, value: Value<'_>) -> Result<Self, ActionError> {
        match value.as_str() {
            Some("keep") => Ok(Self::Keep),
            Some("drop") => Ok(Self::Drop),
            Some("mask") => Ok(Self::Mask),
            Some("hash") => Ok(Self::Hash),
            _ => Err(ActionError::Unknown(name.to_owned())),
        }
    }

    /// The value after the action. Without a key, a value that should be hashed is left out.
    #[must_use]
    pub fn apply<'a>(self, text: Cow<'a, str>, key: Option<&HashKey>) -> Option<Cow<'a, str>> {
        match self {
            Self::Keep => Some(text),
            Self::Drop => None,
            Self::Mask => Some(Cow::Owned(mask(&text))),
            Self::Hash => key.map(|key| Cow::Owned(key.hash(&text))),
        }
    }
}

/// A fault in the actions of a policy, or in its key; the same for all streams.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// The action does not exist.
    #[error("PII_POLICY gives {0:?} an action that is not keep, drop, mask or hash")]
    Unknown(String),
    /// A value should be hashed, but there is no key.
    #[error(
        "PII_POLICY hashes {0:?}, but PII_HASH_KEY is not set; set it to at least 32 random bytes in base64"
    )]
    NoKey(String),
    /// The key is too short.
    #[error("PII_HASH_KEY holds {0} bytes; it needs at least 32, in base64")]
    ShortKey(usize),
}

/// The secret key of [`Action::Hash`].
#[derive(Clone)]
pub struct HashKey(Hmac<Sha256>);

impl HashKey {
    /// A key from these bytes.
    ///
    /// # Errors
    /// [`ActionError::ShortKey`] if there are fewer than [`MINIMUM_KEY_BYTES`].
    pub fn new(bytes: &[u8]) -> Result<Self, ActionError> {
        let short = || ActionError::ShortKey(bytes.len());
        if bytes.len() < MINIMUM_KEY_BYTES {
            return Err(short());
        }
        Hmac::new_from_slice(bytes).map(Self).map_err(|_| short())
    }

    /// The HMAC-SHA-256 of the text, in hex.
    #[must_use]
    pub fn hash(&self, text: &str) -> String {
        self.hash_bytes(&[text.as_bytes()])
    }

    /// The HMAC-SHA-256 of a message in parts, in hex.
    #[must_use]
    pub fn hash_bytes(&self, parts: &[&[u8]]) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hmac = self.0.clone();
        for part in parts {
            hmac.update(part);
        }
        let digest = hmac.finalize().into_bytes();
        let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
    }
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(…)")
    }
}

fn mask(text: &str) -> String {
    const SHOWN: usize = 4;
    let length = text.chars().count();
    let hidden = if length <= SHOWN { length } else { length - SHOWN };
    std::iter::repeat_n('*', hidden).chain(text.chars().skip(hidden)).collect()
}
