//! One record of the stream to what it writes. A record may be packed: then each record in it counts for itself.

use agent_ledger::plan::{Plan, plan};
use agent_ledger::rules::Rules;
use connect_streams::agent_event::AgentEvent;
use connect_streams::{RecordKind, Reject, RejectCode, Timestamp, parse};
use lambda_io::aggregate::{self, Packed};
use lambda_io::kinesis::StreamRecord;

/// A record as its producer knew it.
#[derive(Debug)]
pub(crate) struct UserRecord {
    /// Which record of the event it is, or is part of.
    pub(crate) index: usize,
    /// Its own bytes and place, if it is only part of that record.
    pub(crate) part: Option<Part>,
    /// What it turned out to be.
    pub(crate) decoded: Decoded,
}

/// A record that was packed together with others.
#[derive(Debug)]
pub(crate) struct Part {
    /// Its place among them.
    pub(crate) subsequence_number: usize,
    /// What was packed.
    pub(crate) packed: Packed,
}

/// What a record turned out to be.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// An agent event; its writes move on to the batch.
    Event { timestamp: Timestamp, plan: Option<Plan> },
    /// A known kind that is not ours, or a heartbeat that tells nothing.
    Skipped,
    /// The data's fault, forever.
    Rejected(Reject),
}

impl UserRecord {
    pub(crate) fn take_plan(&mut self) -> Option<Plan> {
        match &mut self.decoded {
            Decoded::Event { plan, .. } => plan.take(),
            Decoded::Skipped | Decoded::Rejected(_) => None,
        }
    }

    pub(crate) fn is_event(&self) -> bool {
        matches!(self.decoded, Decoded::Event { .. })
    }
}

/// Decodes the records of an event, in their order.
pub(crate) fn decode(records: &[StreamRecord], rules: &Rules) -> Vec<UserRecord> {
    let mut decoded = Vec::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        match parts(record) {
            Ok(Parts::Whole(data)) => {
                decoded.push(UserRecord { index, part: None, decoded: read(data, rules) });
            }
            Ok(Parts::Packed(parts)) => {
                for (subsequence_number, packed) in parts.into_iter().enumerate() {
                    let read = read(&packed.data, rules);
                    let part = Some(Part { subsequence_number, packed });
                    decoded.push(UserRecord { index, part, decoded: read });
                }
            }
            Err(reject) => decoded.push(UserRecord { index, part: None, decoded: Decoded::Rejected(reject) }),
        }
    }
    decoded
}

enum Parts<'a> {
    Whole(&'a [u8]),
    Packed(Vec<Packed>),
}

fn parts(record: &StreamRecord) -> Result<Parts<'_>, Reject> {
    let data = record.data.bytes()?;
    if aggregate::is_packed(data) {
        aggregate::unpack(data.to_vec()).map(Parts::Packed)
    } else {
        Ok(Parts::Whole(data))
    }
}

fn read(data: &[u8], rules: &Rules) -> Decoded {
    parse_and_plan(data, rules).unwrap_or_else(Decoded::Rejected)
}

fn parse_and_plan(data: &[u8], rules: &Rules) -> Result<Decoded, Reject> {
    let document = parse(data)?;
    let object = document.as_object().ok_or(Reject::record(RejectCode::NotAnObject))?;
    match RecordKind::of(object) {
        Some(RecordKind::AgentEvent) => {
            let event = AgentEvent::from_object(object)?;
            let plan = plan(&event, rules)?;
            if plan.is_empty() {
                // With nothing to write, nothing could tell that it came before.
                return Ok(Decoded::Skipped);
            }
            Ok(Decoded::Event { timestamp: event.timestamp, plan: Some(plan) })
        }
        Some(RecordKind::ContactRecord | RecordKind::ContactEvent | RecordKind::Row) => Ok(Decoded::Skipped),
        Some(RecordKind::DemoRecord) | None => Err(Reject::record(RejectCode::UnknownKind)),
    }
}

/// Whether bytes that are no packed record would write something; what is passed over writes nothing.
///
/// # Errors
/// What is wrong with them, for which they would be set aside.
pub fn would_write(data: &[u8], rules: &Rules) -> Result<bool, Reject> {
    parse_and_plan(data, rules).map(|decoded| matches!(decoded, Decoded::Event { .. }))
}

/// What is wrong with a record, for which it would be set aside; of a packed one, if nothing in it is right.
#[must_use]
pub fn would_reject(record: &StreamRecord, rules: &Rules) -> Option<Reject> {
    let decoded = decode(std::slice::from_ref(record), rules);
    let mut rejects = decoded.into_iter().map(|record| match record.decoded {
        Decoded::Rejected(reject) => Some(reject),
        Decoded::Event { .. } | Decoded::Skipped => None,
    });
    let first = rejects.next()??;
    rejects.all(|reject| reject.is_some()).then_some(first)
}
