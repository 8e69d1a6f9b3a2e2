//! A Glue Data Catalog table, reduced to what Parquet conversion needs: column names and types.
//!
//! Source: [Data types in Amazon Athena](https://docs.aws.amazon.com/athena/latest/ug/data-types.html);
//! [Convert input data format](https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html)
//! (Firehose Developer Guide).

use std::sync::Arc;

use anyhow::{Context, bail};
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use contact_lake::schema::columns;

/// A table.
#[derive(Debug, Clone)]
pub struct GlueTable {
    /// Its database.
    pub database: String,
    /// Its name.
    pub name: String,
    /// Its columns, without the partition keys.
    pub schema: Arc<Schema>,
}

impl GlueTable {
    /// A table with these columns: name and type, such as `array<struct<name:string>>`.
    ///
    /// # Errors
    /// When a type is unknown or not valid.
    pub fn new<'a>(
        database: &str,
        name: &str,
        columns: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> anyhow::Result<Self> {
        let field = |(column, glue): (&str, &str)| -> anyhow::Result<Field> {
            let data_type = data_type(glue).with_context(|| format!("column {column} of table {name}"))?;
            Ok(Field::new(column, data_type, true))
        };
        let fields: Vec<_> = columns.into_iter().map(field).collect::<anyhow::Result<_>>()?;
        Ok(Self {
            database: database.to_owned(),
            name: name.to_owned(),
            schema: Arc::new(Schema::new(fields)),
        })
    }
}

/// The table that defines the conversion of contact record rows.
///
/// # Errors
/// When a column's type is unknown or not valid.
pub fn contact_records() -> anyhow::Result<GlueTable> {
    let columns: Vec<_> = columns().map(|column| (column.name, column.glue_type())).collect();
    GlueTable::new(
        "contact_ledger",
        "contact_records",
        columns.iter().map(|(name, glue_type)| (*name, glue_type.as_str())),
    )
}

fn data_type(glue: &str) -> anyhow::Result<DataType> {
    Ok(match GlueType::of(glue)? {
        GlueType::Array(element) => {
            DataType::List(Arc::new(Field::new("element", data_type(element)?, true)))
        }
        GlueType::Struct(fields) => {
            let field = |(name, glue)| anyhow::Ok(Field::new(name, data_type(glue)?, true));
            DataType::Struct(fields.into_iter().map(field).collect::<Result<Fields, _>>()?)
        }
        GlueType::Map(key, value) => {
            let entry =
                [Field::new("key", data_type(key)?, false), Field::new("value", data_type(value)?, true)];
            let entries = Field::new("key_value", DataType::Struct(entry.into_iter().collect()), false);
            DataType::Map(Arc::new(entries), false)
        }
        GlueType::Simple("string") => DataType::Utf8,
        GlueType::Simple("bigint") => DataType::Int64,
        GlueType::Simple("int") => DataType::Int32,
        GlueType::Simple("double") => DataType::Float64,
        GlueType::Simple("boolean") => DataType::Boolean,
        GlueType::Simple("timestamp") => DataType::Timestamp(TimeUnit::Millisecond, None),
        GlueType::Simple("date") => DataType::Date32,
        GlueType::Simple(_) => bail!("{glue} is not a known type"),
    })
}

/// A Glue type, taken apart one level deep.
#[derive(Debug, PartialEq, Eq)]
pub enum GlueType<'a> {
    /// `array<string>`: the elements' type.
    Array(&'a str),
    /// `map<string,bigint>`: the types of the keys and the values.
    Map(&'a str, &'a str),
    /// `struct<a:string,b:bigint>`: the fields' names and types.
    Struct(Vec<(&'a str, &'a str)>),
    /// Anything without brackets.
    Simple(&'a str),
}

impl<'a> GlueType<'a> {
    /// Parses a type as Glue writes it, one level deep.
    ///
    /// ```
    /// use lake_parquet::GlueType;
    ///
    /// assert_eq!(GlueType::of("map<string,array<bigint>>")?, GlueType::Map("string", "array<bigint>"));
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    /// # Errors
    /// When a map does not have two types, or a struct has a field without a type.
    pub fn of(glue: &'a str) -> anyhow::Result<Self> {
        if let Some(element) = arguments(glue, "array") {
            return Ok(Self::Array(element));
        }
        if let Some(types) = arguments(glue, "map") {
            let [key, value] = split(types)[..] else {
                bail!("{glue} is not a map with a key type and a value type")
            };
            return Ok(Self::Map(key, value));
        }
        if let Some(fields) = arguments(glue, "struct") {
            let field = |field: &'a str| {
                field.split_once(':').with_context(|| format!("{field} is not a field with a type"))
            };
            return split(fields).into_iter().map(field).collect::<Result<_, _>>().map(Self::Struct);
        }
        Ok(Self::Simple(glue))
    }
}

/// The text in the brackets of a type with this name, such as `array<string>`.
fn arguments<'a>(glue: &'a str, name: &str) -> Option<&'a str> {
    glue.strip_prefix(name)?.strip_prefix('<')?.strip_suffix('>')
}

/// The arguments, split at commas outside brackets.
fn split(arguments: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_usize, 0, Vec::new());
    for (index, byte) in arguments.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(&arguments[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&arguments[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_parsed_as_glue_writes_them() {
        let table = GlueTable::new(
            "d",
            "t",
            [
                ("a", "bigint"),
                ("b", "map<string,string>"),
                ("c", "array<struct<x:string,y:array<struct<z:timestamp>>>>"),
            ],
        );
        let schema = table.unwrap().schema;
        assert_eq!(schema.field(0).data_type(), &DataType::Int64);
        assert!(matches!(schema.field(1).data_type(), DataType::Map(_, false)));
        let DataType::List(element) = schema.field(2).data_type() else { panic!("c is a list") };
        let DataType::Struct(fields) = element.data_type() else { panic!("of structs") };
        assert_eq!(fields.iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), ["x", "y"]);
        let wrong = GlueTable::new("d", "t", [("a", "uniontype<int>")]).unwrap_err();
        assert!(
            format!("{wrong:#}").contains("column a of table t: uniontype<int> is not a known type"),
            "{wrong:#}"
        );
    }
}
