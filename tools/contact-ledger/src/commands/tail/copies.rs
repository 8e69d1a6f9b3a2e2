//! Contact records that are put on Firehose directly, from the raw copies that it leaves in the lake.

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
use crate::stack::connection::Connection;
use lake_files::copies::arrival;
use lake_files::layout::COPIES_PARTITION;
use ledger_console::records::input::{KINESIS, records_of};

/// Why it is not a stream that is read.
pub(super) const NO_STREAM: &str = "Contact records are put on Firehose directly, so there is no stream to read. These are the raw copies in the lake, as old as Firehose's buffer: up to 15 minutes, and as many records as were in it. The time is that of the oldest record beside it.";

/// So often it is looked whether there are new copies.
const EVERY: Duration = Duration::from_secs(5);
const DAY_MILLISECONDS: i64 = 86_400_000;

/// Reads copies that were written since then, until nobody listens.
pub(super) async fn read(
    connection: Connection,
    reader: Reader,
    now: fn() -> Timestamp,
) -> anyhow::Result<()> {
    let mut seen = HashSet::new();
    let mut is_first = true;
    loop {
        for day in days(reader.since, now()) {
            for key in written_since(&connection, &day, reader.since).await? {
                if seen.insert(key.clone()) && !hand_on(&connection, &reader, &key).await? {
                    return Ok(());
                }
            }
        }
        if is_first {
            reader.behind.fetch_sub(1, Ordering::Relaxed);
        }
        is_first = false;
        sleep(EVERY).await;
    }
}

/// The days whose partitions can hold records that arrived since then: a copy's partition is the day of its oldest record.
fn days(since: Timestamp, now: Timestamp) -> Vec<String> {
    let first = since.epoch_milliseconds().div_euclid(DAY_MILLISECONDS) - 1;
    let last = now.epoch_milliseconds().div_euclid(DAY_MILLISECONDS);
    let day = |day: i64| Timestamp::from_epoch_milliseconds(day * DAY_MILLISECONDS).map(Timestamp::date);
    (first..=last).filter_map(day).collect()
}

/// Keys of the copies of a day that were written at this time or later: a record that arrived later is in one of them.
async fn written_since(connection: &Connection, day: &str, since: Timestamp) -> anyhow::Result<Vec<String>> {
    let lake = connection.lake();
    let prefix = format!("{COPIES_PARTITION}{day}/");
    let mut keys = Vec::new();
    let listed = for_each_object(&lake.client, &lake.bucket, &prefix, |key, written| {
        let written = written.and_then(|at| at.to_millis().ok());
        // S3 tells whole seconds.
        if written.is_none_or(|written| written + 999 >= since.epoch_milliseconds()) {
            keys.push(key);
        }
    });
    listed.await.map_err(|error| {
        anyhow!("s3://{}/{prefix} cannot be listed: {}", lake.bucket, why(&error, "s3:ListBucket"))
    })?;
    keys.sort_by_key(|key| (arrival(key), key.clone()));
    Ok(keys)
}

/// `false` if nobody listens.
async fn hand_on(connection: &Connection, reader: &Reader, key: &str) -> anyhow::Result<bool> {
    let lake = connection.lake();
    // It may have expired since it was listed.
    let Some(copy) = lake.get(key).await? else { return Ok(true) };
    let name = format!("s3://{}/{key}", lake.bucket);
    for record in records_of(&name, Box::new(Cursor::new(copy)), KINESIS, None)? {
        let data = record?.bytes;
        let arrived = Arrived { at: arrival(key), from: key.into(), sequence_number: None, part: None, data };
        if !reader.hand_on(arrived).await {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_before_is_looked_at_for_what_was_written_after_midnight() {
        let at = |text| Timestamp::parse(text).unwrap();
        let days = days(at("2026-03-01T00:05:00Z"), at("2026-03-02T00:01:00Z"));
        assert_eq!(days, ["2026-02-28", "2026-03-01", "2026-03-02"]);
    }
}
