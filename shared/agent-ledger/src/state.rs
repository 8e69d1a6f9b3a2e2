//! The registers of an agent's state, each an item of its own.
//!
//! The *snapshot* register is set by any event that carries a current snapshot; all its attributes change together, so
//! that no mixture of two moments can be read. The *login* and *logout* registers are set by LOGIN and LOGOUT alone. A
//! LOGIN, whose snapshots are null, therefore never erases a name or a status, and a heartbeat after LOGOUT never brings
//! the agent back. LOGIN and LOGOUT do not share a register: when both happen within one millisecond, none of them is
//! lost, and what follows tells which was last ([`crate::agents`]).
//!
//! Each item expires by its own event. In one item they would share `expires_at`, and then either it would depend on which
//! register was written last, or an old snapshot would take a new login along.
//!
//! An item is kept small, because a usual one, with a contact in it, should take one write unit (1 KB): ids instead of
//! ARNs, which all begin alike, and no event id besides the version that ends in it.

use connect_streams::agent_event::{AgentEvent, Contact, EventType, Snapshot};

use crate::activity::Activity;
use crate::item::{Attribute, expires_at, present_and_absent};
use crate::register::Register;
use crate::rules::Rules;
use crate::{AgentKey, Continuity, Version};

/// One conditional update: it takes effect when the register's version is absent or smaller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterWrite {
    /// Whose state.
    pub key: AgentKey,
    /// Which register.
    pub register: Register,
    /// The version it gets.
    pub version: Version,
    /// The attributes it gets; the version is among them.
    pub set: Vec<(&'static str, Attribute)>,
    /// The attributes it loses, because this event does not know them.
    pub remove: Vec<&'static str>,
    /// What the event before it must have left; unknown without a previous snapshot.
    pub expects: Option<Continuity>,
    /// What it leaves; only the snapshot register has it.
    pub leaves: Option<Continuity>,
}

/// The update of the snapshot register.
pub(crate) fn snapshot_write(
    event: &AgentEvent<'_>,
    version: &Version,
    snapshot: &Snapshot<'_>,
    rules: &Rules,
) -> RegisterWrite {
    let text = |text: Option<&str>| text.map(Attribute::text);
    let status = &snapshot.status;
    let contacts = contacts(snapshot);
    let leaves = Some(Continuity::of(snapshot, &contacts));
    let activity = Activity::of_event(event.event_type, snapshot);
    let attributes = [
        ("username", rules.names.username(snapshot.username)),
        ("first_name", rules.names.first_name(snapshot.first_name)),
        ("last_name", rules.names.last_name(snapshot.last_name)),
        ("status_name", text(status.name)),
        ("status_type", text(status.status_type)),
        ("status_id", text(status.id)),
        ("status_since", status.since.map(Attribute::timestamp)),
        ("next_status_name", text(snapshot.next_status_name)),
        ("activity", text(Some(activity.as_str()))),
        ("contacts", Some(contacts)),
        ("routing_profile_name", text(snapshot.routing_profile_name)),
        ("routing_profile_id", text(snapshot.routing_profile_id)),
        ("slots", slots(snapshot)),
        ("hierarchy", hierarchy(snapshot)),
        ("current_region", text(snapshot.current_region)),
        ("expires_at", Some(expires_at(event.timestamp, rules.retention.state_days))),
    ];
    let expects = event.previous.as_ref().map(|previous| Continuity::of(previous, &self::contacts(previous)));
    RegisterWrite { expects, leaves, ..write(event, version, Register::Snapshot, attributes) }
}

/// The update of the login or logout register; `None` for events that are neither.
pub(crate) fn session_write(
    event: &AgentEvent<'_>,
    version: &Version,
    retention_days: u32,
) -> Option<RegisterWrite> {
    let (register, session) = match event.event_type {
        EventType::Login => (Register::Login, "in"),
        EventType::Logout => (Register::Logout, "out"),
        EventType::StateChange | EventType::HeartBeat | EventType::Other(_) => return None,
    };
    let attributes = [
        ("session", Some(Attribute::text(session))),
        ("session_since", Some(Attribute::timestamp(event.timestamp))),
        ("expires_at", Some(expires_at(event.timestamp, retention_days))),
    ];
    Some(write(event, version, register, attributes))
}

fn write<const N: usize>(
    event: &AgentEvent<'_>,
    version: &Version,
    register: Register,
    attributes: [(&'static str, Option<Attribute>); N],
) -> RegisterWrite {
    let (mut set, remove) = present_and_absent(attributes);
    set.push((register.version_attribute(), Attribute::text(version.as_str())));
    let (key, version) = (AgentKey::of(event, register), version.clone());
    RegisterWrite { key, register, version, set, remove, expects: None, leaves: None }
}

/// The contacts as they are stored.
fn contacts(snapshot: &Snapshot<'_>) -> Attribute {
    Attribute::List(snapshot.contacts.iter().map(contact).collect())
}

fn contact(contact: &Contact<'_>) -> Attribute {
    Attribute::map([
        ("contact_id", Some(Attribute::text(contact.contact_id))),
        ("channel", contact.channel.map(Attribute::text)),
        ("initiation_method", contact.initiation_method.map(Attribute::text)),
        ("state", contact.state.map(Attribute::text)),
        ("state_since", contact.state_since.map(Attribute::timestamp)),
        ("connected_since", contact.connected_since.map(Attribute::timestamp)),
        ("queued_since", contact.queued_since.map(Attribute::timestamp)),
        ("queue_name", contact.queue_name.map(Attribute::text)),
    ])
}

fn slots(snapshot: &Snapshot<'_>) -> Option<Attribute> {
    let channel = |slots: &connect_streams::agent_event::Slots<'_>| {
        let room = Attribute::map([
            ("available", Some(Attribute::number(slots.available))),
            ("maximum", Some(Attribute::number(slots.maximum))),
        ]);
        (slots.channel.into(), room)
    };
    (!snapshot.slots.is_empty()).then(|| Attribute::Map(snapshot.slots.iter().map(channel).collect()))
}

fn hierarchy(snapshot: &Snapshot<'_>) -> Option<Attribute> {
    let groups = || snapshot.hierarchy.iter().map(|name| Attribute::text(name)).collect();
    (!snapshot.hierarchy.is_empty()).then(|| Attribute::List(groups()))
}
