//! Tags of objects.
//!
//! Source: [Categorizing your objects using tags](https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html)
//! (S3 User Guide).

use std::collections::BTreeSet;

use s3s::dto::{Tag, TagSet};
use s3s::{S3Error, S3Result, s3_error};

const MAX_TAGS: usize = 10;
/// In UTF-16 code units, like S3.
const LONGEST_KEY: usize = 128;
/// See [`LONGEST_KEY`].
const LONGEST_VALUE: usize = 256;

/// Parses the header `x-amz-tagging`, which has the format of a URL query.
pub(super) fn read(header: Option<&str>) -> S3Result<TagSet> {
    let pairs = form_urlencoded::parse(header.unwrap_or_default().as_bytes());
    check(
        pairs
            .map(|(key, value)| Tag { key: Some(key.into_owned()), value: Some(value.into_owned()) })
            .collect(),
    )
}

/// Returns the tags if S3 allows them.
pub(super) fn check(tags: TagSet) -> S3Result<TagSet> {
    if tags.len() > MAX_TAGS {
        return Err(invalid("an object can have at most 10 tags"));
    }
    let mut keys = BTreeSet::new();
    for tag in &tags {
        let (key, value) = (tag.key.as_deref().unwrap_or_default(), tag.value.as_deref().unwrap_or_default());
        let length = |text: &str| text.encode_utf16().count();
        if key.is_empty() || length(key) > LONGEST_KEY {
            return Err(invalid("a tag key must have 1 to 128 characters"));
        }
        if length(value) > LONGEST_VALUE {
            return Err(invalid("a tag value can have at most 256 characters"));
        }
        if key.starts_with("aws:") {
            return Err(invalid("tag keys that begin with aws: are reserved"));
        }
        if !keys.insert(key) {
            return Err(invalid("two tags have the same key"));
        }
    }
    Ok(tags)
}

fn invalid(reason: &'static str) -> S3Error {
    s3_error!(InvalidTag, "{reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(header: &str) -> String {
        read(Some(header)).unwrap_err().code().as_str().to_owned()
    }

    #[test]
    fn tags_are_parsed_like_a_query() {
        let tags = read(Some("a=1&b+c=%C3%B6%3D&d")).unwrap();
        let tags: Vec<_> = tags.into_iter().map(|tag| (tag.key.unwrap(), tag.value.unwrap())).collect();
        assert_eq!(
            tags,
            [("a".into(), "1".into()), ("b c".into(), "ö=".into()), ("d".into(), String::new())]
        );
        assert!(read(None).unwrap().is_empty());
    }

    #[test]
    fn tags_that_s3_does_not_allow_are_refused() {
        assert_eq!(code("a=1&a=2"), "InvalidTag");
        assert_eq!(code(&format!("{}=1", "k".repeat(129))), "InvalidTag");
        assert_eq!(code(&format!("k={}", "v".repeat(257))), "InvalidTag");
        assert_eq!(code("aws:a=1"), "InvalidTag");
        assert_eq!(code(&(0..11).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join("&")), "InvalidTag");
    }
}
