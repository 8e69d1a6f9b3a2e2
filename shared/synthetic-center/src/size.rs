//! How large a center is.

/// 2026-03-02T08:00:00Z in milliseconds.
pub const DEMO_OPENING: i64 = 1_772_438_400_000;

/// How large a center is.
#[derive(Debug, Clone, Copy)]
pub struct CenterSize {
    /// Agents.
    pub agents: usize,
    /// Hours from opening to closing.
    pub hours: u32,
    /// Contacts that arrive in an hour.
    pub contacts_per_hour: u32,
    /// What makes this center this one.
    pub seed: u64,
    /// When it opens, in milliseconds since 1970.
    pub opening: i64,
    /// Ids of contacts, events and agents are numbered from here on: centers with numbers of their own share none.
    pub first_id: u64,
}

/// The center of the demo.
pub const DEMO_CENTER: CenterSize = CenterSize {
    agents: 12,
    hours: 8,
    contacts_per_hour: 80,
    seed: 20_260_302,
    opening: DEMO_OPENING,
    first_id: 0,
};
