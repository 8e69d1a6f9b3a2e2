//! The outcome of a batch, for the log.

use agent_ledger::Gap;
use agent_ledger::batch::{Batch, Outcome};
use connect_streams::Timestamp;
use lambda_io::Rejections;
use lambda_io::faults;
use lambda_io::metrics::{Metrics, Unit};
use tables::{Consumed, StoreError};

use crate::decode::{Decoded, UserRecord};

/// Gaps logged per batch. The metric counts all of them.
const GAPS_LOGGED: usize = 10;

/// The counts of a batch. Every record is in exactly one of them.
#[derive(Debug, Default)]
pub struct Summary {
    /// New, and the state was updated.
    pub applied: usize,
    /// Written before.
    pub duplicate: usize,
    /// Late: the state was already newer and stays. The history gained the event.
    pub stale: usize,
    /// A known kind that is not an agent event, or a heartbeat with nothing to write.
    pub skipped: usize,
    /// Rejected, by reason and field.
    pub rejected: Rejections,
    /// Not finished, and reported for retry.
    pub retried: usize,
    /// Timestamps of the applied events.
    pub applied_timestamps: Vec<Timestamp>,
    /// Gaps: where events are missing or late.
    pub gaps: Vec<Gap>,
    /// Writes that failed.
    pub faults: Vec<StoreError>,
    /// Consumed requests and write units.
    pub consumed: Consumed,
}

impl Summary {
    /// Counts every record. Records from index `finished` on that have no outcome count as retried.
    pub(crate) fn count(&mut self, records: &[UserRecord], batch: &Batch, finished: usize) {
        self.gaps.clone_from(&batch.gaps);
        for (place, record) in records.iter().enumerate() {
            match (&record.decoded, batch.outcome(place)) {
                (Decoded::Event { timestamp, .. }, Some(Outcome::Applied)) => {
                    self.applied += 1;
                    self.applied_timestamps.push(*timestamp);
                }
                (Decoded::Event { .. }, Some(Outcome::Duplicate)) => self.duplicate += 1,
                (Decoded::Event { .. }, Some(Outcome::Stale)) => self.stale += 1,
                (Decoded::Skipped, _) if record.index < finished => self.skipped += 1,
                (Decoded::Rejected(reject), _) if record.index < finished => self.rejected.add(reject),
                _ => self.retried += 1,
            }
        }
    }

    /// Logs one line with all metrics of the invocation, one per reject reason and field, and one per kind of fault:
    /// ERROR if somebody must act, WARN if a retry helps.
    pub fn log(&self, function_name: &str, now: Timestamp) {
        for ((code, path), records) in self.rejected.iter() {
            tracing::warn!(%code, path, records, "records rejected; their bytes are under rejected/agent-events/");
        }
        for Gap { agent_id, held, event } in self.gaps.iter().take(GAPS_LOGGED) {
            tracing::warn!(agent_id, %held, %event, "gap: events between these two versions are missing or late");
        }
        faults::log(&self.faults, "stream");
        for metrics in self.metrics(function_name, now) {
            metrics.write(now);
        }
    }

    fn metrics<'a>(&'a self, function_name: &'a str, now: Timestamp) -> Vec<Metrics<'a>> {
        let rejected = self.rejected.total();
        let records = self.applied + self.duplicate + self.stale + self.skipped + rejected + self.retried;
        let age = |timestamp: &Timestamp| now.epoch_milliseconds() - timestamp.epoch_milliseconds();
        let invocation = Metrics::new("invocation", function_name)
            .count("BatchSize", records)
            .count("RecordsApplied", self.applied)
            .count("RecordsDuplicate", self.duplicate)
            .count("RecordsStale", self.stale)
            .count("RecordsSkipped", self.skipped)
            .count("RecordsRejected", rejected)
            .count("RecordsRetried", self.retried)
            .count("Gaps", self.gaps.len());
        let invocation = faults::count(invocation, &self.faults)
            .count("StoreRequests", self.consumed.requests as usize)
            .count("WriteUnits", self.consumed.write_units as usize)
            .values("EventAge", Unit::Milliseconds, self.applied_timestamps.iter().map(age).collect());
        let rejected = self.rejected.by_reason().into_iter().map(|(reason, records)| {
            Metrics::new("records rejected, by reason", function_name)
                .by("Reason", reason)
                .count("RecordsRejected", records)
        });
        std::iter::once(invocation).chain(rejected).collect()
    }
}
