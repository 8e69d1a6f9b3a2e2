//! The queues, with their IDs and names.

pub(crate) const QUEUES: [(&str, &str); 4] = [
    ("40000000-0000-4000-8000-000000000001", "Billing"),
    ("40000000-0000-4000-8000-000000000002", "Orders"),
    ("40000000-0000-4000-8000-000000000003", "Returns"),
    ("40000000-0000-4000-8000-000000000004", "Technical support"),
];
