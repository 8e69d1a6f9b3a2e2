//! Glue Data Catalog types of the columns. Firehose's Parquet conversion accepts the JSON we write for these types.
//!
//! Source: [Convert input data format](https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html)
//! (Firehose Developer Guide). The `OpenX` JSON `SerDe` must be set to match names case-sensitively: lowercasing would make
//! attribute keys that differ only in case collide.

use super::column::{Column, Kind};

impl Column {
    /// The column's type in Glue, such as `array<struct<name:string>>`.
    #[must_use]
    pub fn glue_type(&self) -> String {
        match self.kind {
            Kind::Text | Kind::Json => "string".to_owned(),
            Kind::Integer => "bigint".to_owned(),
            Kind::Double => "double".to_owned(),
            Kind::Boolean => "boolean".to_owned(),
            Kind::Timestamp => "timestamp".to_owned(),
            Kind::TextMap | Kind::UnionMap => "map<string,string>".to_owned(),
            Kind::TextList => "array<string>".to_owned(),
            Kind::StructList(fields) | Kind::StructMap(fields) => {
                let fields: Vec<_> =
                    fields.iter().map(|field| format!("{}:{}", field.name, field.glue_type())).collect();
                format!("array<struct<{}>>", fields.join(","))
            }
        }
    }
}
