//! Filter criteria: the records that reach the function.
//!
//! A pattern for Kinesis names the key `data`. Lambda decodes a record's data and parses it as JSON. Data that is not JSON
//! does not match, and a record that does not match is lost without a trace. That is why the pipeline has no filter by
//! default.
//!
//! Source: [Control which events Lambda sends to your function](https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html),
//! [Using event filtering with a Kinesis event source](https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis-filtering.html)
//! (Lambda Developer Guide).

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::pattern::Pattern;

/// Patterns. A record must match one of them.
#[derive(Debug, Clone, Default)]
pub struct FilterCriteria(Vec<Pattern>);

impl FilterCriteria {
    /// Parses patterns such as `{"data": {"EventType": ["LOGIN"]}}`. Without patterns, every record passes.
    ///
    /// # Errors
    /// When a pattern is not one for `data`, or uses an operator that this model does not support.
    pub fn read<'a>(patterns: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Self> {
        patterns.into_iter().map(pattern).collect::<anyhow::Result<_>>().map(Self)
    }

    /// The patterns, in the form that Lambda's API returns.
    #[must_use]
    pub fn patterns(&self) -> Vec<Value> {
        let pattern = |data: &Pattern| json!({"Pattern": json!({"data": data.members()}).to_string()});
        self.0.iter().map(pattern).collect()
    }

    /// Whether the record passes.
    #[must_use]
    pub fn pass(&self, data: &[u8]) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let Ok(Value::Object(value)) = serde_json::from_slice(data) else { return false };
        self.0.iter().any(|pattern| pattern.matches(&value))
    }
}

fn pattern(text: &str) -> anyhow::Result<Pattern> {
    let value: Value = serde_json::from_str(text).with_context(|| format!("filter {text} is not JSON"))?;
    let Value::Object(mut members) = value else { bail!("filter {text} is not an object") };
    let Some(Value::Object(data)) = members.remove("data") else {
        bail!("filter {text} has no pattern for data, the only key that can be filtered for Kinesis");
    };
    Pattern::of(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "Filter rule syntax" and "Filtering Kinesis records with the data key".
    #[test]
    fn patterns_match_by_the_documented_syntax() {
        let record = br#"{"EventType":"LOGIN","Count":5,"Snapshot":{"Name":"Available"},"Tags":["a","b"],"Nothing":null}"#;
        for (pattern, passes) in [
            (r#"{"EventType":["LOGIN","LOGOUT"]}"#, true),
            (r#"{"EventType":["LOGOUT"]}"#, false),
            (r#"{"EventType":["LOGIN"],"Count":[6]}"#, false),
            (r#"{"Snapshot":{"Name":["Available"]}}"#, true),
            (r#"{"Snapshot":{"Other":["Available"]}}"#, false),
            (r#"{"Tags":["b"]}"#, true),
            (r#"{"EventType":[{"prefix":"LOG"}]}"#, true),
            (r#"{"EventType":[{"anything-but":["LOGIN"]}]}"#, false),
            (r#"{"EventType":[{"anything-but":["LOGOUT"]}]}"#, true),
            (r#"{"Missing":[{"exists":false}]}"#, true),
            (r#"{"EventType":[{"exists":false}]}"#, false),
            (r#"{"Count":[{"numeric":[">",4,"<=",5]}]}"#, true),
            (r#"{"Count":[{"numeric":["<",5]}]}"#, false),
            (r#"{"Nothing":[null]}"#, true),
        ] {
            let criteria = FilterCriteria::read([format!(r#"{{"data":{pattern}}}"#).as_str()]).unwrap();
            assert_eq!(criteria.pass(record), passes, "{pattern}");
        }
        assert!(FilterCriteria::default().pass(b"\xff"));
    }

    /// "To properly filter events from Kinesis sources, both the data field and your filter criteria … must be in
    /// valid JSON format", or the record is dropped. One filter that matches is enough.
    #[test]
    fn data_that_is_not_json_is_removed_if_there_is_a_filter() {
        let one = r#"{"data":{"EventType":["LOGIN"]}}"#;
        let other = r#"{"data":{"EventType":["LOGOUT"]}}"#;
        let criteria = FilterCriteria::read([one, other]).unwrap();
        assert!(criteria.pass(br#"{"EventType":"LOGIN"}"#) && criteria.pass(br#"{"EventType":"LOGOUT"}"#));
        assert!(!criteria.pass(b"{") && !criteria.pass(b"\xf3\x89\x9a\xc2") && !criteria.pass(b"[]"));
    }

    #[test]
    fn an_invalid_pattern_is_refused_with_the_reason() {
        for (wrong, reason) in [
            ("{", "is not JSON"),
            ("{}", "no pattern for data"),
            (r#"{"data":{"a":1}}"#, "neither a list nor an object"),
            (r#"{"data":{"a":[{"wildcard":"*"}]}}"#, "wildcard is not supported"),
        ] {
            assert!(FilterCriteria::read([wrong]).unwrap_err().to_string().contains(reason), "{wrong}");
        }
    }
}
