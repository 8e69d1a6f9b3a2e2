//! What a spreadsheet opens.

use std::borrow::Cow;

/// Text from data, as a cell of a CSV file: what a spreadsheet would take for a formula, it shall take for text.
/// Source: OWASP, "CSV Injection".
#[must_use]
pub fn without_formula(value: &str) -> Cow<'_, str> {
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{value}").into() } else { value.into() }
}
