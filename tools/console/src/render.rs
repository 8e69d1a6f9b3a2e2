//! What is printed: text that is safe for a terminal, tables, JSON, sentences.

pub mod output;
pub mod spreadsheet;
pub mod terminal;
