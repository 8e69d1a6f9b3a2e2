//! The order of agent events.
//!
//! A version is `<EventTimestamp, UTC, fixed width, ms>#<event id>`, a text that orders bytewise. Both parts
//! come from the event itself. A stream position would break ties in arrival order, but the same event has
//! another position each time it is sent, redriven or republished, and the tables would depend on it. So a tie
//! within one millisecond is broken by the event id: arbitrary, but the same for everybody and forever; the
//! next event or heartbeat carries a whole snapshot and settles it.

use connect_streams::agent_event::AgentEvent;
use std::fmt;

/// The version of a register: which event it was last set by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(String);

impl Version {
    /// The version that an event gives to what it writes.
    #[must_use]
    pub fn of(event: &AgentEvent<'_>) -> Self {
        Self(format!("{}#{}", event.timestamp, event.event_id))
    }

    /// A version read back from a store.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text that is stored and compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
