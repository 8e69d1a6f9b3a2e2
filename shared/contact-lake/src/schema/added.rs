//! The columns that were added since the table was first published, whatever their origin: a new one goes to the end of
//! this list, and so to the end of the table. See docs/deploy.md, "Upgrading".
//!
//! A rule that computes one knows the place of any column by `lists::place(TABLE, "…")`.

use super::column::Column;
use super::{derived, lists, source};

const COLUMNS: &[Column] = &[];

const LISTS: [&[Column]; 3] = [source::COLUMNS, derived::COLUMNS, COLUMNS];

/// Every column of the row, in the order in which they are written.
pub(super) const TABLE: [Column; lists::count(&LISTS)] = lists::joined(&LISTS);
