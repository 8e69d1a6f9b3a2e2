//! What a reader shows of a contact.

use std::collections::BTreeMap;

use connect_streams::Timestamp;
use connect_streams::contact_event::Channel;
use serde::Serialize;
use tables::{Attribute, Item};

use crate::LongestLife;
use crate::fields::{
    AFTER_CONTACT_WORK_ENDED, AFTER_CONTACT_WORK_STARTED, AGENT_ID, CHANNEL, COMPLETED, CONNECTED_TO_AGENT,
    CONNECTED_TO_SYSTEM, CONTACT_ID, DISCONNECTED, ENQUEUED, EXPIRES_AT, FIRST_SEEN, Field, INITIATED,
    INITIATION_METHOD, PAUSED, QUEUE_ID, SCHEDULED, SIMULATED,
};
use crate::join::{last_event, rank_of};
use crate::version::{self, Version};

/// How far a contact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It began.
    Initiated,
    /// A task that is to start later.
    Scheduled,
    /// Its media is established; it is in a flow.
    InSystem,
    /// It waits in a queue.
    Queued,
    /// An agent handles it.
    WithAgent,
    /// A task that is paused.
    Paused,
    /// It was disconnected.
    Disconnected,
    /// An agent does after-contact work.
    AfterContactWork,
    /// It ended.
    Ended,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 9] = [
        Self::Initiated,
        Self::Scheduled,
        Self::InSystem,
        Self::Queued,
        Self::WithAgent,
        Self::Paused,
        Self::Disconnected,
        Self::AfterContactWork,
        Self::Ended,
    ];

    /// Its public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Scheduled => "scheduled",
            Self::InSystem => "in_system",
            Self::Queued => "queued",
            Self::WithAgent => "with_agent",
            Self::Paused => "paused",
            Self::Disconnected => "disconnected",
            Self::AfterContactWork => "after_contact_work",
            Self::Ended => "ended",
        }
    }
}

/// A contact, as its item tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// The contact's ID.
    pub contact_id: String,
    /// How far it is.
    #[serde(rename = "state")]
    pub stage: Stage,
    /// When this state began; absent if no event told.
    #[serde(serialize_with = "text")]
    pub since: Option<Timestamp>,
    /// The channel.
    pub channel: Option<String>,
    /// How it began.
    pub initiation_method: Option<String>,
    /// The queue, even after the contact left it.
    pub queue_id: Option<String>,
    /// When it was put in the queue.
    #[serde(serialize_with = "text")]
    pub enqueued: Option<Timestamp>,
    /// The agent, possibly before the contact is connected to it.
    pub agent_id: Option<String>,
    /// When it was connected to the agent.
    #[serde(serialize_with = "text")]
    pub connected_to_agent: Option<Timestamp>,
    /// When it began; absent if no event told.
    #[serde(serialize_with = "text")]
    pub initiated: Option<Timestamp>,
    /// Whether it is older than a contact of its channel can be, so that its end was probably lost.
    pub is_unconfirmed: bool,
    /// Whether a test of Amazon Connect made it, so that it counts in no metric.
    pub is_simulated: bool,
    /// The time of its newest event.
    #[serde(serialize_with = "text")]
    pub last_event: Option<Timestamp>,
    /// The version of its newest event.
    pub version: String,
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the member")]
fn text<S: serde::Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.to_string()).serialize(serializer)
}

impl Contact {
    /// The contact of an item at `now`; `None` if the item has expired or is not one of a contact.
    #[must_use]
    pub fn of(item: &Item, longest: &LongestLife, now: Timestamp) -> Option<Self> {
        if expires_at(item).is_some_and(|at| at * 1000 <= now.epoch_milliseconds()) {
            return None;
        }
        let value = |field: &Field| item.get(field.name).and_then(Attribute::as_text);
        let time = |field: &Field| value(field).and_then(Timestamp::parse);
        let owned = |field: &Field| value(field).map(str::to_owned);
        let (stage, since) = stage(item);
        let initiated = time(&INITIATED);
        let seen = item.get(FIRST_SEEN).and_then(Attribute::as_text).and_then(Timestamp::parse);
        let last = last_event(item)?;
        let hours = match value(&CHANNEL).map(Channel::from_wire) {
            Some(Channel::Voice | Channel::Task) => longest.voice_task_hours,
            Some(Channel::Chat) => longest.chat_hours,
            Some(Channel::Email | Channel::Other(_)) | None => longest.other_hours,
        };
        let began = initiated.or(seen).or_else(|| last.time());
        let is_over = |began: Timestamp| {
            now.epoch_milliseconds() - began.epoch_milliseconds() > i64::from(hours) * 3_600_000
        };
        Some(Self {
            contact_id: item.get(CONTACT_ID).and_then(Attribute::as_text)?.to_owned(),
            stage,
            since,
            channel: owned(&CHANNEL),
            initiation_method: owned(&INITIATION_METHOD),
            queue_id: owned(&QUEUE_ID),
            enqueued: time(&ENQUEUED),
            agent_id: owned(&AGENT_ID),
            connected_to_agent: time(&CONNECTED_TO_AGENT),
            initiated,
            is_unconfirmed: stage != Stage::Ended && began.is_some_and(is_over),
            is_simulated: value(&SIMULATED).is_some(),
            last_event: last.time(),
            version: last.as_str().to_owned(),
        })
    }

