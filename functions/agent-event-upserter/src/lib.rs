//! The Kinesis function for agent events: `decode → parse → plan → write`.
//!
//! Every record of a batch is decoded separately. The plans are merged and written concurrently. Records that can
//! never be written are rejected: stored in S3 with the reason. The first unfinished record is reported, and Lambda
//! retries from there. Writing again is always safe, so the function has no retry loop of its own besides those of
//! Lambda and the SDK, and no order of effects to protect.

mod decode;
mod rejected;
pub mod settings;
mod summary;
mod write;

use agent_ledger::KnownProfiles;
use agent_ledger::batch::Batch;
use agent_ledger::rules::Rules;
use agent_ledger::store::Store;
use lambda_io::kinesis::{BatchResponse, StreamEvent, retry_from};
use rejected_records::RejectedStore;
use tokio::time::Instant;

use crate::decode::{UserRecord, decode};
use crate::rejected::rejected_object;
pub use crate::summary::Summary;
use crate::write::write;

/// The writes of a batch, planned but not executed: the function without its I/O.
#[must_use]
pub fn plan_batch(event: &StreamEvent, rules: &Rules, known: &KnownProfiles) -> Batch {
    Batch::of(decode(&event.records, rules, known).iter_mut().map(UserRecord::take_plan))
}

/// The function: its tables, its bucket, its settings.
#[derive(Debug)]
pub struct Upserter<S, R> {
    /// The agent tables.
    pub store: S,
    /// The store for rejected records.
    pub rejected_store: R,
    /// What to store, for how long, and how names are protected.
    pub rules: Rules,
    /// Maximum number of requests in flight.
    pub write_concurrency: usize,
    /// The routing profiles that earlier invocations of this process have seen stored.
    pub known_profiles: KnownProfiles,
}

impl<S: Store, R: RejectedStore> Upserter<S, R> {
    /// Handles one batch. Records whose writes are not done at `stop_at` are reported for retry.
    pub async fn handle(&self, event: &StreamEvent, stop_at: Instant) -> (BatchResponse, Summary) {
        let records = &event.records;
        let known = &self.known_profiles;
        let mut decoded = decode(records, &self.rules, known);
        let mut batch = Batch::of(decoded.iter_mut().map(UserRecord::take_plan));

        let (faults, consumed) = write(&self.store, &mut batch, known, self.write_concurrency, stop_at).await;
        let mut summary = Summary { faults, consumed, ..Summary::default() };

        let mut places = decoded.iter().enumerate();
        let unfinished = places.find(|(place, record)| record.is_event() && batch.outcome(*place).is_none());
        let mut finished = unfinished.map_or(records.len(), |(_, record)| record.index);
        // Only records that will not be retried are stored as rejected, so that none is stored twice.
        if let Some(object) = rejected_object(&records[..finished], &decoded)
            && let Err(fault) = self.rejected_store.put(&object.key, object.body).await
        {
            summary.faults.push(fault);
            finished = object.first_record;
        }
        summary.count(&decoded, &batch, finished);
        let response = records.get(finished).map(retry_from).unwrap_or_default();
        (response, summary)
    }
}
