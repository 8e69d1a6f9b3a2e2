//! Figures by Amazon Connect's real-time definitions, in total and by queue.
//!
//! Source: [Real-time metrics definitions](https://docs.aws.amazon.com/connect/latest/adminguide/real-time-metrics-definitions.html);
//! [GetCurrentMetricData](https://docs.aws.amazon.com/connect/latest/APIReference/API_GetCurrentMetricData.html). The
//! figures have the names of that API in lower case. Those that the API does not have begin with `ghosts` or
//! `contacts_in_conversation`, or end in `_since` or `_unconfirmed`.

use std::collections::{BTreeMap, HashMap, HashSet};

use agent_ledger::Activity;
use serde::Serialize;

use crate::agents::{Agent, is_false};
use crate::contacts::{Contact, Holders, Place, place_of_listed};
use crate::routing_profiles::RoutingProfile;

/// Figures of a queue, or of all queues.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Figures {
    /// Contacts that wait and have not been offered to an agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts_in_queue: Option<u32>,
    /// When the contact that waits longest was put in the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_contact_since: Option<String>,
    /// Contacts that are to start later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts_scheduled: Option<u32>,
    /// Contacts without an end that was probably lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts_unconfirmed: Option<u32>,
    /// Contacts that are connected, on hold, or paused.
    pub contacts_in_conversation: u32,
    /// Contacts in after-contact work. Amazon's name says agents, but it counts contacts.
    pub agents_after_contact_work: u32,
    /// Agents whose status is not Offline.
    pub agents_online: u32,
    /// Agents whose status is Available or another routable one, on a contact or not.
    pub agents_staffed: u32,
    /// Agents who can get a contact now: staffed, and without any contact.
    pub agents_available: u32,
    /// Agents with a contact that is connected, on hold, paused, dialed, or in after-contact work, in any status.
    pub agents_on_contact: u32,
    /// Agents with a missed or rejected contact, or one in error.
    pub agents_error: u32,
    /// Agents in a custom status.
    pub agents_non_productive: u32,
    /// Agents who are logged in, but silent beyond the ghost limit. They count in no other figure.
    pub ghosts: u32,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// The queue's ID; the agent's ID for an agent's own queue. Absent for contacts without a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_id: Option<String>,
    /// The queue's name; the agent's for an agent's own queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it is an agent's own queue.
    #[serde(skip_serializing_if = "is_false")]
    pub agent_queue: bool,
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// Changes whenever the row does.
    pub version: String,
}

/// The names of queues, by ID.
pub(crate) struct QueueNames(HashMap<String, String>);

impl QueueNames {
    /// The names in routing profiles, of which the newest counts, and those in agents' contacts.
    pub(crate) fn of(profiles: &[agent_ledger::RoutingProfile], agents: &[Agent]) -> Self {
        let mut names = HashMap::new();
        for contact in agents.iter().flat_map(|agent| &agent.contacts) {
            if let (Some(id), Some(name)) = (&contact.queue_id, &contact.queue) {
                names.insert(id.clone(), name.clone());
            }
        }
        let mut profiles: Vec<_> = profiles.iter().collect();
        profiles.sort_by(|left, right| left.version.cmp(&right.version));
        for profile in profiles {
            for (id, name) in profile.queues.iter().chain(&profile.default_outbound_queue) {
                if let Some(name) = name {
                    names.insert(id.clone(), name.clone());
                }
            }
        }
        Self(names)
    }

    /// Adds the names that agents' contacts lack.
    pub(crate) fn complete(&self, agents: &mut [Agent]) {
        for contact in agents.iter_mut().flat_map(|agent| &mut agent.contacts) {
            if let (None, Some(id)) = (&contact.queue, &contact.queue_id) {
                contact.queue = self.get(id);
            }
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<String> {
        self.0.get(id).cloned()
    }
}

/// What is counted.
pub(crate) struct Counted<'a> {
    pub(crate) agents: &'a [Agent],
    /// `None` if contact events are off.
    pub(crate) contacts: Option<&'a [Contact]>,
    pub(crate) profiles: &'a [RoutingProfile],
    pub(crate) names: &'a QueueNames,
    pub(crate) holders: &'a Holders<'a>,
}

/// A contact of an agent that counts, with its queue and its place.
type Listed<'a> = (Option<&'a str>, Place);

