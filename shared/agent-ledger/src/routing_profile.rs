//! The queues of a routing profile: one register per routing profile and Region, not per agent.
//!
//! Every snapshot repeats the queues of the agent's routing profile. Stored with each agent, they would double the size
//! of an item. Written with each event, they would double the writes. So there is one item, and its version is the
//! event's time rounded down to [`PERIOD_SECONDS`], followed by a hash of the content. All events of a period with
//! the same content are one write, and a function that knows that the item has it leaves the write out
//! ([`KnownProfiles`]). The result is the same as if every event wrote it: the greatest version wins, in any order.
//!
//! If the queues of a routing profile change within a period, the hash decides which of both is stored. The first event
//! of the next period decides for the new one.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

use connect_streams::Timestamp;
use connect_streams::agent_event::{AgentEvent, Queue, Snapshot};
use foldhash::quality::FixedState;

use crate::board::fits_key;
use crate::store::Before;
use crate::{AgentKey, Register, RegisterWrite, Version};
use tables::{Attribute, Item, bytes, expires_at, present_and_absent, timestamp_text};

/// How long a change of a routing profile's queues may take to show: ten minutes.
pub const PERIOD_SECONDS: u32 = 600;

/// A routing profile above this size is not stored, so that it cannot block its agents' events. Several hundred queues
/// fit.
const ITEM_BYTES: usize = 64 * 1024;

/// The write of the event's routing profile; `None` if the event has none, or if it is `known` to be stored.
pub(crate) fn routing_profile_write(
    event: &AgentEvent<'_>,
    snapshot: &Snapshot<'_>,
    retention_days: u32,
    known: &KnownProfiles,
) -> Option<RegisterWrite> {
    let profile = snapshot.routing_profile_id.filter(|id| fits_key(id))?;
    snapshot.queues.inbound().next()?;
    let milliseconds = event.timestamp.epoch_milliseconds();
    let period = milliseconds - milliseconds.rem_euclid(i64::from(PERIOD_SECONDS) * 1000);
    let period = Timestamp::from_epoch_milliseconds(period)?;
    let version = format!("{}#{:016x}", timestamp_text(period), fingerprint(snapshot));
    let version = Version::from_stored(&version);
    let key = AgentKey::of_routing_profile(event.instance_id, event.region, profile);
    if known.is_stored(&key, &version) {
        return None;
    }
    let attributes = [
        ("routing_profile_name", snapshot.routing_profile_name.map(Attribute::text)),
        ("queues", Some(queues(snapshot))),
        ("default_outbound_queue", snapshot.queues.default_outbound().map(queue)),
        ("expires_at", Some(expires_at(period, retention_days))),
    ];
    let (mut set, remove) = present_and_absent(attributes);
    let register = Register::RoutingProfile;
    set.push((register.version_attribute(), Attribute::text(version.as_str())));
    let fits = bytes(&set) <= ITEM_BYTES;
    fits.then_some(RegisterWrite { key, register, version, set, remove, expects: None, leaves: None })
}

/// A hash of what is stored, regardless of the order of the queues.
fn fingerprint(snapshot: &Snapshot<'_>) -> u64 {
    let hash = |queue: Queue<'_>| FixedState::default().hash_one(queue);
    let inbound = snapshot.queues.inbound().map(hash).fold(0, u64::wrapping_add);
    FixedState::default().hash_one((
        snapshot.routing_profile_name,
        snapshot.queues.default_outbound(),
        inbound,
    ))
}

/// The queues, ordered by ID.
fn queues(snapshot: &Snapshot<'_>) -> Attribute {
    let mut queues: Vec<_> = snapshot.queues.inbound().collect();
    queues.sort_unstable_by_key(|queue| (queue.id, queue.name));
    Attribute::List(queues.into_iter().map(queue).collect())
}

fn queue(queue: Queue<'_>) -> Attribute {
    Attribute::map([("id", Some(Attribute::text(queue.id))), ("name", queue.name.map(Attribute::text))])
}

/// The versions of routing profiles that are stored, as far as this process has seen. Versions only grow, so a write
/// with a version that is not greater would change nothing.
#[derive(Debug, Default)]
pub struct KnownProfiles(Mutex<HashMap<AgentKey, Version>>);

