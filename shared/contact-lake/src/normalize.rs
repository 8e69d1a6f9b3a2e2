//! Contact record to row: one walk over the record, guided by the tree of source paths.
//!
//! Total: an optional field can never fail a record. A value that its column cannot hold goes to `extra` and is
//! reported as *type drift*. A field without a column goes to `extra`, too. So nothing is lost, and a change by Amazon
//! degrades one column, not the pipeline.
//!
//! If a key is repeated, or a field has both spellings, the last one counts and the others go to `extra`. The last of a
//! repeated key counts even if it is null, as in the canonical form that `content_hash` covers.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use connect_streams::contact_record::ContactRecord;
use connect_streams::{Object, Timestamp, Value, whole_number};

use crate::facts::Facts;
use crate::row::{Cell, Extra, Row};
use crate::schema::{COLUMNS, Column, Compute, Kind, Origin, SCHEMA_VERSION, columns};
use crate::shape::{Group, Shape, Source};

static TREE: LazyLock<Shape> = LazyLock::new(|| Shape::of(&COLUMNS));

/// The computed columns, with their indexes.
static COMPUTED: LazyLock<Vec<(usize, &Column, Compute)>> = LazyLock::new(|| {
    let computed = |(index, column): (usize, &'static Column)| match column.origin {
        Origin::Computed(compute) => Some((index, column, compute)),
        Origin::Field { .. } | Origin::Row(_) => None,
    };
    columns().enumerate().filter_map(computed).collect()
});

/// Builds the row.
#[must_use]
pub fn normalize<'a>(record: &ContactRecord<'a>) -> Row<'a> {
    normalize_by(&TREE, record)
}

/// Builds the row with the columns of a tree, which may have only some columns of the table.
pub(crate) fn normalize_by<'a>(tree: &Shape, record: &ContactRecord<'a>) -> Row<'a> {
    let mut canonical = Vec::with_capacity(4096);
    let seen = record.source.write_canonical(&mut canonical);
    let mut walk = Walk::new(tree, seen.repeats_names);
    let mut cells = walk.object(tree, &Path::Record, record.source);
    if walk.found_two_spellings && !walk.backwards {
        walk = Walk::new(tree, true);
        cells = walk.object(tree, &Path::Record, record.source);
    }
    let impossible_intervals = compute(&mut cells);
    Row {
        cells,
        extra: walk.extra,
        type_drift: walk.type_drift,
        impossible_intervals,
        contact_date: record.initiation_timestamp.date(),
        canonical,
        schema_version: SCHEMA_VERSION,
    }
}

