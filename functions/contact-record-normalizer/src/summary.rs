//! The outcome of a batch, for logs and metrics. It holds counts and field names, never values.

use std::collections::BTreeMap;

use connect_streams::Timestamp;
use contact_lake::Transformed;
use lambda_io::Rejections;
use lambda_io::metrics::{Metrics, Unit};

/// The counts of one invocation.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records that became rows.
    pub ok: usize,
    /// Dropped records, by kind.
    pub dropped: BTreeMap<&'static str, usize>,
    /// Failed records, by reason and field.
    pub rejected: Rejections,
    /// Values of an unexpected type, by source path.
    pub type_drift: BTreeMap<String, usize>,
    /// Intervals left empty because they would be negative, by column.
    pub impossible_intervals: BTreeMap<&'static str, usize>,
    /// Bytes of the records.
    pub bytes_in: usize,
    /// Upper bound of the response's bytes.
    pub bytes_out: usize,
    /// Milliseconds from `LastUpdateTimestamp` to arrival, for each record whose arrival is known.
    pub delivery_lags: Vec<i64>,
}

impl Summary {
    /// Records answered `Dropped`.
    #[must_use]
    pub fn dropped(&self) -> usize {
        self.dropped.values().sum()
    }

    /// Records answered `ProcessingFailed`.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.rejected.total()
    }

    /// Counts a record that did not fail.
    pub fn note(&mut self, transformed: &Transformed) {
        match transformed {
            Transformed::Row(made) => {
                for path in &made.type_drift {
                    *self.type_drift.entry(path.clone()).or_default() += 1;
                }
                for column in &made.impossible_intervals {
                    *self.impossible_intervals.entry(column).or_default() += 1;
                }
                self.delivery_lags.extend(made.delivery_lag);
            }
            Transformed::Dropped(kind) => *self.dropped.entry(kind.as_str()).or_default() += 1,
        }
    }

    /// Logs one line with all metrics of the invocation, and one per problem that somebody should check.
    pub fn log(&self, function_name: &str, now: Timestamp) {
        for ((code, path), records) in self.rejected.iter() {
            tracing::warn!(%code, path, records, "records failed; Firehose keeps them under errors/");
        }
        for (path, values) in &self.type_drift {
            tracing::warn!(path, values, "type_drift: values of an unexpected type were kept in `extra`");
        }
        for (column, intervals) in &self.impossible_intervals {
            tracing::warn!(
                column,
                intervals,
                "impossible_interval: the interval would be negative and is left empty"
            );
        }
        for metrics in self.metrics(function_name) {
            metrics.write(now);
        }
    }

    fn metrics<'a>(&'a self, function_name: &'a str) -> Vec<Metrics<'a>> {
        let bytes = |bytes: usize| vec![i64::try_from(bytes).unwrap_or(i64::MAX)];
        let invocation = Metrics::new("invocation", function_name)
            .count("RecordsOk", self.ok)
            .count("RecordsDropped", self.dropped())
            .count("RecordsFailed", self.failed())
            .count("TypeDrift", self.type_drift.values().sum())
            .count("ImpossibleIntervals", self.impossible_intervals.values().sum())
            .values("BytesIn", Unit::Bytes, bytes(self.bytes_in))
            .values("BytesOut", Unit::Bytes, bytes(self.bytes_out))
            .values("DeliveryLag", Unit::Milliseconds, self.delivery_lags.clone());
        let rejected = self.rejected.by_reason().into_iter().map(|(reason, records)| {
            Metrics::new("records failed, by reason", function_name)
                .by("Reason", reason)
                .count("RecordsFailed", records)
        });
        let dropped = self.dropped.iter().map(|(kind, records)| {
            Metrics::new("records dropped, by kind", function_name)
                .by("Kind", kind)
                .count("RecordsDropped", *records)
        });
        std::iter::once(invocation).chain(rejected).chain(dropped).collect()
    }
}
