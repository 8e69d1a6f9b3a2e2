//! The invariants, as plain predicates.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use agent_event_upserter::Summary;
use agent_ledger::Attribute;
use agent_ledger::memory::{MemoryStore, Tables};
use agent_ledger::plan::{Plan, plan};
use agent_ledger::rules::Rules;
use agent_ledger::store::Store;
use connect_streams::agent_event::AgentEvent;
use connect_streams::{Timestamp, parse};
use futures::FutureExt;
use local_aws::kinesis::{Bytes, Record};

use super::environment::Environment;
use super::traffic::{Sort, Traffic};
use crate::agent_days::{Truth, agent_of, truth_in};

/// The expected results, computed before anything is sent.
pub(super) struct Invariants {
    truth: Truth,
    /// The tables after every event is written once, one by one.
    fold: Tables,
    /// The plan of each event.
    plans: HashMap<Bytes, Plan>,
}

impl Invariants {
    pub(super) fn of(traffic: &Traffic) -> Self {
        let plans: Vec<_> = traffic.events.iter().map(|event| (event.clone(), plan_of(event))).collect();
        let store = MemoryStore::default();
        for (_, plan) in &plans {
            for register in plan.state_writes() {
                let answer = store.write_registers(&[register]).now_or_never();
                answer
                    .expect("the memory store is ready")
                    .value
                    .remove(0)
                    .expect("the memory store does not fail");
            }
            for entry in plan.event.iter().chain(&plan.intervals) {
                store.insert_entries(&[entry]).now_or_never().expect("the memory store is ready");
            }
        }
        Self { truth: traffic.truth.clone(), fold: store.tables(), plans: plans.into_iter().collect() }
    }

