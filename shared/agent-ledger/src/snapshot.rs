//! The write of an event that has a current snapshot. All attributes change together, so that no reader sees a mix of
//! two moments.
//!
//! The item is kept small: a typical one, with one contact, should take one write unit (1 KB). So it stores IDs instead
//! of ARNs, which all begin alike, and no event ID other than the one at the end of the version.

use connect_streams::agent_event::{AgentEvent, Contact, Snapshot};

use crate::activity::Activity;
use crate::register::Register;
use crate::rules::Rules;
use crate::write::{RegisterWrite, write};
use crate::{Continuity, Version};
use tables::{Attribute, expires_at};

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
        ("next_status_since", snapshot.next_status_since.map(Attribute::timestamp)),
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
        ("queue_id", contact.queue_id.map(Attribute::text)),
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
