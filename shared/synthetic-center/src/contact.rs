//! A contact, with everything that has happened to it. Times are milliseconds since 1970, on whole seconds.

use fastrand::Rng;

use crate::queues::QUEUES;
use crate::time::SECOND;

/// How a contact starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Call,
    Chat,
    Task,
    Email,
    Campaign,
    Callback,
    Transfer,
}

impl Kind {
    pub(crate) fn random(rng: &mut Rng) -> Self {
        match rng.u8(..100) {
            0..64 => Self::Call,
            64..80 => Self::Chat,
            80..88 => Self::Task,
            88..95 => Self::Email,
            _ => Self::Campaign,
        }
    }

    pub(crate) const fn channel(self) -> &'static str {
        match self {
            Self::Chat => "CHAT",
            Self::Task => "TASK",
            Self::Email => "EMAIL",
            Self::Call | Self::Campaign | Self::Callback | Self::Transfer => "VOICE",
        }
    }

    pub(crate) const fn initiation_method(self) -> &'static str {
        match self {
            Self::Call | Self::Email => "INBOUND",
            Self::Chat | Self::Task => "API",
            Self::Campaign => "OUTBOUND",
            Self::Callback => "CALLBACK",
            Self::Transfer => "TRANSFER",
        }
    }

    /// A random handling time in milliseconds. A few contacts take much longer than most.
    pub(crate) fn handling(self, rng: &mut Rng) -> i64 {
        let seconds = match self {
            Self::Chat => rng.i64(120..700),
            Self::Email => rng.i64(120..500),
            Self::Task => rng.i64(60..400),
            _ => rng.i64(45..360),
        };
        let stretch = if rng.u8(..10) == 0 { 2 } else { 1 };
        seconds * stretch * SECOND
    }
}

/// The state of a contact with its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Connecting,
    Connected,
    OnHold,
    Paused,
    Missed,
    Ended,
}

impl State {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "CONNECTING",
            Self::Connected => "CONNECTED",
            Self::OnHold => "CONNECTED_ONHOLD",
            Self::Paused => "PAUSED",
            Self::Missed => "MISSED",
            Self::Ended => "ENDED",
        }
    }
}

/// How a contact ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Abandoned,
    CallbackPlanned,
    Transferred,
    ByCustomer,
    ByAgent,
    Closed,
}

/// A contact.
#[derive(Debug, Clone)]
pub(crate) struct Contact {
    pub(crate) id: u64,
    pub(crate) kind: Kind,
    /// Index into [`QUEUES`].
    pub(crate) queue: usize,
    pub(crate) customer: u64,
    pub(crate) initiated: i64,
    pub(crate) enqueued: Option<i64>,
    pub(crate) agent: Option<usize>,
    pub(crate) attempts: u32,
    pub(crate) rang: Option<i64>,
    pub(crate) connected: Option<i64>,
    /// Starts and ends of holds, or of a task's pauses.
    pub(crate) holds: Vec<(i64, i64)>,
    pub(crate) disconnected: Option<i64>,
    pub(crate) after_contact_work_end: Option<i64>,
    pub(crate) state: State,
    pub(crate) state_since: i64,
    pub(crate) ending: Ending,
    pub(crate) initial: Option<u64>,
    pub(crate) previous: Option<u64>,
    pub(crate) next: Option<u64>,
}

impl Contact {
    pub(crate) fn new(id: u64, kind: Kind, initiated: i64, rng: &mut Rng) -> Self {
        Self {
            id,
            kind,
            queue: rng.usize(..QUEUES.len()),
            customer: rng.u64(..900),
            initiated,
            enqueued: None,
            agent: None,
            attempts: 0,
            rang: None,
            connected: None,
            holds: Vec::new(),
            disconnected: None,
            after_contact_work_end: None,
            state: State::Connecting,
            state_since: initiated,
            ending: Ending::Abandoned,
            initial: None,
            previous: None,
            next: None,
        }
    }

    pub(crate) fn enter(&mut self, state: State, since: i64) {
        self.state = state;
        self.state_since = since;
    }

    /// Whether the contact is connected to the agent, on hold, or paused.
    pub(crate) fn is_with_agent(&self) -> bool {
        matches!(self.state, State::Connected | State::OnHold | State::Paused)
    }

    /// Whether it is a task, which is paused instead of put on hold.
    pub(crate) fn is_task(&self) -> bool {
        self.kind == Kind::Task
    }

    /// Ends a hold or a pause, if there is one.
    pub(crate) fn resume(&mut self, now: i64) {
        if matches!(self.state, State::OnHold | State::Paused)
            && let Some(hold) = self.holds.last_mut()
        {
            hold.1 = now;
        }
    }
}
