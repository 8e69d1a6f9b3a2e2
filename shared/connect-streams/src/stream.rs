//! The record streams of Amazon Connect.

/// The stream that a record is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamKind {
    /// Contact records.
    ContactRecords,
    /// Agent events.
    AgentEvents,
    /// Contact events.
    ContactEvents,
}

impl StreamKind {
    /// The name of its records, in prose.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContactRecords => "contact records",
            Self::AgentEvents => "agent events",
            Self::ContactEvents => "contact events",
        }
    }

    /// The name of its records, in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ContactRecords => "contact_records",
            Self::AgentEvents => "agent_events",
            Self::ContactEvents => "contact_events",
        }
    }
}
