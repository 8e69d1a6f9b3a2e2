//! Hand-made contact records and their rows.

use connect_streams::contact_record::ContactRecord;
use connect_streams::{Timestamp, parse};
use contact_lake::{Arrival, Policy, encode, normalize};
use serde_json::Value;

/// The row of a contact record, in the form stored beside its fixture.
///
/// # Panics
/// When it is not a contact record.
#[must_use]
pub fn row_of(bytes: &[u8]) -> Value {
    let value = parse(bytes).expect("a fixture is JSON");
    let object = value.as_object().expect("a fixture is an object");
    let record = ContactRecord::from_object(object).expect("a fixture is a contact record");
    let arrival = Timestamp::parse("2026-03-02T09:12:05.678Z").map(Arrival::from);
    let line = encode(normalize(&record), arrival, &Policy::default());
    serde_json::from_slice(&line).expect("a row is JSON")
}
