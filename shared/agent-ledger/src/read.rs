//! From a record's bytes to its writes: `parse → plan`. The function, and every tool that shows what it would do, use
//! this one path.

use connect_streams::agent_event::AgentEvent;
use connect_streams::{RecordKind, Reject, RejectCode, Timestamp, parse};

use crate::KnownProfiles;
use crate::plan::{Plan, plan_knowing};
use crate::rules::Rules;

/// The content of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// An agent event.
    Event {
        /// When the event happened.
        timestamp: Timestamp,
        /// The event's writes.
        plan: Plan,
    },
    /// A known kind that changes no table, or an event with nothing to write, such as a heartbeat without a snapshot.
    Skipped,
}

/// Reads a record that is not packed.
///
/// # Errors
/// The reason why the record can never be used.
pub fn read(data: &[u8], rules: &Rules) -> Result<Read, Reject> {
    read_knowing(data, rules, &KnownProfiles::default())
}

/// Reads a record that is not packed, and leaves out the write of a routing profile that is known to be stored.
///
/// # Errors
/// The reason why the record can never be used.
pub fn read_knowing(data: &[u8], rules: &Rules, known: &KnownProfiles) -> Result<Read, Reject> {
    let document = parse(data)?;
    let object = document.as_object().ok_or(Reject::record(RejectCode::NotAnObject))?;
    match RecordKind::of(object) {
        Some(RecordKind::AgentEvent) => {
            let event = AgentEvent::from_object(object)?;
            let plan = plan_knowing(&event, rules, known)?;
            // Without a write, a duplicate could not be recognized.
            Ok(if plan.is_empty() { Read::Skipped } else { Read::Event { timestamp: event.timestamp, plan } })
        }
        Some(RecordKind::ContactRecord | RecordKind::ContactEvent | RecordKind::Row) => Ok(Read::Skipped),
        Some(RecordKind::DemoRecord) | None => Err(Reject::record(RejectCode::UnknownKind)),
    }
}
