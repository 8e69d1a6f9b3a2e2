//! What became of a batch, for logs and metrics. It counts, and names fields; it never holds a value.

use std::collections::BTreeMap;

use connect_streams::contact_record::ContactRecord;
use connect_streams::{Reject, RejectCode, Timestamp};
use contact_lake::Row;

/// The counts of one invocation.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records that became rows.
    pub ok: usize,
    /// Records of a known kind that belongs elsewhere, by kind.
    pub dropped: BTreeMap<&'static str, usize>,
    /// Records that could not become rows, by reason and field.
    pub rejected: BTreeMap<(RejectCode, String), usize>,
    /// Values of an unexpected type, by source path.
    pub type_drift: BTreeMap<String, usize>,
    /// Intervals that would be negative, by column.
    pub impossible_intervals: BTreeMap<&'static str, usize>,
    /// Bytes of the records.
    pub bytes_in: usize,
    /// Bytes of the response, at most.
    pub bytes_out: usize,
    /// From `LastUpdateTimestamp` to arrival, milliseconds, per record whose arrival is known.
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
        self.rejected.values().sum()
    }

    pub(crate) fn reject(&mut self, reject: Reject) {
        *self.rejected.entry((reject.code, reject.path.into_owned())).or_default() += 1;
    }

    pub(crate) fn note(&mut self, contact: &ContactRecord<'_>, row: &Row<'_>, arrival: Option<Timestamp>) {
        for path in &row.type_drift {
            *self.type_drift.entry(path.clone()).or_default() += 1;
        }
        for column in &row.derived.impossible_intervals {
            *self.impossible_intervals.entry(column).or_default() += 1;
        }
        let updated = contact.last_update_timestamp.epoch_milliseconds();
        self.delivery_lags.extend(arrival.map(|arrival| arrival.epoch_milliseconds() - updated));
    }

    /// Logs one line for the invocation, and one for each thing that somebody should look at.
    pub fn log(&self) {
        for ((code, path), records) in &self.rejected {
            tracing::warn!(%code, path, records, "records failed; Firehose keeps them under its error prefix");
        }
        for (path, values) in &self.type_drift {
            tracing::warn!(path, values, "type_drift: values of an unexpected type were kept in `extra`");
        }
        for (column, intervals) in &self.impossible_intervals {
            tracing::warn!(
                column,
                intervals,
                "impossible_interval: the interval would be negative and has no value"
            );
        }
        let (ok, dropped, failed) = (self.ok, self.dropped(), self.failed());
        let type_drift: usize = self.type_drift.values().sum();
        let (bytes_in, bytes_out) = (self.bytes_in, self.bytes_out);
        tracing::info!(
            records = ok + dropped + failed,
            ok,
            dropped,
            failed,
            type_drift,
            bytes_in,
            bytes_out,
            "invocation"
        );
    }
}
