//! The only place that writes the tables: concurrently, until it is time to stop.

use agent_ledger::batch::Batch;
use agent_ledger::store::{
    Consumed, Store, StoreError, WRITES_PER_REQUEST, WrittenEntries, WrittenRegisters,
};
use futures::future::{Either, FutureExt};
use futures::stream::{self, StreamExt};
use tokio::time::{Instant, timeout_at};

/// Places of writes in the batch, and what became of each.
enum Written {
    Registers(Vec<usize>, WrittenRegisters),
    Entries(Vec<usize>, WrittenEntries),
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
            Written::Registers(jobs, answer) => {
                consumed += answer.consumed;
                for (job, result) in jobs.into_iter().zip(answer.value) {
                    match result {
                        Ok(before) => batch.register_written(job, before),
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
    // A request takes no two writes of one item; each register is an item of its own.
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

/// As many writes to a request as it takes.
fn requests(jobs: impl Iterator<Item = usize>) -> Vec<Vec<usize>> {
    jobs.collect::<Vec<_>>().chunks(WRITES_PER_REQUEST).map(<[usize]>::to_vec).collect()
}
