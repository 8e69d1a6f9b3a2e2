//! One record of the stream to what it writes.

use agent_ledger::plan::{Plan, Rules, plan};
use connect_streams::agent_event::AgentEvent;
use connect_streams::{RecordKind, Reject, RejectCode, Timestamp, parse};
use lambda_support::kinesis::StreamRecord;

/// First bytes of a record that the Kinesis Producer Library packed from several.
/// Source: the library's "Aggregation format".
const AGGREGATE_MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];

/// What a record turned out to be.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// An agent event; its writes move on to the batch.
    Event { timestamp: Timestamp, plan: Option<Plan> },
    /// A known kind that is not ours.
    Skipped,
    /// The data's fault, forever.
    Rejected(Reject),
}

impl Decoded {
    pub(crate) fn take_plan(&mut self) -> Option<Plan> {
        match self {
            Self::Event { plan, .. } => plan.take(),
            Self::Skipped | Self::Rejected(_) => None,
        }
    }
}

pub(crate) fn decode(record: &StreamRecord<'_>, rules: &Rules) -> Decoded {
    parse_and_plan(record, rules).unwrap_or_else(Decoded::Rejected)
}

fn parse_and_plan(record: &StreamRecord<'_>, rules: &Rules) -> Result<Decoded, Reject> {
    let data = record.data()?;
    if data.starts_with(&AGGREGATE_MAGIC) {
        return Err(Reject::record(RejectCode::Aggregated));
    }
    let value = parse(&data)?;
    let object = value.as_object().ok_or(Reject::record(RejectCode::NotAnObject))?;
    match RecordKind::of(object) {
        Some(RecordKind::AgentEvent) => {
            let event = AgentEvent::from_object(object)?;
            let plan = plan(&event, rules)?;
            Ok(Decoded::Event { timestamp: event.timestamp, plan: Some(plan) })
        }
        Some(RecordKind::ContactRecord | RecordKind::ContactEvent) => Ok(Decoded::Skipped),
        Some(RecordKind::DemoRecord) | None => Err(Reject::record(RejectCode::UnknownKind)),
    }
}
