//! Batches of events: fewer writes, the same outcomes.
//!
//! Only the newest event of a batch is written to each register, and two writes to the same register are never in
//! flight together. What the register held before then determines the outcome of each event, exactly as if the events
//! had been written one by one. So the counts do not depend on where batches were cut.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::continuity::is_interrupted;
use crate::plan::Plan;
use crate::store::{Before, Held, Insertion};
use crate::{AgentKey, Continuity, Gap, HistoryEntry, Register, RegisterWrite, Version};

/// The outcome of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It was new, and the state now reflects it.
    Applied,
    /// It was already written; nothing changed.
    Duplicate,
    /// It was older than the state, which did not change, and nothing showed that it was already written. The history has
    /// its entries.
    Stale,
}

/// The writes of a batch, each with the records it covers.
#[derive(Debug, Default)]
pub struct Batch {
    /// One per register.
    pub registers: Vec<RegisterJob>,
    /// One per key.
    pub entries: Vec<EntryJob>,
    /// Where events are missing or late.
    pub gaps: Vec<Gap>,
    records: Vec<Record>,
}

/// The newest write of one register.
#[derive(Debug)]
pub struct RegisterJob {
    /// What to write.
    pub write: RegisterWrite,
    /// The events that set this register, in batch order.
    events: Vec<RegisterEvent>,
}

/// One event that sets a register.
#[derive(Debug)]
struct RegisterEvent {
    record: usize,
    version: Version,
    expects: Option<Continuity>,
    leaves: Option<Continuity>,
}

/// One entry, and the records that it comes from.
#[derive(Debug)]
pub struct EntryJob {
    /// What to insert.
    pub entry: HistoryEntry,
    /// The records that it comes from, in batch order, each with whether it is the event's own entry.
    events: Vec<(usize, bool)>,
}

/// The progress of one record.
#[derive(Debug, Default, Clone)]
struct Record {
    unfinished_writes: usize,
    register: Option<Outcome>,
    event_entry: Option<Insertion>,
}

fn register_key(write: &RegisterWrite) -> &AgentKey {
    &write.key
}

fn entry_key(entry: &HistoryEntry) -> (&str, &str) {
    (&entry.agent_id, &entry.entry)
}

/// The positions of jobs by their keys. The keys stay in the jobs.
#[derive(Default)]
struct JobIndex {
    table: HashTable<usize>,
    hasher: RandomState,
}

impl JobIndex {
    /// The position of the job with this key. If there is none, it is `next`, where the caller adds the job.
    fn position_of<K: Hash + Eq>(&mut self, key: &K, next: usize, key_at: impl Fn(usize) -> K) -> usize {
        let is_it = |position: &usize| key_at(*position) == *key;
        let hash_at = |position: &usize| self.hasher.hash_one(key_at(*position));
        match self.table.entry(self.hasher.hash_one(key), is_it, hash_at) {
            Entry::Occupied(position) => *position.get(),
            Entry::Vacant(position) => *position.insert(next).get(),
        }
    }
}

impl Batch {
    /// Merges the plans of a batch. Plan `n` belongs to record `n`; `None` is a record without writes.
    pub fn of(plans: impl IntoIterator<Item = Option<Plan>>) -> Self {
        let mut batch = Self::default();
        let (mut registers, mut entries) = (JobIndex::default(), JobIndex::default());
        for (record, plan) in plans.into_iter().enumerate() {
            batch.records.push(Record::default());
            let Some(plan) = plan else { continue };
            for write in plan.registers.into_iter().chain(plan.routing_profile.map(|write| *write)) {
                batch.add_register(record, write, &mut registers);
            }
            for (entry, is_event) in plan
                .event
                .into_iter()
                .map(|entry| (entry, true))
                .chain(plan.intervals.into_iter().map(|entry| (entry, false)))
            {
                batch.add_entry(record, entry, is_event, &mut entries);
            }
        }
        batch
    }

