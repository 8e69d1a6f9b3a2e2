//! The order of agent events.
//!
//! A version is `<EventTimestamp, UTC, fixed width, ms>#<event id>`, a text that is ordered by its bytes. Both parts
//! come from the event itself. A stream position would break ties in arrival order, but an event gets a new position
//! each time it is sent, redriven, or republished, so the tables would depend on it. Instead, the event ID breaks ties
//! within one millisecond. This order is arbitrary, but the same everywhere and forever, and the next event or
//! heartbeat has a whole snapshot and settles the state.

use std::fmt;
use std::sync::Arc;

use connect_streams::agent_event::AgentEvent;

use tables::timestamp_text;

/// The version of a register: the event that last set it. An event's version is part of each of its writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(Arc<str>);

impl Version {
    /// The version of an event.
    #[must_use]
    pub fn of(event: &AgentEvent<'_>) -> Self {
        let timestamp = timestamp_text(event.timestamp);
        Self([timestamp.as_str(), "#", event.event_id].concat().into())
    }

    /// A version read from a store.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text that is stored and compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When the event happened, as text of fixed width.
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
