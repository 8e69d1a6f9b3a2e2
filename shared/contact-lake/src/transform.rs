//! A record's bytes to its outcome: `parse → normalize → encode`. Both the function and the tools that predict its outcome use
//! this code.

use connect_streams::contact_record::ContactRecord;
use connect_streams::{RecordKind, Reject, RejectCode, parse};

use crate::encode::{Arrival, encode, encode_demo};
use crate::normalize::normalize;
use crate::policy::Policy;
use crate::returned::returned;

/// The partition of the console's demo records.
const DEMO_PARTITION: &str = "demo";

/// The outcome of a valid record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transformed {
    /// A row.
    Row(Made),
    /// No row: a record of this known kind does not belong in the lake.
    Dropped(RecordKind),
}

/// A row: one line of JSON, its partition, and observations to report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Made {
    /// The line, with its line feed.
    pub line: Vec<u8>,
    /// The partition.
    pub contact_date: String,
    /// Source paths of values of an unexpected type.
    pub type_drift: Vec<String>,
    /// Columns with a negative interval.
    pub impossible_intervals: Vec<&'static str>,
    /// Milliseconds from `LastUpdateTimestamp` to arrival, for a contact record whose arrival is known.
    pub delivery_lag: Option<i64>,
}

/// Makes a record's row.
///
/// # Errors
/// The reason why the record is invalid.
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
            let line = encode_demo(object, arrival, policy);
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
