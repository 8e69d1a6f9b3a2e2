//! The first columns of the table: fields of the source.

use super::column::Column;
use super::{agent, analytics, contact, lists};

const LISTS: [&[Column]; 3] = [contact::COLUMNS, agent::COLUMNS, analytics::COLUMNS];

pub(super) const COLUMNS: &[Column] = &lists::joined::<{ lists::count(&LISTS) }>(&LISTS);
