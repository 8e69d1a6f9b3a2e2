//! Metrics in CloudWatch's embedded metric format: one JSON line that is the invocation's summary and its
//! metrics at once.
//!
//! Contract: CloudWatch User Guide, "Specification: Embedded metric format": a metric is a number or at most 100
//! of them; dimensions are members of the same object. The line carries `timestamp` and `level` as well, because
//! Lambda takes a line without them for something else.

use std::io::{self, Write};

use connect_streams::Timestamp;
use serde_json::{Map, Value, json};

/// The namespace of all our metrics.
pub const NAMESPACE: &str = "ContactLedger";
/// As many values of one metric as a line may hold.
const VALUES_PER_LINE: usize = 100;

/// What a metric counts or measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// How many bytes.
    Bytes,
    /// How long.
    Milliseconds,
}

impl Unit {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Bytes => "Bytes",
            Self::Milliseconds => "Milliseconds",
        }
    }
}

/// The metrics of one invocation, under one set of dimensions.
#[derive(Debug)]
pub struct Metrics<'a> {
    message: &'a str,
    dimensions: Vec<(&'static str, &'a str)>,
    measured: Vec<(&'static str, Unit, Vec<i64>)>,
}

impl<'a> Metrics<'a> {
    /// No metrics yet, for lines with this message, under the function's name.
    #[must_use]
    pub fn new(message: &'a str, function_name: &'a str) -> Self {
        Self { message, dimensions: vec![("FunctionName", function_name)], measured: Vec::new() }
    }

    /// Adds a dimension.
    #[must_use]
    pub fn by(mut self, dimension: &'static str, value: &'a str) -> Self {
        self.dimensions.push((dimension, value));
        self
    }

    /// Adds a count.
    #[must_use]
    pub fn count(self, name: &'static str, count: usize) -> Self {
        self.values(name, Unit::Count, vec![i64::try_from(count).unwrap_or(i64::MAX)])
    }

    /// Adds a metric with any number of values.
    #[must_use]
    pub fn values(mut self, name: &'static str, unit: Unit, values: Vec<i64>) -> Self {
        self.measured.push((name, unit, values));
        self
    }

    /// The lines: one, and further ones for those metrics that have more values than one line may hold.
    #[must_use]
    pub fn lines(&self, now: Timestamp) -> String {
        let most = self
            .measured
            .iter()
            .map(|(_, _, values)| values.len().div_ceil(VALUES_PER_LINE))
            .max()
            .unwrap_or(1);
        (0..most.max(1)).flat_map(|part| [self.line(now, part).to_string(), "\n".to_owned()]).collect()
    }

    fn line(&self, now: Timestamp, part: usize) -> Value {
        let of_part = |values: &[i64]| values.chunks(VALUES_PER_LINE).nth(part).map(<[i64]>::to_vec);
        let metrics: Vec<_> = self
            .measured
            .iter()
            .filter_map(|(name, unit, values)| Some((*name, *unit, of_part(values)?)))
            .collect();
        let definitions: Value =
            metrics.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit.as_str()})).collect();
        let names: Vec<_> = self.dimensions.iter().map(|(name, _)| *name).collect();
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), json!(now.to_string()));
        line.insert("level".to_owned(), json!("INFO"));
        line.insert("message".to_owned(), json!(self.message));
        line.extend(self.dimensions.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        line.extend(metrics.into_iter().map(|(name, _, values)| match values[..] {
            [value] => (name.to_owned(), json!(value)),
            _ => (name.to_owned(), json!(values)),
        }));
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": now.epoch_milliseconds(),
                "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [names], "Metrics": definitions}],
            }),
        );
        Value::Object(line)
    }

    /// Writes the lines to standard output, which Lambda takes to CloudWatch.
    pub fn write(&self, now: Timestamp) {
        // Without standard output there is nobody to tell, either.
        let _ = io::stdout().lock().write_all(self.lines(now).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2026-03-02T08:00:00.123Z").unwrap()
    }

    #[test]
    fn a_line_is_a_log_line_and_holds_its_metrics() {
        let metrics = Metrics::new("invocation", "f").by("Reason", "not_json").count("Rejected", 3).values(
            "Lag",
            Unit::Milliseconds,
            vec![5, 7],
        );
        let line: Value = serde_json::from_str(&metrics.lines(now())).unwrap();
        assert_eq!(
            line,
            json!({
                "timestamp": "2026-03-02T08:00:00.123Z", "level": "INFO", "message": "invocation",
                "FunctionName": "f", "Reason": "not_json", "Rejected": 3, "Lag": [5, 7],
                "_aws": {
                    "Timestamp": 1_772_438_400_123_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "ContactLedger",
                        "Dimensions": [["FunctionName", "Reason"]],
                        "Metrics": [{"Name": "Rejected", "Unit": "Count"}, {"Name": "Lag", "Unit": "Milliseconds"}],
                    }],
                },
            })
        );
    }

    #[test]
    fn more_than_a_hundred_values_take_further_lines() {
        let metrics = Metrics::new("invocation", "f").count("Ok", 1).values(
            "Lag",
            Unit::Milliseconds,
            (0..250).collect(),
        );
        let lines: Vec<Value> =
            metrics.lines(now()).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let lags: Vec<_> = lines.iter().map(|line| line["Lag"].as_array().unwrap().len()).collect();
        assert_eq!(lags, [100, 100, 50]);
        assert!(lines[1].get("Ok").is_none(), "a count is told once");
    }

    #[test]
    fn a_metric_without_values_is_left_out() {
        let lines = Metrics::new("invocation", "f")
            .count("Ok", 1)
            .values("Lag", Unit::Milliseconds, Vec::new())
            .lines(now());
        assert!(!lines.contains("Lag"));
    }
}
