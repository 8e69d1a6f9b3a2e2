//! An agent at one moment of the day.

use fastrand::Rng;

use crate::contact::Contact;
use crate::queues::{ROUTING_PROFILES, RoutingProfile};
use crate::size::CenterSize;
use crate::time::MINUTE;

/// The status an agent has chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Available,
    Break,
    Lunch,
    Training,
    Offline,
}

impl Status {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Available => "Available",
            Self::Break => "Break",
            Self::Lunch => "Lunch",
            Self::Training => "Training",
            Self::Offline => "Offline",
        }
    }

    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Available => "ROUTABLE",
            Self::Offline => "OFFLINE",
            Self::Break | Self::Lunch | Self::Training => "CUSTOM",
        }
    }

    /// A random length, in minutes.
    pub(crate) fn minutes(self, rng: &mut Rng) -> i64 {
        match self {
            Self::Lunch => rng.i64(25..40),
            Self::Training => rng.i64(20..60),
            _ => rng.i64(8..15),
        }
    }
}

/// An agent.
pub(crate) struct Agent {
    pub(crate) number: usize,
    /// The first ID of the center.
    first_id: u64,
    pub(crate) status: Status,
    pub(crate) status_since: i64,
    pub(crate) next_status: Option<Status>,
    /// When the agent chose the next status.
    pub(crate) next_status_since: i64,
    /// The number of routing profiles of the center.
    routing_profiles: usize,
    /// Current contacts, including those in after-contact work.
    pub(crate) contacts: Vec<u64>,
    /// Missed contacts that are still in the snapshot.
    pub(crate) missed: Vec<Contact>,
    pub(crate) idle_since: i64,
    pub(crate) last_event: i64,
    /// The last event's timestamp.
    pub(crate) last_timestamp: i64,
    pub(crate) logged_out: Option<i64>,
    /// The snapshot of the last event, as JSON.
    pub(crate) snapshot: Option<String>,
    /// The number of contacts on each channel: voice, chat, task, email.
    pub(crate) load: [usize; 4],
}

/// The number of contacts an agent can handle at once on each channel.
pub(crate) const SLOTS: [(&str, usize); 4] = [("VOICE", 1), ("CHAT", 3), ("TASK", 1), ("EMAIL", 1)];

/// How hold and pause change a contact's `StateStartTimestamp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateStarts {
    /// Each state has its own start.
    New,
    /// The start of the connection stays.
    Kept,
    /// Hold has its own start. Afterward, the start of the connection returns.
    FirstAgain,
}

impl Agent {
    pub(crate) fn new(number: usize, center: &CenterSize) -> Self {
        Self {
            number,
            first_id: center.first_id,
            status: Status::Offline,
            status_since: center.opening - 14 * 60 * MINUTE,
            next_status: None,
            next_status_since: 0,
            routing_profiles: center.routing_profiles.clamp(1, ROUTING_PROFILES.len()),
            contacts: Vec::new(),
            missed: Vec::new(),
            idle_since: 0,
            last_event: 0,
            last_timestamp: 0,
            logged_out: None,
            snapshot: None,
            load: [0; 4],
        }
    }

    pub(crate) fn id(&self) -> String {
        format!("20000000-0000-4000-8000-{:012x}", self.first_id + self.number as u64 + 1)
    }

    pub(crate) fn username(&self) -> String {
        let number = self.number + 1;
        match self.first_id {
            0 => format!("agent.{number:04}"),
            first_id => format!("agent.{first_id:x}.{number:04}"),
        }
    }

    /// How hold and pause change the `StateStartTimestamp` of this agent's contacts. Connect's pages disagree, so each variant
    /// is used by some agents.
    pub(crate) const fn state_starts(&self) -> StateStarts {
        match self.number % 4 {
            1 => StateStarts::Kept,
            3 => StateStarts::FirstAgain,
            _ => StateStarts::New,
        }
    }

    pub(crate) fn is_busy(&self) -> bool {
        !self.contacts.is_empty() || !self.missed.is_empty()
    }

    /// Whether the agent has left and will not return.
    pub(crate) fn is_gone(&self) -> bool {
        self.logged_out.is_some() || (self.status == Status::Offline && self.snapshot.is_some())
    }

    /// Whether the agent goes offline once the current contacts are done.
    pub(crate) fn is_leaving(&self) -> bool {
        self.next_status == Some(Status::Offline)
    }

    pub(crate) fn take(&mut self, contact: u64, channel: &str) {
        self.contacts.push(contact);
        self.load[slot(channel)] += 1;
    }

    pub(crate) fn leave(&mut self, contact: u64, channel: &str) {
        self.contacts.retain(|listed| *listed != contact);
        self.load[slot(channel)] -= 1;
    }

    pub(crate) fn routing_profile(&self) -> &'static RoutingProfile {
        &ROUTING_PROFILES[self.number % self.routing_profiles]
    }

    /// Whether the agent can accept a contact of a queue. A call excludes all other contacts; the other channels share the agent.
    pub(crate) fn can_take(&self, channel: &str, queue: usize) -> bool {
        let is_ready =
            self.status == Status::Available && self.next_status.is_none() && self.missed.is_empty();
        let slot = slot(channel);
        let has_call = self.load[0] > 0;
        let is_free = if channel == "VOICE" { self.contacts.is_empty() } else { !has_call };
        let has_queue = self.routing_profile().queues.contains(&queue);
        is_ready && is_free && has_queue && self.load[slot] < SLOTS[slot].1
    }
}

/// The index of a channel in [`SLOTS`].
pub(crate) fn slot(channel: &str) -> usize {
    SLOTS.iter().position(|(name, _)| *name == channel).unwrap_or_default()
}
