//! Decodes stream records into plans. Each record inside a KPL aggregate is decoded and counted separately.

use agent_ledger::plan::Plan;
use agent_ledger::rules::Rules;
use agent_ledger::{KnownProfiles, Read, read_knowing};
use connect_streams::{Reject, Timestamp};
use lambda_io::aggregate::{self, Packed};
use lambda_io::kinesis::StreamRecord;

/// A record as its producer sent it: a stream record, or part of one.
#[derive(Debug)]
pub(crate) struct UserRecord {
    /// Index of its stream record in the event.
    pub(crate) index: usize,
    /// Its own bytes and position, if it is only part of that record.
    pub(crate) part: Option<Part>,
    /// The result of decoding it.
    pub(crate) decoded: Decoded,
}

/// A record that was packed together with others.
#[derive(Debug)]
pub(crate) struct Part {
    /// Its position in the aggregate.
    pub(crate) subsequence_number: usize,
    /// Its own bytes and partition key.
    pub(crate) packed: Packed,
}

/// The result of decoding a record.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// An agent event. Its plan moves to the batch.
    Event { timestamp: Timestamp, plan: Option<Plan> },
    /// A known kind that is not an agent event, or an event with nothing to write.
    Skipped,
    /// Can never be written, because of its data.
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

/// Decodes the records of an event, in order.
pub(crate) fn decode(records: &[StreamRecord], rules: &Rules, known: &KnownProfiles) -> Vec<UserRecord> {
    let mut decoded = Vec::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        match parts(record) {
            Ok(Parts::Whole(data)) => {
                decoded.push(UserRecord { index, part: None, decoded: read(data, rules, known) });
            }
            Ok(Parts::Packed(parts)) => {
                for (subsequence_number, packed) in parts.into_iter().enumerate() {
                    let read = read(&packed.data, rules, known);
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

fn read(data: &[u8], rules: &Rules, known: &KnownProfiles) -> Decoded {
    match read_knowing(data, rules, known) {
        Ok(Read::Event { timestamp, plan }) => Decoded::Event { timestamp, plan: Some(plan) },
        Ok(Read::Skipped) => Decoded::Skipped,
        Err(reject) => Decoded::Rejected(reject),
    }
}