/// Fills the computed columns. Returns the names of those with a negative interval.
fn compute(cells: &mut [Option<Cell<'_>>]) -> Vec<&'static str> {
    let mut impossible = Vec::new();
    for (index, column, compute) in COMPUTED.iter() {
        let computed = compute(&Facts::of(cells));
        if computed.is_impossible {
            impossible.push(column.name);
        }
        cells[*index] = computed.cell;
    }
    impossible
}

/// Where the walk is. Written out only for values that go to `extra`.
#[derive(Clone, Copy)]
enum Path<'p> {
    Record,
    Field(&'p Path<'p>, &'p str),
    Element(&'p Path<'p>, usize),
}

impl Path<'_> {
    fn write(&self) -> String {
        match self {
            Self::Record => String::new(),
            Self::Field(Path::Record, name) => (*name).to_owned(),
            Self::Field(parent, name) => format!("{}.{name}", parent.write()),
            Self::Element(parent, index) => format!("{}[{index}]", parent.write()),
        }
    }
}

struct Walk<'s, 'a> {
    record: &'s Shape,
    extra: Vec<Extra<'a>>,
    type_drift: Vec<String>,
    /// The column of the record that the walk is inside, if any.
    column: Option<usize>,
    /// Whether it goes from the last field to the first, so that the last of repeated fields finds its cell empty. Hardly any
    /// record repeats a field, and walking forward is faster.
    backwards: bool,
    /// Whether two fields had the same column though no name is repeated. The result of a forward walk is then discarded.
    found_two_spellings: bool,
}

impl<'s, 'a> Walk<'s, 'a> {
    fn new(record: &'s Shape, backwards: bool) -> Self {
        Self {
            record,
            extra: Vec::new(),
            type_drift: Vec::new(),
            column: None,
            backwards,
            found_two_spellings: false,
        }
    }

    fn object(&mut self, shape: &Shape, path: &Path<'_>, object: Object<'a>) -> Vec<Option<Cell<'a>>> {
        let mut cells: Vec<_> = std::iter::repeat_with(|| None).take(shape.columns.len()).collect();
        self.group(shape, &shape.root, path, object, &mut cells);
        cells
    }

    fn group(
        &mut self,
        shape: &Shape,
        group: &Group,
        path: &Path<'_>,
        object: Object<'a>,
        cells: &mut [Option<Cell<'a>>],
    ) {
        let mut members = object.iter();
        let mut names = HashSet::new();
        while let Some((name, value)) = if self.backwards { members.next_back() } else { members.next() } {
            let is_superseded = self.backwards && !names.insert(name);
            if value.is_absent() {
                continue;
            }
            let path = Path::Field(path, name);
            match (group.get(name), value) {
                (Some(source), _) if is_superseded => self.keep(&path, value, source.indexes()),
                (Some(Source::Group(fields)), Value::Object(inner)) => {
                    self.group(shape, fields, &path, inner, cells);
                }
                (Some(Source::Group(fields)), _) => {
                    self.drift(name);
                    self.keep(&path, value, fields.indexes());
                }
                (Some(Source::Column(index)), _) if cells[*index].is_none() => {
                    cells[*index] = self.column(shape, *index, &path, value);
                }
                (Some(Source::Column(index)), _) => {
                    self.found_two_spellings = true;
                    self.keep(&path, value, vec![*index]);
                }
                (None, _) => self.keep(&path, value, Vec::new()),
            }
        }
    }

    /// The value as the column at `index` holds it. A value it cannot hold is kept as type drift.
    fn column(&mut self, shape: &Shape, index: usize, path: &Path<'_>, value: Value<'a>) -> Option<Cell<'a>> {
        let is_outermost = self.column.is_none();
        if is_outermost {
            self.column = Some(index);
        }
        let cell = match (shape.columns[index].kind, value) {
            (Kind::StructList(_), Value::Array(elements)) => {
                Ok(self.structs(shape, index, path, elements.iter()))
            }
            (Kind::StructList(_), Value::Object(_)) => {
                Ok(self.structs(shape, index, path, std::iter::once(value)))
            }
            (Kind::StructMap(_), Value::Object(entries)) => Ok(self.entries(shape, index, path, entries)),
            (Kind::TextMap, Value::Object(entries)) => Ok(Some(self.text_map(index, path, entries, text_of))),
            (Kind::UnionMap, Value::Object(entries)) => {
                Ok(Some(self.text_map(index, path, entries, text_of_union)))
            }
            (kind, _) => simple_cell(kind, value).map(Some).ok_or(()),
        };
        if is_outermost {
            self.column = None;
        }
        cell.unwrap_or_else(|()| {
            self.stray(shape, index, path, value);
            None
        })
    }

    fn structs(
        &mut self,
        shape: &Shape,
        index: usize,
        path: &Path<'_>,
        elements: impl Iterator<Item = Value<'a>>,
    ) -> Option<Cell<'a>> {
        let mut structs = Vec::new();
        for (position, element) in elements.enumerate().filter(|(_, element)| !element.is_absent()) {
            let path = Path::Element(path, position);
            match element.as_object() {
                Some(object) => structs.push(self.object(shape.elements(index), &path, object)),
                None => self.stray(shape, index, &path, element),
            }
        }
        structs_cell(structs)
    }

    /// A map of objects: the key becomes the first field. If the object has another value there, that value is kept.
    fn entries(
        &mut self,
        shape: &Shape,
        index: usize,
        path: &Path<'_>,
        entries: Object<'a>,
    ) -> Option<Cell<'a>> {
        let first = shape.elements(index).columns[0].path();
        let mut structs = Vec::new();
        let mut keys = HashSet::new();
        for (key, entry) in entries.iter().rev() {
            let is_superseded = !keys.insert(key);
            if entry.is_absent() {
                continue;
            }
            let path = Path::Field(path, key);
            match entry.as_object() {
                _ if is_superseded => self.keep(&path, entry, vec![index]),
                Some(object) => {
                    let mut fields = self.object(shape.elements(index), &path, object);
                    let key_cell = Some(Cell::Text(Cow::Borrowed(key)));
                    if let Some(value) =
                        object.get(first).filter(|_| fields[0].is_some() && fields[0] != key_cell)
                    {
                        self.keep(&Path::Field(&path, first), value, vec![index]);
                    }
                    fields[0] = key_cell;
                    structs.push((key, fields));
                }
                None => self.stray(shape, index, &path, entry),
            }
        }
        // A map has no order of its own.
        structs.sort_by_key(|(key, _)| *key);
        structs_cell(structs.into_iter().map(|(_, fields)| fields).collect())
    }

    fn text_map(
        &mut self,
        index: usize,
        path: &Path<'_>,
        entries: Object<'a>,
        text_of: fn(Value<'a>) -> Cow<'a, str>,
    ) -> Cell<'a> {
        // The sort is stable, so the last of equal keys is now the first.
        let mut sorted: Vec<_> = entries.iter().rev().collect();
        sorted.sort_by_key(|(key, _)| *key);
        let mut map: Vec<(&str, _)> = Vec::with_capacity(sorted.len());
        let mut before = None;
        for (key, value) in sorted {
            let is_superseded = before.replace(key) == Some(key);
            if value.is_absent() {
                continue;
            }
            if is_superseded {
                self.keep(&Path::Field(path, key), value, vec![index]);
            } else {
                map.push((key, text_of(value)));
            }
        }
        Cell::TextMap(map)
    }

    /// Keeps a value of an unexpected type.
    fn stray(&mut self, shape: &Shape, index: usize, path: &Path<'_>, value: Value<'a>) {
        self.drift(shape.columns[index].path());
        self.keep(path, value, vec![index]);
    }

    /// Notes a source path, without keys and positions, because it is logged.
    fn drift(&mut self, source: &str) {
        let within =
            self.column.map(|column| self.record.columns[column].path()).filter(|outer| *outer != source);
        self.type_drift.push(within.map_or_else(|| source.to_owned(), |outer| format!("{outer}[].{source}")));
    }

    fn keep(&mut self, path: &Path<'_>, value: Value<'a>, columns: Vec<usize>) {
        // Inside a list, the column of the record is the list.
        let columns = self.column.map_or(columns, |column| vec![column]);
        self.extra.push(Extra { path: path.write(), value, columns });
    }
}

