//! Row to bytes: one JSON object ended by `\n`, absent values left out.
//!
//! `content_hash` is XXH3-128 over the encoded content, that is, over everything the record says and
//! nothing it does not (arrival time, schema version). Columns come in declared order and maps in key
//! order, so the hash does not depend on the order or white space of the source. XXH3, because the hash
//! only breaks ties between versions of one contact: it must be fast and well spread, not hard to forge.

use connect_streams::Timestamp;
use connect_streams::json::write_string;
use xxhash_rust::xxh3::xxh3_128;

use crate::normalize::{Cell, Row};
use crate::schema::{COLUMNS, SCHEMA_VERSION};

/// The row as one line of JSON.
#[must_use]
pub fn encode(row: &Row<'_>, arrival: Option<Timestamp>) -> Vec<u8> {
    let mut line = Line(Vec::with_capacity(2048));
    line.content(row);
    let content_hash = xxh3_128(&line.0);
    line.derived(row);
    line.number("schema_version", SCHEMA_VERSION);
    line.text("content_hash", &format!("{content_hash:032x}"));
    if let Some(arrival) = arrival {
        line.text("arrival_timestamp", &arrival.to_string());
    }
    line.end()
}

struct Line(Vec<u8>);

impl Line {
    fn content(&mut self, row: &Row<'_>) {
        for (column, cell) in COLUMNS.iter().zip(&row.cells) {
            match cell {
                None => {}
                Some(Cell::Text(text)) => self.text(column.name, text),
                Some(Cell::Integer(digits)) => self.number(column.name, digits),
                Some(Cell::Timestamp(instant)) => self.text(column.name, &instant.to_string()),
                Some(Cell::TextMap(map)) => {
                    self.key(column.name);
                    write_object(map, &mut self.0, |value, out| write_string(value, out));
                }
            }
        }
        if !row.extra.is_empty() {
            let mut json = Vec::new();
            write_object(&row.extra, &mut json, |value, out| value.write_json(out));
            self.text("extra", &String::from_utf8_lossy(&json));
        }
    }

    fn derived(&mut self, row: &Row<'_>) {
        for (name, id) in
            [("instance_id", row.instance_id), ("agent_id", row.agent_id), ("queue_id", row.queue_id)]
        {
            if let Some(id) = id {
                self.text(name, id);
            }
        }
        if let Some(duration) = row.contact_duration_milliseconds {
            self.number("contact_duration_seconds", duration / 1000);
        }
    }

    fn text(&mut self, name: &str, text: &str) {
        self.key(name);
        write_string(text, &mut self.0);
    }

    fn number(&mut self, name: &str, number: impl std::fmt::Display) {
        self.key(name);
        self.0.extend_from_slice(number.to_string().as_bytes());
    }

    fn key(&mut self, name: &str) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        write_string(name, &mut self.0);
        self.0.push(b':');
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(b"}\n");
        self.0
    }
}

fn write_object<'m, K, V>(
    members: impl IntoIterator<Item = (&'m K, &'m V)>,
    out: &mut Vec<u8>,
    mut write_value: impl FnMut(&V, &mut Vec<u8>),
) where
    K: AsRef<str> + 'm,
    V: 'm,
{
    out.push(b'{');
    for (index, (key, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(key.as_ref(), out);
        out.push(b':');
        write_value(value, out);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::encode;
    use crate::normalize;
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
        let value = parse(record.as_bytes()).unwrap();
        let record = ContactRecord::from_object(value.as_object().unwrap()).unwrap();
        String::from_utf8(encode(&normalize(&record), Timestamp::parse(arrival))).unwrap()
    }

    fn columns(line: &str) -> BTreeMap<String, String> {
        let value = parse(line.as_bytes()).unwrap();
        let written = |value: &connect_streams::Value<'_>| {
            let mut out = Vec::new();
            value.write_json(&mut out);
            String::from_utf8(out).unwrap()
        };
        value.as_object().unwrap().iter().map(|(name, value)| (name.to_owned(), written(value))).collect()
    }

    #[test]
    fn every_field_has_a_home_and_absent_ones_have_none() {
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
    fn the_hash_sees_content_and_nothing_else() {
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
        assert_ne!(hash(RECORD), hash(&RECORD.replace("1.10", "1.1")));
        assert_ne!(hash(RECORD), hash(&RECORD.replace("VOICE", "CHAT")));
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
