//! The records put on the stream: the events of a world, mixed with records that are not agent events.

use std::collections::{BTreeMap, HashMap};

use fastrand::Rng;
use lambda_io::aggregate::{Packed, pack};
use local_aws::kinesis::Bytes;

use super::Scenario;
use crate::agent_days::{Truth, World};

/// What the function must do with a record, by its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Write it: an agent event.
    Event,
    /// Skip it: a known kind that is not an agent event.
    Skipped,
    /// Reject it for this reason.
    Rejected(&'static str),
}

/// All records that will be put, and the expected treatment of each.
pub(super) struct Traffic {
    /// Partition key and bytes, in the order in which they are put.
    pub(super) pending: Vec<(String, Bytes)>,
    /// What happened to the agents.
    pub(super) truth: Truth,
    /// The events, each once.
    pub(super) events: Vec<Bytes>,
    sorts: HashMap<Bytes, Sort>,
    packed: HashMap<Bytes, Vec<Bytes>>,
    /// Broken records with their repaired form.
    repaired: HashMap<Bytes, Bytes>,
}

impl Traffic {
    pub(super) fn of(scenario: &Scenario, rng: &mut Rng) -> Self {
        let mut world = World::of(scenario.agents, scenario.events, rng);
        world.contradict(scenario.contradictions, rng);
        let events = world.events.iter().map(|event| Bytes::from(event.record.clone()));
        let mut traffic = Self { truth: world.truth.clone(), ..Self::of_events(events.collect()) };
        let records = traffic.with_delivery_faults(&world, scenario, rng);
        traffic.pending = traffic.pack(records, scenario, rng);
        traffic
    }

    /// Only events, which may contradict each other.
    pub(super) fn of_events(events: Vec<Bytes>) -> Self {
        Self {
            pending: Vec::new(),
            truth: Truth::default(),
            sorts: events.iter().map(|event| (event.clone(), Sort::Event)).collect(),
            events,
            packed: HashMap::new(),
            repaired: HashMap::new(),
        }
    }

    /// The producer's records in a stream record: one, unless it is an aggregate.
    pub(super) fn parts<'a>(&'a self, data: &'a Bytes) -> impl Iterator<Item = (&'a Bytes, Sort)> {
        let parts = self.packed.get(data).map_or(std::slice::from_ref(data), Vec::as_slice);
        parts.iter().map(|part| (part, self.sorts[part]))
    }

    /// The repaired form of a broken record, if it is known.
    pub(super) fn repaired(&self, data: &[u8]) -> Option<&Bytes> {
        self.repaired.get(data)
    }

    /// Each agent's events in order, except duplicated, late, and broken ones, with bad records between them.
    fn with_delivery_faults(
        &mut self,
        world: &World,
        scenario: &Scenario,
        rng: &mut Rng,
    ) -> Vec<(String, Bytes)> {
        let mut places: BTreeMap<(usize, usize), (String, Bytes)> = BTreeMap::new();
        let mut number = 0;
        let mut add = |place: usize, key: &str, data: Bytes| {
            number += 1;
            places.insert((place, number), (key.to_owned(), data));
        };
        let mut events: Vec<_> = world.events.iter().collect();
        events.sort_by(|one, other| one.timestamp.cmp(&other.timestamp));
        for (place, event) in events.iter().enumerate() {
            let (key, data) = (event.agent_id.as_str(), Bytes::from(event.record.clone()));
            let late = if rng.u32(..100) < scenario.late { rng.usize(..events.len()) } else { 0 };
            if rng.u32(..100) < scenario.duplicates {
                add(place + rng.usize(..events.len()), key, data.clone());
            }
            if rng.u32(..100) < scenario.bad {
                let (sort, bad) = bad(place, rng);
                self.sorts.insert(bad.clone(), sort);
                add(place, "unknown", bad);
            }
            if rng.u32(..100) < scenario.bad {
                // The event's only copy arrives truncated and must be repaired.
                let cut = data.slice(..data.len() - 1 - rng.usize(..20));
                self.sorts.insert(cut.clone(), Sort::Rejected("not_json"));
                self.repaired.insert(cut.clone(), data);
                add(place + late, key, cut);
            } else {
                add(place + late, key, data);
            }
        }
        places.into_values().collect()
    }

    /// Packs some adjacent records into one, as the Kinesis Producer Library does.
    fn pack(
        &mut self,
        records: Vec<(String, Bytes)>,
        scenario: &Scenario,
        rng: &mut Rng,
    ) -> Vec<(String, Bytes)> {
        let mut packed = Vec::new();
        let mut records = records.into_iter().peekable();
        while let Some((key, data)) = records.next() {
            let can_be_packed = |data: &Bytes| self.sorts[data] != Sort::Rejected("aggregated");
            if rng.u32(..100) >= scenario.packed || !can_be_packed(&data) {
                packed.push((key, data));
                continue;
            }
            let mut parts = vec![Packed { partition_key: key.clone(), data }];
            for _ in 0..rng.usize(..6) {
                let Some((partition_key, data)) = records.next_if(|(_, data)| can_be_packed(data)) else {
                    break;
                };
                parts.push(Packed { partition_key, data });
            }
            let whole = Bytes::from(pack(&parts));
            self.packed.insert(whole.clone(), parts.into_iter().map(|part| part.data).collect());
            packed.push((key, whole));
        }
        packed
    }
}

/// A record that is not an agent event. The number makes it unique.
fn bad(number: usize, rng: &mut Rng) -> (Sort, Bytes) {
    let (sort, text) = match rng.u8(..6) {
        0 => (Sort::Rejected("not_json"), format!("not JSON {number}")),
        1 => (Sort::Rejected("not_an_object"), format!("[{number}]")),
        2 => (Sort::Rejected("unknown_kind"), format!(r#"{{"number": {number}}}"#)),
        3 => (
            Sort::Rejected("missing_field"),
            format!(
                r#"{{"AgentARN": "arn:aws:connect:eu-west-2:111122223333:instance/i/agent/a", "EventId": "{number}", "EventType": "LOGIN"}}"#
            ),
        ),
        4 => {
            // An aggregate with a wrong checksum.
            let mut data = pack(&[Packed { partition_key: number.to_string(), data: Bytes::new() }]);
            data.reverse();
            data[..4].copy_from_slice(&[0xf3, 0x89, 0x9a, 0xc2]);
            return (Sort::Rejected("aggregated"), Bytes::from(data));
        }
        _ => (Sort::Skipped, format!(r#"{{"ContactId": "{number}"}}"#)),
    };
    (sort, Bytes::from(text.into_bytes()))
}
