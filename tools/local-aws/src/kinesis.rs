//! A Kinesis data stream: shards by hash of the partition key, records in the order they came.
//!
//! Source: Kinesis Data Streams Developer Guide, "Amazon Kinesis Data Streams terminology and concepts".

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use md5::{Digest, Md5};
use tokio::sync::Notify;

use crate::{ACCOUNT, REGION, now};

/// A stream.
#[derive(Debug)]
pub struct Stream {
    name: String,
    shards: Vec<Arc<Shard>>,
    position: Mutex<u64>,
}

/// One shard: a log of records, and whether more can come.
#[derive(Debug)]
pub struct Shard {
    /// `shardId-000000000000`
    pub id: String,
    log: Mutex<Log>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Log {
    records: Vec<Record>,
    is_closed: bool,
}

/// A record of the stream.
#[derive(Debug, Clone)]
pub struct Record {
    /// 56 digits, growing over the stream.
    pub sequence_number: String,
    /// The producer's key.
    pub partition_key: String,
    /// The bytes.
    pub data: Bytes,
    /// When the stream took the record, in milliseconds since 1970.
    pub arrival_milliseconds: i64,
}

impl Stream {
    /// An empty stream.
    ///
    /// # Panics
    /// Without a shard.
    #[must_use]
    pub fn new(name: &str, shards: usize) -> Self {
        assert!(shards > 0, "a stream has at least one shard");
        let shard = |number| {
            Arc::new(Shard {
                id: format!("shardId-{number:012}"),
                log: Mutex::default(),
                changed: Notify::new(),
            })
        };
        Self { name: name.to_owned(), shards: (0..shards).map(shard).collect(), position: Mutex::default() }
    }

    /// The stream's ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{}", self.name)
    }

    /// The shards.
    #[must_use]
    pub fn shards(&self) -> &[Arc<Shard>] {
        &self.shards
    }

    /// `PutRecord`: appends to the shard whose hash range holds the key's MD5.
    pub fn put_record(&self, partition_key: &str, data: Bytes) {
        let hash = u128::from_be_bytes(Md5::digest(partition_key.as_bytes()).into());
        let range = u128::MAX / self.shards.len() as u128 + 1;
        let shard = &self.shards[usize::try_from(hash / range).unwrap_or_default()];
        // Numbered and appended under one lock, so that each shard's numbers grow.
        let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        *position += 1;
        shard.log().records.push(Record {
            sequence_number: format!("49{:054}", *position),
            partition_key: partition_key.to_owned(),
            data,
            arrival_milliseconds: now().as_millisecond(),
        });
        shard.changed.notify_waiters();
    }

    /// No record comes any more.
    pub fn close(&self) {
        for shard in &self.shards {
            shard.log().is_closed = true;
            shard.changed.notify_waiters();
        }
    }
}

impl Shard {
    /// The records from index `start` on that `take` accepts one by one, at least one; waits for the first.
    /// `None` when the shard is closed and has no more.
    pub async fn read(&self, start: usize, mut take: impl FnMut(&Record) -> bool) -> Option<Vec<Record>> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let log = self.log();
                let waiting = log.records.get(start..).unwrap_or_default();
                if let Some((first, others)) = waiting.split_first() {
                    take(first);
                    let others = others.iter().take_while(|record| take(record));
                    return Some(std::iter::once(first).chain(others).cloned().collect());
                }
                if log.is_closed {
                    return None;
                }
            }
            changed.await;
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