impl KnownProfiles {
    /// An instance has at most a few hundred routing profiles. Beyond this number, everything is forgotten.
    const MOST: usize = 4096;

    fn is_stored(&self, key: &AgentKey, version: &Version) -> bool {
        self.lock().get(key).is_some_and(|stored| stored >= version)
    }

    /// Notes what a write left stored, given what the register held before.
    pub fn note(&self, write: &RegisterWrite, before: &Before) {
        if write.register != Register::RoutingProfile {
            return;
        }
        let stored = match before {
            Before::Held(held) => (&held.version).max(&write.version),
            Before::Nothing | Before::NotOlder => &write.version,
        };
        let mut known = self.lock();
        if known.len() >= Self::MOST {
            known.clear();
        }
        let version = known.entry(write.key.clone()).or_insert_with(|| stored.clone());
        if *version < *stored {
            version.clone_from(stored);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AgentKey, Version>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A routing profile, as readers present it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingProfile {
    /// Its ID.
    pub id: String,
    /// The Region of the events.
    pub region: String,
    /// Its name.
    pub name: Option<String>,
    /// IDs and names of the queues whose contacts its agents can get.
    pub queues: Vec<(String, Option<String>)>,
    /// ID and name of the queue of the calls that its agents make without choosing a queue.
    pub default_outbound_queue: Option<(String, Option<String>)>,
    /// The version of the item.
    pub version: String,
}

impl RoutingProfile {
    /// The routing profile of an item; `None` if it is another item.
    #[must_use]
    pub fn of(item: &Item) -> Option<Self> {
        let text = |name: &str| item.get(name).and_then(Attribute::as_text).map(str::to_owned);
        let version = text(Register::RoutingProfile.version_attribute())?;
        let key = text("agent_id")?;
        let (id, region) = key.split_once('#')?;
        let queues = match item.get("queues") {
            Some(Attribute::List(queues)) => queues.iter().filter_map(stored_queue).collect(),
            _ => Vec::new(),
        };
        let default_outbound_queue = item.get("default_outbound_queue").and_then(stored_queue);
        let (id, region) = (id.to_owned(), region.to_owned());
        Some(Self { id, region, name: text("routing_profile_name"), queues, default_outbound_queue, version })
    }
}

fn stored_queue(queue: &Attribute) -> Option<(String, Option<String>)> {
    let Attribute::Map(members) = queue else { return None };
    let text = |name: &str| members.get(name).and_then(Attribute::as_text).map(str::to_owned);
    Some((text("id")?, text("name")))
}

#[cfg(test)]
mod tests {
    use super::{KnownProfiles, RoutingProfile, routing_profile_write};
    use crate::memory::MemoryStore;
    use crate::store::{Before, Store};
    use crate::{AgentKey, Register, RegisterWrite};
    use connect_streams::agent_event::AgentEvent;
    use futures::FutureExt as _;
    use tables::Attribute;
    use tables::Item;

    /// An event of an agent whose routing profile has these queues.
    fn event(time: &str, queues: &[&str]) -> String {
        let arn = |resource: &str| format!("arn:aws:connect:eu-west-2:111122223333:instance/i-1/{resource}");
        let queue =
            |id: &&str| format!(r#"{{"ARN":"{}","Name":"Name of {id}"}}"#, arn(&format!("queue/{id}")));
        let queues: Vec<_> = queues.iter().map(queue).collect();
        format!(
            r#"{{"AgentARN":"{}","EventId":"e-{time}","EventTimestamp":"2026-03-02T{time}Z","EventType":"STATE_CHANGE",
            "CurrentAgentSnapshot":{{"Configuration":{{"RoutingProfile":{{"ARN":"{}","Name":"General",
            "InboundQueues":[{}],"DefaultOutboundQueue":{}}}}}}}}}"#,
            arn("agent/a-1"),
            arn("routing-profile/p-1"),
            queues.join(","),
            queue(&"outbound"),
        )
    }

    fn planned(event: &str, known: &KnownProfiles) -> Option<RegisterWrite> {
        let document = connect_streams::parse(event.as_bytes()).unwrap();
        let event = AgentEvent::from_object(document.as_object().unwrap()).unwrap();
        routing_profile_write(&event, event.current.as_ref().unwrap(), 400, known)
    }

    /// The item after these events, each of which is written unless the function knows that it need not be.
    fn stored<'e>(events: impl IntoIterator<Item = &'e String>, known: &KnownProfiles) -> (Item, usize) {
        let (store, mut writes) = (MemoryStore::default(), 0);
        for event in events {
            let Some(write) = planned(event, known) else { continue };
            let before = store.write_registers(&[&write]).now_or_never().unwrap().value.remove(0).unwrap();
            known.note(&write, &before);
            writes += 1;
        }
        let key = AgentKey::of_routing_profile("i-1", "eu-west-2", "p-1");
        let mut item = store.tables().state.get(&key).cloned().unwrap_or_default();
        item.insert("agent_id".to_owned(), Attribute::text(&key.agent_id));
        (item, writes)
    }

    #[test]
    fn a_routing_profile_is_stored_with_its_queues() {
        let (item, _) = stored(&[event("08:04:59.999", &["q-2", "q-1"])], &KnownProfiles::default());
        let queue = |id: &str| (id.to_owned(), Some(format!("Name of {id}")));
        let profile = RoutingProfile::of(&item).unwrap();
        assert_eq!(profile.queues, [queue("q-1"), queue("q-2")]);
        assert_eq!((profile.id.as_str(), profile.region.as_str()), ("p-1", "eu-west-2"));
        assert_eq!(profile.name.as_deref(), Some("General"));
        assert_eq!(profile.default_outbound_queue, Some(queue("outbound")));
        assert!(profile.version.starts_with("2026-03-02T08:00:00.000Z#"), "{}", profile.version);
    }

    /// In any order, and whether or not the function knows what it wrote before.
    #[test]
    fn any_order_of_events_gives_the_same_item() {
        let mut events = vec![
            event("08:00:00.000", &["q-1"]),
            event("08:01:00.000", &["q-1"]),
            event("08:02:00.000", &["q-1", "q-2"]),
            event("08:03:00.000", &["q-2", "q-1"]),
            event("08:12:00.000", &["q-3"]),
            event("08:13:00.000", &["q-3"]),
        ];
        // Within a period that saw two contents, either may be stored, but always the same one.
        let mut period = events[..4].to_vec();
        let of_period = stored(&period, &KnownProfiles::default()).0;
        let expected = stored(&events, &KnownProfiles::default()).0;
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..200 {
            rng.shuffle(&mut period);
            assert_eq!(stored(&period, &KnownProfiles::default()).0, of_period);
            rng.shuffle(&mut events);
            assert_eq!(stored(&events, &KnownProfiles::default()).0, expected);
            let each_alone = events.iter().flat_map(|event| [event, event]);
            assert_eq!(stored(each_alone, &KnownProfiles::default()).0, expected);
        }
        let profile = RoutingProfile::of(&expected).unwrap();
        assert_eq!(profile.queues, [("q-3".to_owned(), Some("Name of q-3".to_owned()))]);
    }

    #[test]
    fn what_is_known_to_be_stored_is_not_written_again() {
        let minutes = |minute: u32| event(&format!("08:{minute:02}:00.000"), &["q-1", "q-2"]);
        let hour: Vec<_> = (0..60).map(minutes).collect();
        assert_eq!(stored(&hour, &KnownProfiles::default()).1, 6);
        // A period that another function has already gone beyond needs one attempt.
        let known = KnownProfiles::default();
        let write = planned(&event("08:00:00.000", &["q-1"]), &known).unwrap();
        known.note(&write, &Before::NotOlder);
        assert_eq!(planned(&event("08:09:59.999", &["q-1"]), &known), None);
        assert!(planned(&event("08:10:00.000", &["q-1"]), &known).is_some());
    }

    #[test]
    fn an_event_without_queues_or_with_a_huge_routing_profile_writes_none() {
        let known = KnownProfiles::default();
        assert_eq!(planned(&event("08:00:00.000", &[]), &known), None);
        let long = "q".repeat(70_000);
        assert_eq!(planned(&event("08:00:00.000", &[&long]), &known), None);
        let most: Vec<_> = (0..500).map(|number| format!("{number:036}")).collect();
        let most: Vec<_> = most.iter().map(String::as_str).collect();
        assert!(planned(&event("08:00:00.000", &most), &known).is_some());
        assert_eq!(Register::RoutingProfile.version_attribute(), "profile_version");
    }
}
