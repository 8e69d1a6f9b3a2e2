//! Whether events were lost on the way here.
//!
//! Each event repeats, as its previous snapshot, what the one before it left. If the register holds something
//! else, an event between is missing, or late. It is told and never blocks anything.

use std::hash::{BuildHasher, Hash};

use connect_streams::agent_event::Snapshot;
use foldhash::quality::FixedState;

use crate::Version;
use crate::item::Attribute;
use crate::memory::Item;

/// A fingerprint of what a snapshot says about status and contacts; compared within one process only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Continuity(u64);

impl Continuity {
    /// Of a snapshot, and of its contacts as they are stored.
    pub(crate) fn of(snapshot: &Snapshot<'_>, contacts: &Attribute) -> Self {
        let name = snapshot.status.name.map(Attribute::text);
        let since = snapshot.status.since.map(Attribute::timestamp);
        Self::of_attributes(name.as_ref(), since.as_ref(), Some(contacts))
    }

    /// Of a stored item.
    #[must_use]
    pub fn of_item(item: &Item) -> Self {
        Self::of_attributes(item.get("status_name"), item.get("status_since"), item.get("contacts"))
    }

    /// The contacts count in any order.
    fn of_attributes(
        name: Option<&Attribute>,
        since: Option<&Attribute>,
        contacts: Option<&Attribute>,
    ) -> Self {
        let mut contacts: Vec<u64> = match contacts {
            Some(Attribute::List(contacts)) => contacts.iter().map(fingerprint).collect(),
            _ => Vec::new(),
        };
        contacts.sort_unstable();
        Self(fingerprint(&(name, since, contacts)))
    }
}

fn fingerprint(value: &impl Hash) -> u64 {
    FixedState::default().hash_one(value)
}

/// Events that are missing, or late, between two that were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Whose events.
    pub agent_id: String,
    /// What the register held.
    pub held: Version,
    /// The event that expected something else.
    pub event: Version,
}
