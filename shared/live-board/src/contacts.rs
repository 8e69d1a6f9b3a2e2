//! The contacts in flight, where what their agents' snapshots say comes before what their own events say.
//!
//! Agent events arrive in order and are repeated by heartbeats. Contact events arrive at best effort, and have no event
//! for ringing or hold. So a contact that an agent has is shown in the state that the agent has it in.

use std::collections::HashMap;

use connect_streams::Timestamp;
use contact_state::LongestLife;
use contact_state::contact::{Contact as InFlight, Stage};
use serde::Serialize;
use tables::Item;

use crate::agents::{Agent, AgentContact, ContactKind, is_false};

/// How much newer an agent's snapshot must be than the newest event of a contact to show that the agent does not have it
/// any more, and how long the contact's last event may take to arrive. Contact events have whole seconds, and the two
/// streams do not come from the same clock.
const MARGIN_MILLISECONDS: i64 = 10_000;

/// A contact in flight.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contact {
    /// The contact's ID.
    pub contact_id: String,
    /// The state that its agent has it in, or else how far its events say that it is.
    pub state: String,
    /// When this state began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// How it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiation_method: Option<String>,
    /// ID of the queue, even after the contact left it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_id: Option<String>,
    /// Name of the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// When it was put in the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enqueued: Option<String>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiated: Option<String>,
    /// ID of the agent who has it, or had it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Name of the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// When it was connected to the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected_to_agent: Option<String>,
    /// Whether its end was probably lost: it is older than a contact of its channel can be, or its agent does not have
    /// it any more.
    #[serde(skip_serializing_if = "is_false")]
    pub unconfirmed: bool,
    /// Whether a test of Amazon Connect made it, so that it counts in no figure.
    #[serde(skip_serializing_if = "is_false")]
    pub simulated: bool,
    /// The time of its newest event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_event: Option<String>,
    /// Changes whenever the row does.
    pub version: String,
    #[serde(skip)]
    pub(crate) place: Place,
}

/// Where a contact counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    InQueue,
    Scheduled,
    Conversation,
    AfterContactWork,
    /// Its agent counts it.
    WithItsAgent,
    /// In a flow, or between two of the others.
    Elsewhere,
}

/// Who has which contact, and when each agent's snapshot was made.
pub(crate) struct Holders<'a> {
    by_contact: HashMap<&'a str, (&'a Agent, &'a AgentContact)>,
    agents: HashMap<&'a str, &'a Agent>,
}

impl<'a> Holders<'a> {
    /// Of two agents who list the same contact, the one with the newer snapshot has it. Agents who are not listed have
    /// none.
    pub(crate) fn of(listed: &'a [Agent], not_listed: &'a [Agent]) -> Self {
        let mut by_contact: HashMap<&str, (&Agent, &AgentContact)> = HashMap::new();
        for (agent, contact) in listed.iter().flat_map(Agent::counted_contacts) {
            let holder = by_contact.entry(&contact.contact_id).or_insert((agent, contact));
            if (agent.told_at(), &agent.agent_id) > (holder.0.told_at(), &holder.0.agent_id) {
                *holder = (agent, contact);
            }
        }
        let agents = listed.iter().chain(not_listed).map(|agent| (agent.agent_id.as_str(), agent));
        Self { by_contact, agents: agents.collect() }
    }

    pub(crate) fn has(&self, agent: &Agent, contact: &AgentContact) -> bool {
        self.of_contact(&contact.contact_id).is_some_and(|(holder, _)| holder.agent_id == agent.agent_id)
    }

