//! The table: the columns it was published with, and those added since. New columns go in `added`.

use super::added::LISTS;
use super::column::Column;
use super::lists;

/// Written to every row as `schema_version`. Raised when a column is added, changes its meaning, or is removed.
pub const SCHEMA_VERSION: u32 = 3;

/// Every column of the row, in the order they are written.
pub static COLUMNS: [Column; lists::count(&LISTS)] = lists::joined(&LISTS);
