//! The schema as it was before some columns were added. Only tests make rows by it: what an upgrade does to rows that are
//! there can only be seen on rows that really were made without these columns.

use connect_streams::contact_record::ContactRecord;

use crate::normalize::normalize_by;
use crate::row::Row;
use crate::schema::{COLUMNS, SCHEMA_VERSION};
use crate::shape::Shape;

/// An earlier schema.
#[derive(Debug)]
pub struct Edition {
    tree: Shape,
    /// Places of the columns that it did not have.
    missing: Vec<usize>,
}

impl Edition {
    /// The schema before these columns were added.
    ///
    /// # Panics
    /// If one of them is no column.
    #[must_use]
    pub fn before(added: &[&str]) -> Self {
        let place = |name: &&str| {
            let place = COLUMNS.iter().position(|column| column.name == *name);
            place.unwrap_or_else(|| panic!("{name} is no column"))
        };
        Self { tree: Shape::without(added, &COLUMNS), missing: added.iter().map(place).collect() }
    }

    /// Builds the row as this schema had it.
    #[must_use]
    pub fn normalize<'a>(&self, record: &ContactRecord<'a>) -> Row<'a> {
        let mut row = normalize_by(&self.tree, record);
        row.schema_version = SCHEMA_VERSION - 1;
        for place in &self.missing {
            row.cells[*place] = None;
        }
        row
    }
}