    /// The agent with this ID, listed or not.
    pub(crate) fn agent(&self, agent_id: &str) -> Option<&'a Agent> {
        self.agents.get(agent_id).copied()
    }

    fn of_contact(&self, contact_id: &str) -> Option<(&'a Agent, &'a AgentContact)> {
        self.by_contact.get(contact_id).copied()
    }

    /// Whether the contact's agent has gone on without it: the snapshot without it is newer than its last event, and old
    /// enough for its last event to have arrived.
    fn has_left(&self, contact: &InFlight, now: Timestamp) -> bool {
        let is_agents = matches!(
            contact.stage,
            Stage::WithAgent | Stage::Paused | Stage::Disconnected | Stage::AfterContactWork
        );
        let agent = contact.agent_id.as_deref().and_then(|agent| self.agent(agent));
        let times = agent.and_then(Agent::told_at).zip(contact.last_event);
        let is_newer = times.is_some_and(|(snapshot, event)| {
            let after = |earlier: Timestamp, later: Timestamp| {
                later.epoch_milliseconds() - earlier.epoch_milliseconds() > MARGIN_MILLISECONDS
            };
            after(event, snapshot) && after(snapshot, now)
        });
        let is_listed = agent
            .is_some_and(|agent| agent.contacts.iter().any(|listed| listed.contact_id == contact.contact_id));
        is_agents && contact.connected_to_agent.is_some() && is_newer && !is_listed
    }
}

/// The contact of an item; `None` if it has ended or expired.
pub(crate) fn contact(
    item: &Item,
    longest: &LongestLife,
    now: Timestamp,
    holders: &Holders<'_>,
    queue_name: impl Fn(&str) -> Option<String>,
) -> Option<Contact> {
    let contact = InFlight::of(item, longest, now).filter(|contact| contact.stage != Stage::Ended)?;
    let holder = holders.of_contact(&contact.contact_id);
    let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let agent = match (holder, contact.agent_id.as_deref()) {
        (Some((agent, _)), _) => Some(agent),
        (None, Some(id)) => holders.agent(id),
        (None, None) => None,
    };
    let agent_id = agent.map(|agent| agent.agent_id.clone()).or_else(|| contact.agent_id.clone());
    let queue_id = contact.queue_id.clone().or_else(|| holder?.1.queue_id.clone());
    let listed_name = holder.and_then(|(_, listed)| listed.queue.clone());
    let unconfirmed = holder.is_none() && (contact.is_unconfirmed || holders.has_left(&contact, now));
    let (state, since, place) = match holder {
        Some((_, listed)) => (listed.state.clone(), listed.since.clone(), Place::WithItsAgent),
        None => (contact.stage.as_str().to_owned(), text(contact.since), place(&contact)),
    };
    Some(Contact {
        state,
        since,
        place,
        channel: contact.channel,
        initiation_method: contact.initiation_method,
        queue: queue_id.as_deref().and_then(queue_name).or(listed_name),
        queue_id,
        enqueued: text(contact.enqueued),
        initiated: text(contact.initiated),
        agent: agent.map(|agent| agent.name.clone()),
        agent_id,
        connected_to_agent: text(contact.connected_to_agent),
        unconfirmed,
        simulated: contact.is_simulated,
        last_event: text(contact.last_event),
        version: String::new(),
        contact_id: contact.contact_id,
    })
}

/// Where a contact counts that no agent has.
fn place(contact: &InFlight) -> Place {
    match contact.stage {
        Stage::Queued => Place::InQueue,
        Stage::Scheduled => Place::Scheduled,
        Stage::WithAgent => Place::Conversation,
        Stage::Paused if contact.connected_to_agent.is_some() => Place::Conversation,
        Stage::AfterContactWork => Place::AfterContactWork,
        _ => Place::Elsewhere,
    }
}

impl Contact {
    /// Whether the contact counts as waiting in its queue.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.place == Place::InQueue && self.counts()
    }

    /// Whether the contact counts in any figure but `contacts_unconfirmed`.
    pub(crate) fn counts(&self) -> bool {
        !self.unconfirmed && !self.simulated
    }
}

/// Whether the contact of an agent counts in conversation or in after-contact work.
pub(crate) fn place_of_listed(contact: &AgentContact) -> Option<Place> {
    match contact.kind {
        ContactKind::Conversation => Some(Place::Conversation),
        ContactKind::AfterContactWork => Some(Place::AfterContactWork),
        _ => None,
    }
}
