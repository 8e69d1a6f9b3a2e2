//! The parts of a stack.

use std::collections::BTreeMap;

use agent_ledger::Retention;
use connect_streams::{StreamKind, Timestamp};
use contact_state::LongestLife;
use redrive::ContactRecordTarget;

use crate::stack::DAY_MILLISECONDS;

/// The names of a stack's parts.
#[derive(Debug, Clone)]
pub struct Names {
    /// The bucket with rows, raw copies, and dead letters.
    pub lake_bucket: String,
    /// The AgentState table.
    pub agent_state_table: String,
    /// The AgentHistory table.
    pub agent_history_table: String,
    /// The agent event stream.
    pub agent_event_stream: String,
    /// The function that processes agent events.
    pub agent_event_function: String,
    /// Where contact records are sent.
    pub contact_records: ContactRecordTarget,
    /// The parts for contact events, if the stack processes them.
    pub contact_events: Option<ContactEventNames>,
}

/// The names of the parts for contact events.
#[derive(Debug, Clone)]
pub struct ContactEventNames {
    /// The `ContactState` table.
    pub table: String,
    /// The function that processes contact events.
    pub function: String,
    /// The URL of the queue.
    pub queue: String,
    /// The URL of the queue's dead-letter queue.
    pub dead_letters: String,
    /// The URL of the rule's dead-letter queue.
    pub rule_dead_letters: String,
}

impl ContactEventNames {
    /// The names of these resources, if all of them exist.
    pub(crate) fn of(resource: impl Fn(&str) -> Option<String>) -> Option<Self> {
        Some(Self {
            table: resource("ContactStateTable")?,
            function: resource("ContactEventUpserter")?,
            queue: resource("ContactEventQueue")?,
            dead_letters: resource("ContactEventDeadLetters")?,
            rule_dead_letters: resource("ContactEventRuleDeadLetters")?,
        })
    }
}

/// A stream that the stack reads but does not own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingStream {
    /// Its name.
    pub name: String,
    /// The KMS key that the stack may decrypt it with.
    pub key: Option<String>,
}

/// What CloudFormation reports about a deployed stack. For the local stack, this has only the functions, the event source
/// mapping, and Firehose, under the same logical names.
#[derive(Debug, Clone, Default)]
pub struct Deployed {
    /// The stack name.
    pub stack: String,
    /// The account ID.
    pub account: Option<String>,
    /// The stack status.
    pub status: Option<String>,
    /// The Amazon Connect instance it was deployed with.
    pub instance_arn: Option<String>,
    /// How long contacts can be in flight.
    pub longest_life: LongestLife,
    /// How long entries of `AgentHistory` are kept, in days.
    pub history_retention_days: Option<u32>,
    /// Which events have entries in `AgentHistory`. The days in it are not the stack's.
    pub kept_events: Retention,
    /// How long items of ended contacts are kept, in days.
    pub ended_contact_days: Option<u32>,
    /// The streams that the stack does not own.
    pub existing: BTreeMap<StreamKind, ExistingStream>,
    /// ARNs that Amazon Connect should stream to.
    pub targets: BTreeMap<StreamKind, String>,
    /// The stack's outputs.
    pub outputs: BTreeMap<String, String>,
    /// Physical resource IDs by logical ID.
    pub resources: BTreeMap<String, String>,
}

impl Deployed {
    /// Whether the history entry of an event of this time has expired, if the stack tells how long entries are kept.
    pub(crate) fn history_has_expired(&self, time: Timestamp, now: Timestamp) -> bool {
        has_expired(self.history_retention_days, time, now)
    }

    /// Whether the item of a contact with an event of this time may have expired, if the stack tells how long such items
    /// are kept.
    pub(crate) fn contact_may_have_expired(&self, time: Timestamp, now: Timestamp) -> bool {
        has_expired(self.ended_contact_days, time, now)
    }
}

fn has_expired(kept_days: Option<u32>, time: Timestamp, now: Timestamp) -> bool {
    let age = now.epoch_milliseconds() - time.epoch_milliseconds();
    kept_days.is_some_and(|days| age > i64::from(days) * DAY_MILLISECONDS)
}

/// Which events have history entries, by the values of `HistoryEvents` and `HistoryHeartbeats`.
pub(crate) fn kept_events(events: Option<&String>, heartbeats: Option<&String>) -> Retention {
    let default = Retention::default();
    Retention {
        events: events.and_then(|events| events.parse().ok()).unwrap_or(default.events),
        heartbeats: heartbeats.is_some_and(|heartbeats| heartbeats == "true"),
        ..default
    }
}
