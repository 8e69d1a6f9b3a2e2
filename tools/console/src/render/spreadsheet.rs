//! CSV for spreadsheets.

use std::borrow::Cow;

/// Text from data, as a cell of a CSV file, escaped if a spreadsheet would run it as a formula.
/// Source: [CSV Injection](https://owasp.org/www-community/attacks/CSV_Injection) (OWASP).
///
/// ```
/// use ledger_console::render::spreadsheet::without_formula;
///
/// assert_eq!(without_formula("=1+1"), "'=1+1");
/// assert_eq!(without_formula("Support"), "Support");
/// ```
#[must_use]
pub fn without_formula(value: &str) -> Cow<'_, str> {
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{value}").into() } else { value.into() }
}
