//! Contact record to row: one walk over the record, beside the tree of source paths.
//!
//! Total: an optional field can never fail a record. A value that its column cannot hold goes to `extra`,
//! as does every field that no column names, so nothing is lost.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use connect_streams::contact_record::ContactRecord;
use connect_streams::{Object, Timestamp, Value, arn};

use crate::schema::{COLUMNS, ColumnType};

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Text as it came.
    Text(&'a str),
    /// The digits of a whole number.
    Integer(&'a str),
    /// An instant.
    Timestamp(Timestamp),
    /// Text by key.
    TextMap(BTreeMap<&'a str, Cow<'a, str>>),
}

/// A contact record, normalised.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    /// One place per entry of [`COLUMNS`]; `None` where the record says nothing.
    pub cells: Vec<Option<Cell<'a>>>,
    /// Source fields without a column, by path, and values that their column cannot hold.
    pub extra: BTreeMap<String, &'a Value<'a>>,
    /// The instance's id, from its ARN.
    pub instance_id: Option<&'a str>,
    /// The agent's id, from the agent's ARN.
    pub agent_id: Option<&'a str>,
    /// The queue's id, from the queue's ARN; for an agent's own queue that agent's id.
    pub queue_id: Option<&'a str>,
    /// From initiation to disconnection, in milliseconds; absent when it would be negative.
    pub contact_duration_milliseconds: Option<i64>,
    /// The day of `InitiationTimestamp`, UTC: the partition.
    pub contact_date: String,
}

/// Builds the row.
#[must_use]
pub fn normalize<'a>(record: &ContactRecord<'a>) -> Row<'a> {
    let mut walk = Walk { cells: vec![None; COLUMNS.len()], extra: BTreeMap::new() };
    walk.object(&SOURCES, "", record.source);

    let field = |group: &str, name: &str| -> Option<&'a str> {
        record.source.get(group)?.as_object()?.get(name)?.as_str()
    };
    let disconnected =
        record.source.get("DisconnectTimestamp").and_then(Value::as_str).and_then(Timestamp::parse);
    Row {
        cells: walk.cells,
        extra: walk.extra,
        instance_id: record.source.get("InstanceARN").and_then(Value::as_str).and_then(arn::instance_id),
        agent_id: field("Agent", "ARN").and_then(|arn| arn::resource_id(arn, "agent")),
        queue_id: field("Queue", "ARN").and_then(|arn| arn::resource_id(arn, "queue")),
        contact_duration_milliseconds: disconnected
            .map(|end| end.epoch_milliseconds() - record.initiation_timestamp.epoch_milliseconds())
            .filter(|duration| *duration >= 0),
        contact_date: record.initiation_timestamp.date(),
    }
}

/// The source paths of all columns as a tree, level by level.
static SOURCES: LazyLock<Group> = LazyLock::new(|| {
    let mut root = Group::default();
    for (index, column) in COLUMNS.iter().enumerate() {
        let (groups, field) = column.source.rsplit_once('.').unwrap_or(("", column.source));
        let parent = groups.split('.').filter(|level| !level.is_empty()).fold(&mut root, Group::subgroup);
        parent.0.insert(field, Source::Column(index));
    }
    root
});

#[derive(Default)]
struct Group(BTreeMap<&'static str, Source>);

enum Source {
    /// The field of the column with this index.
    Column(usize),
    /// An object with further fields.
    Group(Group),
}

impl Group {
    fn subgroup(&mut self, level: &'static str) -> &mut Self {
        match self.0.entry(level).or_insert_with(|| Source::Group(Self::default())) {
            Source::Group(group) => group,
            Source::Column(index) => {
                unreachable!("{level} is a group and the column {}", COLUMNS[*index].name)
            }
        }
    }
}

struct Walk<'a> {
    cells: Vec<Option<Cell<'a>>>,
    extra: BTreeMap<String, &'a Value<'a>>,
}

impl<'a> Walk<'a> {
    fn object(&mut self, group: &Group, path: &str, object: &'a Object<'a>) {
        for (name, value) in object.iter().filter(|(_, value)| !value.is_absent()) {
            match (group.0.get(name), value) {
                (Some(Source::Group(fields)), Value::Object(inner)) => {
                    self.object(fields, &join(path, name), inner);
                }
                (Some(Source::Column(index)), _) => match cell(COLUMNS[*index].column_type, value) {
                    Some(cell) => self.cells[*index] = Some(cell),
                    None => self.keep(path, name, value),
                },
                _ => self.keep(path, name, value),
            }
        }
    }

    fn keep(&mut self, path: &str, name: &str, value: &'a Value<'a>) {
        self.extra.insert(join(path, name), value);
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The value as its column holds it, or `None` if the column cannot.
fn cell<'a>(column_type: ColumnType, value: &'a Value<'a>) -> Option<Cell<'a>> {
    match (column_type, value) {
        (ColumnType::Text, Value::String(text)) => Some(Cell::Text(text)),
        (ColumnType::Integer, Value::Number(digits)) if digits.parse::<i64>().is_ok() => {
            Some(Cell::Integer(digits))
        }
        (ColumnType::Timestamp, Value::String(text)) => Timestamp::parse(text).map(Cell::Timestamp),
        (ColumnType::TextMap, Value::Object(object)) => Some(Cell::TextMap(text_map(object))),
        _ => None,
    }
}

fn text_map<'a>(object: &'a Object<'a>) -> BTreeMap<&'a str, Cow<'a, str>> {
    object.iter().filter(|(_, value)| !value.is_absent()).map(|(key, value)| (key, text_of(value))).collect()
}

/// A map's value as text: strings, numbers and booleans as they are, anything nested as JSON.
fn text_of<'a>(value: &'a Value<'a>) -> Cow<'a, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(digits) => Cow::Borrowed(digits),
        nested => {
            let mut json = Vec::new();
            nested.write_json(&mut json);
            Cow::Owned(String::from_utf8_lossy(&json).into_owned())
        }
    }
}
