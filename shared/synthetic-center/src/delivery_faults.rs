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
    /// Contact events that never arrive. EventBridge gets them at best effort.
    pub lost: u32,
    /// The random seed. The same seed gives the same faults.
    pub seed: u64,
}

/// The delivery faults of the demo.
pub const DEMO_DELIVERY_FAULTS: DeliveryFaults =
    DeliveryFaults { duplicated: 25, late: 15, malformed: 8, lost: 5, seed: 20_260_302 };

/// The same records with faults, in order of arrival.
pub fn with_delivery_faults(
    records: impl Iterator<Item = Sent>,
    faults: DeliveryFaults,
) -> impl Iterator<Item = Sent> {
    let DeliveryFaults { duplicated, late, malformed, lost, seed } = faults;
    // Contact events have their own random numbers, so that they change no fault of the other streams.
    let mut rngs = [Rng::with_seed(seed), Rng::with_seed(seed ^ 0x5eed)];
    let mut records = records.peekable();
    // By arrival time, with a number to keep records of the same time apart.
    let mut later: BTreeMap<(i64, u64), Sent> = BTreeMap::new();
    let mut number = 0;
    let mut malformations = [0, 0, 0];
    std::iter::from_fn(move || {
        loop {
            let next = records.peek().map(|record| record.at);
            if later.first_key_value().is_some_and(|((at, _), _)| next.is_none_or(|next| *at <= next)) {
                return later.pop_first().map(|(_, record)| record);
            }
            let record = records.next()?;
            let is_contact_event = record.stream == StreamKind::ContactEvents;
            let rng = &mut rngs[usize::from(is_contact_event)];
            if is_contact_event && rng.u32(..1000) < lost {
                continue;
            }
            number += 1;
            let mut arrives = |at: i64, record: Sent| later.insert((at, number), Sent { at, ..record });
            let stream = match record.stream {
                StreamKind::ContactRecords => 0,
                StreamKind::AgentEvents => 1,
                StreamKind::ContactEvents => 2,
            };
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
            } else if is_contact_event && rng.u32(..4) == 0 {
                // Contact events are not ordered, so some overtake others even when nothing is late.
                arrives(record.at + rng.i64(0..3 * SECOND), record);
                continue;
            }
            return Some(record);
        }
    })
}

/// A malformed copy of a record, cycling through the kinds of malformation.
fn malform(record: &Sent, number: usize) -> Sent {
    let bytes = match record.stream {
        StreamKind::ContactRecords => malformed_record(
            record,
            number,
            ["ContactId", "LastUpdateTimestamp"],
            br#"{"AgentARN":"arn:aws:connect:eu-west-2:111122223333:instance/i/agent/a","EventType":"LOGIN","EventId":"e","EventTimestamp":"2026-03-02T08:00:00.000Z"}"#,
        ),
        StreamKind::AgentEvents => malformed_record(
            record,
            number,
            ["EventId", "AgentARN"],
            br#"{"ContactId":"c","InstanceARN":"i"}"#,
        ),
        StreamKind::ContactEvents => malformed_event(record, number),
    };
    Sent { record: bytes, ..record.clone() }
}

fn malformed_record(record: &Sent, number: usize, required: [&str; 2], other_kind: &[u8]) -> Vec<u8> {
    let without = |field: &str| {
        let mut value: Value = serde_json::from_slice(&record.record).unwrap_or_default();
        value.as_object_mut().map(|fields| fields.remove(field));
        value.to_string().into_bytes()
    };
    match number % 6 {
        0 => record.record[..record.record.len() / 2].to_vec(),
        1 => without(required[0]),
        2 => without(required[1]),
        3 => b"\xff\xfe not text".to_vec(),
        4 => br#"{"hello": "world"}"#.to_vec(),
        _ => other_kind.to_vec(),
    }
}

/// EventBridge sends only what a rule lets through: JSON with the right `source` and `detail-type`.
fn malformed_event(record: &Sent, number: usize) -> Vec<u8> {
    let mut event: Value = serde_json::from_slice(&record.record).unwrap_or_default();
    let detail = &mut event["detail"];
    let remove = |detail: &mut Value, name: &str| {
        detail.as_object_mut().map(|members| members.retain(|key, _| !key.eq_ignore_ascii_case(name)))
    };
    match number % 6 {
        0 => drop(remove(detail, "contactId")),
        1 => drop(remove(detail, "eventType")),
        2 => {
            remove(detail, "instanceArn");
            detail["instanceArn"] = "not an ARN".into();
            event["resources"] = Value::Array(Vec::new());
        }
        3 => {
            remove(detail, "contactId");
            detail["contactId"] = 7.into();
        }
        4 => *detail = serde_json::json!({"hello": "world"}),
        _ => {
            remove(detail, "instanceArn");
            detail["instanceArn"] = "arn:aws:connect:eu-west-2:111122223333:instance/another-instance".into();
        }
    }
    event.to_string().into_bytes()
}
