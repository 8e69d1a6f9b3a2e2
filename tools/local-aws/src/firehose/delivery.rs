//! The destination's buffers: rows by partition, failures by type, and the objects written from them.
//!
//! Source: [Understand data delivery](https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html),
//! [Dynamic partitioning](https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning.html),
//! [Configure Amazon S3 object name format](https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html),
//! [Convert input data format](https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html)
//! (Firehose Developer Guide): rows that do not fit the table go to `format-conversion-failed`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;
use tokio::time::Instant;

use super::response::Failure;
use super::settings::{Buffer, FirehoseSettings};
use crate::gateway::Intervention;
use crate::now;
use crate::permission::bucket_arn;
use crate::s3::Folder;
use lake_parquet::GlueTable;
use lake_parquet::convert;
use served_stack::{ACCOUNT, REGION};

/// Pause between attempts of a delivery. The service waits longer.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Pause after the bucket refused a delivery.
const REFUSED_PAUSE: Duration = Duration::from_secs(5);

/// A row and when its record arrived.
pub(super) struct Row {
    pub(super) data: Vec<u8>,
    pub(super) arrival: i64,
}

/// Rows and failures that wait for delivery.
pub(super) struct Delivery {
    settings: FirehoseSettings,
    folder: Folder,
    partitions: BTreeMap<BTreeMap<String, String>, Waiting<Row>>,
    /// Lines by error type.
    failures: BTreeMap<&'static str, Waiting<serde_json::Value>>,
}

struct Waiting<T> {
    items: Vec<T>,
    bytes: usize,
    since: Instant,
    /// The arrival time of the oldest record.
    arrival: i64,
}

impl<T> Waiting<T> {
    fn new(arrival: i64) -> Self {
        Self { items: Vec::new(), bytes: 0, since: Instant::now(), arrival }
    }

    fn is_due(&self, buffer: Buffer, now: Instant) -> bool {
        self.bytes >= buffer.bytes || now >= self.since + buffer.interval
    }
}

impl Delivery {
    pub(super) fn new(settings: FirehoseSettings, folder: Folder) -> Self {
        Self { settings, folder, partitions: BTreeMap::new(), failures: BTreeMap::new() }
    }

    /// Adds a row to its partition.
    pub(super) fn add(&mut self, mut keys: BTreeMap<String, String>, row: Row) -> Result<(), Failure> {
        let has = |name: &str| keys.get(name).is_some_and(|value| !value.is_empty());
        if !self.settings.prefix.partition_keys().all(has) {
            return Err(Failure::MISSING_PARTITION_KEY);
        }
        // Keys that the prefix does not use do not make a partition.
        keys.retain(|name, _| self.settings.prefix.partition_keys().any(|used| used == name));
        if self.partitions.len() >= self.settings.active_partitions && !self.partitions.contains_key(&keys) {
            return Err(Failure::ACTIVE_PARTITIONS_EXCEEDED);
        }
        let partition = self.partitions.entry(keys).or_insert_with(|| Waiting::new(row.arrival));
        partition.bytes += row.data.len();
        partition.items.push(row);
        Ok(())
    }

    /// Adds the line of a failed record.
    pub(super) fn fail(&mut self, line: serde_json::Value, failure: Failure) {
        let error_type = if failure == Failure::ACTIVE_PARTITIONS_EXCEEDED {
            "activePartitionExceeded"
        } else {
            "processing-failed"
        };
        self.fail_as(error_type, line);
    }

    fn fail_as(&mut self, error_type: &'static str, line: serde_json::Value) {
        let arrival = line["arrivalTimestamp"].as_i64().unwrap_or_default();
        let lines = self.failures.entry(error_type).or_insert_with(|| Waiting::new(arrival));
        lines.bytes += line["rawData"].as_str().map_or(0, str::len);
        lines.items.push(line);
    }

    /// The number of rows and failures that wait.
    pub(super) fn waiting(&self) -> u64 {
        let rows = self.partitions.values().map(|rows| rows.items.len());
        rows.chain(self.failures.values().map(|lines| lines.items.len())).sum::<usize>() as u64
    }

    /// When the next buffer's interval is over.
    pub(super) fn due(&self) -> Option<Instant> {
        let since = self.partitions.values().map(|rows| rows.since);
        let since = since.chain(self.failures.values().map(|lines| lines.since)).min()?;
        Some(since + self.settings.destination_buffer.interval)
    }

    /// Delivers the buffers that are full or whose interval is over. Returns the number of rows that did not fit the table.
    pub(super) async fn deliver_due(&mut self, now: Instant) -> anyhow::Result<u64> {
        let buffer = self.settings.destination_buffer;
        let due: Vec<_> = self.partitions.extract_if(.., |_, rows| rows.is_due(buffer, now)).collect();
        let misfits = self.deliver_rows(due).await?;
        let due: Vec<_> = self.failures.extract_if(.., |_, lines| lines.is_due(buffer, now)).collect();
        self.deliver_failures(due).await?;
        Ok(misfits)
    }

    /// Delivers everything. Returns the number of rows that did not fit the table.
    pub(super) async fn deliver_all(&mut self) -> anyhow::Result<u64> {
        let rows = std::mem::take(&mut self.partitions).into_iter().collect();
        let misfits = self.deliver_rows(rows).await?;
        let failures = std::mem::take(&mut self.failures).into_iter().collect();
        self.deliver_failures(failures).await?;
        Ok(misfits)
    }

