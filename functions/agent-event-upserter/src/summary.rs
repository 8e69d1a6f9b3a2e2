//! What became of a batch, for the log.

use std::collections::BTreeMap;

use agent_ledger::batch::{Batch, Outcome};
use agent_ledger::store::{FaultClass, StoreError};
use connect_streams::RejectCode;

use crate::decode::Decoded;

/// Every record of a batch is in exactly one of the counts.
#[derive(Debug, Default)]
pub struct Summary {
    /// New, and the state moved to it.
    pub applied: usize,
    /// Written before.
    pub duplicate: usize,
    /// Late: the state, already newer, stayed; the history gained the event.
    pub stale: usize,
    /// A known kind that is not ours.
    pub skipped: usize,
    /// Set aside, by reason and field.
    pub rejected: BTreeMap<(RejectCode, String), usize>,
    /// Not finished: reported for retry.
    pub retried: usize,
    /// Writes that failed.
    pub faults: Vec<StoreError>,
}

impl Summary {
    /// Counts every record; those from `finished` on that have no outcome yet come again.
    pub(crate) fn count(&mut self, decoded: &[Decoded], batch: &Batch, finished: usize) {
        for (index, decoded) in decoded.iter().enumerate() {
            let count = match (decoded, batch.outcome(index)) {
                (Decoded::Event(_), Some(Outcome::Applied)) => &mut self.applied,
                (Decoded::Event(_), Some(Outcome::Duplicate)) => &mut self.duplicate,
                (Decoded::Event(_), Some(Outcome::Stale)) => &mut self.stale,
                (Decoded::Skipped, _) if index < finished => &mut self.skipped,
                (Decoded::Rejected(reject), _) if index < finished => {
                    self.rejected.entry((reject.code, reject.path.clone().into_owned())).or_default()
                }
                _ => &mut self.retried,
            };
            *count += 1;
        }
    }

    /// Logs one line for the invocation, one for each reason why records were set aside, and one for each
    /// kind of fault: ERROR if somebody must act, WARN if time helps.
    pub fn log(&self) {
        for ((code, path), records) in &self.rejected {
            tracing::warn!(%code, path, records, "records set aside under rejected/agent-events/");
        }
        let mut faults: BTreeMap<(FaultClass, &str), usize> = BTreeMap::new();
        for fault in &self.faults {
            *faults.entry((fault.class, &fault.code)).or_default() += 1;
        }
        for ((class, code), writes) in faults {
            match class {
                FaultClass::Transient => {
                    tracing::warn!(code, writes, "writes failed; the stream sends their records again");
                }
                FaultClass::Environment => tracing::error!(
                    code,
                    writes,
                    "writes are refused; correct the function's permissions, table and bucket names. Nothing is lost: the stream keeps the records and sends them again"
                ),
            }
        }
        let rejected: usize = self.rejected.values().sum();
        let Self { applied, duplicate, stale, skipped, retried, .. } = *self;
        let records = applied + duplicate + stale + skipped + rejected + retried;
        tracing::info!(records, applied, duplicate, stale, skipped, rejected, retried, "invocation");
    }
}
