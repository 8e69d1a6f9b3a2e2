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
use serde_json::{Map, Value, json};

/// Patterns. A record must match one of them.
#[derive(Debug, Clone, Default)]
pub struct FilterCriteria(Vec<Map<String, Value>>);

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
        let pattern = |data: &Map<String, Value>| json!({"Pattern": json!({"data": data}).to_string()});
        self.0.iter().map(pattern).collect()
    }

    /// Whether the record passes.
    #[must_use]
    pub fn pass(&self, data: &[u8]) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let Ok(Value::Object(value)) = serde_json::from_slice(data) else { return false };
        self.0.iter().any(|pattern| matches_object(pattern, &value))
    }
}

fn pattern(text: &str) -> anyhow::Result<Map<String, Value>> {
    let value: Value = serde_json::from_str(text).with_context(|| format!("filter {text} is not JSON"))?;
    let Value::Object(mut members) = value else { bail!("filter {text} is not an object") };
    let Some(Value::Object(data)) = members.remove("data") else {
        bail!("filter {text} has no pattern for data, the only key that can be filtered for Kinesis");
    };
    check(&data)?;
    Ok(data)
}

fn check(pattern: &Map<String, Value>) -> anyhow::Result<()> {
    for (name, rule) in pattern {
        match rule {
            Value::Object(nested) => check(nested)?,
            Value::Array(alternatives) => {
                for operator in alternatives.iter().filter_map(Value::as_object).flat_map(Map::keys) {
                    if !["prefix", "exists", "anything-but", "numeric"].contains(&operator.as_str()) {
                        bail!("filter operator {operator} is not supported");
                    }
                }
            }
            _ => bail!("the pattern for {name} is neither a list nor an object"),
        }
    }
    Ok(())
}

fn matches_object(pattern: &Map<String, Value>, value: &Map<String, Value>) -> bool {
    pattern.iter().all(|(name, rule)| match rule {
        Value::Object(nested) => {
            value.get(name).and_then(Value::as_object).is_some_and(|value| matches_object(nested, value))
        }
        Value::Array(alternatives) => {
            alternatives.iter().any(|alternative| matches_value(alternative, value.get(name)))
        }
        _ => false,
    })
}

fn matches_value(alternative: &Value, value: Option<&Value>) -> bool {
    // A list matches if one of its elements does.
    if let Some(Value::Array(elements)) = value {
        return elements.iter().any(|element| matches_value(alternative, Some(element)));
    }
    let Value::Object(operator) = alternative else { return value == Some(alternative) };
    operator.iter().all(|(operator, operand)| match operator.as_str() {
        "exists" => operand.as_bool() == Some(value.is_some()),
        "prefix" => {
            let text = value.and_then(Value::as_str).unwrap_or_default();
            operand.as_str().is_some_and(|prefix| value.is_some() && text.starts_with(prefix))
        }
        "anything-but" => value.is_some_and(|value| match operand {
            Value::Array(excluded) => !excluded.contains(value),
            excluded => excluded != value,
        }),
        "numeric" => value.and_then(Value::as_f64).is_some_and(|value| is_within(operand, value)),
        _ => false,
    })
}

/// `[">", 0, "<=", 5]`
fn is_within(operand: &Value, value: f64) -> bool {
    let comparisons = operand.as_array().map(Vec::as_slice).unwrap_or_default();
    comparisons.chunks(2).all(|comparison| {
        let [operator, bound] = comparison else { return false };
        let Some(bound) = bound.as_f64() else { return false };
        match operator.as_str() {
            Some("=") => (bound..=bound).contains(&value),
            Some("<") => value < bound,
            Some("<=") => value <= bound,
            Some(">") => value > bound,
            Some(">=") => value >= bound,
            _ => false,
        }
    })
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
