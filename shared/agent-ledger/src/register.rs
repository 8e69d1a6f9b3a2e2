//! The registers of an agent's state.

/// One of an agent's registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Register {
    /// What the agent is doing.
    Snapshot,
    /// The agent's last LOGIN.
    Login,
    /// The agent's last LOGOUT.
    Logout,
}

impl Register {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Snapshot, Self::Login, Self::Logout];

    /// The attribute that holds the register's version.
    #[must_use]
    pub const fn version_attribute(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot_version",
            Self::Login | Self::Logout => "session_version",
        }
    }

    /// The end of the item's sort key, after the Region.
    pub(crate) const fn key_suffix(self) -> Option<&'static str> {
        match self {
            Self::Snapshot => None,
            Self::Login => Some("login"),
            Self::Logout => Some("logout"),
        }
    }
}
