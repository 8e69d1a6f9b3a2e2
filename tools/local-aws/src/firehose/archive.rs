//! A Firehose stream without a transformation: the records of a Kinesis stream, one per line, compressed, by date of
//! arrival.
//!
//! Source: [Understand data delivery](https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html),
//! [Add a new line delimiter](https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-s3bucketprefix.html#dynamic-partitioning-new-line-delimiter)
//! (Firehose Developer Guide): records are de-aggregated before the delimiter is appended.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::delivery::Delivery;
use super::settings::FirehoseSettings;
use super::{NO_ROW_WAITS, unpacked};
use crate::kinesis::Record;
use crate::s3::Folder;

/// Delivers records until the channel is closed.
///
/// # Errors
/// When the folder cannot be written.
pub(crate) async fn archive(
    settings: FirehoseSettings,
    mut records: mpsc::UnboundedReceiver<Record>,
    folder: Folder,
) -> anyhow::Result<()> {
    let delivery = Delivery::new(settings.clone(), folder);
    let mut waiting: Option<Lines> = None;
    loop {
        let due = waiting.as_ref().map_or_else(
            || Instant::now() + NO_ROW_WAITS,
            |lines| lines.since + settings.destination_buffer.interval,
        );
        let record = timeout_at(due, records.recv()).await;
        let (is_over, is_due) = (matches!(record, Ok(None)), record.is_err());
        if let Ok(Some(record)) = record {
            waiting.get_or_insert_with(|| Lines::new(record.arrival_milliseconds)).add(&record)?;
        }
        let is_full = waiting.as_ref().is_some_and(|lines| lines.bytes >= settings.destination_buffer.bytes);
        if (is_over || is_due || is_full)
            && let Some(lines) = waiting.take()
        {
            let prefix = settings.prefix.of(&BTreeMap::new(), lines.arrival, "");
            let body = lines.gzip.finish().context("compression failed")?;
            delivery.write(&prefix, lines.arrival, ".gz", &body).await?;
        }
        if is_over {
            return Ok(());
        }
    }
}

struct Lines {
    gzip: GzEncoder<Vec<u8>>,
    bytes: usize,
    since: Instant,
    /// The arrival time of the oldest record.
    arrival: i64,
}

impl Lines {
    fn new(arrival: i64) -> Self {
        let gzip = GzEncoder::new(Vec::new(), Compression::fast());
        Self { gzip, bytes: 0, since: Instant::now(), arrival }
    }

    fn add(&mut self, record: &Record) -> anyhow::Result<()> {
        for part in unpacked(record) {
            self.bytes += part.data.len() + 1;
            self.gzip
                .write_all(&part.data)
                .and_then(|()| self.gzip.write_all(b"\n"))
                .context("compression failed")?;
        }
        Ok(())
    }
}
