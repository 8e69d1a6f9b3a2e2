//! The order of agent events.
//!
//! A version is `<EventTimestamp, UTC, fixed width, ms>#<event id>`, a text that orders bytewise. Both parts
//! come from the event itself. A stream position would break ties in arrival order, but the same event has
//! another position each time it is sent, redriven or republished, and the tables would depend on it. So a tie
//! within one millisecond is broken by the event id: arbitrary, but the same for everybody and forever; the
//! next event or heartbeat carries a whole snapshot and settles it.

use std::fmt;
use std::sync::Arc;

use connect_streams::agent_event::AgentEvent;

use crate::item::timestamp_text;

/// The version of a register: which event it was last set by. An event's version goes into each of its writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(Arc<str>);

impl Version {
    /// The version that an event gives to what it writes.
    #[must_use]
    pub fn of(event: &AgentEvent<'_>) -> Self {
        let timestamp = timestamp_text(event.timestamp);
        Self([timestamp.as_str(), "#", event.event_id].concat().into())
    }

    /// A version read back from a store.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text that is stored and compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When the event happened, at its fixed width.
    #[must_use]
    pub fn timestamp(&self) -> &str {
        self.0.split_once('#').map_or(&self.0, |(timestamp, _)| timestamp)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
