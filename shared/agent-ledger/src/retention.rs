//! How long items of the agent tables are kept, and which. How long the streams, the lake and the logs are is in
//! `template.yaml`.

/// How long items are kept, and what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days after its event that a history entry may be deleted.
    pub history_days: u32,
    /// Days after its last event that an agent's state may be deleted.
    pub state_days: u32,
    /// Whether heartbeats become history entries.
    pub heartbeats: bool,
}

impl Default for Retention {
    fn default() -> Self {
        Self { history_days: 90, state_days: 400, heartbeats: false }
    }
}
