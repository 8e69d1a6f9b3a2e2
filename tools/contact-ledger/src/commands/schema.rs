//! `schema`: the columns of a contact record row, in several formats, from one declaration.

use std::fmt::Write as _;

use clap::ValueEnum;
use contact_lake::schema::{Column, Kind, SCHEMA_VERSION, columns};
use serde_json::{Value, json};

/// The output formats of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaFormat {
    /// Glue table columns, in CloudFormation format
    Glue,
    /// The complete, machine-readable schema
    Json,
    /// The Markdown table in docs/contact-record.md
    Markdown,
}

/// The schema in a format.
#[must_use]
pub fn schema(format: SchemaFormat) -> String {
    match format {
        SchemaFormat::Glue => format!("{:#}\n", glue()),
        SchemaFormat::Json => format!(
            "{:#}\n",
            json!({"schema_version": SCHEMA_VERSION, "columns": columns().map(described).collect::<Value>()})
        ),
        SchemaFormat::Markdown => markdown(),
    }
}

fn glue() -> Value {
    columns()
        .map(|column| json!({"Name": column.name, "Type": column.glue_type(), "Comment": comment(column)}))
        .collect()
}

/// Glue's limit for a comment. AWS does not document the unit, so it is applied to bytes, the stricter reading.
/// Source: [`Column`](https://docs.aws.amazon.com/glue/latest/webapi/API_Column.html) (AWS Glue API Reference).
const COMMENT_BYTES: usize = 255;

fn comment(column: &Column) -> String {
    let meaning = format!("{} [{}]", column.meaning, column.source().unwrap_or("derived"));
    if meaning.len() <= COMMENT_BYTES {
        return meaning;
    }
    let end = meaning.floor_char_boundary(COMMENT_BYTES - '…'.len_utf8());
    format!("{}…", &meaning[..end])
}

fn described(column: &Column) -> Value {
    let mut described = json!({"name": column.name, "type": column.glue_type(), "meaning": column.meaning});
    if column.source().is_some() {
        described["source"] = column.sources().collect();
    }
    if let Kind::StructList(fields) | Kind::StructMap(fields) = column.kind {
        described["fields"] = fields.iter().map(self::described).collect();
    }
    described
}

fn markdown() -> String {
    let mut text = String::from("| column | type | source | meaning |\n|---|---|---|---|\n");
    for column in columns() {
        row(&mut text, "", column);
    }
    text
}

fn row(text: &mut String, parent: &str, column: &Column) {
    let Column { name, meaning, .. } = column;
    let sources: Vec<_> = column.sources().map(|source| format!("`{source}`")).collect();
    let source = if sources.is_empty() { "derived".to_owned() } else { sources.join(" or ") };
    let (fields, kind) = match column.kind {
        Kind::StructList(fields) => (fields, "list of structs (fields below)".to_owned()),
        Kind::StructMap(fields) => (fields, "map, stored as a list of structs (fields below)".to_owned()),
        _ => (&[][..], column.glue_type()),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "| `{parent}{name}` | {kind} | {source} | {} |", meaning.replace('|', "\\|"));
    for field in fields {
        row(text, &format!("{parent}{name}[]."), field);
    }
}
