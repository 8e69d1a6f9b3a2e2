//! Agent event to writes. Pure: it decides, and only the store writes.

use connect_streams::agent_event::{AgentEvent, EventType};
use connect_streams::{Reject, RejectCode};

use crate::history::{event_entry, intervals};
use crate::item;
use crate::state::{session_write, snapshot_write};
use crate::{HistoryEntry, NamePolicy, RegisterWrite, Version};

/// DynamoDB refuses an item above 400 KB. The difference is room for keys and the other register.
/// Source: DynamoDB Developer Guide, "Quotas", item size.
const ITEM_BYTES: usize = 390 * 1024;

/// Longer ids than Amazon Connect's own limit for a contact id would threaten DynamoDB's 1,024 bytes for a sort
/// key, and so block the shard.
const ID_BYTES: usize = 256;

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

/// Everything that is decided outside of the event.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// What is kept, and for how long.
    pub retention: Retention,
    /// What happens to an agent's names.
    pub names: NamePolicy,
}

/// What one event writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// At most one per register; each is an item of its own.
    pub registers: Vec<RegisterWrite>,
    /// The event's own entry, unless it is a heartbeat that is not kept.
    pub event: Option<HistoryEntry>,
    /// The intervals it closes.
    pub intervals: Vec<HistoryEntry>,
}

impl Plan {
    /// Whether there is nothing to write: a heartbeat without a snapshot.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.registers.is_empty() && self.event.is_none() && self.intervals.is_empty()
    }
}

/// Says what to write.
///
/// # Errors
/// [`RejectCode::BadField`] or [`RejectCode::TooLarge`] for what DynamoDB would refuse every time.
pub fn plan(event: &AgentEvent<'_>, rules: &Rules) -> Result<Plan, Reject> {
    check_ids(event)?;
    let retention = &rules.retention;
    let version = Version::of(event);
    let snapshot = event.current.as_ref().map(|current| snapshot_write(event, &version, current, rules));
    let is_kept = retention.heartbeats || event.event_type != EventType::HeartBeat;
    let plan = Plan {
        registers: snapshot.into_iter().chain(session_write(event, &version, retention.state_days)).collect(),
        event: is_kept.then(|| event_entry(event, &version, retention.history_days)),
        intervals: intervals(event, &version, retention.history_days),
    };
    let items =
        plan.registers.iter().map(|write| &write.set).chain(plan.event.iter().map(|entry| &entry.attributes));
    if items.map(item::bytes).any(|bytes| bytes > ITEM_BYTES) {
        return Err(Reject::field(RejectCode::TooLarge, "CurrentAgentSnapshot"));
    }
    Ok(plan)
}

fn check_ids(event: &AgentEvent<'_>) -> Result<(), Reject> {
    // The sort key joins them with it: with one inside, two entries could have the same key.
    let fits = |id: &str| id.len() <= ID_BYTES && !id.contains('#');
    let bad = |path| Err(Reject::field(RejectCode::BadField, path));
    if !fits(event.agent_id) || !fits(event.instance_id) || !fits(event.region) {
        return bad("AgentARN");
    }
    if !fits(event.event_id) {
        return bad("EventId");
    }
    let contacts = event.previous.iter().chain(&event.current).flat_map(|snapshot| &snapshot.contacts);
    if contacts.into_iter().any(|contact| !fits(contact.contact_id) || !contact.state.is_none_or(fits)) {
        return bad("CurrentAgentSnapshot.Contacts");
    }
    Ok(())
}
