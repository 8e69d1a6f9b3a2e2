//! Many events at once: fewer writes, the same outcomes.
//!
//! Per register only the newest event of a batch is written, and two writes of one register are never in
//! flight together. What the register held before tells, afterwards, what became of each event, exactly as
//! if they had been written one by one; so the counts do not depend on where batches were cut.

use std::collections::HashMap;

use crate::plan::Plan;
use crate::store::{Held, Insertion};
use crate::{AgentKey, Continuity, Gap, HistoryEntry, Register, RegisterWrite, Version};

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

impl Batch {
    /// Merges the plans of a batch. Plan number `n` is record number `n`; `None` is a record without writes.
    pub fn of(plans: impl IntoIterator<Item = Option<Plan>>) -> Self {
        let mut batch = Self::default();
        let mut registers = HashMap::new();
        let mut entries = HashMap::new();
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

    fn add_register(
        &mut self,
        record: usize,
        write: RegisterWrite,
        jobs: &mut HashMap<(AgentKey, Register), usize>,
    ) {
        self.records[record].unfinished_writes += 1;
        let version = write.version.clone();
        let event = RegisterEvent { record, version, expects: write.expects, leaves: write.leaves };
        let job = *jobs.entry((write.key.clone(), write.register)).or_insert(self.registers.len());
        match self.registers.get_mut(job) {
            None => self.registers.push(RegisterJob { write, events: vec![event] }),
            Some(job) => {
                job.events.push(event);
                if job.write.version < write.version {
                    job.write = write;
                }
            }
        }
    }

    fn add_entry(
        &mut self,
        record: usize,
        entry: HistoryEntry,
        is_event: bool,
        jobs: &mut HashMap<(String, String), usize>,
    ) {
        self.records[record].unfinished_writes += 1;
        let job = *jobs.entry((entry.agent_id.clone(), entry.entry.clone())).or_insert(self.entries.len());
        match self.entries.get_mut(job) {
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
    pub fn register_written(&mut self, job: usize, before: Option<Held>) {
        let mut held = before;
        let job = &self.registers[job];
        for event in &job.events {
            let outcome = match &held {
                Some(held) if held.version == event.version => Outcome::Duplicate,
                Some(held) if held.version > event.version => Outcome::Stale,
                _ => Outcome::Applied,
            };
            if outcome == Outcome::Applied {
                let before = held.replace(Held { version: event.version.clone(), continuity: event.leaves });
                if let Some(before) =
                    before.filter(|before| event.expects.is_some() && before.continuity != event.expects)
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
