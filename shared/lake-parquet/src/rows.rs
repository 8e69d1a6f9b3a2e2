//! Reads the rows of a Parquet file as JSON.

use anyhow::Context;
use arrow_json::LineDelimitedWriter;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

/// The rows of a file, without null values.
///
/// # Errors
/// When it is not a Parquet file.
pub fn read_rows(file: Bytes) -> anyhow::Result<Vec<Value>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).context("this is not a Parquet file")?;
    rows(reader)
}

/// The rows of a file, with only those of these columns that it has.
///
/// # Errors
/// When it is not a Parquet file.
pub fn read_columns(file: Bytes, columns: &[&str]) -> anyhow::Result<Vec<Value>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).context("this is not a Parquet file")?;
    let mask = ProjectionMask::columns(reader.parquet_schema(), columns.iter().copied());
    rows(reader.with_projection(mask))
}

fn rows(reader: ParquetRecordBatchReaderBuilder<Bytes>) -> anyhow::Result<Vec<Value>> {
    let mut json = LineDelimitedWriter::new(Vec::new());
    for batch in reader.build()? {
        json.write(&batch?)?;
    }
    json.finish()?;
    let lines = json.into_inner();
    serde_json::Deserializer::from_slice(&lines).into_iter().map(|row| Ok(row?)).collect()
}
