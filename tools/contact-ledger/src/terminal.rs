//! What commands show: tables that fit the terminal, durations for people, colors only where they can be seen.

use std::borrow::Cow;
use std::fmt::Write as _;

use console::{Style, Term, measure_text_width, truncate_str};
use serde::Serialize;

/// Without a terminal, or on one that does not tell its width.
const WIDTH: usize = 80;

/// The width to fit.
pub(crate) fn width() -> usize {
    let term = Term::stdout();
    if term.is_term() { usize::from(term.size().1).max(40) } else { WIDTH }
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) is_number: bool,
    /// What is given up when the table is too wide: the column with the largest number is cut first, one with none never.
    pub(crate) cut: u8,
}

/// Text that is cut first of all when there is no room.
pub(crate) const fn text(title: &'static str, cut: u8) -> Column {
    Column { title, is_number: false, cut }
}

/// A number, at the right.
pub(crate) const fn number(title: &'static str) -> Column {
    Column { title, is_number: true, cut: 0 }
}

/// A table that fits `width`, by cutting what the columns say may be cut.
pub(crate) fn table(columns: &[Column], rows: &[Vec<String>], width: usize) -> String {
    const GAP: usize = 2;
    const NARROWEST: usize = 6;
    let longest = |place: usize| {
        let cells = rows.iter().map(|row| measure_text_width(&row[place]));
        cells.chain([columns[place].title.len()]).max().unwrap_or_default()
    };
    let mut widths: Vec<usize> = (0..columns.len()).map(longest).collect();
    let mut order: Vec<usize> = (0..columns.len()).filter(|place| columns[*place].cut > 0).collect();
    order.sort_by_key(|place| std::cmp::Reverse(columns[*place].cut));
    for place in order {
        let total: usize = widths.iter().sum::<usize>() + GAP * (columns.len() - 1);
        let room = widths[place].saturating_sub(total.saturating_sub(width));
        widths[place] = room.max(NARROWEST.min(widths[place]));
    }
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).zip(columns).map(|((cell, width), column)| {
            let cell = truncate_str(cell, *width, "…");
            let gap = " ".repeat(width - measure_text_width(&cell));
            if column.is_number { format!("{gap}{cell}") } else { format!("{cell}{gap}") }
        });
        let line = padded.collect::<Vec<_>>().join(&" ".repeat(GAP));
        line.trim_end().to_owned() + "\n"
    };
    let titles: Vec<_> =
        columns.iter().map(|column| Style::new().bold().apply_to(column.title).to_string()).collect();
    std::iter::once(line(&titles)).chain(rows.iter().map(|row| line(row))).collect()
}

/// One object a line.
pub(crate) fn json_lines<T: Serialize>(items: &[T]) -> anyhow::Result<String> {
    let mut text = String::new();
    for item in items {
        text.push_str(&serde_json::to_string(item)?);
        text.push('\n');
    }
    Ok(text)
}

/// `12 s`, `3:05`, `1:02:03`, `4 d`
pub(crate) fn duration(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1000;
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes}:{:02}", seconds % 60),
        3600..172_800 => format!("{hours}:{:02}:{:02}", minutes % 60, seconds % 60),
        _ => format!("{} d", hours / 24),
    }
}

/// Words on lines of at most `width`, all but the first indented.
pub(crate) fn wrapped(text: &str, width: usize, indent: usize) -> String {
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

/// Text out of data, safe to print: a terminal would obey control characters, and characters that override the direction
/// of text would show something else than what is there. Each becomes U+FFFD.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_unsafe) {
        Cow::Owned(text.chars().map(|char| if is_unsafe(char) { '\u{fffd}' } else { char }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// JSON with the same characters as escapes, which only a string can hold. It says the same.
pub(crate) fn safe_json(json: String) -> String {
    if !json.chars().any(is_unsafe) {
        return json;
    }
    let mut safe = String::with_capacity(json.len());
    for char in json.chars() {
        if is_unsafe(char) {
            // Writing to a string cannot fail.
            let _ = write!(safe, "\\u{:04x}", u32::from(char));
        } else {
            safe.push(char);
        }
    }
    safe
}

fn is_unsafe(char: char) -> bool {
    char.is_control() || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_cut_where_it_may_be() {
        let columns = [text("NAME", 1), number("N"), text("QUEUE", 2)];
        let rows = [
            vec!["Ada".to_owned(), "7".to_owned(), "Sales in the north".to_owned()],
            vec!["Grace Hopper".to_owned(), "12".to_owned(), String::new()],
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
    fn durations_are_for_people() {
        let told = [0, 59_999, 60_000, 185_000, 3_723_000, 172_799_000, 172_800_000].map(duration);
        assert_eq!(told, ["0 s", "59 s", "1:00", "3:05", "1:02:03", "47:59:59", "2 d"]);
    }

    #[test]
    fn what_comes_from_data_cannot_speak_to_the_terminal() {
        assert!(matches!(safe("Ada \u{e9}\u{1f600}"), Cow::Borrowed(_)));
        assert_eq!(
            safe("\u{1b}[2J\n\u{7f}\u{9b}\u{202e}x\u{2066}"),
            "\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}\u{fffd}x\u{fffd}"
        );
        let json = safe_json("{\"a\":\"\u{7f}\u{9b}\u{202e}\u{e9}\"}".to_owned());
        assert_eq!(json, "{\"a\":\"\\u007f\\u009b\\u202e\u{e9}\"}");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["a"], "\u{7f}\u{9b}\u{202e}\u{e9}");
    }
}
