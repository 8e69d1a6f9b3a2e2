//! The size of a center.

/// 2026-03-02T08:00:00Z in milliseconds.
pub const DEMO_OPENING: i64 = 1_772_438_400_000;

/// The size of a center, with its seed and opening time.
#[derive(Debug, Clone, Copy)]
pub struct CenterSize {
    /// The number of agents.
    pub agents: usize,
    /// Hours from opening to closing.
    pub hours: u32,
    /// The number of contacts that arrive per hour.
    pub contacts_per_hour: u32,
    /// The number of routing profiles: 1 for one with every queue, 3 for further ones with some of the queues.
    pub routing_profiles: usize,
    /// The random seed. The same seed gives the same center.
    pub seed: u64,
    /// When it opens, in milliseconds since 1970.
    pub opening: i64,
    /// The IDs of contacts, events, and agents are numbered from here. Centers with separate ranges share no IDs.
    pub first_id: u64,
}

/// The center of the demo.
pub const DEMO_CENTER: CenterSize = CenterSize {
    agents: 12,
    hours: 8,
    contacts_per_hour: 80,
    routing_profiles: 1,
    seed: 20_260_302,
    opening: DEMO_OPENING,
    first_id: 0,
};