    /// After a response: every record is in one count, and everything reported as done is stored.
    ///
    /// # Errors
    /// The violated invariant.
    pub(super) fn answered(
        &self,
        summary: &Summary,
        (batch, done): (&[Record], usize),
        traffic: &Traffic,
        environment: &Environment,
    ) -> Result<(), String> {
        let Summary { applied, duplicate, stale, skipped, retried, .. } = summary;
        let counted = applied + duplicate + stale + skipped + retried + summary.rejected.total();
        let received: usize = batch.iter().map(|record| traffic.parts(&record.data).count()).sum();
        if counted != received {
            return Err(format!("{counted} of {received} records are counted"));
        }
        for record in &batch[..done] {
            let number = &record.sequence_number;
            for (part, sort) in traffic.parts(&record.data) {
                match sort {
                    Sort::Event if !environment.look(|tables| is_written(&self.plans[part], tables)) => {
                        return Err(format!("record {number} is reported as done, but its event is missing"));
                    }
                    Sort::Rejected(reason) if !environment.is_rejected(number, part, reason) => {
                        return Err(format!("record {number} is reported as done, but was not rejected"));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// At the end: the tables are the fold of the events and agree with the truth. Every record is in exactly one
    /// place. Intervals do not overlap, and add up to the time they cover.
    ///
    /// # Errors
    /// The violated invariant.
    pub(super) fn at_rest(
        &self,
        environment: &Environment,
        traffic: &Traffic,
        put: &[Bytes],
    ) -> Result<(), String> {
        self.is_fold(environment)?;
        let lived = environment.look(|tables| self.lived(tables));
        let actual = truth_in(&lived);
        if actual != self.truth {
            return Err(format!("the tables differ from the truth: {}", self.truth.difference(&actual)));
        }
        add_up(&lived)?;
        let rejected = environment.rejected();
        let mut expected = BTreeSet::new();
        for (part, sort) in put.iter().flat_map(|data| traffic.parts(data)) {
            if let Sort::Rejected(_) = sort {
                expected.insert(part.to_vec());
            }
            let is_rejected = rejected.contains(part.as_ref());
            if is_rejected != matches!(sort, Sort::Rejected(_)) {
                let data = String::from_utf8_lossy(part);
                return Err(format!("{data} is {}rejected", if is_rejected { "" } else { "not " }));
            }
        }
        if rejected != expected {
            return Err("a record was rejected that was never sent".to_owned());
        }
        Ok(())
    }

    /// The tables are the fold of the events.
    ///
    /// # Errors
    /// The first difference.
    pub(super) fn is_fold(&self, environment: &Environment) -> Result<(), String> {
        environment.look(|tables| {
            if *tables == self.fold {
                return Ok(());
            }
            Err(format!("the tables are not the fold of the events: {}", difference(tables, &self.fold)))
        })
    }

    /// The tables without the contradictory agent, who has no truth.
    fn lived(&self, tables: &Tables) -> Tables {
        let mut tables = tables.clone();
        let has_lived = |agent_id: &str| self.truth.agents.contains_key(agent_id);
        tables.state.retain(|key, _| key.agent_id.split('#').next().is_some_and(has_lived));
        tables.history.retain(|(history, _), _| has_lived(agent_of(history)));
        tables
    }
}

fn plan_of(event: &Bytes) -> Plan {
    let value = parse(event).expect("a world's event is JSON");
    let object = value.as_object().expect("an event is an object");
    let event = AgentEvent::from_object(object).expect("a world's event is complete");
    plan(&event, &Rules::default()).expect("a world's event fits")
}

/// Whether the tables hold an event's writes, or newer ones.
fn is_written(plan: &Plan, tables: &Tables) -> bool {
    let is_reached = |write: &agent_ledger::RegisterWrite| {
        let item = tables.state.get(&write.key);
        let held = item.and_then(|item| item.get(write.register.version_attribute()));
        matches!(held, Some(Attribute::Text(held)) if held.as_str() >= write.version.as_str())
    };
    let is_there = |entry: &agent_ledger::HistoryEntry| {
        let item = tables.history.get(&(entry.agent_id.clone(), entry.entry.clone()));
        let held = |item: &agent_ledger::Item| match item.get(agent_ledger::CLOSED_BY) {
            Some(Attribute::Text(held)) => Some(held.clone()),
            _ => None,
        };
        item.is_some_and(|item| match &entry.closed_by {
            None => true,
            Some(version) => held(item).is_some_and(|held| held.as_str() <= version.as_str()),
        })
    };
    plan.state_writes().all(is_reached) && plan.event.iter().chain(&plan.intervals).all(is_there)
}

/// Checks that an agent's statuses do not overlap, and that adjacent statuses add up to the time from the start of
/// the first to the end of the last.
fn add_up(tables: &Tables) -> Result<(), String> {
    let mut spans: BTreeMap<&str, (String, String, i64)> = BTreeMap::new();
    for ((agent_id, entry), item) in &tables.history {
        let Some(start) = entry.strip_prefix("status#").and_then(|key| key.split('#').next()) else {
            continue;
        };
        let (Some(Attribute::Text(end)), Some(Attribute::Number(seconds))) =
            (item.get("end"), item.get("seconds"))
        else {
            return Err(format!("{entry} has no end or no seconds"));
        };
        let milliseconds = milliseconds(seconds).ok_or(format!("{entry} has {seconds} seconds"))?;
        let span = spans.entry(agent_id).or_insert_with(|| (start.to_owned(), start.to_owned(), 0));
        if span.1.as_str() > start {
            return Err(format!("{entry} of {agent_id} starts before the previous status ends"));
        }
        if span.1 != start {
            *span = (start.to_owned(), start.to_owned(), 0);
        }
        span.1 = end.to_string();
        span.2 += milliseconds;
        let covers = at(&span.1)? - at(&span.0)?;
        if span.2 != covers {
            return Err(format!(
                "the statuses of {agent_id} up to {entry} add up to {}, not {covers}",
                span.2
            ));
        }
    }
    Ok(())
}

fn at(timestamp: &str) -> Result<i64, String> {
    let parsed = Timestamp::parse(timestamp).ok_or(format!("{timestamp} is not a timestamp"))?;
    Ok(parsed.epoch_milliseconds())
}

/// Decimal seconds as milliseconds.
fn milliseconds(seconds: &str) -> Option<i64> {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    Some(whole.parse::<i64>().ok()? * 1000 + format!("{fraction:0<3}").parse::<i64>().ok()?)
}

fn difference(actual: &Tables, expected: &Tables) -> String {
    let state = expected.state.iter().find(|(key, item)| actual.state.get(key) != Some(item));
    let history = expected.history.iter().find(|(key, item)| actual.history.get(key) != Some(item));
    format!("{state:?} {history:?}, {} entries instead of {}", actual.history.len(), expected.history.len())
}
