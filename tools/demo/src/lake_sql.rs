//! `lake.sql`: the lake's tables, views and named queries for `DuckDB`, on the files of this result.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use contact_lake::schema::columns;
use lake_files::layout;
use lake_parquet::GlueType;
use lake_queries::place;
use served_stack::LAKE_BUCKET;

use crate::summary::Summary;

const GENERATED: &str = include_str!("../../../queries/duckdb/lake.sql");

/// The file's text, for a result in this folder.
///
/// # Errors
/// When the folder's absolute path cannot be determined.
pub(crate) fn lake_sql(output: &Path, summary: &Summary) -> anyhow::Result<String> {
    let shown = output.display();
    let lake =
        std::path::absolute(output).with_context(|| format!("{shown} cannot be found"))?.join(LAKE_BUCKET);
    let files = |pattern: &str| format!("getvariable('lake') || '/{pattern}'");
    // The partition is the last folder of the path, whatever the folders above it are called.
    let partition = |name: &str| format!("regexp_extract(filename, '{name}=([^/]*)/[^/]*$', 1) AS {name}");
    let records = if summary.rows > 0 {
        format!(
            "SELECT * EXCLUDE (filename), {} FROM read_parquet({}, filename = true, hive_partitioning = false, union_by_name = true)",
            partition("contact_date"),
            files(&format!("{}*/*.parquet", layout::ROWS)),
        )
    } else {
        no_contact_records()?
    };
    // Raw lines: no character is a delimiter or a quote.
    let lines = |count: u64, copies: &str| {
        if count == 0 {
            return "SELECT NULL::VARCHAR AS event, NULL::VARCHAR AS arrival_date WHERE false".to_owned();
        }
        format!(
            "SELECT event, {} FROM read_csv({}, columns = {{'event': 'VARCHAR'}}, header = false, delim = E'\\x01', quote = '', \
             escape = '', auto_detect = false, ignore_errors = true, max_line_size = 4194304, filename = true, hive_partitioning = false)",
            partition("arrival_date"),
            files(&format!("{copies}*/*.gz")),
        )
    };
    let events = lines(summary.agent_events, layout::AGENT_EVENT_COPIES);
    let contact_events = lines(summary.contact_events, layout::CONTACT_EVENT_COPIES);
    let view = |name: &str, select: &str| format!("CREATE OR REPLACE VIEW {name} AS\n{select};");
    Ok(GENERATED
        .replace("-- {lake}", &place(&lake.to_string_lossy()))
        .replace("-- {contact_records}", &view("contact_records", &records))
        .replace("-- {raw_agent_events}", &view("raw_agent_events", &events))
        .replace("-- {raw_contact_events}", &view("raw_contact_events", &contact_events)))
}

/// The table without rows, for a lake without a file to read its columns from.
fn no_contact_records() -> anyhow::Result<String> {
    let mut select = "SELECT ".to_owned();
    for column in columns() {
        let _ = write!(select, "NULL::{} AS \"{}\", ", duckdb_type(&column.glue_type())?, column.name);
    }
    Ok(select + "NULL::VARCHAR AS contact_date WHERE false")
}

/// The `DuckDB` name of a Glue type.
fn duckdb_type(glue_type: &str) -> anyhow::Result<String> {
    Ok(match GlueType::of(glue_type)? {
        GlueType::Array(element) => format!("{}[]", duckdb_type(element)?),
        GlueType::Map(key, value) => format!("MAP({}, {})", duckdb_type(key)?, duckdb_type(value)?),
        GlueType::Struct(fields) => {
            let field = |(name, glue_type)| anyhow::Ok(format!("\"{name}\" {}", duckdb_type(glue_type)?));
            format!("STRUCT({})", fields.into_iter().map(field).collect::<Result<Vec<_>, _>>()?.join(", "))
        }
        GlueType::Simple("string") => "VARCHAR".to_owned(),
        GlueType::Simple(same) => same.to_uppercase(),
    })
}
