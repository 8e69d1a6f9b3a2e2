//! The attributes of an item of `ContactState`.

/// A field: a last-writer-wins register.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// The attribute with the value.
    pub name: &'static str,
    /// The attribute with the version of the event that set it.
    pub by: &'static str,
    /// The column of contact records that has the same data, whose action in the PII policy applies. A name that is not
    /// a column has no action.
    pub column: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

macro_rules! fields {
    ($($constant:ident $name:literal $column:literal $meaning:literal)*) => {
        $(
            #[doc = $meaning]
            pub static $constant: Field =
                Field { name: $name, by: concat!($name, "_by"), column: $column, meaning: $meaning };
        )*
        /// Every field, in the order in which they are documented.
        pub static FIELDS: &[&Field] = &[$(&$constant),*];
    };
}

fields! {
    CHANNEL "channel" "channel" "`VOICE`, `CHAT`, `TASK`, `EMAIL`"
    INITIATION_METHOD "initiation_method" "initiation_method" "`INBOUND`, `OUTBOUND`, …"
    INITIATED "initiated" "initiation_timestamp" "when the contact began"
    CONNECTED_TO_SYSTEM "connected_to_system" "connected_to_system_timestamp" "when its media was established"
    SCHEDULED "scheduled" "scheduled_timestamp" "when a scheduled task is to start"
    QUEUE_ID "queue_id" "queue_id" "the queue; the agent's ID for an agent's own queue"
    ENQUEUED "enqueued" "queue_enqueue_timestamp" "when the contact was put in the queue"
    AGENT_ID "agent_id" "agent_id" "the agent, possibly before the contact is connected to it"
    CONNECTED_TO_AGENT "connected_to_agent" "agent_connected_to_agent_timestamp" "when the contact was connected to the agent"
    PAUSED "paused" "last_paused_timestamp" "`true` or `false`: whether the task is paused"
    DISCONNECTED "disconnected" "disconnect_timestamp" "when the contact was disconnected"
    AFTER_CONTACT_WORK_STARTED "after_contact_work_started" "agent_after_contact_work_start_timestamp" "when after-contact work began"
    AFTER_CONTACT_WORK_ENDED "after_contact_work_ended" "agent_after_contact_work_end_timestamp" "when after-contact work ended"
    COMPLETED "completed" "completed" "the time of the event COMPLETED"
    SIMULATED "simulated" "validation_test_type" "`true` if a test of Amazon Connect made the contact, so that it counts in no metric"
}

/// The partition key: `<instance id>#<NN>`.
pub const BOARD: &str = "board";
/// The sort key.
pub const CONTACT_ID: &str = "contact_id";
/// The version of the newest event. It only grows.
pub const LAST_EVENT: &str = "last_event";
/// The greatest rank of an event, see [`rank`](crate::rank). It only grows.
pub const RANK: &str = "rank";
/// The earliest time of an event without an initiation time.
pub const FIRST_SEEN: &str = "first_seen";
/// `true` until the contact is completed, then absent: the sort key of the index with the contacts in flight.
pub const IN_FLIGHT: &str = "in_flight";
/// When DynamoDB may delete the item, in epoch seconds.
pub const EXPIRES_AT: &str = "expires_at";
