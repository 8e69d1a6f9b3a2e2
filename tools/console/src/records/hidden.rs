//! The parts of a record that are shown by default: IDs, types, times, numbers, and the names of queues and statuses.
//! Everything else counts as personal data, including unknown fields.
//!
//! The fields are the columns of the lake, by name and by source, and the fields of other records in `fields.rs`. A column's
//! declaration says whether it is shown (`contact_lake::schema::Privacy`): numbers, booleans and times by default, texts only
//! if declared.

mod fields;
mod form;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use connect_streams::{RecordKind, Timestamp, Value, parse};
use contact_lake::schema::{Column, Kind, columns};
use serde_json::value::RawValue;
use serde_json::{Map, json};

use self::fields::{AGENT_EVENT, OTHERS};
use self::form::Form;

/// The placeholder of a hidden value.
pub const HIDDEN: &str = "(hidden)";
/// Characters shown of a text.
const SHOWN_CHARACTERS: usize = 256;

/// The parts of a field that are shown.
#[derive(Debug)]
enum Shown {
    /// Its value, if it is a text of this form.
    Text(Form),
    /// Its value, if it is a time.
    Time,
    /// Its value, if it is a number or a boolean.
    Number,
    /// These fields of it; `*` stands for every other field.
    Fields(BTreeMap<String, Shown>),
}

static SHOWN: LazyLock<Shown> = LazyLock::new(|| {
    let mut shown = Shown::Fields(BTreeMap::new());
    for column in columns() {
        shown.add_column(column, "", "", "");
    }
    for snapshot in ["CurrentAgentSnapshot", "PreviousAgentSnapshot"] {
        for path in AGENT_EVENT {
            shown.add(&path.replacen('*', snapshot, 1), kind_of(path));
        }
    }
    shown
});

/// The shown fields of contact events and of the Firehose console's demo records. Their names are too generic to apply to
/// other records.
static SHOWN_OF_OTHERS: LazyLock<Shown> = LazyLock::new(|| {
    let mut shown = Shown::Fields(BTreeMap::new());
    for path in OTHERS {
        shown.add(path, kind_of(path));
        // Amazon's samples of contact events have names in camel case and in Pascal case.
        shown.add(&in_pascal_case(path), kind_of(path));
    }
    shown
});

