//! The result of a query, in the requested format.

use std::borrow::Cow;

use console::Term;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Number;

use ledger_console::render::output::{print, say};
use ledger_console::render::spreadsheet::without_formula;
use ledger_console::render::terminal::{
    Cell, Column, counted, escaped, number, safe, safe_lines, table, text, width, wrapped,
};

use crate::commands::query::arguments::Format;

/// Maximum number of rows in a table, which is buffered in memory.
const MAX_TABLE_ROWS: usize = 10_000;

/// A value in a result.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Datum {
    Nothing,
    Text(String),
    Number(Number),
    Flag(bool),
    List(Vec<Option<String>>),
}

/// A result that is written as its rows arrive.
#[derive(Debug)]
pub(super) struct Sheet {
    format: Format,
    columns: Vec<String>,
    rows: Vec<Vec<Datum>>,
    count: u64,
    /// Output that is not written yet.
    text: String,
}

impl Sheet {
    pub(super) fn new(format: Format) -> Self {
        Self { format, columns: Vec::new(), rows: Vec::new(), count: 0, text: String::new() }
    }

    /// Starts the output with the query's description and the columns.
    pub(super) fn begin(&mut self, description: &str, columns: Vec<String>) -> anyhow::Result<()> {
        self.columns = columns;
        match self.format {
            Format::Table => print(&format!("{}\n\n", wrapped(description, width(), 2)))?,
            Format::Csv => {
                say(description);
                self.text = line_of_csv(self.columns.iter().map(|column| column.as_str().into()))?;
            }
            Format::Json => say(description),
        }
        Ok(())
    }

    pub(super) fn row(&mut self, row: Vec<Datum>) -> anyhow::Result<()> {
        self.count += 1;
        match self.format {
            Format::Table if self.rows.len() < MAX_TABLE_ROWS => self.rows.push(row),
            Format::Table => {}
            Format::Csv => self.text += &line_of_csv(row.iter().map(Datum::in_csv))?,
            Format::Json => self.text += &(escaped(&self.object(&row)?) + "\n"),
        }
        Ok(())
    }

    /// Writes the buffered output; a table is written at the end.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        let text = std::mem::take(&mut self.text);
        if self.format == Format::Csv && Term::stdout().is_term() {
            return print(&safe_lines(&text));
        }
        print(&text)
    }

    pub(super) fn end(&mut self) -> anyhow::Result<()> {
        self.flush()?;
        if self.format == Format::Table && !self.rows.is_empty() {
            print(&self.table(width()))?;
        }
        Ok(())
    }

    /// Whether a table has the maximum number of rows. Other formats have no limit.
    pub(super) fn is_full(&self) -> bool {
        self.format == Format::Table && self.count > MAX_TABLE_ROWS as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn counted(&self) -> String {
        if self.is_full() {
            return format!("The first {MAX_TABLE_ROWS} rows; --format csv prints all of them");
        }
        counted(self.count, "row", "rows")
    }

    fn object(&self, row: &[Datum]) -> anyhow::Result<String> {
        let mut json = Vec::new();
        let mut serializer = serde_json::Serializer::new(&mut json);
        let mut map = serializer.serialize_map(Some(row.len()))?;
        for (column, datum) in self.columns.iter().zip(row) {
            match datum {
                Datum::Nothing => map.serialize_entry(column, &())?,
                Datum::Text(text) => map.serialize_entry(column, text)?,
                Datum::Number(number) => map.serialize_entry(column, number)?,
                Datum::Flag(flag) => map.serialize_entry(column, flag)?,
                Datum::List(list) => map.serialize_entry(column, list)?,
            }
        }
        map.end()?;
        Ok(String::from_utf8(json)?)
    }

    /// Omits IDs that have a name next to them, and the instance ID if it is the same in all rows. A table that is wider than
    /// the terminal becomes a block of lines per row.
    fn table(&self, width: usize) -> String {
        let shown: Vec<usize> =
            (0..self.columns.len()).filter(|index| !self.is_redundant_id(*index)).collect();
        let is_number =
            |index: usize| self.rows.iter().any(|row| matches!(row.get(index), Some(Datum::Number(_))));
        let column = |index: &usize| {
            let name = self.columns.get(*index).cloned().unwrap_or_default();
            let column = if is_number(*index) { number("") } else { text("", 1) };
            Column { title: name.into(), ..column }
        };
        let columns: Vec<_> = shown.iter().map(column).collect();
        let cells = |row: &Vec<Datum>| {
            shown
                .iter()
                .map(|index| row.get(*index).map(Datum::in_table).unwrap_or_default())
                .collect::<Vec<_>>()
        };
        let rows: Vec<_> = self.rows.iter().map(cells).collect();
        let of_cells =
            |row: &Vec<String>| row.iter().map(|cell| Cell::from(cell.clone())).collect::<Vec<_>>();
        let whole = table(&columns, &rows.iter().map(of_cells).collect::<Vec<_>>(), usize::MAX);
        let is_too_wide = whole.lines().any(|line| console::measure_text_width(line) > width);
        if is_too_wide { in_blocks(&columns, &rows, width) } else { whole }
    }

    fn is_redundant_id(&self, index: usize) -> bool {
        let Some(id) = self.columns.get(index).and_then(|name| name.strip_suffix("_id")) else {
            return false;
        };
        let values = |index: usize| self.rows.iter().map(move |row| row.get(index));
        if id == "instance" {
            let mut all = values(index);
            let first = all.next();
            return all.all(|value| Some(value) == first);
        }
        let is_set = |value: Option<&Datum>| match value {
            None | Some(Datum::Nothing) => false,
            Some(Datum::Text(text)) => !text.is_empty(),
            Some(_) => true,
        };
        ["_name", "_username"].iter().any(|end| {
            let name = self.columns.iter().position(|column| *column == format!("{id}{end}"));
            name.is_some_and(|name| {
                values(name).zip(values(index)).all(|(name, id)| is_set(name) || !is_set(id))
            })
        })
    }
}

