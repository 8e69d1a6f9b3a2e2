//! Event patterns, the language of EventBridge rules and of Lambda's filter criteria.
//!
//! Source: [Amazon EventBridge event patterns](https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html)
//! (EventBridge User Guide).

use anyhow::bail;
use serde_json::{Map, Value};

/// A pattern whose operators this model supports.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern(Map<String, Value>);

impl Pattern {
    /// Checks a pattern.
    ///
    /// # Errors
    /// When it uses an operator that this model does not support.
    pub fn of(members: Map<String, Value>) -> anyhow::Result<Self> {
        check(&members)?;
        Ok(Self(members))
    }

    /// The pattern as JSON.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Whether an event matches.
    #[must_use]
    pub fn matches(&self, event: &Map<String, Value>) -> bool {
        matches_object(&self.0, event)
    }
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
