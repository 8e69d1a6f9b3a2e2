//! Rows that come back: made before, but not delivered to the lake.
//!
//! A row passes unchanged, so its hash still matches its content, and values that a policy hid stay hidden. But it must be
//! valid: anyone who can put a contact record can put something that only looks like a row.

use connect_streams::{Object, Reject, RejectCode, Timestamp, Value};

use crate::schema::{Column, Kind, columns};

/// The line of a row that comes back, and its contact date; `None` for the row of a demo record.
///
/// # Errors
/// When this code cannot have made the row.
pub fn returned(row: Object<'_>) -> Result<(Vec<u8>, Option<String>), Reject> {
    let mut initiation = None;
    for (name, value) in row.iter() {
        let column = columns().find(|column| column.name == name);
        let column = column.ok_or(Reject::record(RejectCode::UnknownKind))?;
        if !fits(column, value) {
            return Err(Reject::field(RejectCode::BadField, column.name));
        }
        if name == "initiation_timestamp" {
            initiation = value.as_str().and_then(Timestamp::parse);
        }
    }
    if initiation.is_none() && row.get("contact_id").is_some() {
        return Err(Reject::field(RejectCode::MissingField, "initiation_timestamp"));
    }
    let mut line = Vec::new();
    Value::Object(row).write_json(&mut line);
    line.push(b'\n');
    Ok((line, initiation.map(Timestamp::date)))
}

/// Whether a column can hold the value.
fn fits(column: &Column, value: Value<'_>) -> bool {
    let is_text = |value: Value<'_>| matches!(value, Value::String(_));
    let is_struct = |fields: &[Column], value: Value<'_>| {
        let fits = |(name, value)| fields.iter().any(|field| field.name == name && fits(field, value));
        value.as_object().is_some_and(|object| object.iter().all(fits))
    };
    match (column.kind, value) {
        (Kind::Text | Kind::Json, Value::String(_)) | (Kind::Boolean, Value::Bool(_)) => true,
        (Kind::Timestamp, Value::String(text)) => Timestamp::parse(text).is_some(),
        (Kind::Integer, Value::Number(digits)) => digits.parse::<i64>().is_ok(),
        (Kind::Double, Value::Number(digits)) => digits.parse::<f64>().is_ok_and(f64::is_finite),
        (Kind::TextMap | Kind::UnionMap, Value::Object(map)) => map.iter().all(|(_, value)| is_text(value)),
        (Kind::TextList, Value::Array(texts)) => texts.iter().all(is_text),
        (Kind::StructList(fields) | Kind::StructMap(fields), Value::Array(structs)) => {
            structs.iter().all(|value| is_struct(fields, value))
        }
        _ => false,
    }
}
