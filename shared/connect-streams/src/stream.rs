//! The two streams of records that Amazon Connect has.

/// Which stream a record is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamKind {
    /// Contact records.
    ContactRecords,
    /// Agent events.
    AgentEvents,
}

impl StreamKind {
    /// Its records, in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContactRecords => "contact records",
            Self::AgentEvents => "agent events",
        }
    }

    /// Its records, as a name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ContactRecords => "contact_records",
            Self::AgentEvents => "agent_events",
        }
    }
}
