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

    /// Adds a metric with any number of values. Of more than a line may hold, a hundred stand for all: the
    /// smallest, the greatest, and those between at even ranks. So percentiles stay, and an invocation stays one
    /// line; logs are often the greater part of the bill.
    #[must_use]
    pub fn values(mut self, name: &'static str, unit: Unit, mut values: Vec<i64>) -> Self {
        if values.len() > VALUES_PER_LINE {
            values.sort_unstable();
            let last = values.len() - 1;
            values = (0..VALUES_PER_LINE).map(|rank| values[rank * last / (VALUES_PER_LINE - 1)]).collect();
        }
        if !values.is_empty() {
            self.measured.push((name, unit, values));
        }
        self
    }

    /// The line.
    #[must_use]
    pub fn line(&self, now: Timestamp) -> String {
        let definitions: Value = self
            .measured
            .iter()
            .map(|(name, unit, _)| json!({"Name": name, "Unit": unit.as_str()}))
            .collect();
        let names: Vec<_> = self.dimensions.iter().map(|(name, _)| *name).collect();
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), json!(now.to_string()));
        line.insert("level".to_owned(), json!("INFO"));
        line.insert("message".to_owned(), json!(self.message));
        line.extend(self.dimensions.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        line.extend(self.measured.iter().map(|(name, _, values)| match values[..] {
            [value] => ((*name).to_owned(), json!(value)),
            _ => ((*name).to_owned(), json!(values)),
        }));
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": now.epoch_milliseconds(),
                "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [names], "Metrics": definitions}],
            }),
        );
        format!("{}\n", Value::Object(line))
    }

    /// Writes the line to standard output, which Lambda takes to CloudWatch.
    pub fn write(&self, now: Timestamp) {
        // Without standard output there is nobody to tell, either.
        let _ = io::stdout().lock().write_all(self.line(now).as_bytes());
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
        let line: Value = serde_json::from_str(&metrics.line(now())).unwrap();
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
    fn a_hundred_values_stand_for_more() {
        let metrics =
            Metrics::new("invocation", "f").values("Lag", Unit::Milliseconds, (0..1000).rev().collect());
        let line: Value = serde_json::from_str(&metrics.line(now())).unwrap();
        let values: Vec<i64> = serde_json::from_value(line["Lag"].clone()).unwrap();
        assert_eq!((values.len(), values[0], values[50], values[99]), (100, 0, 504, 999));
    }

    #[test]
    fn a_metric_without_values_is_left_out() {
        let line = Metrics::new("invocation", "f")
            .count("Ok", 1)
            .values("Lag", Unit::Milliseconds, Vec::new())
            .line(now());
        assert!(!line.contains("Lag"));
    }
}
