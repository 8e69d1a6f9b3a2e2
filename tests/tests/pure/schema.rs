//! The writer, the Glue columns, and the documentation come from one declaration and agree.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use connect_streams::contact_record::ContactRecord;
use connect_streams::{Timestamp, Value, parse};
use contact_lake::schema::columns;
use contact_lake::{Arrival, Policy, encode, encode_demo, normalize};
use contact_ledger::commands::schema::{SchemaFormat, schema};
use lake_parquet::GlueType;
use ledger_tests::contact_record_fixtures;

/// The rows of all fixtures and of a demo record.
fn rows() -> Vec<(String, Vec<u8>)> {
    let arrival = Timestamp::parse("2026-03-02T09:12:05.678Z").map(Arrival::from);
    let mut rows: Vec<_> = contact_record_fixtures()
        .into_iter()
        .map(|(name, bytes)| {
            let value = parse(&bytes).unwrap();
            let record = ContactRecord::from_object(value.as_object().unwrap()).unwrap();
            (name, encode(normalize(&record), arrival, &Policy::default()))
        })
        .collect();
    let demo =
        parse(br#"{"ticker_symbol":"QXZ","sector":"HEALTHCARE","change":-0.05,"price":84.51}"#).unwrap();
    rows.push(("demo".to_owned(), encode_demo(demo.as_object().unwrap(), arrival, &Policy::default())));
    rows
}

/// Whether Firehose's conversion can put a value of the row into a column of this type.
fn fits(glue_type: &str, value: Value<'_>) -> bool {
    match (glue_type, value) {
        ("string", Value::String(_)) | ("boolean", Value::Bool(_)) => true,
        ("bigint", Value::Number(digits)) => digits.parse::<i64>().is_ok(),
        ("double", Value::Number(digits)) => digits.parse::<f64>().is_ok_and(f64::is_finite),
        ("timestamp", Value::String(text)) => {
            text.len() == 24 && text.ends_with('Z') && Timestamp::parse(text).is_some()
        }
        ("map<string,string>", Value::Object(map)) => {
            !map.is_empty() && map.iter().all(|(_, value)| value.as_str().is_some())
        }
        (_, Value::Array(elements)) => {
            let Ok(GlueType::Array(element_type)) = GlueType::of(glue_type) else { return false };
            !elements.is_empty() && elements.iter().all(|element| fits(element_type, element))
        }
        (_, Value::Object(object)) => {
            let Ok(GlueType::Struct(fields)) = GlueType::of(glue_type) else { return false };
            let field_fits = |(name, value): (&str, Value<'_>)| {
                fields.iter().any(|(field, glue_type)| *field == name && fits(glue_type, value))
            };
            !object.is_empty() && object.iter().all(field_fits)
        }
        _ => false,
    }
}

#[test]
fn every_value_of_every_row_fits_its_glue_type() {
    for (name, row) in rows() {
        let row = parse(row.trim_ascii_end()).unwrap();
        for (column, value) in row.as_object().unwrap().iter() {
            let declared = columns().find(|declared| declared.name == column);
            let glue_type =
                declared.unwrap_or_else(|| panic!("{name} has the undeclared column {column}")).glue_type();
            assert!(fits(&glue_type, value), "{name}: {column} is {value:?}, which is not a {glue_type}");
        }
    }
}

#[test]
fn columns_are_written_in_declared_order() {
    for (name, row) in rows() {
        let row = parse(row.trim_ascii_end()).unwrap();
        let written: Vec<_> = row.as_object().unwrap().iter().map(|(column, _)| column).collect();
        let declared: Vec<_> =
            columns().map(|column| column.name).filter(|column| written.contains(column)).collect();
        assert_eq!(written, declared, "{name}");
    }
}

#[test]
fn glue_has_every_column_and_accepts_every_comment() {
    let glue: serde_json::Value = serde_json::from_str(&schema(SchemaFormat::Glue)).unwrap();
    let glue = glue.as_array().unwrap();
    let names: Vec<_> = glue.iter().map(|column| column["Name"].as_str().unwrap()).collect();
    assert_eq!(names, columns().map(|column| column.name).collect::<Vec<_>>());
    assert!(glue.iter().all(|column| column["Comment"].as_str().unwrap().len() <= 255));
    let json: serde_json::Value = serde_json::from_str(&schema(SchemaFormat::Json)).unwrap();
    assert_eq!(json["columns"].as_array().unwrap().len(), names.len());
}