    async fn deliver_rows(
        &mut self,
        partitions: Vec<(BTreeMap<String, String>, Waiting<Row>)>,
    ) -> anyhow::Result<u64> {
        let mut misfits = 0;
        for (keys, waiting) in partitions {
            let prefix = self.settings.prefix.of(&keys, waiting.arrival, "");
            let Some(table) = self.settings.conversion.clone() else {
                let body: Vec<u8> = waiting.items.iter().flat_map(|row| &row.data).copied().collect();
                self.write(&prefix, waiting.arrival, "", &body).await?;
                continue;
            };
            let arrival = waiting.arrival;
            let (rows, schema) = (Arc::new(waiting.items), table.schema.clone());
            let shared = rows.clone();
            let converted = tokio::task::spawn_blocking(move || {
                convert(&shared.iter().map(|row| row.data.as_slice()).collect::<Vec<_>>(), &schema)
            })
            .await??;
            if !converted.file.is_empty() {
                self.write(&prefix, arrival, ".parquet", &converted.file).await?;
            }
            misfits += converted.misfits.len() as u64;
            for (place, message) in converted.misfits {
                self.fail_as("format-conversion-failed", misfit_line(&rows[place], &message, &table));
            }
        }
        Ok(misfits)
    }

    async fn deliver_failures(
        &self,
        failures: Vec<(&'static str, Waiting<serde_json::Value>)>,
    ) -> anyhow::Result<()> {
        for (error_type, lines) in failures {
            let arrival = lines.arrival;
            let prefix = self.settings.error_prefix.of(&BTreeMap::new(), arrival, error_type);
            let lines: Vec<_> = lines.items.iter().map(ToString::to_string).collect();
            self.write(&prefix, arrival, "", (lines.join("\n") + "\n").as_bytes()).await?;
        }
        Ok(())
    }

    /// Writes an object named
    /// `<prefix><stream>-<version>-<yyyy>-<MM>-<dd>-<HH>-<mm>-<ss>-<uuid><extension>`, with the arrival time of its
    /// oldest record.
    pub(super) async fn write(
        &self,
        prefix: &str,
        arrival: i64,
        extension: &str,
        body: &[u8],
    ) -> anyhow::Result<()> {
        let name = &self.settings.name;
        let oldest = jiff::Timestamp::from_millisecond(arrival).unwrap_or_else(|_| now());
        let time = oldest.strftime("%Y-%m-%d-%H-%M-%S");
        let key = format!("{prefix}{name}-1-{time}-{}{extension}", uuid::Uuid::new_v4());
        let put = || self.put(&key, body);
        let Some(interference) = &self.settings.interference else { return put().await };
        // Every attempt uses the same key, so that a retry after a lost response does not write the object twice.
        for number in 1.. {
            match interference(number) {
                Intervention::Pass => return put().await,
                Intervention::Slow(pause) => {
                    tokio::time::sleep(pause).await;
                    return put().await;
                }
                Intervention::DropResponse => put().await?,
                Intervention::Throttle | Intervention::ServerError | Intervention::Deny => {}
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        Ok(())
    }

    /// Puts an object. If the bucket does not exist or may not be written, it logs the reason and tries again until it
    /// succeeds; the service retries for 24 hours.
    /// Source: [Handle data delivery failures](https://docs.aws.amazon.com/firehose/latest/dev/retry.html),
    /// [Monitor Firehose with CloudWatch Logs](https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-logs.html).
    async fn put(&self, key: &str, body: &[u8]) -> anyhow::Result<()> {
        let FirehoseSettings { name, bucket, log, .. } = &self.settings;
        loop {
            let put = self.folder.put(bucket, key, body).await;
            let Err(error) = put else { return Ok(()) };
            let code = match error.kind() {
                ErrorKind::PermissionDenied => "S3.AccessDenied",
                ErrorKind::NotFound => "S3.NoSuchBucket",
                _ => return Err(error).with_context(|| format!("bucket {bucket} cannot be written")),
            };
            if let Some(log) = log {
                log.write(&json!({
                    "timestamp": now().to_string(),
                    "deliveryStreamARN": format!("arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{name}"),
                    "destination": bucket_arn(bucket),
                    "deliveryStreamVersionId": 1,
                    "message": format!("Firehose {name} cannot write {key}: {error}"),
                    "errorCode": code,
                }));
            }
            tokio::time::sleep(REFUSED_PAUSE).await;
        }
    }
}

/// The line for a row that does not fit the table, in the documented format.
/// Source: [Handling errors for data format conversion](https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-error-handling.html).
fn misfit_line(row: &Row, message: &str, table: &GlueTable) -> serde_json::Value {
    json!({
        "attemptsMade": 1,
        "arrivalTimestamp": row.arrival,
        "lastErrorCode": "DataFormatConversion.InvalidInput",
        "lastErrorMessage": message,
        "attemptEndingTimestamp": now().as_millisecond(),
        "rawData": base64_simd::STANDARD.encode_to_string(&row.data),
        "sequenceNumber": null,
        "subSequenceNumber": null,
        "dataCatalogTable": {
            "catalogId": ACCOUNT, "databaseName": table.database, "tableName": table.name, "region": REGION,
            "versionId": "LATEST", "catalogArn": null,
        },
    })
}
