//! Whether events were lost on the way here.
//!
//! Each event repeats, as its previous snapshot, what the one before it left. If the register holds something else, an
//! event between is missing, or late. The first event after a LOGIN has no previous snapshot: if the register holds an
//! agent at work then, no event ever ends what that agent did. Both are reported, and block nothing.

use std::hash::{BuildHasher, Hash};

use connect_streams::agent_event::Snapshot;
use foldhash::quality::FixedState;

use crate::Version;
use crate::activity::Activity;
use crate::item::Attribute;
use crate::item::Item;

/// A fingerprint of what a snapshot says about status and contacts; compared within one process only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Continuity {
    fingerprint: u64,
    /// Whether the agent is at work, so that something lasts which an event must end.
    is_open: bool,
}

impl Continuity {
    /// Of a snapshot, and of its contacts as they are stored.
    pub(crate) fn of(snapshot: &Snapshot<'_>, contacts: &Attribute) -> Self {
        let name = snapshot.status.name.map(Attribute::text);
        let since = snapshot.status.since.map(Attribute::timestamp);
        let is_offline = Activity::is_offline(snapshot.status.status_type, snapshot.status.name);
        Self::of_attributes(name.as_ref(), since.as_ref(), Some(contacts), is_offline)
    }

    /// Of a stored item.
    #[must_use]
    pub fn of_item(item: &Item) -> Self {
        let text = |name: &str| item.get(name).and_then(Attribute::as_text);
        let is_offline = Activity::is_offline(text("status_type"), text("status_name"));
        let contacts = item.get("contacts");
        Self::of_attributes(item.get("status_name"), item.get("status_since"), contacts, is_offline)
    }

    /// The contacts count in any order.
    fn of_attributes(
        name: Option<&Attribute>,
        since: Option<&Attribute>,
        contacts: Option<&Attribute>,
        is_offline: bool,
    ) -> Self {
        let mut contacts: Vec<u64> = match contacts {
            Some(Attribute::List(contacts)) => contacts.iter().map(fingerprint).collect(),
            _ => Vec::new(),
        };
        contacts.sort_unstable();
        let is_open = !is_offline || !contacts.is_empty();
        Self { fingerprint: fingerprint(&(name, since, contacts)), is_open }
    }
}

/// Whether something is lost between what a register `held` and the event that comes next, with what that event expects
/// to find and what it leaves.
pub(crate) fn is_interrupted(
    held: Option<Continuity>,
    expects: Option<Continuity>,
    leaves: Option<Continuity>,
) -> bool {
    match (held, expects) {
        (held, Some(_)) => held != expects,
        // What goes on as it was will be ended by a later event.
        (Some(held), None) => held.is_open && leaves.is_some_and(|leaves| leaves != held),
        (None, None) => false,
    }
}

fn fingerprint(value: &impl Hash) -> u64 {
    FixedState::default().hash_one(value)
}

/// Events that are missing, or late, between two that were written, or an agent at work who logged in again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Whose events: `<agent id>#<Region>`.
    pub agent_id: String,
    /// What the register held.
    pub held: Version,
    /// The event that expected something else.
    pub event: Version,
}
