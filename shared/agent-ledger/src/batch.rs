//! Many events at once: fewer writes, the same outcomes.
//!
//! Per register only the newest event of a batch is written, and two writes of one register are never in
//! flight together. What the register held before tells, afterwards, what became of each event, exactly as
//! if they had been written one by one; so the counts do not depend on where batches were cut.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::continuity::is_interrupted;
use crate::plan::Plan;
use crate::store::{Before, Held, Insertion};
use crate::{AgentKey, Continuity, Gap, HistoryEntry, RegisterWrite, Version};

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It was new, and the state moved to it.
    Applied,
    /// It had been written before; nothing changed.
    Duplicate,
    /// It was new but older than what the state holds; the history gained it, the state did not move.
    Stale,
}

/// The writes of a batch, each with the records it stands for.
#[derive(Debug, Default)]
pub struct Batch {
    /// One per register.
    pub registers: Vec<RegisterJob>,
    /// One per key.
    pub entries: Vec<EntryJob>,
    /// Where events are missing, or late.
    pub gaps: Vec<Gap>,
    records: Vec<Record>,
}

/// The newest write of one register.
#[derive(Debug)]
pub struct RegisterJob {
    /// What to write.
    pub write: RegisterWrite,
    /// The events that set this register, in the order they came.
    events: Vec<RegisterEvent>,
}

/// One event's part in a register.
#[derive(Debug)]
struct RegisterEvent {
    record: usize,
    version: Version,
    expects: Option<Continuity>,
    leaves: Option<Continuity>,
}

/// One entry, wherever it came from.
#[derive(Debug)]
pub struct EntryJob {
    /// What to insert.
    pub entry: HistoryEntry,
    /// The records it came from, in the order they came, and whether it is the event's own entry.
    events: Vec<(usize, bool)>,
}

/// How far one record is.
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

/// The places of jobs by their keys, which stay where the jobs are.
#[derive(Default)]
struct Places {
    table: HashTable<usize>,
    hasher: RandomState,
}

impl Places {
    /// The place of the job with this key; if there is none, it is the next one that will be there.
    fn place_of<K: Hash + Eq>(&mut self, key: &K, next: usize, key_at: impl Fn(usize) -> K) -> usize {
        let is_it = |place: &usize| key_at(*place) == *key;
        let hash_at = |place: &usize| self.hasher.hash_one(key_at(*place));
        match self.table.entry(self.hasher.hash_one(key), is_it, hash_at) {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(place) => *place.insert(next).get(),
        }
    }
}

impl Batch {
    /// Merges the plans of a batch. Plan number `n` is record number `n`; `None` is a record without writes.
    pub fn of(plans: impl IntoIterator<Item = Option<Plan>>) -> Self {
        let mut batch = Self::default();
        let (mut registers, mut entries) = (Places::default(), Places::default());
        for (record, plan) in plans.into_iter().enumerate() {
            batch.records.push(Record::default());
            let Some(plan) = plan else { continue };
            for write in plan.registers {
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

    fn add_register(&mut self, record: usize, write: RegisterWrite, places: &mut Places) {
        self.records[record].unfinished_writes += 1;
        let version = write.version.clone();
        let event = RegisterEvent { record, version, expects: write.expects, leaves: write.leaves };
        let key = |place: usize| register_key(&self.registers[place].write);
        let place = places.place_of(&register_key(&write), self.registers.len(), key);
        match self.registers.get_mut(place) {
            None => self.registers.push(RegisterJob { write, events: vec![event] }),
            Some(job) => {
                job.events.push(event);
                if job.write.version < write.version {
                    job.write = write;
                }
            }
        }
    }

    fn add_entry(&mut self, record: usize, entry: HistoryEntry, is_event: bool, places: &mut Places) {
        self.records[record].unfinished_writes += 1;
        let key = |place: usize| entry_key(&self.entries[place].entry);
        let place = places.place_of(&entry_key(&entry), self.entries.len(), key);
        match self.entries.get_mut(place) {
            None => self.entries.push(EntryJob { entry, events: vec![(record, is_event)] }),
            Some(job) => {
                job.events.push((record, is_event));
                if entry.closed_by < job.entry.closed_by {
                    job.entry = entry;
                }
            }
        }
    }

    /// Notes that a register was written and what it held before.
    pub fn register_written(&mut self, job: usize, before: Before) {
        let job = &self.registers[job];
        let mut held = before;
        for event in &job.events {
            let outcome = match &held {
                // The newest write of the batch took no effect, so none of its events is newer than what is there.
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
            // LOGOUT sets both registers: it is applied if either moved.
            record.register = Some(record.register.map_or(outcome, |other| other.min(outcome)));
        }
    }

    /// Notes that an entry was inserted, or had been.
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

    /// What became of a record, or `None` while a write is missing.
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
            // The register holds this very event, and yet its entry was missing: an earlier attempt died
            // between the two writes, and this one completes it.
            (Some(Outcome::Duplicate), Some(Insertion::New)) => Outcome::Applied,
            (Some(Outcome::Duplicate), None) => Outcome::Duplicate,
            (None, _) => Outcome::Applied,
        })
    }
}
