//! Terminal output: tables that fit the width, readable durations, colors only on a terminal, and no control characters from
//! data.

use std::borrow::Cow;
use std::fmt::Write as _;

use connect_streams::Timestamp;
use console::{Style, Term, measure_text_width, truncate_str};
use serde::Serialize;

/// The width of a terminal that does not report one.
const WIDTH: usize = 80;

/// The width to fit; unlimited for a pipe or a file.
#[must_use]
pub fn width() -> usize {
    let term = Term::stdout();
    if !term.is_term() {
        return usize::MAX;
    }
    term.size_checked().map_or(WIDTH, |(_, columns)| usize::from(columns).max(40))
}

/// Whether a terminal interprets a character: a control character, or one that changes the text direction. Names of statuses,
/// queues and agents may contain any.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text from data, with the characters that a terminal interprets replaced.
pub fn safe(text: &str) -> Cow<'_, str> {
    if text.contains(is_unsafe) { text.replace(is_unsafe, "\u{fffd}").into() } else { text.into() }
}

/// [`safe`] for text of several lines.
#[must_use]
pub fn safe_lines(text: &str) -> Cow<'_, str> {
    let is_unsafe = |character| character != '\n' && is_unsafe(character);
    if text.contains(is_unsafe) { text.replace(is_unsafe, "\u{fffd}").into() } else { text.into() }
}

/// A column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its heading.
    pub title: Cow<'static, str>,
    /// Whether it is aligned to the right.
    pub is_number: bool,
    /// The order of truncation when the table is too wide: the largest number first, 0 never.
    pub cut: u8,
}

/// A text column. `cut` orders truncation.
#[must_use]
pub const fn text(title: &'static str, cut: u8) -> Column {
    Column { title: Cow::Borrowed(title), is_number: false, cut }
}

/// A number column, aligned to the right and never cut.
#[must_use]
pub const fn number(title: &'static str) -> Column {
    Column { title: Cow::Borrowed(title), is_number: true, cut: 0 }
}

/// A table cell: text, which may come from data, and its style.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A cell in a style, if the terminal supports it.
    pub fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::new())
    }
}

/// A table that fits `width`, by truncating the columns that allow it.
#[must_use]
pub fn table(columns: &[Column], rows: &[Vec<Cell>], width: usize) -> String {
    const GAP: usize = 2;
    const NARROWEST: usize = 6;
    let longest = |place: usize| {
        let cells = rows.iter().map(|row| measure_text_width(&safe(&row[place].text)));
        cells.chain([measure_text_width(&columns[place].title)]).max().unwrap_or_default()
    };
    let mut widths: Vec<usize> = (0..columns.len()).map(longest).collect();
    let mut order: Vec<usize> = (0..columns.len()).filter(|place| columns[*place].cut > 0).collect();
    order.sort_by_key(|place| std::cmp::Reverse(columns[*place].cut));
    for place in order {
        let total: usize = widths.iter().sum::<usize>() + GAP * (columns.len() - 1);
        let room = widths[place].saturating_sub(total.saturating_sub(width));
        widths[place] = room.max(NARROWEST.min(widths[place]));
    }
    let line = |cells: &[Cell]| {
        let padded = cells.iter().zip(&widths).zip(columns).map(|((cell, width), column)| {
            let text = safe(&cell.text);
            let text = truncate_str(&text, *width, "…");
            let gap = " ".repeat(width - measure_text_width(&text));
            let text = cell.style.apply_to(text);
            if column.is_number { format!("{gap}{text}") } else { format!("{text}{gap}") }
        });
        let line = padded.collect::<Vec<_>>().join(&" ".repeat(GAP));
        line.trim_end().to_owned() + "\n"
    };
    let titles: Vec<_> =
        columns.iter().map(|column| Cell::styled(column.title.clone(), Style::new().bold())).collect();
    std::iter::once(line(&titles)).chain(rows.iter().map(|row| line(row))).collect()
}

/// JSON on one line, safe for a terminal: JSON does not escape every control character.
///
/// # Errors
/// When the value cannot be serialized.
pub fn json_line(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(escaped(&serde_json::to_string(value)?) + "\n")
}

