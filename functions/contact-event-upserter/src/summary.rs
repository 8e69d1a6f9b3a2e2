//! The outcome of a batch, for the log.

use connect_streams::Timestamp;
use contact_state::Outcome;
use lambda_io::Rejections;
use lambda_io::faults;
use lambda_io::metrics::{Metrics, Unit};
use tables::{Consumed, StoreError};

/// The counts of a batch. Every message is in exactly one of them.
#[derive(Debug, Default)]
pub struct Summary {
    /// New, and the contact's item was updated.
    pub applied: usize,
    /// Written before.
    pub duplicate: usize,
    /// Newer events have all that it has; the item is unchanged.
    pub stale: usize,
    /// So old that the contact's item may have been deleted; nothing was created.
    pub too_old: usize,
    /// Another kind of event, or an event of another instance.
    pub skipped: usize,
    /// Rejected, by reason and field.
    pub rejected: Rejections,
    /// Not finished, and reported for retry.
    pub retried: usize,
    /// Times of the applied events.
    pub applied_times: Vec<Timestamp>,
    /// Writes that failed.
    pub faults: Vec<StoreError>,
    /// Consumed requests and write units.
    pub consumed: Consumed,
}

impl Summary {
    pub(crate) fn count(&mut self, outcome: Outcome, time: Timestamp) {
        match outcome {
            Outcome::Applied => {
                self.applied += 1;
                self.applied_times.push(time);
            }
            Outcome::Duplicate => self.duplicate += 1,
            Outcome::Stale => self.stale += 1,
            Outcome::TooOld => self.too_old += 1,
        }
    }

    /// Logs one line with all metrics of the invocation, one per reject reason and field, and one per kind of fault.
    pub fn log(&self, function_name: &str, now: Timestamp) {
        for ((code, path), records) in self.rejected.iter() {
            tracing::warn!(%code, path, records, "records rejected; their bytes are under rejected/contact-events/");
        }
        faults::log(&self.faults, "queue");
        for metrics in self.metrics(function_name, now) {
            metrics.write(now);
        }
    }

    fn metrics<'a>(&'a self, function_name: &'a str, now: Timestamp) -> Vec<Metrics<'a>> {
        let rejected = self.rejected.total();
        let records = self.applied
            + self.duplicate
            + self.stale
            + self.too_old
            + self.skipped
            + rejected
            + self.retried;
        let age = |time: &Timestamp| now.epoch_milliseconds() - time.epoch_milliseconds();
        let invocation = Metrics::new("invocation", function_name)
            .count("BatchSize", records)
            .count("RecordsApplied", self.applied)
            .count("RecordsDuplicate", self.duplicate)
            .count("RecordsStale", self.stale)
            .count("RecordsTooOld", self.too_old)
            .count("RecordsSkipped", self.skipped)
            .count("RecordsRejected", rejected)
            .count("RecordsRetried", self.retried);
        let invocation = faults::count(invocation, &self.faults)
            .count("StoreRequests", self.consumed.requests as usize)
            .count("WriteUnits", self.consumed.write_units as usize)
            .values("EventAge", Unit::Milliseconds, self.applied_times.iter().map(age).collect());
        let rejected = self.rejected.by_reason().into_iter().map(|(reason, records)| {
            Metrics::new("records rejected, by reason", function_name)
                .by("Reason", reason)
                .count("RecordsRejected", records)
        });
        std::iter::once(invocation).chain(rejected).collect()
    }
}
