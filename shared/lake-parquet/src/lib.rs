//! Rows as Parquet: a table of the Glue Data Catalog, the conversion of rows by it, and rows read back.

mod convert;
mod glue;
mod rows;

pub use convert::{Conversion, Converted, convert};
pub use glue::{GlueTable, GlueType, contact_records};
pub use rows::{read_columns, read_rows};