/// Indented JSON, safe for a terminal.
///
/// # Errors
/// When the value cannot be serialized.
pub fn json_pretty(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(escaped(&serde_json::to_string_pretty(value)?) + "\n")
}

/// JSON with the characters that a terminal interprets as escapes. They occur only in strings, where an escape is equivalent.
#[must_use]
pub fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && is_unsafe(character) {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// One object per line.
///
/// # Errors
/// When an item cannot be serialized.
pub fn json_lines<T: Serialize>(items: &[T]) -> anyhow::Result<String> {
    items.iter().map(json_line).collect()
}

/// `1,234,567`
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 record`, `1,000 records`
#[must_use]
pub fn counted(number: u64, one: &str, several: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { several })
}

/// `12 s`, `3:05`, `1:02:03`, `4 d`
#[must_use]
pub fn duration(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1000;
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes}:{:02}", seconds % 60),
        3600..172_800 => format!("{hours}:{:02}:{:02}", minutes % 60, seconds % 60),
        _ => format!("{} d", hours / 24),
    }
}

/// How long something has lasted at `now`; empty if its start is unknown.
#[must_use]
pub fn lasted(since: Option<&str>, now: Timestamp) -> String {
    let since = since.and_then(Timestamp::parse);
    since.map(|since| duration(now.epoch_milliseconds() - since.epoch_milliseconds())).unwrap_or_default()
}

/// The text wrapped to `width`, with all lines but the first indented.
#[must_use]
pub fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let text = safe_lines(text);
    let mut lines = String::new();
    let mut column = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > indent && column + 1 + length > width {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > indent {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_truncated_in_the_columns_that_allow_it() {
        let columns = [text("NAME", 1), number("N"), text("QUEUE", 2)];
        let rows = [
            ["Ada", "7", "Sales in the north"].map(Cell::from).to_vec(),
            ["Grace Hopper", "12", ""].map(Cell::from).to_vec(),
        ];
        let plain = |width: usize| console::strip_ansi_codes(&table(&columns, &rows, width)).into_owned();
        assert_eq!(
            plain(80),
            "NAME           N  QUEUE\nAda            7  Sales in the north\nGrace Hopper  12\n"
        );
        assert_eq!(
            plain(26),
            "NAME           N  QUEUE\nAda            7  Sales in…\nGrace Hopper  12\n"
                .replace("Sales in…", "Sales i…")
        );
        let narrow = plain(20);
        assert!(narrow.lines().all(|line| line.chars().count() <= 20), "{narrow}");
    }

    #[test]
    fn characters_that_a_terminal_interprets_are_replaced() {
        let hostile = "a\u{1b}]0;title\u{7}b\u{9b}31mc\u{7f}\u{202e}d\n\te\u{2028}";
        let shown = "a\u{fffd}]0;title\u{fffd}b\u{fffd}31mc\u{fffd}\u{fffd}d\u{fffd}\u{fffd}e\u{fffd}";
        assert_eq!(safe(hostile), shown);
        assert_eq!(safe_lines("a\nb\r"), "a\nb\u{fffd}");
        assert_eq!(safe("Grüße, 東京 🙂"), "Grüße, 東京 🙂");
        let table = table(&[text("NAME", 1)], &[vec![hostile.into()]], 80);
        assert!(
            table.lines().count() == 2 && !table.trim_end().contains(|c: char| c.is_control() && c != '\n')
        );
        let json = json_line(&hostile).unwrap();
        assert!(!json.trim_end().contains(is_unsafe), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
    }

    #[test]
    fn numbers_are_grouped_and_counted() {
        let shown = [0, 999, 1000, 12_345, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!(counted(1, "record", "records"), "1 record");
        assert_eq!(counted(1000, "record", "records"), "1,000 records");
    }

    #[test]
    fn durations_are_readable() {
        let shown = [0, 59_999, 60_000, 185_000, 3_723_000, 172_799_000, 172_800_000].map(duration);
        assert_eq!(shown, ["0 s", "59 s", "1:00", "3:05", "1:02:03", "47:59:59", "2 d"]);
    }
}
