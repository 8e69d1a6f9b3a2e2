//! Rows as Parquet: a Glue Data Catalog table, the conversion of rows to its columns, and reading rows back.
//!
//! ```
//! use lake_parquet::{GlueTable, convert, read_rows};
//!
//! let table = GlueTable::new("lake", "calls", [("queue", "string"), ("seconds", "bigint")])?;
//! let converted = convert(&[br#"{"queue":"support","seconds":42}"#], &table.schema)?;
//! let rows = read_rows(converted.file.into())?;
//! assert_eq!(rows[0]["seconds"], 42);
//! # Ok::<(), anyhow::Error>(())
//! ```

mod convert;
mod glue;
mod rows;

pub use convert::{Conversion, Converted, convert};
pub use glue::{GlueTable, GlueType, contact_records};
pub use rows::{read_columns, read_rows};
