//! Delivery faults of real streams: some records are duplicated, some late, some malformed.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::Value;

use connect_streams::StreamKind;

use crate::sent::Sent;
use crate::time::{MINUTE, SECOND};

/// Delivery faults per 1,000 records.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryFaults {
    /// Records that arrive twice.
    pub duplicated: u32,
    /// Records that arrive late.
    pub late: u32,
    /// Extra records that are broken or of another kind. All regular records still arrive.
    pub malformed: u32,
    /// The random seed. The same seed gives the same faults.
    pub seed: u64,
}

/// The delivery faults of the demo.
pub const DEMO_DELIVERY_FAULTS: DeliveryFaults =
    DeliveryFaults { duplicated: 25, late: 15, malformed: 8, seed: 20_260_302 };

/// The same records with faults, in order of arrival.
pub fn with_delivery_faults(
    records: impl Iterator<Item = Sent>,
    faults: DeliveryFaults,
) -> impl Iterator<Item = Sent> {
    let DeliveryFaults { duplicated, late, malformed, seed } = faults;
    let mut rng = Rng::with_seed(seed);
    let mut records = records.peekable();
    // By arrival time, with a number to keep records of the same time apart.
    let mut later: BTreeMap<(i64, u64), Sent> = BTreeMap::new();
    let mut number = 0;
    let mut malformations = [0, 0];
    std::iter::from_fn(move || {
        loop {
            let next = records.peek().map(|record| record.at);
            if later.first_key_value().is_some_and(|((at, _), _)| next.is_none_or(|next| *at <= next)) {
                return later.pop_first().map(|(_, record)| record);
            }
            let record = records.next()?;
            number += 1;
            let mut arrives = |at: i64, record: Sent| later.insert((at, number), Sent { at, ..record });
            let stream = usize::from(record.stream == StreamKind::AgentEvents);
            if rng.u32(..1000) < malformed {
                let record = malform(&record, malformations[stream]);
                malformations[stream] += 1;
                number += 1;
                later.insert((record.at, number), record);
                number += 1;
            } else if rng.u32(..1000) < duplicated {
                arrives(record.at + rng.i64(0..30 * MINUTE), record.clone());
            } else if rng.u32(..1000) < late {
                arrives(record.at + rng.i64(SECOND..10 * MINUTE), record);
                continue;
            }
            return Some(record);
        }
    })
}

/// A malformed copy of a record, cycling through the kinds of malformation.
fn malform(record: &Sent, number: usize) -> Sent {
    let without = |field: &str| {
        let mut value: Value = serde_json::from_slice(&record.record).unwrap_or_default();
        value.as_object_mut().map(|fields| fields.remove(field));
        value.to_string().into_bytes()
    };
    let required = match record.stream {
        StreamKind::ContactRecords => ["ContactId", "LastUpdateTimestamp"],
        StreamKind::AgentEvents => ["EventId", "AgentARN"],
    };
    let other_kind = match record.stream {
        StreamKind::ContactRecords => br#"{"AgentARN":"arn:aws:connect:eu-west-2:111122223333:instance/i/agent/a","EventType":"LOGIN","EventId":"e","EventTimestamp":"2026-03-02T08:00:00.000Z"}"#.to_vec(),
        StreamKind::AgentEvents => br#"{"ContactId":"c","InstanceARN":"i"}"#.to_vec(),
    };
    let bytes = match number % 6 {
        0 => record.record[..record.record.len() / 2].to_vec(),
        1 => without(required[0]),
        2 => without(required[1]),
        3 => b"\xff\xfe not text".to_vec(),
        4 => br#"{"hello": "world"}"#.to_vec(),
        _ => other_kind,
    };
    Sent { record: bytes, ..record.clone() }
}
