//! Seeded fault injection around a store: writes that fail, that lose their response, or that take effect long after
//! their caller stopped waiting. Every call yields, so that concurrent writers interleave at every point.

use std::fmt::{self, Debug};
use std::sync::{Mutex, MutexGuard, PoisonError};

use agent_ledger::store::{Store, WrittenEntries, WrittenRegisters};
use agent_ledger::{HistoryEntry, RegisterWrite};
use fastrand::Rng;
use tables::{Answer, FaultClass};

use crate::fault;

/// A store with fault injection.
pub struct Chaos<S> {
    /// The store behind the faults.
    pub store: S,
    /// Percentage of writes that hit a fault.
    pub faults_in_hundred: u8,
    rng: Mutex<Rng>,
    delayed: Mutex<Vec<Delayed>>,
}

/// A write whose caller no longer waits for it.
enum Delayed {
    Registers(Vec<RegisterWrite>),
    Entries(Vec<HistoryEntry>),
}

/// The fate of a write.
enum Fate {
    Done,
    Failed,
    AnswerLost,
    Delayed,
}

impl<S: Store> Chaos<S> {
    /// Injects faults into a store.
    pub fn new(store: S, faults_in_hundred: u8, seed: u64) -> Self {
        Self { store, faults_in_hundred, rng: Mutex::new(Rng::with_seed(seed)), delayed: Mutex::default() }
    }

    fn rng(&self) -> MutexGuard<'_, Rng> {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn delayed(&self) -> MutexGuard<'_, Vec<Delayed>> {
        self.delayed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the last writes of a request fail.
    fn is_cut(&self) -> bool {
        self.faults_in_hundred > 0 && self.rng().u8(..20) == 0
    }

    fn fate(&self) -> Fate {
        let mut rng = self.rng();
        if rng.u8(..100) >= self.faults_in_hundred {
            return Fate::Done;
        }
        [Fate::Failed, Fate::AnswerLost, Fate::Delayed]
            .into_iter()
            .nth(rng.usize(..3))
            .unwrap_or(Fate::Failed)
    }

    /// Yields to other tasks, and sometimes lets a delayed write take effect.
    async fn linger(&self) {
        let turns = self.rng().u8(1..=3);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        let arrives = {
            let mut delayed = self.delayed();
            let mut rng = self.rng();
            (!delayed.is_empty() && rng.u8(..8) == 0).then(|| {
                let place = rng.usize(..delayed.len());
                delayed.swap_remove(place)
            })
        };
        if let Some(write) = arrives {
            self.arrive(write).await;
        }
    }

    async fn arrive(&self, write: Delayed) {
        match write {
            Delayed::Registers(writes) => {
                drop(self.store.write_registers(&writes.iter().collect::<Vec<_>>()).await);
            }
            Delayed::Entries(entries) => {
                drop(self.store.insert_entries(&entries.iter().collect::<Vec<_>>()).await);
            }
        }
    }

    fn delay(&self, write: Delayed) {
        self.delayed().push(write);
    }

    /// Lets all delayed writes take effect.
    pub async fn apply_delayed(&self) {
        let delayed = std::mem::take(&mut *self.delayed());
        for write in delayed {
            self.arrive(write).await;
        }
    }
}

impl<S: Store> Store for Chaos<S> {
    async fn write_registers(&self, writes: &[&RegisterWrite]) -> WrittenRegisters {
        self.linger().await;
        let failed = || writes.iter().map(|_| Err(fault(FaultClass::Transient))).collect();
        let answer = match self.fate() {
            // Each statement of a batch has its own fate.
            Fate::Done if self.is_cut() => {
                let (first, rest) = writes.split_at(self.rng().usize(..=writes.len()));
                let mut answer = self.store.write_registers(first).await;
                answer.value.extend(rest.iter().map(|_| Err(fault(FaultClass::Transient))));
                return answer;
            }
            Fate::Done => return self.store.write_registers(writes).await,
            Fate::Failed => Answer::free(failed()),
            Fate::AnswerLost => {
                let _ = self.store.write_registers(writes).await;
                Answer::free(failed())
            }
            Fate::Delayed => {
                self.delay(Delayed::Registers(writes.iter().map(|write| (*write).clone()).collect()));
                Answer::free(failed())
            }
        };
        self.linger().await;
        answer
    }

    async fn insert_entries(&self, entries: &[&HistoryEntry]) -> WrittenEntries {
        self.linger().await;
        let failed = || entries.iter().map(|_| Err(fault(FaultClass::Transient))).collect();
        match self.fate() {
            // Each statement of a batch has its own fate.
            Fate::Done if self.is_cut() => {
                let (first, rest) = entries.split_at(self.rng().usize(..=entries.len()));
                let mut answer = self.store.insert_entries(first).await;
                answer.value.extend(rest.iter().map(|_| Err(fault(FaultClass::Transient))));
                answer
            }
            Fate::Done => self.store.insert_entries(entries).await,
            Fate::Failed => Answer::free(failed()),
            Fate::AnswerLost => {
                let _ = self.store.insert_entries(entries).await;
                Answer::free(failed())
            }
            Fate::Delayed => {
                self.delay(Delayed::Entries(entries.iter().map(|entry| (*entry).clone()).collect()));
                Answer::free(failed())
            }
        }
    }
}

impl<S> Debug for Chaos<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos").field("faults_in_hundred", &self.faults_in_hundred).finish_non_exhaustive()
    }
}
