//! The document.

use agent_ledger::agents::{agents, is_expired};
use connect_streams::Timestamp;
use contact_state::LongestLife;
use serde::Serialize;

use crate::agents::Agent;
use crate::contacts::{Contact, Holders, contact};
use crate::queues::{Counted, Figures, Queue, QueueNames};
use crate::routing_profiles::{RoutingProfile, routing_profiles_of};
use crate::source::Reading;
use crate::version::version_of;

/// The version of the document's form. It grows when a field is removed or changes its meaning.
pub const SCHEMA: u32 = 1;

/// How far ahead of the reader's clock the time of an event may be.
const AHEAD_MILLISECONDS: i64 = 60_000;

/// What the document depends on besides the tables.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The instance.
    pub instance_id: String,
    /// Minutes without an event after which an agent who is logged in is a ghost.
    pub ghost_minutes: u32,
    /// How long contacts can be in flight.
    pub longest_life: LongestLife,
    /// Whether all agents are listed, also those who left long ago.
    pub lists_everyone: bool,
}

/// The agents, queues, and contacts of an instance at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Board {
    /// [`SCHEMA`]
    pub schema: u32,
    /// The instance.
    pub instance_id: String,
    /// Whether the stack processes contact events. Otherwise, it does not know what waits.
    pub contact_events: bool,
    /// Minutes without an event after which an agent who is logged in is a ghost.
    pub ghost_minutes: u32,
    /// The time of the newest event of any agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_agent_event: Option<String>,
    /// Agents in the table that are not listed, because they left or have been silent for a day.
    pub agents_not_listed: usize,
    /// The figures of the whole instance.
    pub totals: Figures,
    /// The queues, ordered by name.
    pub queues: Vec<Queue>,
    /// The agents, ordered by name.
    pub agents: Vec<Agent>,
    /// The contacts in flight, those that wait first; `None` if contact events are off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<Contact>>,
    /// The routing profiles of the listed agents.
    pub routing_profiles: Vec<RoutingProfile>,
}

impl Board {
    /// The document of a reading at `now`.
    #[must_use]
    pub fn of(reading: Reading, settings: &Settings, now: Timestamp) -> Self {
        let Reading { agent_state, contacts, .. } = reading;
        let is_valid = |item: &&tables::Item| !is_expired(item, now);
        let stored: Vec<_> =
            agent_state.iter().filter(is_valid).filter_map(agent_ledger::RoutingProfile::of).collect();
        let all = agents(agent_state, now, settings.ghost_minutes);
        let mut all: Vec<_> =
            all.into_iter().map(|agent| Agent::of(agent, now, settings.ghost_minutes)).collect();
        // A clock that is ahead must not hide that no event arrives.
        let soon =
            Timestamp::from_epoch_milliseconds(now.epoch_milliseconds() + AHEAD_MILLISECONDS).unwrap_or(now);
        let soon = soon.to_string();
        let known = all.iter().filter_map(|agent| agent.last_event.clone());
        let newest_agent_event = known.filter(|last| *last <= soon).max();
        let names = QueueNames::of(&stored, &all);
        names.complete(&mut all);
        let (listed, not_listed): (Vec<_>, Vec<_>) = all.into_iter().partition(|agent| agent.is_listed(now));
        let routing_profiles = routing_profiles_of(&listed, &stored);
        let holders = Holders::of(&listed, &not_listed);
        let mut in_flight = contacts.map(|items| {
            let contact = |item| contact(item, &settings.longest_life, now, &holders, |id| names.get(id));
            let mut contacts: Vec<_> = items.iter().filter_map(contact).collect();
            contacts.sort_by(|left, right| order(left).cmp(&order(right)));
            contacts
        });
        let counted = Counted {
            agents: &listed,
            contacts: in_flight.as_deref(),
            profiles: &routing_profiles,
            names: &names,
            holders: &holders,
        };
        let totals = counted.totals();
        let mut queues = counted.queues();
        queues.sort_by(|left, right| queue_order(left).cmp(&queue_order(right)));
        let agents_not_listed = if settings.lists_everyone { 0 } else { not_listed.len() };
        let mut agents = listed;
        if settings.lists_everyone {
            agents.extend(not_listed);
        }
        agents.sort_by(|left, right| (&left.name, &left.agent_id).cmp(&(&right.name, &right.agent_id)));
        for agent in &mut agents {
            agent.version = version_of(agent);
        }
        for queue in &mut queues {
            queue.version = version_of(queue);
        }
        for contact in in_flight.iter_mut().flatten() {
            contact.version = version_of(contact);
        }
        Self {
            schema: SCHEMA,
            instance_id: settings.instance_id.clone(),
            contact_events: in_flight.is_some(),
            ghost_minutes: settings.ghost_minutes,
            newest_agent_event,
            agents_not_listed,
            totals,
            queues,
            agents,
            contacts: in_flight,
            routing_profiles,
        }
    }
}

/// By name; then those without a name, contacts without a queue, and agents' own queues.
fn queue_order(queue: &Queue) -> (bool, bool, bool, &Option<String>, &Option<String>) {
    (queue.agent_queue, queue.queue_id.is_none(), queue.name.is_none(), &queue.name, &queue.queue_id)
}

/// Those that wait first, the longest first, and those whose time is unknown last. Ties are sorted by ID, so that rows do
/// not jump between refreshes.
fn order(contact: &Contact) -> (bool, bool, &str, bool, &Option<String>, &str) {
    let state = if contact.is_waiting() { "" } else { &contact.state };
    let since = &contact.since;
    (contact.unconfirmed, !contact.is_waiting(), state, since.is_none(), since, &contact.contact_id)
}
