//! Rows as Parquet: a Glue Data Catalog table, the conversion of rows to its columns, and reading rows back.

mod convert;
mod glue;
mod rows;

pub use convert::{Conversion, Converted, convert};
pub use glue::{GlueTable, GlueType, contact_records};
pub use rows::{read_columns, read_rows};
