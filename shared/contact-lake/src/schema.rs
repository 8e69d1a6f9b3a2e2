//! The columns, declared once. These declarations drive the tree of source paths, the computed values, the row encoder, the
//! columns a policy may name, what tools may show, the Glue column list, and the documentation. A new column is one entry in
//! `added.rs`.
//!
//! Names: `snake_case` of the source path without dots, a repeated word once, acronyms as one word, durations with
//! their unit. Fields and types:
//! [Contact records data model](https://docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html). Fields that the
//! page marks as API-only have no column and go to `extra`.

mod added;
mod agent;
mod analytics;
mod column;
mod contact;
mod derived;
mod glue;
mod lists;
mod source;
mod table;

pub use crate::facts::{Computed, Facts};
pub use column::{Column, Compute, Kind, Origin, Privacy, RowValue};
pub use table::{COLUMNS, SCHEMA_VERSION};

/// Every column of the row, in the order they are written.
pub fn columns() -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter()
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, Column, Kind, Privacy, columns};
    use std::collections::HashSet;

    fn check(columns: &[Column]) {
        let names: HashSet<_> = columns.iter().map(|column| column.name).collect();
        assert_eq!(names.len(), columns.len(), "duplicate name");
        for column in columns {
            let hive = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            assert!(column.name.bytes().all(hive), "{}", column.name);
            assert!(column.meaning.len() > 3 && !column.meaning.ends_with('.'), "{}", column.name);
            if let Kind::StructList(fields) | Kind::StructMap(fields) = column.kind {
                check(fields);
                assert!(fields.iter().all(|field| field.source().is_some()), "{}", column.name);
            }
        }
    }

    #[test]
    fn names_are_unique_and_valid_in_hive() {
        check(&COLUMNS);
    }

    #[test]
    fn every_source_path_belongs_to_one_column() {
        let paths: Vec<_> = columns().flat_map(Column::sources).collect();
        assert_eq!(paths.iter().collect::<HashSet<_>>().len(), paths.len());
        assert!(paths.len() > 150 && paths.iter().all(|path| !path.is_empty()));
    }

    /// Existing files and tables have these columns in this order. See docs/deploy.md, "Upgrading". A release with new columns
    /// adds them to the list.
    #[test]
    fn the_published_columns_stay_first_and_in_order() {
        let published: Vec<_> = include_str!("schema/published.txt").lines().collect();
        let names: Vec<_> = columns().map(|column| column.name).collect();
        assert!(published.len() > 150, "{}", published.len());
        assert_eq!(names[..published.len()], published);
    }

    /// A column that is always hidden cannot be declared open: a declaration without effect would look like a decision.
    #[test]
    fn every_privacy_declaration_has_an_effect() {
        fn check(columns: &[Column]) {
            for column in columns {
                let is_text = matches!(column.kind, Kind::Text | Kind::TextList);
                match column.privacy {
                    Privacy::Open => assert!(is_text, "{}", column.name),
                    Privacy::Identity | Privacy::NotPersonal => assert!(column.is_shown(), "{}", column.name),
                    Privacy::Personal => assert_eq!(
                        column.is_shown(),
                        !column.kind.has_text() || is_list(column),
                        "{}",
                        column.name
                    ),
                    Privacy::Sensitive => assert!(!column.is_shown(), "{}", column.name),
                }
                if let Kind::StructList(fields) | Kind::StructMap(fields) = column.kind {
                    check(fields);
                }
            }
        }
        fn is_list(column: &Column) -> bool {
            matches!(column.kind, Kind::StructList(_) | Kind::StructMap(_))
        }
        check(&COLUMNS);
        let shown = |name: &str| columns().find(|column| column.name == name).unwrap().is_shown();
        let [shown, hidden] = [
            ["contact_id", "queue_name", "queue_duration_seconds", "abandoned_in", "disconnect_timestamp"],
            [
                "agent_username",
                "attributes",
                "extra",
                "voice_id_result_speaker_enrolled",
                "additional_email_recipients",
            ],
        ]
        .map(|names| names.map(shown));
        assert_eq!((shown, hidden), ([true; 5], [false; 5]));
    }

    #[test]
    fn names_of_durations_include_the_unit() {
        for column in columns().filter(|column| matches!(column.kind, Kind::Integer | Kind::Double)) {
            let is_duration =
                ["duration", "_time_", "wait", "_hold_seconds"].iter().any(|word| column.name.contains(word));
            assert!(
                !is_duration || column.name.ends_with("_seconds") || column.name.ends_with("_milliseconds"),
                "{}",
                column.name
            );
        }
    }
}
