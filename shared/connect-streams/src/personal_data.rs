//! What may be done to a value that is personal data, the same for both streams.

use std::borrow::Cow;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Value;

/// A key for hashing holds at least so many bytes: as many as the hash has.
pub const MINIMUM_KEY_BYTES: usize = 32;

/// What happens to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Action {
    /// It stays.
    #[default]
    Keep,
    /// It is left out.
    Drop,
    /// All but its last four characters become `*`; a text of up to four characters becomes `*` wholly.
    Mask,
    /// It becomes its HMAC-SHA-256 in hex, so that equal values still join.
    Hash,
}

impl Action {
    /// The action that a policy names.
    #[must_use]
    pub fn from_policy(value: &Value<'_>) -> Option<Self> {
        match value.as_str()? {
            "keep" => Some(Self::Keep),
            "drop" => Some(Self::Drop),
            "mask" => Some(Self::Mask),
            "hash" => Some(Self::Hash),
            _ => None,
        }
    }

    /// The value after the action. Without a key, nothing can be hashed, and a value that should be is left out.
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

/// The secret key of [`Action::Hash`].
#[derive(Clone)]
pub struct HashKey(Hmac<Sha256>);

impl HashKey {
    /// A key of these bytes; `None` if there are fewer than [`MINIMUM_KEY_BYTES`].
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < MINIMUM_KEY_BYTES {
            return None;
        }
        Hmac::new_from_slice(bytes).ok().map(Self)
    }

    /// The HMAC-SHA-256 of the text, in hex.
    #[must_use]
    pub fn hash(&self, text: &str) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digest = self.digest(text.as_bytes());
        let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
    }

    /// The HMAC-SHA-256 of the message.
    #[must_use]
    pub fn digest(&self, message: &[u8]) -> [u8; 32] {
        self.0.clone().chain_update(message).finalize().into_bytes().into()
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
