//! Metrics in CloudWatch's embedded metric format: one JSON line that is both the invocation's summary and its metrics.
//!
//! Contract:
//! [Specification: Embedded metric format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html)
//! (CloudWatch User Guide): a metric is a number or a list of at most 100 numbers; dimensions are members of the same object.
//! The line also has `timestamp` and `level`, because Lambda misinterprets a line without them.

use std::io::{self, Write};

use connect_streams::Timestamp;
use serde_json::{Map, Value, json};

/// The namespace of all our metrics.
pub const NAMESPACE: &str = "ContactLedger";
/// The maximum number of values of one metric in a line.
const VALUES_PER_LINE: usize = 100;

/// What a metric counts or measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A size.
    Bytes,
    /// A duration.
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

    /// Adds a metric with any number of values. If there are more than a line may hold, a hundred represent them all:
    /// the smallest, the largest, and those at even ranks in between. So percentiles are preserved, and an invocation
    /// stays one line; logs are often most of the bill.
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

    /// The metrics as one log line.
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

    /// Writes the line to standard output, which Lambda sends to CloudWatch.
    pub fn write(&self, now: Timestamp) {
        // If standard output fails, there is nowhere to report it.
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
    fn a_line_is_a_log_line_with_its_metrics() {
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
    fn a_hundred_values_represent_a_larger_number() {
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
