//! The table: the columns that it was published with, and those added since. A new column goes here, into `ADDED`.

use super::column::Column;
use super::{derived, lists, source};

/// Written into every row as `schema_version`; raised when a column is added, changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 2;

/// Columns added since, whatever their origin: a new one goes to the end of this list, and so to the end of the table (see
/// docs/deploy.md, "Upgrading"). A rule that computes one has the place of any other from `lists::place(&COLUMNS, "…")`.
const ADDED: &[Column] = &[];

const LISTS: [&[Column]; 3] = [source::COLUMNS, derived::COLUMNS, ADDED];

/// Every column of the row, in the order in which they are written.
pub static COLUMNS: [Column; lists::count(&LISTS)] = lists::joined(&LISTS);
