//! A contact record with its required fields checked. All other fields stay in the parsed record; the lake's schema
//! assigns them to columns.

use crate::{Object, Reject, RejectCode, Timestamp, Value};

/// A contact record that has the fields every row needs.
#[derive(Debug)]
pub struct ContactRecord<'a> {
    /// The whole record.
    pub source: Object<'a>,
    /// When the contact began. It never changes, so all versions of a contact have the same contact date.
    pub initiation_timestamp: Timestamp,
    /// The record's version: a copy with a later one has newer data.
    pub last_update_timestamp: Timestamp,
}

impl<'a> ContactRecord<'a> {
    /// Checks the required fields.
    ///
    /// # Errors
    /// [`RejectCode::MissingField`] or [`RejectCode::BadField`], with the field's name.
    pub fn from_object(source: Object<'a>) -> Result<Self, Reject> {
        let [contact_id, instance_arn, initiation, last_update] =
            source.get_each(["ContactId", "InstanceARN", "InitiationTimestamp", "LastUpdateTimestamp"]);
        required_text(contact_id, "ContactId")?;
        required_text(instance_arn, "InstanceARN")?;
        Ok(Self {
            source,
            initiation_timestamp: required_timestamp(initiation, "InitiationTimestamp")?,
            last_update_timestamp: required_timestamp(last_update, "LastUpdateTimestamp")?,
        })
    }
}

/// A string that is required and must not be empty.
pub(crate) fn required_text<'a>(value: Option<Value<'a>>, name: &'static str) -> Result<&'a str, Reject> {
    match value {
        None | Some(Value::Null) => Err(Reject::field(RejectCode::MissingField, name)),
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(_) => Err(Reject::field(RejectCode::BadField, name)),
    }
}

/// A timestamp that is required.
pub(crate) fn required_timestamp(value: Option<Value<'_>>, name: &'static str) -> Result<Timestamp, Reject> {
    let text = required_text(value, name)?;
    Timestamp::parse(text).ok_or(Reject::field(RejectCode::BadField, name))
}
