//! The only place that writes the tables: concurrently, until it is time to stop.

use std::ops::Range;

use agent_ledger::batch::{Batch, EntryJob};
use agent_ledger::store::{Answer, Consumed, ENTRIES_PER_INSERT, Held, Insertion, Store, StoreError};
use futures::future::{Either, FutureExt};
use futures::stream::{self, StreamExt};
use tokio::time::{Instant, timeout_at};

enum Written {
    Register(usize, Answer<Result<Option<Held>, StoreError>>),
    Entries(Range<usize>, Answer<Vec<Result<Insertion, StoreError>>>),
}

/// Writes what it can and notes it in the batch. Answers the faults it met and what the writes cost; a write that
/// was cut off at `stop_at` is no fault, and is just not noted.
pub(crate) async fn write<S: Store>(
    store: &S,
    batch: &mut Batch,
    concurrency: usize,
    stop_at: Instant,
) -> (Vec<StoreError>, Consumed) {
    let mut faults = Vec::new();
    let mut consumed = Consumed::default();
    for written in write_until(store, batch, concurrency, stop_at).await {
        match written {
            Written::Register(job, answer) => {
                consumed += answer.consumed;
                match answer.value {
                    Ok(before) => batch.register_written(job, before),
                    Err(fault) => faults.push(fault),
                }
            }
            Written::Entries(jobs, answer) => {
                consumed += answer.consumed;
                for (job, result) in jobs.zip(answer.value) {
                    match result {
                        Ok(insertion) => batch.entry_inserted(job, insertion),
                        Err(fault) => faults.push(fault),
                    }
                }
            }
        }
    }
    (faults, consumed)
}

async fn write_until<S: Store>(
    store: &S,
    batch: &Batch,
    concurrency: usize,
    stop_at: Instant,
) -> Vec<Written> {
    let registers = batch.registers.iter().enumerate().map(|(job, register)| {
        Either::Left(store.write_register(&register.write).map(move |answer| Written::Register(job, answer)))
    });
    let entries = batch.entries.chunks(ENTRIES_PER_INSERT).enumerate().map(|(chunk, jobs)| {
        let first = chunk * ENTRIES_PER_INSERT;
        Either::Right(
            insert(store, jobs)
                .map(move |answer| Written::Entries(first..first + answer.value.len(), answer)),
        )
    });
    let mut in_flight = stream::iter(entries.chain(registers)).buffer_unordered(concurrency);
    let mut written = Vec::new();
    while let Ok(Some(next)) = timeout_at(stop_at, in_flight.next()).await {
        written.push(next);
    }
    written
}

async fn insert<S: Store>(store: &S, jobs: &[EntryJob]) -> Answer<Vec<Result<Insertion, StoreError>>> {
    let entries: Vec<_> = jobs.iter().map(|job| job.entry.clone()).collect();
    store.insert_entries(&entries).await
}
