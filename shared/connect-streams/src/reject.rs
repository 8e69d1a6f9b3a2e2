//! Why a record can never be used: a permanent fault of the data. The code is public (metrics, logs, rejected records,
//! docs). The path names a field and never holds a value.

use std::borrow::Cow;
use std::fmt;

/// A record that no retry can fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} at {path}")]
pub struct Reject {
    /// What is wrong.
    pub code: RejectCode,
    /// Where: a field path such as `CurrentAgentSnapshot.Contacts`, or `$` for the record as a whole.
    pub path: Cow<'static, str>,
}

impl Reject {
    /// A fault of the record as a whole.
    #[must_use]
    pub const fn record(code: RejectCode) -> Self {
        Self { code, path: Cow::Borrowed("$") }
    }

    /// A fault of one field.
    #[must_use]
    pub const fn field(code: RejectCode, path: &'static str) -> Self {
        Self { code, path: Cow::Borrowed(path) }
    }
}

/// The reasons, with stable names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RejectCode {
    /// The envelope's `data` is not base64.
    NotBase64,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The text is not one JSON value.
    NotJson,
    /// JSON nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    TooDeep,
    /// JSON, but not an object.
    NotAnObject,
    /// An object of an unknown kind.
    UnknownKind,
    /// A required field is missing or null.
    MissingField,
    /// A required field cannot be parsed as its type.
    BadField,
    /// What we would write exceeds a limit of the destination.
    TooLarge,
    /// Records that the Kinesis Producer Library packed into one and that cannot be unpacked.
    Aggregated,
}

impl RejectCode {
    /// The public name, as in logs, metrics, and rejected records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotBase64 => "not_base64",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::TooDeep => "too_deep",
            Self::NotAnObject => "not_an_object",
            Self::UnknownKind => "unknown_kind",
            Self::MissingField => "missing_field",
            Self::BadField => "bad_field",
            Self::TooLarge => "too_large",
            Self::Aggregated => "aggregated",
        }
    }
}

impl fmt::Display for RejectCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
