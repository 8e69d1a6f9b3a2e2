//! How long items of the agent tables are kept, and which ones. The retention of streams, lake, and logs is in
//! `template.yaml`.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use connect_streams::agent_event::EventType;

/// How long items are kept, and which ones. The intervals that an event closes are always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days from its event until a history entry may be deleted.
    pub history_days: u32,
    /// Days from its last event until an agent's state may be deleted.
    pub state_days: u32,
    /// Which events other than heartbeats become history entries.
    pub events: EventEntries,
    /// Whether heartbeats become history entries.
    pub heartbeats: bool,
}

/// Which events other than heartbeats become history entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EventEntries {
    /// All of them.
    #[default]
    All,
    /// LOGIN and LOGOUT, from which no interval follows.
    Sessions,
    /// None.
    None,
}

/// A value that is none of [`EventEntries`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not all, sessions, or none")]
pub struct EventEntriesError;

impl EventEntries {
    /// Every value.
    pub const EACH: [Self; 3] = [Self::All, Self::Sessions, Self::None];

    /// The value as a setting.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Sessions => "sessions",
            Self::None => "none",
        }
    }
}

impl Display for EventEntries {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for EventEntries {
    type Err = EventEntriesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::EACH.into_iter().find(|value| value.as_str() == text).ok_or(EventEntriesError)
    }
}

impl Retention {
    /// Whether an event of this type becomes a history entry.
    #[must_use]
    pub fn keeps(&self, event_type: EventType<'_>) -> bool {
        match (event_type, self.events) {
            (EventType::HeartBeat, _) => self.heartbeats,
            (EventType::Login | EventType::Logout, EventEntries::Sessions) => true,
            (_, events) => events == EventEntries::All,
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { history_days: 90, state_days: 400, events: EventEntries::All, heartbeats: false }
    }
}

#[cfg(test)]
mod tests {
    use super::{EventEntries, EventType, Retention};

    #[test]
    fn each_setting_keeps_its_kinds_of_events() {
        let kinds = [
            EventType::Login,
            EventType::Logout,
            EventType::StateChange,
            EventType::Other("LATER"),
            EventType::HeartBeat,
        ];
        for (setting, heartbeats, kept) in [
            ("all", false, [true, true, true, true, false]),
            ("all", true, [true, true, true, true, true]),
            ("sessions", false, [true, true, false, false, false]),
            ("sessions", true, [true, true, false, false, true]),
            ("none", false, [false; 5]),
            ("none", true, [false, false, false, false, true]),
        ] {
            let retention =
                Retention { events: setting.parse().expect(setting), heartbeats, ..Retention::default() };
            assert_eq!(kinds.map(|kind| retention.keeps(kind)), kept, "{setting}, {heartbeats}");
        }
        for unknown in ["", "All", "true", "events"] {
            assert!(unknown.parse::<EventEntries>().is_err(), "{unknown}");
        }
    }
}
