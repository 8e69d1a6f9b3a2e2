//! A row, before it is written.

use std::borrow::Cow;

use connect_streams::{Timestamp, Value};

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Text as it came, or as the policy for personal data left it.
    Text(Cow<'a, str>),
    /// A number as it came.
    Number(&'a str),
    /// A whole number that was computed.
    Whole(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// An instant.
    Timestamp(Timestamp),
    /// Text by key, in the order of the keys.
    TextMap(Vec<(&'a str, Cow<'a, str>)>),
    /// Texts.
    TextList(Vec<Cow<'a, str>>),
    /// Objects, each with one place per field of the column's kind.
    Structs(Vec<Vec<Option<Cell<'a>>>>),
    /// JSON text.
    Json(String),
}

/// A contact record, normalized.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// One place per column of the table; `None` where the record says nothing. Values of the row itself, such as
    /// `content_hash`, are not there before it is encoded.
    pub cells: Vec<Option<Cell<'a>>>,
    /// Source fields without a column, and values that their column cannot hold.
    pub extra: Vec<Extra<'a>>,
    /// Source paths, without keys or positions, of values of an unexpected type, such as `Recordings[].Status`.
    pub type_drift: Vec<String>,
    /// Names of the computed columns that rest on an interval that would be negative.
    pub impossible_intervals: Vec<&'static str>,
    /// The day of `InitiationTimestamp`, UTC: the partition.
    pub contact_date: String,
    /// The record in its canonical form.
    pub(crate) canonical: Vec<u8>,
    /// The version of the schema that it was made by.
    pub(crate) schema_version: u32,
}

/// A value that has no column of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Extra<'a> {
    /// Where it stood, such as `Recordings[0].NewField`.
    pub path: String,
    /// The value.
    pub value: Value<'a>,
    /// Places of the columns whose data it may hold, so that their policy covers it.
    pub columns: Vec<usize>,
}
