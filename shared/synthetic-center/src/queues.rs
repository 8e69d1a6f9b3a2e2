//! The queues and routing profiles, with their IDs and names.

use std::ops::Range;

pub(crate) const QUEUES: [(&str, &str); 4] = [
    ("40000000-0000-4000-8000-000000000001", "Billing"),
    ("40000000-0000-4000-8000-000000000002", "Orders"),
    ("40000000-0000-4000-8000-000000000003", "Returns"),
    ("40000000-0000-4000-8000-000000000004", "Technical support"),
];

/// A routing profile.
pub(crate) struct RoutingProfile {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// Its queues.
    pub(crate) queues: Range<usize>,
}

pub(crate) const ROUTING_PROFILES: [RoutingProfile; 3] = [
    RoutingProfile { id: "50000000-0000-4000-8000-000000000001", name: "General", queues: 0..4 },
    RoutingProfile { id: "50000000-0000-4000-8000-000000000002", name: "Sales", queues: 0..2 },
    RoutingProfile { id: "50000000-0000-4000-8000-000000000003", name: "Support", queues: 2..4 },
];