    /// Whether the contact counts as waiting in its queue.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.stage == Stage::Queued && !self.is_unconfirmed && !self.is_simulated
    }
}

/// The stage of a contact and when it began: from the milestones, and from the rank for those that no event told.
fn stage(item: &Item) -> (Stage, Option<Timestamp>) {
    let value = |field: &Field| item.get(field.name).and_then(Attribute::as_text);
    let time = |field: &Field| value(field).and_then(Timestamp::parse);
    let rank = rank_of(item);
    let reached = |field: &Field, at_least: u8| value(field).is_some() || rank >= Some(at_least);
    let paused_since = || {
        let version = item.get(PAUSED.by).and_then(Attribute::as_text).map(Version::from_stored);
        version.and_then(|version| version.time())
    };
    if reached(&COMPLETED, version::ENDED) {
        (Stage::Ended, time(&COMPLETED))
    } else if reached(&DISCONNECTED, version::DISCONNECTED) {
        match (time(&AFTER_CONTACT_WORK_STARTED), time(&AFTER_CONTACT_WORK_ENDED)) {
            (Some(started), None) => (Stage::AfterContactWork, Some(started)),
            _ => (Stage::Disconnected, time(&DISCONNECTED)),
        }
    } else if value(&PAUSED) == Some("true") {
        (Stage::Paused, paused_since())
    } else if reached(&CONNECTED_TO_AGENT, 3) {
        (Stage::WithAgent, time(&CONNECTED_TO_AGENT))
    } else if reached(&ENQUEUED, 2) {
        (Stage::Queued, time(&ENQUEUED))
    } else if reached(&CONNECTED_TO_SYSTEM, 1) {
        (Stage::InSystem, time(&CONNECTED_TO_SYSTEM))
    } else if value(&SCHEDULED).is_some() {
        (Stage::Scheduled, time(&INITIATED))
    } else {
        (Stage::Initiated, time(&INITIATED))
    }
}

/// When an item may be deleted, in epoch seconds.
#[must_use]
pub fn expires_at(item: &Item) -> Option<i64> {
    match item.get(EXPIRES_AT) {
        Some(Attribute::Number(digits)) => digits.parse().ok(),
        _ => None,
    }
}

/// The contacts of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Queue {
    /// Contacts that wait.
    pub waiting: usize,
    /// When the contact that waits longest was put in the queue.
    #[serde(serialize_with = "text")]
    pub oldest: Option<Timestamp>,
    /// Contacts that an agent handles.
    pub with_agent: usize,
    /// Contacts in after-contact work.
    pub after_contact_work: usize,
    /// Contacts in another stage before their end.
    pub other: usize,
    /// Contacts whose end was probably lost. They are in none of the other counts.
    pub unconfirmed: usize,
}

/// Counts contacts by queue, without those that ended and without simulated ones.
#[must_use]
pub fn by_queue<'c>(contacts: impl IntoIterator<Item = &'c Contact>) -> BTreeMap<Option<String>, Queue> {
    let mut queues: BTreeMap<_, Queue> = BTreeMap::new();
    for contact in contacts {
        if contact.is_simulated || contact.stage == Stage::Ended {
            continue;
        }
        let queue = queues.entry(contact.queue_id.clone()).or_default();
        match contact.stage {
            _ if contact.is_unconfirmed => queue.unconfirmed += 1,
            Stage::Queued => {
                queue.waiting += 1;
                queue.oldest = match (queue.oldest, contact.since) {
                    (Some(oldest), Some(since)) => Some(oldest.min(since)),
                    (oldest, since) => oldest.or(since),
                };
            }
            Stage::WithAgent => queue.with_agent += 1,
            Stage::AfterContactWork => queue.after_contact_work += 1,
            _ => queue.other += 1,
        }
    }
    queues
}