    fn add_register(&mut self, record: usize, write: RegisterWrite, index: &mut JobIndex) {
        self.records[record].unfinished_writes += 1;
        let version = write.version.clone();
        let event = RegisterEvent { record, version, expects: write.expects, leaves: write.leaves };
        let key = |position: usize| register_key(&self.registers[position].write);
        let position = index.position_of(&register_key(&write), self.registers.len(), key);
        match self.registers.get_mut(position) {
            None => self.registers.push(RegisterJob { write, events: vec![event] }),
            Some(job) => {
                job.events.push(event);
                if job.write.version < write.version {
                    job.write = write;
                }
            }
        }
    }

    fn add_entry(&mut self, record: usize, entry: HistoryEntry, is_event: bool, index: &mut JobIndex) {
        self.records[record].unfinished_writes += 1;
        let key = |position: usize| entry_key(&self.entries[position].entry);
        let position = index.position_of(&entry_key(&entry), self.entries.len(), key);
        match self.entries.get_mut(position) {
            None => self.entries.push(EntryJob { entry, events: vec![(record, is_event)] }),
            Some(job) => {
                job.events.push((record, is_event));
                if entry.closed_by < job.entry.closed_by {
                    job.entry = entry;
                }
            }
        }
    }

    /// Records that a register was written, and what it held before.
    pub fn register_written(&mut self, job: usize, before: Before) {
        let job = &self.registers[job];
        if job.write.register == Register::RoutingProfile {
            job.events.iter().for_each(|event| self.records[event.record].unfinished_writes -= 1);
            return;
        }
        let mut held = before;
        for event in &job.events {
            let outcome = match &held {
                // The newest write of the batch took no effect, so none of its events is newer than the register.
                Before::NotOlder => Outcome::Stale,
                Before::Held(held) if held.version == event.version => Outcome::Duplicate,
                Before::Held(held) if held.version > event.version => Outcome::Stale,
                Before::Held(_) | Before::Nothing => Outcome::Applied,
            };
            if outcome == Outcome::Applied {
                let now = Before::Held(Held { version: event.version.clone(), continuity: event.leaves });
                if let Before::Held(before) = std::mem::replace(&mut held, now)
                    && is_interrupted(before.continuity, event.expects, event.leaves)
                {
                    let agent_id = job.write.key.agent_id.clone();
                    self.gaps.push(Gap { agent_id, held: before.version, event: event.version.clone() });
                }
            }
            let record = &mut self.records[event.record];
            record.unfinished_writes -= 1;
            // LOGOUT sets two registers: it is applied if either changed.
            record.register = Some(record.register.map_or(outcome, |other| other.min(outcome)));
        }
    }

    /// Records that an entry was inserted or already existed.
    pub fn entry_inserted(&mut self, job: usize, insertion: Insertion) {
        let mut insertion = insertion;
        for (record, is_event) in &self.entries[job].events {
            let record = &mut self.records[*record];
            record.unfinished_writes -= 1;
            if *is_event {
                record.event_entry = Some(insertion);
            }
            insertion = Insertion::Existed;
        }
    }

    /// The outcome of a record; `None` until all its writes are finished.
    #[must_use]
    pub fn outcome(&self, record: usize) -> Option<Outcome> {
        let record = &self.records[record];
        if record.unfinished_writes > 0 {
            return None;
        }
        Some(match (record.register, record.event_entry) {
            (Some(Outcome::Applied), _) => Outcome::Applied,
            (_, Some(Insertion::Existed)) => Outcome::Duplicate,
            (Some(Outcome::Stale), _) => Outcome::Stale,
            // The register holds this very event, yet its entry was missing: an earlier attempt died between the two
            // writes, and this one completes it.
            (Some(Outcome::Duplicate), Some(Insertion::New)) => Outcome::Applied,
            (Some(Outcome::Duplicate), None) => Outcome::Duplicate,
            (None, _) => Outcome::Applied,
        })
    }
}