/// A block per row, with a line per column.
fn in_blocks(columns: &[Column], rows: &[Vec<String>], width: usize) -> String {
    let widest = columns.iter().map(|column| column.title.len()).max().unwrap_or_default();
    let line = |(column, cell): (&Column, &String)| {
        let line = format!("{:<widest$}  {}", column.title, safe(cell));
        console::truncate_str(line.trim_end(), width, "…").into_owned() + "\n"
    };
    let block = |row: &Vec<String>| columns.iter().zip(row).map(line).collect::<String>();
    rows.iter().map(block).collect::<Vec<_>>().join("\n")
}

impl Datum {
    /// Parses a value that an engine wrote for this type. Timestamps are UTC, and become ISO 8601 with `Z`.
    pub(super) fn of(text: String, engine_type: &str) -> Self {
        let engine_type = engine_type.to_lowercase();
        match engine_type.as_str() {
            "boolean" => Self::Flag(text == "true"),
            "bigint" | "hugeint" | "integer" | "int" | "tinyint" | "smallint" | "double" | "float"
            | "real" => Self::of_number(&text),
            name if name.starts_with("decimal") => Self::of_number(&text),
            name if name.starts_with("timestamp") => Self::Text(instant(&text)),
            name if name.starts_with("array") || name.ends_with("[]") => {
                // Athena does not quote list elements. Lists in this project have IDs, and names without commas.
                let inner = text.trim_start_matches('[').trim_end_matches(']');
                let parts = inner.split(", ").filter(|part| !part.is_empty());
                Self::List(parts.map(|part| (part != "null").then(|| part.to_owned())).collect())
            }
            _ => Self::Text(text),
        }
    }

    /// NaN, which JSON cannot represent, becomes nothing.
    fn of_number(text: &str) -> Self {
        let whole = text.parse::<i64>().ok().map(Number::from);
        let number = whole.or_else(|| text.parse().ok().and_then(Number::from_f64));
        number.map_or(Self::Nothing, Self::Number)
    }

