//! How long items of the agent tables are kept, and which ones. The retention of streams, lake, and logs is in
//! `template.yaml`.

/// How long items are kept, and which ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days from its event until a history entry may be deleted.
    pub history_days: u32,
    /// Days from its last event until an agent's state may be deleted.
    pub state_days: u32,
    /// Whether heartbeats become history entries.
    pub heartbeats: bool,
}

impl Default for Retention {
    fn default() -> Self {
        Self { history_days: 90, state_days: 400, heartbeats: false }
    }
}
