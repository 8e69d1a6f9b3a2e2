//! Record format conversion: JSON rows to Parquet, with the columns of a table.
//!
//! A field that the table does not have is left out, and a missing field is null. A row with a field of another type does not
//! fit. Files are compressed with Snappy.
//!
//! Source: [Convert input data format](https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html)
//! (Firehose Developer Guide).

use std::sync::Arc;

use anyhow::Context;
use arrow_array::RecordBatch;
use arrow_json::ReaderBuilder;
use arrow_schema::{ArrowError, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

/// The number of rows read at once.
const ROWS_PER_BATCH: usize = 1024;
/// The size at which a row group ends. Until then, all its columns are kept in memory.
const ROW_GROUP_BYTES: usize = 64 * 1024 * 1024;

/// The result of a conversion.
pub struct Converted {
    /// The file; empty if no row fits.
    pub file: Vec<u8>,
    /// Indexes of the rows that do not fit, with the reason.
    pub misfits: Vec<(usize, String)>,
}

/// Converts rows, each the bytes of one JSON object.
///
/// # Errors
/// When no file can be written. A row that does not fit is not an error.
pub fn convert(rows: &[&[u8]], schema: &Arc<Schema>) -> anyhow::Result<Converted> {
    let mut conversion = Conversion::begin(schema)?;
    conversion.add(rows)?;
    conversion.finish()
}

/// A file in progress. Added rows are kept in memory as they will be in the file, encoded and compressed.
pub struct Conversion {
    schema: Arc<Schema>,
    writer: ArrowWriter<Vec<u8>>,
    rows: usize,
    is_empty: bool,
    misfits: Vec<(usize, String)>,
}

impl Conversion {
    /// Starts a file.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn begin(schema: &Arc<Schema>) -> anyhow::Result<Self> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties))
            .context("cannot start a Parquet file")?;
        Ok(Self { schema: schema.clone(), writer, rows: 0, is_empty: true, misfits: Vec::new() })
    }

    /// Adds rows, each the bytes of one JSON object.
    ///
    /// # Errors
    /// When they cannot be written. A row that does not fit is not an error.
    pub fn add(&mut self, rows: &[&[u8]]) -> anyhow::Result<()> {
        for rows in rows.chunks(ROWS_PER_BATCH) {
            match read(rows, &self.schema) {
                Ok(batch) => self.write(&batch)?,
                // At least one of them does not fit. Reading each alone shows which.
                Err(_) => {
                    for (index, row) in rows.iter().enumerate() {
                        match read(&[row], &self.schema) {
                            Ok(batch) => self.write(&batch)?,
                            Err(error) => self.misfits.push((self.rows + index, error.to_string())),
                        }
                    }
                }
            }
            self.rows += rows.len();
        }
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        self.is_empty &= batch.num_rows() == 0;
        self.writer.write(batch).context("cannot write a Parquet file")?;
        if self.writer.in_progress_size() > ROW_GROUP_BYTES {
            self.writer.flush().context("cannot write a Parquet file")?;
        }
        Ok(())
    }

    /// Finishes the file.
    ///
    /// # Errors
    /// When it cannot be finished.
    pub fn finish(self) -> anyhow::Result<Converted> {
        let file = self.writer.into_inner().context("cannot finish a Parquet file")?;
        let file = if self.is_empty { Vec::new() } else { file };
        Ok(Converted { file, misfits: self.misfits })
    }
}

fn read(rows: &[&[u8]], schema: &Arc<Schema>) -> Result<RecordBatch, ArrowError> {
    let mut decoder = ReaderBuilder::new(schema.clone()).with_batch_size(rows.len()).build_decoder()?;
    for row in rows {
        let mut rest = *row;
        while !rest.is_empty() {
            let read = decoder.decode(rest)?;
            if read == 0 {
                return Err(ArrowError::JsonError("more than one object in a row".to_owned()));
            }
            rest = &rest[read..];
        }
        if decoder.has_partial_record() {
            return Err(ArrowError::JsonError("the row is not a whole JSON object".to_owned()));
        }
    }
    let batch = decoder.flush()?;
    Ok(batch.unwrap_or_else(|| RecordBatch::new_empty(schema.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glue::GlueTable;
    use crate::rows::read_rows;

    fn schema() -> Arc<Schema> {
        let columns = [
            ("name", "string"),
            ("count", "bigint"),
            ("at", "timestamp"),
            ("tags", "map<string,string>"),
            ("steps", "array<struct<state:string,at:timestamp>>"),
        ];
        GlueTable::new("d", "t", columns).unwrap().schema
    }

    #[test]
    fn rows_are_read_back_unchanged() {
        let rows: [&[u8]; 3] = [
            br#"{"name":"a","count":7,"at":"2026-03-02T08:00:00.250Z","tags":{"k":"v","K":"w"},"steps":[{"state":"s","at":"2026-03-02T08:00:00.000Z"},{"state":"t"}]}"#,
            br#"{"name":"b","unknown":{"deep":[1]}}"#,
            b"{\"count\":9}\n",
        ];
        let converted = convert(&rows, &schema()).unwrap();
        assert_eq!(converted.misfits, []);
        let read = read_rows(converted.file.into()).unwrap();
        let text: Vec<_> = read.iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            [
                r#"{"at":"2026-03-02T08:00:00.250","count":7,"name":"a","steps":[{"at":"2026-03-02T08:00:00","state":"s"},{"state":"t"}],"tags":{"K":"w","k":"v"}}"#,
                r#"{"name":"b"}"#,
                r#"{"count":9}"#,
            ]
        );
    }

    #[test]
    fn a_row_that_does_not_fit_is_left_out_and_the_others_are_kept() {
        let rows: [&[u8]; 5] = [
            br#"{"name":"a"}"#,
            br#"{"name":"b","count":"many"}"#,
            br#"{"name":"c","tags":["no map"]}"#,
            br#"{"name":"d""#,
            br#"{"name":"e"}"#,
        ];
        let converted = convert(&rows, &schema()).unwrap();
        assert_eq!(converted.misfits.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 2, 3]);
        let names: Vec<_> =
            read_rows(converted.file.into()).unwrap().iter().map(|row| row["name"].clone()).collect();
        assert_eq!(names, ["a", "e"]);
        assert!(convert(&[b"7"], &schema()).unwrap().file.is_empty());
    }
}
