//! An agent, at some moment of the day.

use fastrand::Rng;

use crate::contact::Contact;
use crate::size::CenterSize;
use crate::time::MINUTE;

/// What an agent chose to be.
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

    /// How long it lasts.
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
    /// That of the center.
    first_id: u64,
    pub(crate) status: Status,
    pub(crate) status_since: i64,
    pub(crate) next_status: Option<Status>,
    /// Contacts in hand, those in after-contact work among them.
    pub(crate) contacts: Vec<u64>,
    /// Contacts that were not answered, still on the screen.
    pub(crate) missed: Vec<Contact>,
    pub(crate) idle_since: i64,
    pub(crate) last_event: i64,
    /// The time that the last event carries.
    pub(crate) last_timestamp: i64,
    pub(crate) logged_out: Option<i64>,
    /// The snapshot of the last event, as JSON.
    pub(crate) snapshot: Option<String>,
    /// How many of the contacts are on each channel: voice, chat, task, email.
    pub(crate) load: [usize; 4],
}

/// How many contacts of a channel an agent takes.
pub(crate) const SLOTS: [(&str, usize); 4] = [("VOICE", 1), ("CHAT", 3), ("TASK", 1), ("EMAIL", 1)];

/// The start of a contact's state when hold or pause begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateStarts {
    /// Each state has its own.
    New,
    /// That of the connection stays.
    Kept,
    /// Hold has its own, and after it that of the connection is back.
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

    /// What hold and pause do to the `StateStartTimestamp` of this agent's contacts. Connect's pages disagree on it, so
    /// agents live by each.
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

    /// Nothing brings the agent back.
    pub(crate) fn is_gone(&self) -> bool {
        self.logged_out.is_some() || (self.status == Status::Offline && self.snapshot.is_some())
    }

    /// Going home as soon as the contacts are done.
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

    /// Calls leave no room for anything else; the other channels share the agent.
    pub(crate) fn can_take(&self, channel: &str) -> bool {
        let is_waiting =
            self.status == Status::Available && self.next_status.is_none() && self.missed.is_empty();
        let slot = slot(channel);
        let has_call = self.load[0] > 0;
        let is_free = if channel == "VOICE" { self.contacts.is_empty() } else { !has_call };
        is_waiting && is_free && self.load[slot] < SLOTS[slot].1
    }
}

/// The place of a channel in [`SLOTS`].
pub(crate) fn slot(channel: &str) -> usize {
    SLOTS.iter().position(|(name, _)| *name == channel).unwrap_or_default()
}
