//! The schema before some columns were added. Only tests use it: the effect of an upgrade on existing rows shows only on rows
//! that were really made without these columns.

use connect_streams::contact_record::ContactRecord;

use crate::normalize::normalize_by;
use crate::row::Row;
use crate::schema::{COLUMNS, SCHEMA_VERSION};
use crate::shape::Shape;

/// An earlier schema.
#[derive(Debug)]
pub struct Edition {
    tree: Shape,
    /// Indexes of the columns it does not have.
    missing: Vec<usize>,
}

impl Edition {
    /// The schema before these columns were added.
    ///
    /// # Panics
    /// If a name is not a column.
    #[must_use]
    pub fn before(added: &[&str]) -> Self {
        let index = |name: &&str| {
            let index = COLUMNS.iter().position(|column| column.name == *name);
            index.unwrap_or_else(|| panic!("{name} is not a column"))
        };
        Self { tree: Shape::without(added, &COLUMNS), missing: added.iter().map(index).collect() }
    }

    /// Builds the row with this schema's columns.
    #[must_use]
    pub fn normalize<'a>(&self, record: &ContactRecord<'a>) -> Row<'a> {
        let mut row = normalize_by(&self.tree, record);
        row.schema_version = SCHEMA_VERSION - 1;
        for index in &self.missing {
            row.cells[*index] = None;
        }
        row
    }
}
