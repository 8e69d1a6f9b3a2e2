//! Row to bytes: one JSON object ended by `\n`, absent values left out.
//!
//! `content_hash` covers the record in its canonical form (`connect_streams::json::Canonical`), not only the columns that this
//! version of the code knows. So a record keeps its hash when the schema changes, and rows made by two versions are
//! recognized as the same content. The hash does not depend on key order or white space in the source, on arrival, or on the
//! PII policy. It is XXH3-128: it only distinguishes contents of one contact, so it must be fast and well distributed, not
//! hard to forge. With a `PII_HASH_KEY` it is half of an HMAC-SHA-256: otherwise anyone who sees the rest of a row could test
//! guesses for a value that the policy hides.

use std::mem;
use std::sync::LazyLock;

use connect_streams::json::{write_bool, write_list, write_object, write_string};
use connect_streams::{Object, Timestamp, Value};
use xxhash_rust::xxh3::xxh3_128;

use crate::normalize::json_text;
use crate::policy::Policy;
use crate::row::{Cell, Extra, Row};
use crate::schema::{COLUMNS, Column, Kind, Origin, RowValue, SCHEMA_VERSION, columns};

/// When a record arrived, and where a raw copy holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When it reached Firehose. For a record from a raw copy, when the oldest record of that copy did.
    pub at: Timestamp,
    /// Its position in the raw copy it was read from, from 0; `None` for a record that Firehose delivered.
    pub place: Option<u32>,
}

impl From<Timestamp> for Arrival {
    fn from(at: Timestamp) -> Self {
        Self { at, place: None }
    }
}

/// Encodes the row as one line of JSON, with the policy applied.
#[must_use]
pub fn encode(row: Row<'_>, arrival: Option<Arrival>, policy: &Policy) -> Vec<u8> {
    let Row { mut cells, mut extra, .. } = row;
    extra.retain(|extra| policy.keeps(extra));
    let own = Own {
        extra: extra_json(&extra),
        record_kind: "contact_record",
        schema_version: row.schema_version,
        content_hash: content_hash(&row.canonical, policy),
        arrival,
    };
    own.fill(&mut cells);
    policy.apply(&mut cells);
    line(&cells, Vec::with_capacity(4096))
}

/// Encodes a record from the console's "Test with demo data" as a row. It reaches the lake, but no query for contacts returns it.
#[must_use]
pub fn encode_demo(record: Object<'_>, arrival: Option<Arrival>, policy: &Policy) -> Vec<u8> {
    let mut canonical = Vec::with_capacity(512);
    record.write_canonical(&mut canonical);
    let own = Own {
        extra: Some(json_text(Value::Object(record))),
        record_kind: "demo",
        schema_version: SCHEMA_VERSION,
        content_hash: content_hash(&canonical, policy),
        arrival,
    };
    let mut cells = vec![None; COLUMNS.len()];
    own.fill(&mut cells);
    line(&cells, Vec::with_capacity(512))
}

/// The columns about the row itself, with their indexes.
static OWN: LazyLock<Vec<(usize, RowValue)>> = LazyLock::new(|| {
    let own = |(index, column): (usize, &Column)| match column.origin {
        Origin::Row(value) => Some((index, value)),
        Origin::Field { .. } | Origin::Computed(_) => None,
    };
    columns().enumerate().filter_map(own).collect()
});

/// Values about the row itself.
struct Own {
    extra: Option<String>,
    record_kind: &'static str,
    schema_version: u32,
    content_hash: String,
    arrival: Option<Arrival>,
}

impl Own {
    fn fill(mut self, cells: &mut [Option<Cell<'_>>]) {
        for (index, value) in OWN.iter() {
            cells[*index] = self.take(*value);
        }
    }

    fn take(&mut self, value: RowValue) -> Option<Cell<'static>> {
        match value {
            RowValue::Extra => self.extra.take().map(Cell::Json),
            RowValue::RecordKind => Some(Cell::Text(self.record_kind.into())),
            RowValue::SchemaVersion => Some(Cell::Whole(self.schema_version.into())),
            RowValue::ContentHash => Some(Cell::Text(mem::take(&mut self.content_hash).into())),
            RowValue::ArrivalTimestamp => self.arrival.map(|arrival| Cell::Timestamp(arrival.at)),
            RowValue::ArrivalPlace => Some(Cell::Whole(self.arrival?.place?.into())),
        }
    }
}

fn content_hash(canonical: &[u8], policy: &Policy) -> String {
    match policy.content_key() {
        None => format!("{:032x}", xxh3_128(canonical)),
        Some(key) => {
            // The policy action `hash` uses the same key and accepts any text. No text contains the byte 0xFF, so sending a
            // guessed record as a value does not reveal its hash.
            let mut hash = key.hash_bytes(&[b"\xFFcontent_hash", canonical]);
            hash.truncate(32);
            hash
        }
    }
}

