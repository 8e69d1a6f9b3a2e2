//! Failing records, explained to their owner: where each one is, why it fails, and how many fail for the same reason at the
//! same path.

use std::collections::BTreeMap;

use connect_streams::{Reject, parse};
use serde_json::{Value, json};

use crate::records::hidden::{self, shortened};
use crate::records::input::{InputRecord, Place};
use crate::records::reasons::sentence;
use crate::render::terminal::{Cell, grouped, number, table, text, width, wrapped};
use connect_streams::StreamKind;

/// Places shown per reason and path.
const FIRST_PLACES: usize = 3;
/// Characters shown of a value.
const VALUE_CHARACTERS: usize = 80;

/// A record that fails.
#[derive(Debug, Clone)]
pub struct Failing {
    place: Place,
    stream: StreamKind,
    reject: Reject,
    message: String,
    /// The value at the failing path, hidden if it may be personal data.
    value: Option<String>,
}

impl Failing {
    /// A record that fails for this reason. Values that may be personal data are shown only with `show_values`.
    #[must_use]
    pub fn of(record: &InputRecord, stream: StreamKind, reject: &Reject, show_values: bool) -> Self {
        Self {
            place: record.place.clone(),
            stream,
            reject: reject.clone(),
            message: sentence(reject, stream, &record.bytes),
            value: value_at(&record.bytes, &reject.path, show_values),
        }
    }

    /// The failure as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "file": &*self.place.file,
            "line": self.place.line,
            "record": self.place.number,
            "stream": self.stream.name(),
            "reason": self.reject.code.as_str(),
            "path": self.reject.path,
            "message": self.message,
            "value": self.value,
        })
    }

    /// One sentence, wrapped for the terminal.
    #[must_use]
    pub fn report(&self) -> String {
        let Self { place, reject, message, .. } = self;
        let value = self.value.as_ref().map(|value| format!("; it is {value}")).unwrap_or_default();
        let line = format!("{place}: {} at {}: {message}{value}.", reject.code, reject.path);
        wrapped(&line, width(), 2) + "\n"
    }
}

/// The value at a failing path.
fn value_at(record: &[u8], path: &str, show_values: bool) -> Option<String> {
    if path == "$" {
        let text = String::from_utf8_lossy(record);
        return show_values.then(|| shortened(&text, VALUE_CHARACTERS));
    }
    let document = parse(record).ok()?;
    let value = hidden::at(document.root(), path)?;
    if show_values {
        return Some(shortened(&hidden::as_json(value).to_string(), VALUE_CHARACTERS));
    }
    Some(match hidden::shown_at(path, value) {
        shown if shown == hidden::HIDDEN || shown.is_object() || shown.is_array() => {
            hidden::HIDDEN.to_owned()
        }
        shown => shortened(&shown.to_string(), VALUE_CHARACTERS),
    })
}

/// Failing records, grouped by reason and path.
#[derive(Debug, Clone, Default)]
pub struct Alike(BTreeMap<(&'static str, String), Group>);

#[derive(Debug, Clone, Default)]
struct Group {
    records: u64,
    first: Vec<String>,
}

impl Alike {
    /// Counts a record.
    pub fn add(&mut self, place: &Place, reject: &Reject) {
        let group = self.0.entry((reject.code.as_str(), reject.path.to_string())).or_default();
        group.records += 1;
        if group.first.len() < FIRST_PLACES {
            group.first.push(place.to_string());
        }
    }

    /// The groups as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let group = |((reason, path), group): (&(&str, String), &Group)| json!({"reason": reason, "path": path, "records": group.records, "first": group.first});
        self.0.iter().map(group).collect()
    }

    /// Rows of reason, path, number of records, and first places.
    pub fn rows(&self) -> impl Iterator<Item = [String; 4]> {
        self.0.iter().map(|((reason, path), group)| {
            [(*reason).to_owned(), path.clone(), grouped(group.records), group.first.join(", ")]
        })
    }

    /// A table; empty without failures.
    #[must_use]
    pub fn report(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let columns = [text("REASON", 0), text("PATH", 1), number("RECORDS"), text("FIRST AT", 2)];
        let rows: Vec<_> = self.rows().map(|row| row.map(Cell::from).to_vec()).collect();
        table(&columns, &rows, width())
    }
}
