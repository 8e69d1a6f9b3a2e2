//! Writes the tables, concurrently, until `stop_at`. Nothing else in the function writes them.

use agent_ledger::KnownProfiles;
use agent_ledger::batch::Batch;
use agent_ledger::store::{Store, WRITES_PER_REQUEST, WrittenEntries, WrittenRegisters};
use futures::future::{Either, FutureExt};
use futures::stream::{self, StreamExt};
use tables::{Consumed, StoreError};
use tokio::time::{Instant, timeout_at};

/// The indexes of writes in the batch, and the result of each.
enum Written {
    Registers(Vec<usize>, WrittenRegisters),
    Entries(Vec<usize>, WrittenEntries),
}

/// Writes the batch and records in it which writes succeeded. Returns the faults and the consumed capacity. A write
/// that is cut off at `stop_at` is not a fault; it is just not recorded.
pub(crate) async fn write<S: Store>(
    store: &S,
    batch: &mut Batch,
    known: &KnownProfiles,
    concurrency: usize,
    stop_at: Instant,
) -> (Vec<StoreError>, Consumed) {
    let mut faults = Vec::new();
    let mut consumed = Consumed::default();
    for written in write_until(store, batch, concurrency, stop_at).await {
        match written {
            Written::Registers(jobs, answer) => {
                consumed += answer.consumed;
                for (job, result) in jobs.into_iter().zip(answer.value) {
                    match result {
                        Ok(before) => {
                            known.note(&batch.registers[job].write, &before);
                            batch.register_written(job, before);
                        }
                        Err(fault) => faults.push(fault),
                    }
                }
            }
            Written::Entries(jobs, answer) => {
                consumed += answer.consumed;
                for (job, result) in jobs.into_iter().zip(answer.value) {
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
    // A request must not write one item twice. Each register is its own item.
    let registers = requests(0..batch.registers.len()).into_iter().map(|jobs| {
        Either::Left(async move {
            let writes: Vec<_> = jobs.iter().map(|job| &batch.registers[*job].write).collect();
            store.write_registers(&writes).map(|answer| Written::Registers(jobs, answer)).await
        })
    });
    let entries = requests(0..batch.entries.len()).into_iter().map(|jobs| {
        Either::Right(async move {
            let entries: Vec<_> = jobs.iter().map(|job| &batch.entries[*job].entry).collect();
            store.insert_entries(&entries).map(|answer| Written::Entries(jobs, answer)).await
        })
    });
    let mut in_flight = stream::iter(entries.chain(registers)).buffer_unordered(concurrency);
    let mut written = Vec::new();
    while let Ok(Some(next)) = timeout_at(stop_at, in_flight.next()).await {
        written.push(next);
    }
    written
}

/// Splits the writes into requests of at most [`WRITES_PER_REQUEST`].
fn requests(jobs: impl Iterator<Item = usize>) -> Vec<Vec<usize>> {
    jobs.collect::<Vec<_>>().chunks(WRITES_PER_REQUEST).map(<[usize]>::to_vec).collect()
}