/// Writes the columns that have a value, in order. Column names need no escapes.
fn line(cells: &[Option<Cell<'_>>], mut out: Vec<u8>) -> Vec<u8> {
    for (column, cell) in COLUMNS.iter().zip(cells) {
        let Some(cell) = cell else { continue };
        out.extend_from_slice(if out.is_empty() { b"{\"" } else { b",\"" });
        out.extend_from_slice(column.name.as_bytes());
        out.extend_from_slice(b"\":");
        write_cell(column, cell, &mut out);
    }
    out.extend_from_slice(b"}\n");
    out
}

fn write_timestamp(instant: Timestamp, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(&instant.text());
    out.push(b'"');
}

fn write_cell(column: &Column, cell: &Cell<'_>, out: &mut Vec<u8>) {
    match cell {
        Cell::Text(text) => write_string(text, out),
        Cell::Json(json) => write_string(json, out),
        Cell::Number(digits) => out.extend_from_slice(digits.as_bytes()),
        Cell::Whole(number) => out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes()),
        Cell::Boolean(truth) => write_bool(*truth, out),
        Cell::Timestamp(instant) => write_timestamp(*instant, out),
        Cell::TextList(texts) => write_list(texts, out, |text, out| write_string(text, out)),
        Cell::TextMap(map) => {
            write_object(map.iter().map(|(key, text)| (*key, text)), out, |text, out| {
                write_string(text, out);
            });
        }
        Cell::Structs(structs) => {
            let (Kind::StructList(fields) | Kind::StructMap(fields)) = column.kind else {
                unreachable!("{} holds no objects", column.name)
            };
            write_list(structs, out, |cells, out| {
                let present = fields
                    .iter()
                    .zip(cells)
                    .filter_map(|(field, cell)| Some((field.name, (field, cell.as_ref()?))));
                write_object(present, out, |(field, cell), out| write_cell(field, cell, out));
            });
        }
    }
}

