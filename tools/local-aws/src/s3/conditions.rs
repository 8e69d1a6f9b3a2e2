//! Conditions of a request: on the existing object and its modification time.
//!
//! Source: [Conditional requests](https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html) (S3 User Guide);
//! [`GetObject`](https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html) for how two conditions combine.

use super::errors::no_such_key;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use s3s::dto::{ETag, ETagCondition, Timestamp, TimestampFormat};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

/// Conditions of a read, or of a copy on its source.
#[expect(clippy::struct_field_names, reason = "S3's names")]
#[derive(Debug, Default)]
pub(super) struct ReadConditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

impl ReadConditions {
    /// Returns an error if a condition does not hold: [`S3ErrorCode::NotModified`] if the client already has the object.
    pub(super) fn check(&self, etag: &str, modified: &Timestamp) -> S3Result<()> {
        let is_unmodified = |since: &Timestamp| modified <= since;
        // If there is both an ETag and a time, the ETag decides.
        match &self.if_match {
            Some(condition) if !matches(condition, etag) => return Err(failed()),
            None if self.if_unmodified_since.as_ref().is_some_and(|since| !is_unmodified(since)) => {
                return Err(failed());
            }
            _ => {}
        }
        let has_it = match &self.if_none_match {
            Some(condition) => matches(condition, etag),
            None => self.if_modified_since.as_ref().is_some_and(is_unmodified),
        };
        if has_it { Err(not_modified(etag, modified)) } else { Ok(()) }
    }

    /// Like [`ReadConditions::check`], for the source of a copy, which has no "not modified" response.
    pub(super) fn check_source(&self, etag: &str, modified: &Timestamp) -> S3Result<()> {
        self.check(etag, modified).map_err(|_| failed())
    }
}

/// The current object before a write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Existing {
    Nothing,
    /// An object that another program just wrote, whose `ETag` is not known yet.
    Unknown,
    /// An object with this `ETag`.
    Object(String),
}

/// Conditions of a write.
#[derive(Debug, Default)]
pub(super) struct WriteConditions {
    if_match: Option<ETag>,
    if_absent: bool,
}

impl WriteConditions {
    #[expect(clippy::needless_pass_by_value, reason = "consumes fields of a request")]
    /// Parses them by S3's rules: `If-None-Match` accepts only `*`, `If-Match` only an `ETag`.
    pub(super) fn of(
        if_match: Option<ETagCondition>,
        if_none_match: Option<ETagCondition>,
    ) -> S3Result<Self> {
        let if_absent = match if_none_match {
            None => false,
            Some(ETagCondition::Any) => true,
            Some(ETagCondition::ETag(_)) => {
                return Err(s3_error!(NotImplemented, "If-None-Match of a write accepts only *"));
            }
        };
        let if_match = match if_match {
            None => None,
            Some(ETagCondition::ETag(etag)) => Some(etag),
            Some(ETagCondition::Any) => {
                return Err(s3_error!(NotImplemented, "If-Match of a write accepts an ETag, not *"));
            }
        };
        Ok(Self { if_match, if_absent })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.if_match.is_none() && !self.if_absent
    }

    /// Returns an error unless the current object permits the write.
    pub(super) fn check(&self, there: &Existing) -> S3Result<()> {
        if self.if_absent && *there != Existing::Nothing {
            return Err(failed());
        }
        let Some(wanted) = &self.if_match else { return Ok(()) };
        match there {
            Existing::Nothing => Err(no_such_key()),
            Existing::Unknown => {
                Err(s3_error!(ConditionalRequestConflict, "the object is being changed; try again"))
            }
            Existing::Object(etag) if wanted.value() == etag => Ok(()),
            Existing::Object(_) => Err(failed()),
        }
    }
}

/// Whether a condition matches this `ETag`.
pub(super) fn matches(condition: &ETagCondition, etag: &str) -> bool {
    condition.as_etag().is_none_or(|wanted| wanted.value() == etag)
}

/// A condition does not hold.
pub(super) fn failed() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

fn not_modified(etag: &str, modified: &Timestamp) -> S3Error {
    let mut written = Vec::new();
    // A time that cannot be formatted is left out.
    let _ = modified.format(TimestampFormat::HttpDate, &mut written);
    with_headers(
        S3Error::new(S3ErrorCode::NotModified),
        [
            (header::ETAG, format!("\"{etag}\"")),
            (header::LAST_MODIFIED, String::from_utf8_lossy(&written).into_owned()),
        ],
    )
}

/// Adds headers to an error. They replace all others, so the content type is set again.
pub(super) fn with_headers<const N: usize>(
    mut error: S3Error,
    headers: [(HeaderName, String); N],
) -> S3Error {
    let mut all = HeaderMap::new();
    all.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            all.insert(name, value);
        }
    }
    error.set_headers(all);
    error
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        (SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).into()
    }

    fn etag(value: &str) -> ETagCondition {
        ETagCondition::ETag(ETag::Strong(value.to_owned()))
    }

    fn code(conditions: &ReadConditions) -> Option<String> {
        conditions.check("e", &at(100)).err().map(|error| error.code().as_str().to_owned())
    }

    #[test]
    fn an_etag_takes_precedence_over_a_time() {
        let old = Some(at(50));
        let one = ReadConditions {
            if_match: Some(etag("e")),
            if_unmodified_since: old.clone(),
            ..Default::default()
        };
        assert_eq!(code(&one), None);
        let two = ReadConditions {
            if_none_match: Some(etag("x")),
            if_modified_since: Some(at(200)),
            ..Default::default()
        };
        assert_eq!(code(&two), None);
        let three = ReadConditions { if_unmodified_since: old, ..Default::default() };
        assert_eq!(code(&three).as_deref(), Some("PreconditionFailed"));
    }

    #[test]
    fn a_client_that_has_the_object_gets_not_modified() {
        for conditions in [
            ReadConditions { if_none_match: Some(etag("e")), ..Default::default() },
            ReadConditions { if_none_match: Some(ETagCondition::Any), ..Default::default() },
            ReadConditions { if_modified_since: Some(at(100)), ..Default::default() },
        ] {
            assert_eq!(code(&conditions).as_deref(), Some("NotModified"), "{conditions:?}");
        }
        let conditions = ReadConditions { if_modified_since: Some(at(99)), ..Default::default() };
        assert_eq!(code(&conditions), None);
    }

    #[test]
    fn a_write_is_conditional_on_the_current_object() {
        let object = |etag: &str| Existing::Object(etag.to_owned());
        let absent = WriteConditions::of(None, Some(ETagCondition::Any)).unwrap();
        assert!(absent.check(&Existing::Nothing).is_ok() && absent.check(&object("e")).is_err());
        let same = WriteConditions::of(Some(etag("e")), None).unwrap();
        assert!(same.check(&object("e")).is_ok() && same.check(&object("f")).is_err());
        assert_eq!(same.check(&Existing::Nothing).unwrap_err().code().as_str(), "NoSuchKey");
        assert!(WriteConditions::of(None, Some(etag("e"))).is_err());
    }
}
