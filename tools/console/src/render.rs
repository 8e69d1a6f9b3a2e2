//! Output: text that is safe for a terminal, tables, JSON, error messages.

pub mod output;
pub mod spreadsheet;
pub mod terminal;