/// `{"<path>": <value>, …}`, sorted by path. If a key is repeated, the paths of the later values end in `#2`, `#3`, ….
fn extra_json(extra: &[Extra<'_>]) -> Option<String> {
    if extra.is_empty() {
        return None;
    }
    let mut sorted: Vec<&Extra<'_>> = extra.iter().collect();
    sorted.sort_by(|left, right| left.path.cmp(&right.path));
    let mut members = Vec::with_capacity(sorted.len());
    for copies in sorted.chunk_by(|left, right| left.path == right.path) {
        for (index, extra) in copies.iter().enumerate() {
            let path = &extra.path;
            members
                .push((if index == 0 { path.clone() } else { format!("{path}#{}", index + 1) }, extra.value));
        }
    }
    let mut json = Vec::new();
    write_object(
        members.iter().map(|(path, value)| (path.as_str(), *value)),
        &mut json,
        Value::write_ordered_json,
    );
    Some(String::from_utf8(json).expect("JSON is text"))
}

#[cfg(test)]
mod tests {
    use super::{Arrival, encode};
    use crate::edition::Edition;
    use crate::normalize::normalize;
    use crate::policy::Policy;
    use crate::schema::SCHEMA_VERSION;
    use connect_streams::contact_record::ContactRecord;
    use connect_streams::{Timestamp, parse};
    use std::collections::BTreeMap;

    const RECORD: &str = r#"{
        "ContactId": "c-1", "InstanceARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1",
        "InitiationTimestamp": "2026-03-02T08:00:00Z", "DisconnectTimestamp": "2026-03-02T08:03:20Z",
        "LastUpdateTimestamp": "2026-03-02T08:05:00Z", "Channel": "VOICE", "Agent": null, "Recordings": [],
        "Attributes": {"b": "2", "a": "1", "A": "upper", "n": 1.50, "t": true},
        "Queue": {"ARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/queue/q-1", "Duration": "long"},
        "Brand": {"New": [1.10]}
    }"#;

    fn line(record: &str) -> String {
        line_at(record, "2026-03-02T08:05:02.345Z")
    }

    fn line_at(record: &str, arrival: &str) -> String {
        let document = parse(record.as_bytes()).unwrap();
        let record = ContactRecord::from_object(document.as_object().unwrap()).unwrap();
        let arrival = Timestamp::parse(arrival).map(Arrival::from);
        String::from_utf8(encode(normalize(&record), arrival, &Policy::default())).unwrap()
    }

    fn columns(line: &str) -> BTreeMap<String, String> {
        let document = parse(line.as_bytes()).unwrap();
        let written = |value: connect_streams::Value<'_>| {
            let mut out = Vec::new();
            value.write_json(&mut out);
            String::from_utf8(out).unwrap()
        };
        let members = document.as_object().unwrap().iter();
        members.map(|(name, value)| (name.to_owned(), written(value))).collect()
    }

    #[test]
    fn every_present_field_is_written_and_absent_ones_are_left_out() {
        let columns = columns(&line(RECORD));
        let expected = [
            ("contact_id", r#""c-1""#),
            ("initiation_timestamp", r#""2026-03-02T08:00:00.000Z""#),
            ("contact_duration_seconds", "200"),
            ("queue_id", r#""q-1""#),
            ("instance_id", r#""i-1""#),
            ("arrival_timestamp", r#""2026-03-02T08:05:02.345Z""#),
            ("attributes", r#"{"A":"upper","a":"1","b":"2","n":"1.50","t":"true"}"#),
            ("extra", r#""{\"Brand\":{\"New\":[1.10]},\"Queue.Duration\":\"long\"}""#),
        ];
        for (name, value) in expected {
            assert_eq!(columns.get(name).map(String::as_str), Some(value), "{name}");
        }
        for absent in ["agent_arn", "queue_duration_seconds", "recordings"] {
            assert!(!columns.contains_key(absent), "{absent}");
        }
    }

    #[test]
    fn the_hash_depends_on_content_only() {
        let hash = |record: &str| columns(&line(record))["content_hash"].clone();
        let reordered = RECORD.replacen(r#""ContactId": "c-1", "#, "", 1).replacen(
            r#""Channel""#,
            "\"ContactId\" :\n\"c-1\", \"Channel\"",
            1,
        );
        assert_eq!(hash(RECORD), hash(&reordered));
        let later = columns(&line_at(RECORD, "2026-03-09T00:00:00Z"));
        assert_eq!(
            (&hash(RECORD), "\"2026-03-09T00:00:00.000Z\""),
            (&later["content_hash"], later["arrival_timestamp"].as_str())
        );
        for same in [RECORD.replace("1.10", "11E-1"), RECORD.replace("\"Agent\": null, ", "")] {
            assert_ne!(same, RECORD);
            assert_eq!(hash(RECORD), hash(&same));
        }
        for other in ["1.10,1.11", "VOICE,CHAT", "[],null", "\"New\",\"Newer\""] {
            let (this, that) = other.split_once(',').unwrap();
            let other = RECORD.replace(this, that);
            assert_ne!(other, RECORD);
            assert_ne!(hash(RECORD), hash(&other), "{that}");
        }
    }

    /// An earlier edition has a value in `extra` that now has its own column.
    #[test]
    fn a_record_keeps_its_hash_when_a_column_is_added() {
        let earlier = Edition::before(&["channel", "queue_id"]);
        let document = parse(RECORD.as_bytes()).unwrap();
        let record = ContactRecord::from_object(document.as_object().unwrap()).unwrap();
        let earlier = encode(earlier.normalize(&record), None, &Policy::default());
        let (earlier, today) = (columns(str::from_utf8(&earlier).unwrap()), columns(&line(RECORD)));
        assert_eq!(earlier["content_hash"], today["content_hash"]);
        assert_eq!((earlier.get("channel"), earlier.get("queue_id")), (None, None));
        assert_eq!((today["channel"].as_str(), today["queue_id"].as_str()), ("\"VOICE\"", "\"q-1\""));
        assert!(earlier["extra"].contains(r#"\"Channel\":\"VOICE\""#), "{}", earlier["extra"]);
        assert_eq!(
            (earlier["schema_version"].parse(), today["schema_version"].parse()),
            (Ok(SCHEMA_VERSION - 1), Ok(SCHEMA_VERSION))
        );
    }

    #[test]
    fn a_row_from_a_raw_copy_has_its_position_there() {
        let document = parse(RECORD.as_bytes()).unwrap();
        let record = ContactRecord::from_object(document.as_object().unwrap()).unwrap();
        let at = Timestamp::parse("2026-03-02T08:00:00Z").unwrap();
        let row = encode(normalize(&record), Some(Arrival { at, place: Some(7) }), &Policy::default());
        let row = columns(str::from_utf8(&row).unwrap());
        assert_eq!(
            (row["arrival_timestamp"].as_str(), row["arrival_place"].as_str()),
            ("\"2026-03-02T08:00:00.000Z\"", "7")
        );
        assert!(!columns(&line(RECORD)).contains_key("arrival_place"));
    }

    #[test]
    fn a_row_is_one_line() {
        let line = line(&RECORD.replace("upper", "two\\nlines"));
        assert_eq!((line.matches('\n').count(), line.ends_with("}\n")), (1, true));
    }

    #[test]
    fn a_contact_that_ends_before_it_begins_has_no_duration() {
        let impossible = RECORD.replace("08:03:20Z", "07:59:59Z");
        assert!(!columns(&line(&impossible)).contains_key("contact_duration_seconds"));
    }
}