/// An empty object or list is absent: Parquet has no empty objects.
fn structs_cell(mut structs: Vec<Vec<Option<Cell<'_>>>>) -> Option<Cell<'_>> {
    structs.retain(|fields| fields.iter().any(Option::is_some));
    (!structs.is_empty()).then_some(Cell::Structs(structs))
}

fn simple_cell(kind: Kind, value: Value<'_>) -> Option<Cell<'_>> {
    match (kind, value) {
        (Kind::Text, Value::String(text)) => Some(Cell::Text(Cow::Borrowed(text))),
        (Kind::Integer, Value::Number(digits)) if digits.parse::<i64>().is_ok() => Some(Cell::Number(digits)),
        // `5.0` and `5e0` are the number 5, and the same content.
        (Kind::Integer, Value::Number(digits)) => whole_number(digits).map(Cell::Whole),
        // Readers get infinity for a number beyond the range of a double.
        (Kind::Double, Value::Number(digits)) if digits.parse::<f64>().is_ok_and(f64::is_finite) => {
            Some(Cell::Number(digits))
        }
        (Kind::Boolean, Value::Bool(truth)) => Some(Cell::Boolean(truth)),
        (Kind::Timestamp, Value::String(text)) => Timestamp::parse(text).map(Cell::Timestamp),
        (Kind::TextList, Value::Array(elements)) => {
            let texts = elements.iter().map(|element| element.as_str().map(Cow::Borrowed));
            texts.collect::<Option<_>>().map(Cell::TextList)
        }
        (Kind::Json, value) => Some(Cell::Json(json_text(value))),
        _ => None,
    }
}

/// A value as text: strings, numbers, and booleans unchanged, anything nested as JSON text.
fn text_of(value: Value<'_>) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(digits) => Cow::Borrowed(digits),
        nested => Cow::Owned(json_text(nested)),
    }
}

/// The text inside a union such as `{"ValueString": "x"}`; for anything else, the same as [`text_of`].
fn text_of_union(value: Value<'_>) -> Cow<'_, str> {
    const MEMBERS: [&str; 5] = ["ValueString", "ValueInteger", "ValueArn", "ValueMap", "ValueList"];
    let mut members =
        value.as_object().into_iter().flat_map(Object::iter).filter(|(_, member)| !member.is_absent());
    match (members.next(), members.next()) {
        (Some((name, member)), None) if MEMBERS.iter().any(|known| name.eq_ignore_ascii_case(known)) => {
            text_of(member)
        }
        _ => text_of(value),
    }
}

/// JSON text that does not depend on the key order of the source.
pub(crate) fn json_text(value: Value<'_>) -> String {
    let mut json = Vec::new();
    value.write_ordered_json(&mut json);
    String::from_utf8(json).expect("JSON is text")
}

#[cfg(test)]
mod tests {
    use super::normalize;
    use crate::row::Cell;
    use crate::schema::columns;
    use connect_streams::contact_record::ContactRecord;
    use connect_streams::parse;

    /// A computed whole number of a record with this agent, and the columns with negative intervals.
    fn computed(name: &str, agent: &str) -> (Option<i64>, Vec<&'static str>) {
        let record = format!(
            r#"{{"ContactId":"c","InstanceARN":"arn:aws:connect:eu-west-2:111122223333:instance/i",
            "InitiationTimestamp":"2026-03-02T08:00:00Z","LastUpdateTimestamp":"2026-03-02T09:00:00Z","Agent":{agent}}}"#
        );
        let document = parse(record.as_bytes()).unwrap();
        let record = ContactRecord::from_object(document.as_object().unwrap()).unwrap();
        let row = normalize(&record);
        let index = columns().position(|column| column.name == name).unwrap();
        let seconds = row.cells[index].as_ref().map(|cell| match cell {
            Cell::Whole(seconds) => *seconds,
            other => panic!("{name} is {other:?}"),
        });
        (seconds, row.impossible_intervals)
    }

    /// A negative part is left out of the sum and reported once: under its own column, or, for the pause, which has no computed
    /// column, under that of the sum.
    #[test]
    fn the_handle_time_leaves_out_negative_parts() {
        let handle = |talk: i64, hold: i64, work: i64, pause: i64| {
            let agent = format!(
                r#"{{"AgentInteractionDuration":{talk},"CustomerHoldDuration":{hold},"AfterContactWorkDuration":{work},
                "AgentPauseDurationInSeconds":{pause}}}"#
            );
            computed("handle_seconds", &agent)
        };
        assert_eq!(handle(10, 20, 30, 40), (Some(100), vec![]));
        assert_eq!(handle(10, 20, 30, -40), (Some(60), vec!["handle_seconds"]));
        assert_eq!(handle(10, -20, -30, 40), (Some(50), vec!["hold_seconds", "after_contact_work_seconds"]));
        assert_eq!(handle(-10, 20, 30, -40), (Some(50), vec!["talk_seconds", "handle_seconds"]));
        assert_eq!(handle(-10, -20, -30, -40).0, None);
        assert_eq!(handle(i64::MAX, 1, 0, 0), (None, vec![]));
    }
}
