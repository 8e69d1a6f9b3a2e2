//! The table: the columns that it was published with, and those added since, in `added`, where a new column goes.

use super::added::LISTS;
use super::column::Column;
use super::lists;

/// Written into every row as `schema_version`; raised when a column is added, changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 3;

/// Every column of the row, in the order in which they are written.
pub static COLUMNS: [Column; lists::count(&LISTS)] = lists::joined(&LISTS);
