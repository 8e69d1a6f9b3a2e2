//! The tables of the lake: the columns from the schema, the views and the named queries from `queries/`.

#![expect(clippy::unwrap_used, reason = "an invalid file of the repository may end a program for developers")]

use std::fmt::Write as _;

use contact_lake::schema::columns;
use contact_ledger::commands::schema::{SchemaFormat, schema};
use lake_parquet::GlueType;
use lake_queries::{ArchiveDays, Source, named, reads_the_archive, views, without_head, written_out};
use serde_json::{Value, json};

/// The Trino name of a Glue type. Trino is Athena's engine.
pub(crate) fn trino_type(glue_type: &str) -> String {
    match GlueType::of(glue_type).unwrap() {
        GlueType::Array(element) => format!("array({})", trino_type(element)),
        GlueType::Map(key, value) => format!("map({}, {})", trino_type(key), trino_type(value)),
        GlueType::Struct(fields) => {
            let field = |(name, glue_type): (&str, &str)| format!("{name} {}", trino_type(glue_type));
            format!("row({})", fields.into_iter().map(field).collect::<Vec<_>>().join(", "))
        }
        GlueType::Simple("string") => "varchar".to_owned(),
        GlueType::Simple("timestamp") => "timestamp(3)".to_owned(),
        GlueType::Simple(same @ ("bigint" | "double" | "boolean" | "int")) => same.to_owned(),
        GlueType::Simple(_) => panic!("{glue_type} has no Trino name here"),
    }
}

/// The columns of a row, for Glue.
pub(super) fn glue_columns() -> String {
    let columns: Vec<Value> = serde_json::from_str(&schema(SchemaFormat::Glue)).unwrap();
    let columns: Vec<_> = columns.iter().map(|column| format!("- {column}\n")).collect();
    columns.concat()
}

/// The Glue name of a Trino type.
fn glue_type(trino_type: &str) -> &str {
    match trino_type {
        "varchar" => "string",
        "timestamp(3)" => "timestamp",
        "bigint" | "double" | "boolean" => trino_type,
        _ => panic!("{trino_type} has no Glue name here"),
    }
}

/// The columns of a view with their Trino and Glue types, from its head, or else from `contact_records`.
pub(crate) fn view_columns(view: &Source) -> Vec<(String, String, String)> {
    let columns = view.head().columns;
    if columns.iter().any(|(name, _)| name == "those of contact_records") {
        let row = columns_of_the_row();
        let partition = ("contact_date".to_owned(), "varchar".to_owned(), "string".to_owned());
        return row.chain([partition]).collect();
    }
    let column = |(column, _): (String, _)| {
        let (name, trino_type) = column.split_once(' ').unwrap();
        (name.to_owned(), trino_type.to_owned(), glue_type(trino_type).to_owned())
    };
    columns.into_iter().map(column).collect()
}

fn columns_of_the_row() -> impl Iterator<Item = (String, String, String)> {
    columns().map(|column| (column.name.to_owned(), trino_type(&column.glue_type()), column.glue_type()))
}

/// The logical ID of a name: `agent_events` becomes `AgentEvents`.
fn logical_id(name: &str) -> String {
    name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

pub(super) fn view_tables() -> String {
    let mut yaml = String::new();
    for view in views() {
        let name = view.name;
        let id = logical_id(name);
        let condition = match name {
            "contact_events" => "HasContactEventTables",
            name if reads_the_archive(name) => "HasArchiveTables",
            _ => "HasLakeTables",
        };
        let columns = view_columns(view);
        let names: Vec<_> = columns.iter().map(|(name, _, _)| name.as_str()).collect();
        let statement = without_head(view.sql).replace("{columns}", &names.join(", "));
        assert!(
            !statement.contains("${"),
            "the SQL of {name} contains ${{, which CloudFormation would replace"
        );
        let glue = columns.iter().map(|(name, _, glue)| json!({"Name": name, "Type": glue}));
        let trino = columns.iter().map(|(name, trino, _)| json!({"name": name, "type": trino}).to_string());
        let _ = write!(
            yaml,
            "{id}View:
  Type: AWS::Glue::Table
  Condition: {condition}
  Properties:
    CatalogId: !Ref AWS::AccountId
    DatabaseName: !Ref Database
    TableInput:
      Name: {name}
      Description: {}
      TableType: VIRTUAL_VIEW
      Parameters: {{ presto_view: \"true\", comment: Presto View }}
      StorageDescriptor:
        SerdeInfo: {{}}
        Columns:
{}
      ViewExpandedText: /* Presto View */
      ViewOriginalText: !Sub
        - \"/* Presto View: ${{View}} */\"
        - View:
            Fn::Base64: !Sub |
              {{\"originalSql\": {},
               \"catalog\": \"awsdatacatalog\", \"schema\": \"${{Database}}\", \"columns\": [
               {}
              ]}}

",
            json!(view.description()),
            glue.map(|column| format!("          - {column}")).collect::<Vec<_>>().join("\n"),
            json!(statement),
            trino.collect::<Vec<_>>().join(",\n               "),
        );
    }
    yaml
}

pub(super) fn named_queries() -> String {
    let mut yaml = String::new();
    for query in named() {
        let name = query.name;
        let _ = write!(
            yaml,
            "{}Query:
  Type: AWS::Athena::NamedQuery
  Condition: {}
  Properties:
    Name: {name}
    Description: {}
    Database: !Ref Database
    WorkGroup: !Ref WorkGroup
    QueryString: |
",
            logical_id(name),
            if reads_the_archive(name) { "HasArchiveTables" } else { "HasLakeTables" },
            json!(query.description()),
        );
        for line in written_out(name, ArchiveDays::Asked).lines() {
            let _ = writeln!(yaml, "{}", format!("      {line}").trim_end());
        }
        yaml.push('\n');
    }
    yaml
}
