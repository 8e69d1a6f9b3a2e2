//! What must hold, as plain predicates.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use agent_event_upserter::Summary;
use agent_ledger::memory::{MemoryStore, Tables};
use agent_ledger::plan::{Rules, plan};
use agent_ledger::store::Store;
use agent_ledger::{AgentKey, Attribute};
use connect_streams::agent_event::AgentEvent;
use connect_streams::parse;
use futures::FutureExt;
use local_aws::kinesis::{Bytes, Record};

use super::environment::Environment;
use crate::lives::{Event, INSTANCE, Truth, World, told_by};

/// What is known of a world before anything is sent.
pub(super) struct Invariants {
    truth: Truth,
    /// The tables when every event is written once, one by one.
    fold: Tables,
    events: HashMap<Vec<u8>, Event>,
}

impl Invariants {
    /// # Panics
    /// When the world's events cannot be read.
    pub(super) fn of(world: World) -> Self {
        let store = MemoryStore::default();
        for event in &world.events {
            let value = parse(&event.record).expect("a world's event is JSON");
            let object = value.as_object().expect("an event is an object");
            let event = AgentEvent::from_object(object).expect("a world's event is complete");
            let plan = plan(&event, &Rules::default()).expect("a world's event fits");
            for register in &plan.registers {
                store
                    .write_register(register)
                    .now_or_never()
                    .expect("memory does not wait")
                    .value
                    .expect("nor fail");
            }
            for entry in plan.event.into_iter().chain(plan.intervals) {
                store.insert_entries(&[entry]).now_or_never().expect("memory does not wait");
            }
        }
        let events = world.events.into_iter().map(|event| (event.record.clone(), event)).collect();
        Self { truth: world.truth, fold: store.tables(), events }
    }

    /// After an answer: every record is in one count, and what is reported as done is there.
    ///
    /// # Errors
    /// What is not so.
    pub(super) fn answered(
        &self,
        summary: &Summary,
        batch: &[Record],
        done: usize,
        environment: &Environment,
    ) -> Result<(), String> {
        let Summary { applied, duplicate, stale, skipped, retried, .. } = summary;
        let counted = applied + duplicate + stale + skipped + retried + summary.rejected.total();
        if counted != batch.len() {
            return Err(format!("{counted} of {} records are counted", batch.len()));
        }
        let rejected: HashSet<String> = if batch[..done].iter().all(|record| self.is_event(&record.data)) {
            HashSet::new()
        } else {
            let lines = environment.rejected().into_iter();
            lines.filter_map(|line| line["sequence_number"].as_str().map(ToOwned::to_owned)).collect()
        };
        for record in &batch[..done] {
            let number = &record.sequence_number;
            match self.events.get(record.data.as_ref()) {
                Some(event) if !environment.look(|tables| is_written(event, tables)) => {
                    return Err(format!("record {number} is reported as done and its event is missing"));
                }
                None if must_be_set_aside(&record.data) && !rejected.contains(number) => {
                    return Err(format!("record {number} is reported as done and was not set aside"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn is_event(&self, data: &Bytes) -> bool {
        self.events.contains_key(data.as_ref())
    }

    /// At the end: the tables are the fold of the events and say what happened; every record is in exactly one place;
    /// intervals do not overlap.
    ///
    /// # Errors
    /// What is not so.
    pub(super) fn at_rest(&self, environment: &Environment, put: &[Bytes]) -> Result<(), String> {
        environment.look(|tables| {
            if *tables != self.fold {
                return Err(format!(
                    "the tables are not the fold of the events: {}",
                    difference(tables, &self.fold)
                ));
            }
            if told_by(tables) != self.truth {
                return Err("the tables do not say what happened".to_owned());
            }
            without_overlap(tables)
        })?;
        let rejected: BTreeSet<Vec<u8>> = environment
            .rejected()
            .iter()
            .filter_map(|line| base64_simd::STANDARD.decode_to_vec(line["data"].as_str()?).ok())
            .collect();
        for data in put {
            let is_rejected = rejected.contains(data.as_ref());
            if is_rejected != must_be_set_aside(data) {
                let data = String::from_utf8_lossy(data);
                return Err(format!("{} is {}set aside", data, if is_rejected { "" } else { "not " }));
            }
        }
        if rejected.len() != put.iter().filter(|data| must_be_set_aside(data)).collect::<BTreeSet<_>>().len()
        {
            return Err("something was set aside that never came".to_owned());
        }
        Ok(())
    }
}

/// Whether it is none of ours. Those that are skipped are contact records, and have a contact's id.
fn must_be_set_aside(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    !text.contains("ContactId") && !text.contains("EventTimestamp")
}

/// Whether the tables have an event: its entry, and its state or a newer one.
fn is_written(event: &Event, tables: &Tables) -> bool {
    let entry = (event.agent_id.clone(), format!("event#{}#{}", event.timestamp, event.event_id));
    let version = format!("{}#{}", event.timestamp, event.event_id);
    let is_reached = |name: &str| {
        let item = tables.state.get(&AgentKey::new(INSTANCE, &event.agent_id));
        matches!(item.and_then(|item| item.get(name)), Some(Attribute::Text(held)) if *held >= version)
    };
    (!event.is_kept || tables.history.contains_key(&entry))
        && (is_reached("snapshot_version") || is_reached("session_version"))
}

/// Of one agent no status overlaps another.
fn without_overlap(tables: &Tables) -> Result<(), String> {
    let mut last: BTreeMap<&str, String> = BTreeMap::new();
    for ((agent_id, entry), item) in &tables.history {
        let Some(start) = entry.strip_prefix("status#") else { continue };
        let Some(Attribute::Text(end)) = item.get("end") else { return Err(format!("{entry} has no end")) };
        if last.get(agent_id.as_str()).is_some_and(|last| last.as_str() > start) {
            return Err(format!("{entry} of {agent_id} begins before the status before it has ended"));
        }
        last.insert(agent_id, end.clone());
    }
    Ok(())
}

fn difference(is: &Tables, should: &Tables) -> String {
    let state = should.state.iter().find(|(key, item)| is.state.get(key) != Some(item));
    let history = should.history.iter().find(|(key, item)| is.history.get(key) != Some(item));
    format!("{state:?} {history:?}, {} entries instead of {}", is.history.len(), should.history.len())
}
