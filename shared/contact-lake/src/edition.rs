//! An edition of the schema: which columns with a source there are, and the version that rows made by it carry.
//!
//! The functions know one, today's. Tests make rows by an earlier one, because what an upgrade does to rows that are
//! there can only be seen on rows that really were made with other columns.

use std::sync::LazyLock;

use crate::derive::Places;
use crate::schema::{Column, SCHEMA_VERSION, SOURCE_COLUMNS};
use crate::shape::Shape;

/// What rows are made by.
#[derive(Debug)]
pub struct Edition {
    pub(crate) version: u32,
    pub(crate) shape: Shape,
    pub(crate) places: Places,
}

static TODAY: LazyLock<Edition> = LazyLock::new(|| Edition::of(SCHEMA_VERSION, &SOURCE_COLUMNS));

impl Edition {
    /// The edition of this version of the code.
    #[must_use]
    pub fn today() -> &'static Self {
        &TODAY
    }

    /// The edition before these columns were added. It is never freed.
    #[must_use]
    pub fn before(added: &[&str]) -> &'static Self {
        let columns = SOURCE_COLUMNS.iter().filter(|column| !added.contains(&column.name)).copied();
        let columns = Box::leak(columns.collect::<Box<[_]>>());
        Box::leak(Box::new(Self::of(SCHEMA_VERSION - 1, columns)))
    }

    fn of(version: u32, columns: &'static [Column]) -> Self {
        Self { version, shape: Shape::of(columns), places: Places::of(columns) }
    }
}
