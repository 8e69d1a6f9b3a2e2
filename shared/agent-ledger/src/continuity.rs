//! Detects events that were lost before they arrived here.
//!
//! Each event repeats, in its previous snapshot, the state that the event before it left. If the register holds
//! something else, an event in between is missing or late. The first event after a LOGIN has no previous snapshot. If
//! the register then holds an agent at work, no event will ever end that work. Both are reported as gaps and block
//! nothing.

use std::hash::{BuildHasher, Hash, Hasher};

use connect_streams::agent_event::Snapshot;
use foldhash::quality::FixedState;

use crate::Version;
use crate::activity::Activity;
use tables::Attribute;
use tables::Item;

/// A fingerprint of a snapshot's status and contacts, comparable within one process only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Continuity {
    fingerprint: u64,
    /// Whether the agent is at work, which a later event must end.
    is_open: bool,
}

impl Continuity {
    /// The fingerprint of a snapshot, given its contacts as they are stored.
    pub(crate) fn of(snapshot: &Snapshot<'_>, contacts: &Attribute) -> Self {
        let name = snapshot.status.name.map(Attribute::text);
        let since = snapshot.status.since.map(Attribute::timestamp);
        let is_offline = Activity::is_offline(snapshot.status.status_type, snapshot.status.name);
        Self::of_attributes(name.as_ref(), since.as_ref(), Some(contacts), is_offline)
    }

    /// The fingerprint of a stored item.
    #[must_use]
    pub fn of_item(item: &Item) -> Self {
        let text = |name: &str| item.get(name).and_then(Attribute::as_text);
        let is_offline = Activity::is_offline(text("status_type"), text("status_name"));
        let contacts = item.get("contacts");
        Self::of_attributes(item.get("status_name"), item.get("status_since"), contacts, is_offline)
    }

    /// The order of the contacts does not matter.
    fn of_attributes(
        name: Option<&Attribute>,
        since: Option<&Attribute>,
        contacts: Option<&Attribute>,
        is_offline: bool,
    ) -> Self {
        let mut contacts: Vec<u64> = match contacts {
            Some(Attribute::List(contacts)) => contacts.iter().map(fingerprint_of_contact).collect(),
            _ => Vec::new(),
        };
        contacts.sort_unstable();
        let is_open = !is_offline || !contacts.is_empty();
        Self { fingerprint: fingerprint(&(name, since, contacts)), is_open }
    }
}

/// Whether an event is missing between the state that a register `held` and the next event, given the state that the
/// event `expects` and the state it `leaves`.
pub(crate) fn is_interrupted(
    held: Option<Continuity>,
    expects: Option<Continuity>,
    leaves: Option<Continuity>,
) -> bool {
    match (held, expects) {
        (held, Some(_)) => held != expects,
        // An unchanged state will be ended by a later event.
        (Some(held), None) => held.is_open && leaves.is_some_and(|leaves| leaves != held),
        (None, None) => false,
    }
}

/// Items that earlier versions wrote have no `queue_id`, which must not look like a gap.
fn fingerprint_of_contact(contact: &Attribute) -> u64 {
    let Attribute::Map(members) = contact else { return fingerprint(contact) };
    let mut hasher = FixedState::default().build_hasher();
    members.iter().filter(|(name, _)| *name != "queue_id").for_each(|member| member.hash(&mut hasher));
    hasher.finish()
}

fn fingerprint(value: &impl Hash) -> u64 {
    FixedState::default().hash_one(value)
}

/// Events that are missing or late between two that were written, or an agent at work who logged in again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The agent and Region: `<agent id>#<Region>`.
    pub agent_id: String,
    /// The version that the register held.
    pub held: Version,
    /// The version of the event that expected something else.
    pub event: Version,
}

#[cfg(test)]
mod tests {
    use super::Continuity;
    use tables::{Attribute, Item};

    fn item(contact: &[(&str, &str)]) -> Item {
        let members = contact.iter().map(|(name, value)| (*name, Some(Attribute::text(value))));
        let contacts = Attribute::List(vec![Attribute::map(members)]);
        [("status_name".to_owned(), Attribute::text("Available")), ("contacts".to_owned(), contacts)].into()
    }

    /// An update of the function must not look like a gap for every agent with a contact.
    #[test]
    fn a_contact_of_an_item_that_an_earlier_version_wrote_is_the_same() {
        let earlier = item(&[("contact_id", "c-1"), ("state", "CONNECTED"), ("queue_name", "Sales")]);
        let now = item(&[
            ("contact_id", "c-1"),
            ("state", "CONNECTED"),
            ("queue_id", "q-1"),
            ("queue_name", "Sales"),
        ]);
        let other =
            item(&[("contact_id", "c-1"), ("state", "ENDED"), ("queue_id", "q-1"), ("queue_name", "Sales")]);
        assert_eq!(Continuity::of_item(&earlier), Continuity::of_item(&now));
        assert_ne!(Continuity::of_item(&now), Continuity::of_item(&other));
    }
}