    fn in_csv(&self) -> Cow<'_, str> {
        match self {
            Self::Nothing => "".into(),
            Self::Text(text) => without_formula(text),
            Self::Number(number) => number.to_string().into(),
            Self::Flag(flag) => flag.to_string().into(),
            Self::List(list) => without_formula(&joined(list)).into_owned().into(),
        }
    }

    fn in_table(&self) -> String {
        match self {
            Self::Nothing => "–".to_owned(),
            Self::Text(text) => text.clone(),
            Self::Number(number) if number.is_f64() => {
                let rounded = format!("{:.3}", number.as_f64().unwrap_or_default());
                rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
            }
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
            Self::List(list) => joined(list),
        }
    }
}

fn joined(list: &[Option<String>]) -> String {
    list.iter().map(|element| element.as_deref().unwrap_or("–")).collect::<Vec<_>>().join(", ")
}

/// `2026-03-02 08:00:00.5` becomes `2026-03-02T08:00:00.500Z`.
fn instant(text: &str) -> String {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    format!("{}.{part}Z", whole.replacen(' ', "T", 1))
}

fn line_of_csv<'a>(cells: impl Iterator<Item = Cow<'a, str>>) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells.map(Cow::into_owned))?;
    Ok(String::from_utf8(writer.into_inner()?)?)
}

#[cfg(test)]
mod tests {
    use super::{Datum, Format, Sheet};

    fn sheet(format: Format) -> Sheet {
        let mut sheet = Sheet::new(format);
        sheet.columns = ["local_start", "queue_id", "queue_name", "contacts_queued", "service_level"]
            .map(str::to_owned)
            .into();
        for (name, queued, level) in [("=1+1", "13", "0.6923076923076923"), ("Ventas", "2", "NaN")] {
            let values = [
                ("2026-03-02", "varchar"),
                ("4-1", "varchar"),
                (name, "varchar"),
                (queued, "bigint"),
                (level, "double"),
            ];
            sheet.row(values.map(|(text, of)| Datum::of(text.to_owned(), of)).into()).unwrap();
        }
        sheet
    }

    #[test]
    fn a_result_is_a_table_or_blocks_if_the_table_is_too_wide() {
        let sheet = sheet(Format::Table);
        let plain = |width| console::strip_ansi_codes(&sheet.table(width)).into_owned();
        assert_eq!(
            plain(80),
            "local_start  queue_name  contacts_queued  service_level\n2026-03-02   =1+1                     13          0.692\n2026-03-02   Ventas                    2              –\n"
        );
        assert_eq!(
            plain(40),
            "local_start      2026-03-02\nqueue_name       =1+1\ncontacts_queued  13\nservice_level    0.692\n\nlocal_start      2026-03-02\nqueue_name       Ventas\ncontacts_queued  2\nservice_level    –\n"
        );
    }

    #[test]
    fn csv_has_every_column_and_escapes_formulas_and_json_keeps_every_digit() {
        let csv = sheet(Format::Csv).text;
        assert_eq!(csv, "2026-03-02,4-1,'=1+1,13,0.6923076923076923\n2026-03-02,4-1,Ventas,2,\n");
        let json = sheet(Format::Json).text;
        assert_eq!(
            json.lines().next().unwrap(),
            r#"{"local_start":"2026-03-02","queue_id":"4-1","queue_name":"=1+1","contacts_queued":13,"service_level":0.6923076923076923}"#
        );
    }

    #[test]
    fn times_and_lists_of_both_engines_have_the_same_form() {
        for text in ["2026-03-02 08:00:00", "2026-03-02 08:00:00.000"] {
            assert_eq!(
                Datum::of(text.to_owned(), "timestamp"),
                Datum::Text("2026-03-02T08:00:00.000Z".to_owned())
            );
        }
        let list = Datum::List(vec![Some("a".to_owned()), None]);
        assert_eq!(
            [Datum::of("[a, null]".to_owned(), "array"), Datum::of("[a, null]".to_owned(), "VARCHAR[]")],
            [list.clone(), list]
        );
        assert_eq!(Datum::of("1.0E-4".to_owned(), "double").in_table(), "0");
    }
}
