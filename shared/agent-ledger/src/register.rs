//! The registers of AgentState.

/// A register of AgentState.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Register {
    /// What the agent is doing.
    Snapshot,
    /// The agent's last LOGIN.
    Login,
    /// The agent's last LOGOUT.
    Logout,
    /// The queues of a routing profile. It belongs to no agent.
    RoutingProfile,
}

impl Register {
    /// Those of an agent.
    pub const OF_AN_AGENT: [Self; 3] = [Self::Snapshot, Self::Login, Self::Logout];

    /// The attribute that holds the register's version.
    #[must_use]
    pub const fn version_attribute(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot_version",
            Self::Login | Self::Logout => "session_version",
            Self::RoutingProfile => "profile_version",
        }
    }

    /// The end of the item's sort key, after the Region.
    pub(crate) const fn key_suffix(self) -> Option<&'static str> {
        match self {
            Self::Snapshot | Self::RoutingProfile => None,
            Self::Login => Some("login"),
            Self::Logout => Some("logout"),
        }
    }
}
