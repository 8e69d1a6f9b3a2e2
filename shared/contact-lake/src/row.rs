//! A row before it is encoded.

use std::borrow::Cow;

use connect_streams::{Timestamp, Value};

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Text, unchanged or as the PII policy left it.
    Text(Cow<'a, str>),
    /// A number, unchanged.
    Number(&'a str),
    /// A computed whole number.
    Whole(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// An instant.
    Timestamp(Timestamp),
    /// Text by key, in the order of the keys.
    TextMap(Vec<(&'a str, Cow<'a, str>)>),
    /// Texts.
    TextList(Vec<Cow<'a, str>>),
    /// Objects, each with one cell per field of the column's kind.
    Structs(Vec<Vec<Option<Cell<'a>>>>),
    /// JSON text.
    Json(String),
}

/// A contact record, normalized.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// One cell per column of the table; `None` if the record has no value. Values about the row itself, such as
    /// `content_hash`, are added when it is encoded.
    pub cells: Vec<Option<Cell<'a>>>,
    /// Source fields without a column, and values that their column cannot hold.
    pub extra: Vec<Extra<'a>>,
    /// Source paths, without keys or positions, of values of an unexpected type, such as `Recordings[].Status`.
    pub type_drift: Vec<String>,
    /// Names of the computed columns that are based on a negative interval.
    pub impossible_intervals: Vec<&'static str>,
    /// The day of `InitiationTimestamp`, UTC: the partition.
    pub contact_date: String,
    /// The record in its canonical form.
    pub(crate) canonical: Vec<u8>,
    /// The version of the schema it was made with.
    pub(crate) schema_version: u32,
}

/// A value that has no column of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Extra<'a> {
    /// Its source path, such as `Recordings[0].NewField`.
    pub path: String,
    /// The value.
    pub value: Value<'a>,
    /// Indexes of the columns whose data it may hold, so that their policy covers it.
    pub columns: Vec<usize>,
}
