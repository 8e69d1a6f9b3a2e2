//! A record's bytes to what becomes of it: `parse → normalize → encode`. The one place that the function, and whoever asks what
//! it would do, go through.

use connect_streams::contact_record::ContactRecord;
use connect_streams::{RecordKind, Reject, RejectCode, parse};

use crate::encode::{Arrival, encode, encode_demo};
use crate::normalize::normalize;
use crate::policy::Policy;
use crate::returned::returned;

/// The partition of the console's demo records.
const DEMO_PARTITION: &str = "demo";

/// What becomes of a record that is not at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transformed {
    /// A row.
    Row(Made),
    /// Nothing: it is of this known kind, which belongs elsewhere.
    Dropped(RecordKind),
}

/// A row: one line of JSON, the partition that it belongs to, and what there is to say of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Made {
    /// The line, with its end.
    pub line: Vec<u8>,
    /// The partition.
    pub contact_date: String,
    /// Source paths of values of an unexpected type.
    pub type_drift: Vec<String>,
    /// Columns whose interval would be negative.
    pub impossible_intervals: Vec<&'static str>,
    /// From `LastUpdateTimestamp` to the arrival, milliseconds; of a contact record whose arrival is known.
    pub delivery_lag: Option<i64>,
}

/// Makes a record's row.
///
/// # Errors
/// What is wrong with the record.
pub fn transform(data: &[u8], arrival: Option<Arrival>, policy: &Policy) -> Result<Transformed, Reject> {
    let document = parse(data)?;
    let object = document.as_object().ok_or(Reject::record(RejectCode::NotAnObject))?;
    match RecordKind::of(object) {
        Some(RecordKind::ContactRecord) => {
            let contact = ContactRecord::from_object(object)?;
            let mut row = normalize(&contact);
            let updated = contact.last_update_timestamp.epoch_milliseconds();
            Ok(Transformed::Row(Made {
                contact_date: std::mem::take(&mut row.contact_date),
                type_drift: std::mem::take(&mut row.type_drift),
                impossible_intervals: std::mem::take(&mut row.impossible_intervals),
                delivery_lag: arrival.map(|arrival| arrival.at.epoch_milliseconds() - updated),
                line: encode(row, arrival, policy),
            }))
        }
        Some(RecordKind::DemoRecord) => {
            let line = encode_demo(document.root(), arrival, policy);
            Ok(Transformed::Row(Made { line, contact_date: DEMO_PARTITION.to_owned(), ..Made::default() }))
        }
        Some(RecordKind::Row) => {
            let (line, contact_date) = returned(object)?;
            let contact_date = contact_date.unwrap_or_else(|| DEMO_PARTITION.to_owned());
            Ok(Transformed::Row(Made { line, contact_date, ..Made::default() }))
        }
        Some(kind @ (RecordKind::AgentEvent | RecordKind::ContactEvent)) => Ok(Transformed::Dropped(kind)),
        None => Err(Reject::record(RejectCode::UnknownKind)),
    }
}
