//! The columns, declared once: from here come the row's writer, the Glue column list and the documentation.
//!
//! Names: `snake_case` of the source path without dots, a repeated word once, acronyms as one word, durations with
//! their unit. Fields and types: Administrator Guide, "Contact records data model"; what is marked as seen in
//! the API only is not in this table and so lands in `extra`.

mod agent;
mod analytics;
mod contact;
mod derived;
mod glue;

use std::sync::LazyLock;

/// Written into every row as `schema_version`; raised when a column is added, changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 2;

/// A column of the row, or a field of a list's elements.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Name in the lake.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Path of the source field, levels separated by dots; empty for a derived column.
    pub source: &'static str,
    /// Another spelling of the source path that Amazon Connect uses, too.
    pub alias: Option<&'static str>,
    /// What it means, with the unit.
    pub meaning: &'static str,
}

/// What a column holds, and how its source is read.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Text as it came.
    Text,
    /// A whole number, written as it came.
    Integer,
    /// A number, written as it came.
    Double,
    /// `true` or `false`.
    Boolean,
    /// `YYYY-MM-DDTHH:MM:SS.sssZ`
    Timestamp,
    /// Text by key; numbers and booleans become text, anything nested JSON text.
    TextMap,
    /// A map whose values are unions such as `{"ValueString": "x"}`; written as text by key.
    UnionMap,
    /// A list of texts.
    TextList,
    /// A list of objects with these fields. One object instead of a list counts as a list of one.
    StructList(&'static [Column]),
    /// A map of objects with these fields; the key becomes the first field.
    StructMap(&'static [Column]),
    /// Any JSON, written as JSON text.
    Json,
}

impl Column {
    const fn new(name: &'static str, kind: Kind, source: &'static str, meaning: &'static str) -> Self {
        Self { name, kind, source, alias: None, meaning }
    }

    const fn or(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }
}

const fn text(name: &'static str, source: &'static str, meaning: &'static str) -> Column {
    Column::new(name, Kind::Text, source, meaning)
}

const fn integer(name: &'static str, source: &'static str, meaning: &'static str) -> Column {
    Column::new(name, Kind::Integer, source, meaning)
}

const fn double(name: &'static str, source: &'static str, meaning: &'static str) -> Column {
    Column::new(name, Kind::Double, source, meaning)
}

const fn boolean(name: &'static str, source: &'static str, meaning: &'static str) -> Column {
    Column::new(name, Kind::Boolean, source, meaning)
}

const fn timestamp(name: &'static str, source: &'static str, meaning: &'static str) -> Column {
    Column::new(name, Kind::Timestamp, source, meaning)
}

const fn text_list(name: &'static str, source: &'static str, meaning: &'static str) -> Column {
    Column::new(name, Kind::TextList, source, meaning)
}

const fn json(name: &'static str, source: &'static str, meaning: &'static str) -> Column {
    Column::new(name, Kind::Json, source, meaning)
}

/// The columns with a source field, in the order in which they are written.
pub static SOURCE_COLUMNS: LazyLock<Vec<Column>> =
    LazyLock::new(|| [contact::COLUMNS, agent::COLUMNS, analytics::COLUMNS].concat());

/// The columns that are computed, written after those with a source.
pub const DERIVED_COLUMNS: &[Column] = derived::COLUMNS;

/// Every column of the row, in the order in which they are written.
pub fn columns() -> impl Iterator<Item = &'static Column> {
    SOURCE_COLUMNS.iter().chain(DERIVED_COLUMNS)
}

/// The place of a column.
pub(crate) fn place(columns: &[Column], name: &str) -> usize {
    let place = columns.iter().position(|column| column.name == name);
    place.unwrap_or_else(|| panic!("{name} is not a column with a source"))
}

#[cfg(test)]
mod tests {
    use super::{Column, DERIVED_COLUMNS, Kind, SOURCE_COLUMNS, columns};
    use std::collections::HashSet;

    fn check(columns: &[Column]) {
        let names: HashSet<_> = columns.iter().map(|column| column.name).collect();
        assert_eq!(names.len(), columns.len(), "a name stands twice");
        for column in columns {
            let hive = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            assert!(column.name.bytes().all(hive), "{}", column.name);
            assert!(column.meaning.len() > 3 && !column.meaning.ends_with('.'), "{}", column.name);
            if let Kind::StructList(fields) | Kind::StructMap(fields) = column.kind {
                check(fields);
            }
        }
    }

    #[test]
    fn names_are_unique_and_what_hive_accepts() {
        check(&columns().copied().collect::<Vec<_>>());
    }

    #[test]
    fn every_source_path_belongs_to_one_column() {
        let paths: Vec<_> =
            SOURCE_COLUMNS.iter().flat_map(|column| [Some(column.source), column.alias]).flatten().collect();
        assert_eq!(paths.iter().collect::<HashSet<_>>().len(), paths.len());
        assert!(DERIVED_COLUMNS.iter().all(|column| column.source.is_empty()));
    }

    #[test]
    fn durations_and_times_carry_their_unit() {
        for column in columns().filter(|column| matches!(column.kind, Kind::Integer | Kind::Double)) {
            let is_time =
                ["duration", "_time_", "wait", "_hold_seconds"].iter().any(|word| column.name.contains(word));
            assert!(
                !is_time || column.name.ends_with("_seconds") || column.name.ends_with("_milliseconds"),
                "{}",
                column.name
            );
        }
    }
}
