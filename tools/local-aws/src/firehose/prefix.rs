//! S3 prefixes with expressions: `contact_records/contact_date=!{partitionKeyFromLambda:contact_date}/`.
//!
//! Source: [Understand custom prefixes for Amazon S3 objects](https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html)
//! (Firehose Developer Guide).

use std::collections::BTreeMap;

use anyhow::{bail, ensure};

/// A parsed prefix.
#[derive(Debug, Clone)]
pub struct Prefix(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// `!{timestamp:yyyy/MM/dd}`, as a strftime pattern.
    Timestamp(String),
    /// `!{partitionKeyFromLambda:name}`
    PartitionKey(String),
    /// `!{firehose:error-output-type}`
    ErrorOutputType,
    /// `!{firehose:random-string}`
    RandomString,
}

/// The supported patterns of Java's `DateTimeFormatter`, and their strftime equivalents.
const PATTERNS: [(&str, &str); 6] =
    [("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S")];

impl Prefix {
    /// Parses the prefix of delivered objects.
    ///
    /// # Errors
    /// When the service does not support an expression in such a prefix.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let prefix = Self::parse(text)?;
        ensure!(
            !prefix.0.contains(&Part::ErrorOutputType),
            "prefix {text} has !{{firehose:error-output-type}}, which is allowed only in an error prefix"
        );
        Ok(prefix)
    }

    /// Parses the prefix of failures.
    ///
    /// # Errors
    /// When the service does not support an expression in such a prefix, or the error type is missing.
    pub fn read_error(text: &str) -> anyhow::Result<Self> {
        let prefix = Self::parse(text)?;
        ensure!(
            prefix.partition_keys().next().is_none(),
            "error prefix {text} has a partition key, which a failed record may lack"
        );
        ensure!(
            prefix.0.contains(&Part::ErrorOutputType),
            "error prefix {text} has no !{{firehose:error-output-type}}"
        );
        Ok(prefix)
    }

    /// The partition keys that a record must have.
    pub(super) fn partition_keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::PartitionKey(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The prefix for an object whose oldest record arrived at this time.
    pub(super) fn of(&self, keys: &BTreeMap<String, String>, arrival: i64, error_type: &str) -> String {
        let time = jiff::Timestamp::from_millisecond(arrival).unwrap_or_default();
        let text = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            Part::Timestamp(pattern) => time.strftime(pattern).to_string(),
            Part::PartitionKey(name) => keys.get(name).cloned().unwrap_or_default(),
            Part::ErrorOutputType => error_type.to_owned(),
            Part::RandomString => uuid::Uuid::new_v4().simple().to_string()[..11].to_owned(),
        };
        self.0.iter().map(text).collect()
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, expression)) = rest.split_once("!{") {
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            let Some((expression, after)) = expression.split_once('}') else {
                bail!("prefix {text} has an expression without a closing brace");
            };
            parts.push(match expression.split_once(':') {
                Some(("timestamp", pattern)) => Part::Timestamp(strftime(pattern)?),
                Some(("partitionKeyFromLambda", name)) => Part::PartitionKey(name.to_owned()),
                Some(("firehose", "error-output-type")) => Part::ErrorOutputType,
                Some(("firehose", "random-string")) => Part::RandomString,
                _ => bail!("prefix {text} has !{{{expression}}}, which is not supported"),
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self(parts))
    }
}

/// Converts a Java pattern to strftime. Literal text is in single quotes.
fn strftime(pattern: &str) -> anyhow::Result<String> {
    let mut translated = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if let Some((java, own)) = PATTERNS.iter().find(|(java, _)| rest.starts_with(java)) {
            translated.push_str(own);
            rest = &rest[java.len()..];
        } else if let Some((quoted, after)) = rest.strip_prefix('\'').and_then(|rest| rest.split_once('\'')) {
            translated.push_str(&quoted.replace('%', "%%"));
            rest = after;
        } else if first.is_ascii_alphabetic() || first == '\'' {
            bail!("timestamp pattern {pattern} is not supported from {rest} on");
        } else {
            translated.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    Ok(translated)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-02T08:09:10Z
    const ARRIVAL: i64 = 1_772_438_950_000;

    #[test]
    fn expressions_are_evaluated_by_the_documented_rules() {
        let keys = BTreeMap::from([("contact_date".to_owned(), "2026-03-01".to_owned())]);
        let prefix = "rows/contact_date=!{partitionKeyFromLambda:contact_date}/";
        assert_eq!(Prefix::read(prefix).unwrap().of(&keys, ARRIVAL, ""), "rows/contact_date=2026-03-01/");
        // "!{timestamp:…} … the approximate arrival timestamp of the oldest record", in Java's patterns, in UTC.
        let prefix = Prefix::read("raw/!{timestamp:yyyy/MM/dd'-x'HH-mm-ss}/").unwrap();
        assert_eq!(prefix.of(&keys, ARRIVAL, ""), "raw/2026/03/02-x08-09-10/");
        let prefix = Prefix::read_error("errors/!{firehose:error-output-type}/!{timestamp:yyyy}/").unwrap();
        assert_eq!(prefix.of(&keys, ARRIVAL, "processing-failed"), "errors/processing-failed/2026/");
        let random = Prefix::read("!{firehose:random-string}/").unwrap();
        assert_ne!(random.of(&keys, ARRIVAL, ""), random.of(&keys, ARRIVAL, ""));
    }

    #[test]
    fn an_unsupported_prefix_is_refused_with_the_reason() {
        let error = |result: anyhow::Result<Prefix>| result.unwrap_err().to_string();
        assert!(error(Prefix::read("a/!{firehose:error-output-type}/")).contains("only in an error prefix"));
        assert!(error(Prefix::read("a/!{timestamp:yyyy")).contains("without a closing brace"));
        assert!(error(Prefix::read("a/!{partitionKeyFromQuery:x}/")).contains("which is not supported"));
        assert!(error(Prefix::read("a/!{timestamp:QQQ}/")).contains("not supported from QQQ on"));
        assert!(error(Prefix::read_error("errors/")).contains("has no"));
        let both = "e/!{firehose:error-output-type}/!{partitionKeyFromLambda:x}/";
        assert!(error(Prefix::read_error(both)).contains("has a partition key"));
    }
}