/// The path with a capital letter at the start of each name, except the envelope's.
fn in_pascal_case(path: &str) -> String {
    let capital = |name: &str| {
        let mut letters = name.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    match path.split_once('.') {
        Some((above, name)) => format!("{above}.{}", capital(name)),
        None => capital(path),
    }
}

/// The kind of a field that has no column.
fn kind_of(path: &str) -> Kind {
    match path.rsplit('.').next().unwrap_or_default() {
        "AvailableSlots" | "MaximumSlots" => Kind::Integer,
        // In a demo record.
        "change" | "price" => Kind::Double,
        field if field.ends_with("Timestamp") => Kind::Timestamp,
        _ => Kind::Text,
    }
}

impl Shown {
    /// Adds a column by its sources and, for rows, by its name. The prefixes are those of the list that contains it.
    fn add_column(&mut self, column: &Column, name_above: &str, source_above: &str, map: &str) {
        if !column.is_shown() {
            return;
        }
        let name = format!("{name_above}{}", column.name);
        let sources: Vec<_> = column.sources().map(|source| format!("{source_above}{map}{source}")).collect();
        match column.kind {
            Kind::StructList(fields) | Kind::StructMap(fields) => {
                let map = if matches!(column.kind, Kind::StructMap(_)) { "*." } else { "" };
                for field in fields {
                    for source in &sources {
                        self.add_column(field, &format!("{name}."), &format!("{source}."), map);
                    }
                }
            }
            _ => {
                self.add(&name, column.kind);
                for source in &sources {
                    self.add(source, column.kind);
                }
            }
        }
    }

    fn add(&mut self, path: &str, kind: Kind) {
        let mut place = self;
        for field in path.split('.') {
            let Self::Fields(fields) = place else { return };
            place = fields.entry(field.to_owned()).or_insert_with(|| Self::Fields(BTreeMap::new()));
        }
        *place = match kind {
            Kind::Timestamp => Self::Time,
            Kind::Integer | Kind::Double | Kind::Boolean => Self::Number,
            _ => Self::Text(Form::of(path)),
        };
    }

    fn below(&self, field: &str) -> Option<&Self> {
        match self {
            Self::Fields(fields) => fields.get(field).or_else(|| fields.get("*")),
            Self::Text(_) | Self::Time | Self::Number => None,
        }
    }

    fn of(&self, value: Value<'_>) -> serde_json::Value {
        match (self, value) {
            (_, absent) if absent.is_absent() => as_json(absent),
            (_, Value::Array(elements)) => elements.iter().map(|element| self.of(element)).collect(),
            (Self::Fields(fields), Value::Object(object)) if !fields.is_empty() => {
                let member = |(name, value): (&str, Value<'_>)| {
                    let value = self.below(name).map_or_else(|| hide(value), |shown| shown.of(value));
                    // Keys of a map are data, not field names.
                    let is_known = fields.contains_key(name);
                    let is_shown = is_known || (!fields.contains_key("*") && looks_like_a_field(name));
                    (if is_shown { name.to_owned() } else { HIDDEN.to_owned() }, value)
                };
                object.iter().map(member).collect::<Map<_, _>>().into()
            }
            (Self::Number, Value::Bool(_) | Value::Number(_))
            | (Self::Text(_) | Self::Time, Value::Bool(_)) => as_json(value),
            // A text is shown only in the form of its field; otherwise it may be anything. A number in a field of texts or
            // times is hidden too.
            (Self::Text(form), Value::String(text)) if form.is_of(text) => as_json(value),
            (Self::Time, Value::String(text)) if Timestamp::parse(text).is_some() => as_json(value),
            (Self::Number, Value::String(text)) if text.parse::<f64>().is_ok() => as_json(value),
            _ => HIDDEN.into(),
        }
    }
}

/// A record with every value hidden that may be personal data.
#[must_use]
pub fn hidden(record: Value<'_>) -> serde_json::Value {
    match record {
        Value::Object(object) => match RecordKind::of(object) {
            Some(RecordKind::ContactEvent | RecordKind::DemoRecord) => SHOWN_OF_OTHERS.of(record),
            _ => SHOWN.of(record),
        },
        _ => HIDDEN.into(),
    }
}

/// The value of a field by its path, hidden if it may be personal data.
#[must_use]
pub fn shown_at(path: &str, value: Value<'_>) -> serde_json::Value {
    let found = path.split('.').try_fold(&*SHOWN, |shown, field| shown.below(field));
    found.map_or_else(|| hide(value), |shown| shown.of(value))
}

/// The value of a field by its path. A list stands for its first element.
#[must_use]
pub fn at<'t>(record: Value<'t>, path: &str) -> Option<Value<'t>> {
    path.split('.').try_fold(record, |value, field| {
        let value = value.as_array().map_or(Some(value), |elements| elements.iter().next())?;
        value.as_object()?.get(field)
    })
}

/// A record's bytes as JSON for display, hidden unless `show_values`.
///
/// # Panics
/// Never: every branch writes valid JSON.
#[must_use]
pub fn shown_record(bytes: &[u8], show_values: bool) -> Box<RawValue> {
    let json = match (parse(bytes), show_values) {
        (Ok(document), true) => {
            let mut json = Vec::with_capacity(bytes.len());
            document.root().write_json(&mut json);
            String::from_utf8_lossy(&json).into_owned()
        }
        (Ok(document), false) => hidden(document.root()).to_string(),
        (Err(_), true) => serde_json::Value::from(String::from_utf8_lossy(bytes)).to_string(),
        (Err(_), false) => json!(format!("(hidden: {} bytes that cannot be read)", bytes.len())).to_string(),
    };
    RawValue::from_string(json).expect("serialized JSON is valid JSON")
}

/// The first characters of a text.
#[must_use]
pub fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A value as JSON with its texts shortened.
pub fn as_json(value: Value<'_>) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(truth) => truth.into(),
        Value::Number(digits) => {
            serde_json::from_str(digits).unwrap_or_else(|_| shortened(digits, 40).into())
        }
        Value::String(text) => shortened(text, SHOWN_CHARACTERS).into(),
        Value::Array(elements) => elements.iter().map(as_json).collect(),
        Value::Object(object) => {
            object.iter().map(|(name, value)| (name.to_owned(), as_json(value))).collect::<Map<_, _>>().into()
        }
    }
}

fn hide(value: Value<'_>) -> serde_json::Value {
    if value.is_absent() { as_json(value) } else { HIDDEN.into() }
}

/// Whether an unknown name looks like a field of Amazon Connect. The producer of a record may put anything there.
fn looks_like_a_field(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests;
