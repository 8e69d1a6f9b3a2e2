//! What one event sets.

use std::borrow::Cow;

use connect_streams::contact_event::{Channel, ContactEvent, EventType};
use connect_streams::{Reject, RejectCode, Timestamp};
use tables::{Attribute, board};

use crate::fields::{
    AFTER_CONTACT_WORK_ENDED, AFTER_CONTACT_WORK_STARTED, AGENT_ID, CHANNEL, COMPLETED, CONNECTED_TO_AGENT,
    CONNECTED_TO_SYSTEM, DISCONNECTED, ENQUEUED, Field, INITIATED, INITIATION_METHOD, PAUSED, QUEUE_ID,
    SCHEDULED, SIMULATED,
};
use crate::version::{ENDED, Version, rank};
use crate::{Retention, Rules};

/// The key of a contact's item. The Region is not part of it: where an instance routes across Regions, both Regions'
/// events are of one contact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContactKey {
    /// `<instance id>#<NN>`
    pub board: String,
    /// The contact's ID.
    pub contact_id: String,
}

impl ContactKey {
    /// The key of a contact.
    #[must_use]
    pub fn new(instance_id: &str, contact_id: &str) -> Self {
        Self { board: board(instance_id, contact_id), contact_id: contact_id.to_owned() }
    }
}

/// What one event sets in its contact's item.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactWrite {
    /// The item.
    pub key: ContactKey,
    /// The event's version.
    pub version: Version,
    /// The event's time.
    pub time: Timestamp,
    /// The event's rank; `None` for an event that brings the contact no further.
    pub rank: Option<u8>,
    /// The fields that the event carries.
    pub fields: Vec<(&'static Field, Attribute)>,
    /// How long the item is kept.
    pub retention: Retention,
}

impl ContactWrite {
    /// Whether the contact has ended.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.rank == Some(ENDED)
    }

    /// Whether the event carries the time at which the contact began.
    #[must_use]
    pub fn has_initiation(&self) -> bool {
        self.fields.iter().any(|(field, _)| **field == INITIATED)
    }

    /// Whether the event is so old that the item of an ended contact may have been deleted since: then it creates
    /// nothing.
    #[must_use]
    pub fn is_too_old(&self, now: Timestamp) -> bool {
        let age = now.epoch_milliseconds() - self.time.epoch_milliseconds();
        age > i64::from(self.retention.ended_days) * 86_400_000
    }

    /// When an item may be deleted whose newest event has this time: at the end of a day, so that most events leave it
    /// as it is.
    pub(crate) fn expires_at(&self, newest: Timestamp, has_ended: bool) -> Attribute {
        let days = if has_ended { self.retention.ended_days } else { self.retention.unended_days };
        Attribute::number((newest.epoch_milliseconds().div_euclid(86_400_000) + i64::from(days) + 1) * 86_400)
    }
}

/// The longest text that is stored. Amazon Connect's are shorter; DynamoDB refuses keys of more than 2,048 bytes and
/// items of more than 400 KB, every time.
const TEXT_BYTES: usize = 256;

/// Plans an event.
///
/// # Errors
/// [`RejectCode::BadField`] for an event with a text that is too long to be stored.
pub fn plan(event: &ContactEvent<'_>, rules: &Rules) -> Result<ContactWrite, Reject> {
    check_texts(event)?;
    let contact = &event.contact;
    let queue = contact.queue.unwrap_or_default();
    let agent = contact.agent.as_ref();
    let text = |text: Option<&str>| text.map(Attribute::text);
    let time = |time: Option<Timestamp>| time.map(Attribute::timestamp);
    let paused = match event.event_type {
        EventType::Paused => Some("true"),
        EventType::Resumed => Some("false"),
        _ => None,
    };
    let fields = [
        (&CHANNEL, text(contact.channel.map(Channel::as_str))),
        (&INITIATION_METHOD, text(contact.initiation_method)),
        (&INITIATED, time(contact.initiated)),
        (&CONNECTED_TO_SYSTEM, time(contact.connected_to_system)),
        (&SCHEDULED, time(contact.scheduled)),
        (&QUEUE_ID, queue.id.and_then(|id| queue_id(id, queue.is_agents_own(), rules))),
        (&ENQUEUED, time(queue.enqueued)),
        (&AGENT_ID, text(agent.and_then(|agent| agent.id))),
        (&CONNECTED_TO_AGENT, time(agent.and_then(|agent| agent.connected))),
        (&PAUSED, text(paused)),
        (&DISCONNECTED, time(contact.disconnected)),
        (&AFTER_CONTACT_WORK_STARTED, time(agent.and_then(|agent| agent.after_contact_work_started))),
        (&AFTER_CONTACT_WORK_ENDED, time(agent.and_then(|agent| agent.after_contact_work_ended))),
        (&COMPLETED, time((event.event_type == EventType::Completed).then_some(event.time))),
        (&SIMULATED, text(contact.is_simulated().then_some("true"))),
    ];
    Ok(ContactWrite {
        key: ContactKey::new(event.instance_id, event.contact_id),
        version: Version::of(event),
        time: event.time,
        rank: rank(event.event_type),
        fields: fields
            .into_iter()
            .filter_map(|(field, value)| Some((field, allowed(rules, field, value?)?)))
            .collect(),
        retention: rules.retention,
    })
}

fn check_texts(event: &ContactEvent<'_>) -> Result<(), Reject> {
    let contact = &event.contact;
    let texts = [
        ("detail.instanceArn", Some(event.instance_id)),
        ("detail.channel", contact.channel.map(Channel::as_str)),
        ("detail.initiationMethod", contact.initiation_method),
        ("detail.queueInfo.queueArn", contact.queue.and_then(|queue| queue.id)),
        ("detail.agentInfo.agentArn", contact.agent.as_ref().and_then(|agent| agent.id)),
    ];
    let too_long = texts.into_iter().find(|(_, text)| text.is_some_and(|text| text.len() > TEXT_BYTES));
    too_long.map_or(Ok(()), |(path, _)| Err(Reject::field(RejectCode::BadField, path)))
}

/// The ID of a queue. That of an agent's own queue is the agent's, so the action for the agent applies, too.
fn queue_id(id: &str, is_agents_own: bool, rules: &Rules) -> Option<Attribute> {
    let id = if is_agents_own { allowed_text(rules, &AGENT_ID, id)? } else { Cow::Borrowed(id) };
    Some(Attribute::text(&id))
}

/// The value as the PII policy lets it be stored.
fn allowed(rules: &Rules, field: &Field, value: Attribute) -> Option<Attribute> {
    match &value {
        Attribute::Text(text) => allowed_text(rules, field, text).map(|text| Attribute::text(&text)),
        _ => Some(value),
    }
}

fn allowed_text<'t>(rules: &Rules, field: &Field, text: &'t str) -> Option<Cow<'t, str>> {
    rules.policy.text_of(field.column, Cow::Borrowed(text))
}
