//! A record's bytes to what it writes: `parse → plan`. The one place that the function, and whoever asks what it would do, go
//! through.

use connect_streams::agent_event::AgentEvent;
use connect_streams::{RecordKind, Reject, RejectCode, Timestamp, parse};

use crate::plan::{Plan, plan};
use crate::rules::Rules;

/// What a record turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// An agent event.
    Event {
        /// When it happened.
        timestamp: Timestamp,
        /// What it writes.
        plan: Plan,
    },
    /// A known kind that is not ours, or a heartbeat that tells nothing.
    Skipped,
}

/// Reads a record that is not packed.
///
/// # Errors
/// What is wrong with it, forever.
pub fn read(data: &[u8], rules: &Rules) -> Result<Read, Reject> {
    let document = parse(data)?;
    let object = document.as_object().ok_or(Reject::record(RejectCode::NotAnObject))?;
    match RecordKind::of(object) {
        Some(RecordKind::AgentEvent) => {
            let event = AgentEvent::from_object(object)?;
            let plan = plan(&event, rules)?;
            // With nothing to write, nothing could tell that it came before.
            Ok(if plan.is_empty() { Read::Skipped } else { Read::Event { timestamp: event.timestamp, plan } })
        }
        Some(RecordKind::ContactRecord | RecordKind::ContactEvent | RecordKind::Row) => Ok(Read::Skipped),
        Some(RecordKind::DemoRecord) | None => Err(Reject::record(RejectCode::UnknownKind)),
    }
}
