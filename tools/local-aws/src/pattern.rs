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
        matches_object(&self.0, Some(event), &[event])
    }
}

fn check(pattern: &Map<String, Value>) -> anyhow::Result<()> {
    if pattern.is_empty() {
        bail!("the pattern has an empty object");
    }
    for (name, rule) in pattern {
        match rule {
            Value::Object(nested) => check(nested)?,
            Value::Array(alternatives) if alternatives.is_empty() => bail!("the list for {name} is empty"),
            Value::Array(alternatives) => {
                for alternative in alternatives {
                    check_alternative(name, alternative)?;
                }
            }
            _ => bail!("the pattern for {name} is neither a list nor an object"),
        }
    }
    Ok(())
}

fn check_alternative(name: &str, alternative: &Value) -> anyhow::Result<()> {
    let operators = match alternative {
        Value::Array(_) => bail!("the list for {name} has a list in it"),
        Value::Object(operators) => operators,
        _ => return Ok(()),
    };
    let mut operators = operators.iter();
    let (Some((operator, operand)), None) = (operators.next(), operators.next()) else {
        bail!("an object in the list for {name} must have one operator");
    };
    let is_valid = match (operator.as_str(), operand) {
        ("exists", _) => operand.is_boolean(),
        ("prefix", _) => operand.is_string(),
        ("anything-but", Value::Array(excluded)) => {
            !excluded.is_empty()
                && (excluded.iter().all(Value::is_string) || excluded.iter().all(Value::is_number))
        }
        ("anything-but", _) => operand.is_string() || operand.is_number(),
        ("numeric", _) => is_range(operand),
        _ => bail!("filter operator {operator} is not supported"),
    };
    if !is_valid {
        bail!("{operand} is not supported for filter operator {operator}");
    }
    Ok(())
}

/// One comparison, or a lower bound and then an upper bound.
fn is_range(operand: &Value) -> bool {
    match operand.as_array().map(Vec::as_slice) {
        Some([operator, bound]) => {
            matches!(operator.as_str(), Some("=" | "<" | "<=" | ">" | ">=")) && bound.is_number()
        }
        Some([above, bottom, below, top]) => {
            matches!(above.as_str(), Some(">" | ">="))
                && matches!(below.as_str(), Some("<" | "<="))
                && bottom.as_f64().zip(top.as_f64()).is_some_and(|(bottom, top)| bottom < top)
        }
        _ => false,
    }
}

/// `object` is the one whose values must match, and `all` has every object at its place in the event: there can be several
/// in a list, of which one must match. What must not exist must be in none of them.
fn matches_object(
    pattern: &Map<String, Value>,
    object: Option<&Map<String, Value>>,
    all: &[&Map<String, Value>],
) -> bool {
    pattern.iter().all(|(name, rule)| match rule {
        Value::Object(nested) => {
            let all: Vec<_> =
                values(all.iter().copied(), name).into_iter().filter_map(Value::as_object).collect();
            let candidates = values(object, name).into_iter().filter_map(Value::as_object);
            candidates.map(Some).chain([None]).any(|object| matches_object(nested, object, &all))
        }
        Value::Array(alternatives) => {
            let is_absent = values(all.iter().copied(), name).into_iter().all(Value::is_object);
            let found = values(object, name);
            alternatives.iter().any(|alternative| {
                if alternative.get("exists") == Some(&Value::Bool(false)) {
                    return is_absent;
                }
                found.iter().any(|value| !value.is_object() && matches_value(alternative, value))
            })
        }
        _ => false,
    })
}

/// The values with this name, and the elements of lists.
fn values<'a>(objects: impl IntoIterator<Item = &'a Map<String, Value>>, name: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    let mut rest: Vec<_> = objects.into_iter().filter_map(|object| object.get(name)).collect();
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(elements) => rest.extend(elements),
            _ => found.push(value),
        }
    }
    found
}

fn matches_value(alternative: &Value, value: &Value) -> bool {
    let Value::Object(operator) = alternative else { return is_same(alternative, value) };
    operator.iter().all(|(operator, operand)| match operator.as_str() {
        "exists" => operand.as_bool() == Some(true),
        "prefix" => {
            operand.as_str().zip(value.as_str()).is_some_and(|(prefix, text)| text.starts_with(prefix))
        }
        "anything-but" => match operand {
            Value::Array(excluded) => !excluded.iter().any(|excluded| is_same(excluded, value)),
            excluded => !is_same(excluded, value),
        },
        "numeric" => value.as_f64().is_some_and(|value| is_within(operand, value)),
        _ => false,
    })
}

/// Numbers are the same in every form: 1 and 1.0.
fn is_same(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| (one..=one).contains(&other))
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