impl Counted<'_> {
    /// The figures of everything.
    pub(crate) fn totals(&self) -> Figures {
        let mut figures = self.nothing();
        self.agents.iter().for_each(|agent| figures.add_agent(agent));
        self.listed().iter().for_each(|(_, place)| figures.add_place(*place));
        self.contacts.into_iter().flatten().for_each(|contact| figures.add_contact(contact));
        figures
    }

    /// The queues of the agents' routing profiles, and those of contacts.
    pub(crate) fn queues(&self) -> Vec<Queue> {
        let mut queues: BTreeMap<Option<String>, Figures> = BTreeMap::new();
        let by_id: HashMap<_, _> = self.profiles.iter().map(|one| (one.key(), one)).collect();
        let agents: HashMap<_, _> =
            self.agents.iter().map(|agent| (agent.agent_id.as_str(), agent)).collect();
        for agent in self.agents {
            for queue in by_id.get(&RoutingProfile::key_of(agent)).into_iter().flat_map(|one| &one.queues) {
                let figures = queues.entry(Some(queue.clone())).or_insert_with(|| self.nothing());
                figures.add_agent(agent);
            }
        }
        let mut of = |queue: Option<&str>, add: &dyn Fn(&mut Figures)| {
            let figures = queues.entry(queue.map(str::to_owned)).or_insert_with(|| {
                let mut figures = self.nothing();
                // An agent's own queue has the agent.
                if let Some(agent) = queue.and_then(|queue| agents.get(queue)) {
                    figures.add_agent(agent);
                }
                figures
            });
            add(figures);
        };
        for (queue, place) in self.listed() {
            of(queue, &|figures| figures.add_place(place));
        }
        for contact in self.contacts.into_iter().flatten().filter(|contact| contact.shows_its_queue()) {
            of(contact.queue_id.as_deref(), &|figures| figures.add_contact(contact));
        }
        let row = |(queue_id, figures): (Option<String>, Figures)| {
            let owner = queue_id.as_deref().and_then(|id| self.holders.agent(id));
            let name = queue_id.as_deref().and_then(|id| self.names.get(id));
            let name = name.or_else(|| owner.map(|agent| agent.name.clone()));
            let agent_queue = owner.is_some();
            Queue { queue_id, name, agent_queue, figures, version: String::new() }
        };
        queues.into_iter().map(row).collect()
    }

    /// The contacts of agents that count, without simulated ones. Of two agents who list the same contact, one counts.
    fn listed(&self) -> Vec<Listed<'_>> {
        let in_flight = self.contacts.into_iter().flatten();
        let in_flight: HashMap<_, _> = in_flight.map(|one| (one.contact_id.as_str(), one)).collect();
        let (mut listed, mut seen) = (Vec::new(), HashSet::new());
        for (agent, contact) in self.agents.iter().flat_map(Agent::counted_contacts) {
            let is_first = seen.insert((&agent.agent_id, &contact.contact_id));
            let own = in_flight.get(contact.contact_id.as_str());
            let is_simulated = own.is_some_and(|own| own.simulated);
            let place = place_of_listed(contact)
                .filter(|_| is_first && self.holders.has(agent, contact) && !is_simulated);
            // Items of agents that earlier versions wrote have no queue ID.
            let queue = contact.queue_id.as_deref().or_else(|| own?.queue_id.as_deref());
            listed.extend(place.map(|place| (queue, place)));
        }
        listed
    }

    /// Without contact events, what waits is not known, which is not the same as 0.
    fn nothing(&self) -> Figures {
        let known = self.contacts.map(|_| 0);
        Figures {
            contacts_in_queue: known,
            contacts_scheduled: known,
            contacts_unconfirmed: known,
            ..Figures::default()
        }
    }
}

impl Figures {
    fn add_agent(&mut self, agent: &Agent) {
        if agent.is_ghost() {
            self.ghosts += 1;
            return;
        }
        // An agent who has logged out counts in no figure of agents. The contacts count as long as they are listed.
        if agent.has_logged_out {
            return;
        }
        let has = |condition: bool| u32::from(condition);
        self.agents_on_contact +=
            has(agent.counts() && agent.contacts.iter().any(|one| one.kind.is_on_contact()));
        self.agents_error +=
            has(matches!(agent.what, Activity::Error | Activity::Missed | Activity::Rejected));
        let (staffed, custom) = (agent.of_status == Activity::Available, agent.of_status == Activity::Custom);
        self.agents_online += has(staffed || custom);
        self.agents_staffed += has(staffed);
        self.agents_available += has(agent.what == Activity::Available && agent.contacts.is_empty());
        self.agents_non_productive += has(custom);
    }

    fn add_place(&mut self, place: Place) {
        match place {
            Place::Conversation => self.contacts_in_conversation += 1,
            Place::AfterContactWork => self.agents_after_contact_work += 1,
            _ => {}
        }
    }

    fn add_contact(&mut self, contact: &Contact) {
        let add = |count: &mut Option<u32>| *count = Some(count.unwrap_or_default() + 1);
        if contact.simulated {
            return;
        }
        if contact.unconfirmed {
            return add(&mut self.contacts_unconfirmed);
        }
        match contact.place {
            Place::InQueue => {
                add(&mut self.contacts_in_queue);
                let oldest = self.oldest_contact_since.take();
                self.oldest_contact_since = oldest.into_iter().chain(contact.since.clone()).min();
            }
            Place::Scheduled => add(&mut self.contacts_scheduled),
            place => self.add_place(place),
        }
    }
}

impl Contact {
    /// Whether the contact gives its queue a row: it counts there, or it has a queue.
    fn shows_its_queue(&self) -> bool {
        let counts = matches!(
            self.place,
            Place::InQueue | Place::Scheduled | Place::Conversation | Place::AfterContactWork
        );
        !self.simulated && (self.queue_id.is_some() || self.unconfirmed || counts)
    }
}
