//! Reads contact records that go directly to Firehose, and contact events, from their raw copies in the lake.

use std::collections::HashSet;
use std::io::Cursor;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::anyhow;
use aws_errors::why;
use connect_streams::Timestamp;
use redrive::{Lake as _, for_each_object};
use tokio::time::sleep;

use super::arrived::{Arrived, Reader};
use crate::stack::DAY_MILLISECONDS;
use crate::stack::connection::Connection;
use lake_files::copies::arrival;
use ledger_console::records::input::{KINESIS, records_of};

/// Why there is no stream to read.
pub(super) const NO_STREAM: &str = "Contact records go directly to Firehose, so there is no stream to read. These are the raw copies in the lake, which Firehose buffers for up to 15 minutes (5 seconds on the local stack). The time shown is that of the oldest record in the same object.";

/// Why there is no stream of contact events.
pub(super) const NO_EVENT_STREAM: &str = "Contact events arrive in a queue, where reading them would hide them from the function. These are the raw copies in the lake, which Firehose buffers for up to 15 minutes (5 seconds on the local stack). The time shown is that of the oldest event in the same object.";

/// How often to check for new raw copies.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Reads raw copies written since the start time, until the receiver is gone.
pub(super) async fn read(
    connection: Connection,
    partition: &'static str,
    reader: Reader,
    now: fn() -> Timestamp,
) -> anyhow::Result<()> {
    let mut seen = HashSet::new();
    let mut is_first = true;
    loop {
        for day in days(reader.since, now()) {
            for key in written_since(&connection, partition, &day, reader.since).await? {
                if seen.insert(key.clone()) && !send_object(&connection, &reader, &key).await? {
                    return Ok(());
                }
            }
        }
        if is_first {
            reader.behind.fetch_sub(1, Ordering::Relaxed);
        }
        is_first = false;
        sleep(POLL_INTERVAL).await;
    }
}

/// The days whose partitions can contain records that arrived since then. An object's partition is the day of its oldest record.
fn days(since: Timestamp, now: Timestamp) -> Vec<String> {
    let first = since.epoch_milliseconds().div_euclid(DAY_MILLISECONDS) - 1;
    let last = now.epoch_milliseconds().div_euclid(DAY_MILLISECONDS);
    let day = |day: i64| Timestamp::from_epoch_milliseconds(day * DAY_MILLISECONDS).map(Timestamp::date);
    (first..=last).filter_map(day).collect()
}

/// Keys of a day's objects that were written at or after this time. Records that arrived after it are in one of them.
async fn written_since(
    connection: &Connection,
    partition: &str,
    day: &str,
    since: Timestamp,
) -> anyhow::Result<Vec<String>> {
    let lake = connection.lake();
    let prefix = format!("{partition}{day}/");
    let mut keys = Vec::new();
    let listed = for_each_object(&lake.client, &lake.bucket, &prefix, |object| {
        let written = object.modified.and_then(|at| at.to_millis().ok());
        // S3 reports whole seconds.
        if written.is_none_or(|written| written + 999 >= since.epoch_milliseconds()) {
            keys.push(object.key);
        }
    });
    listed.await.map_err(|error| {
        anyhow!("s3://{}/{prefix} cannot be listed: {}", lake.bucket, why(&error, "s3:ListBucket"))
    })?;
    keys.sort_by_key(|key| (arrival(key), key.clone()));
    Ok(keys)
}

/// Sends the records of an object. `false` if the receiver is gone.
async fn send_object(connection: &Connection, reader: &Reader, key: &str) -> anyhow::Result<bool> {
    let lake = connection.lake();
    // The object may have expired since it was listed.
    let Some(copy) = lake.get(key).await? else { return Ok(true) };
    let name = format!("s3://{}/{key}", lake.bucket);
    for record in records_of(&name, Box::new(Cursor::new(copy)), KINESIS, None)? {
        let data = record?.bytes;
        let arrived = Arrived { at: arrival(key), from: key.into(), sequence_number: None, part: None, data };
        if !reader.send_record(arrived).await {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_before_is_included_because_its_objects_can_be_written_after_midnight() {
        let at = |text| Timestamp::parse(text).unwrap();
        let days = days(at("2026-03-01T00:05:00Z"), at("2026-03-02T00:01:00Z"));
        assert_eq!(days, ["2026-02-28", "2026-03-01", "2026-03-02"]);
    }
}
