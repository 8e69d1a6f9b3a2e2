//! A Kinesis data stream: shards by hash of the partition key, records in order of arrival.
//!
//! Source: [Terminology and concepts](https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html),
//! [Reshard a stream](https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-resharding.html)
//! (Kinesis Data Streams Developer Guide);
//! [`PutRecord`](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html),
//! [`SplitShard`](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SplitShard.html),
//! [`MergeShards`](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_MergeShards.html).

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use axum::body::Bytes;
use md5::{Digest, Md5};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use crate::now;
use lambda_io::limits::kinesis::DEFAULT_RECORD_BYTES as RECORD_BYTES;
use served_stack::{ACCOUNT, REGION};

/// A stream.
#[derive(Debug)]
pub struct Stream {
    name: String,
    shards: Mutex<Shards>,
    /// Whether records stay after they have been read, for other readers.
    retains: bool,
    is_closed: AtomicBool,
    /// Notified when a shard opens or the stream closes.
    changed: Notify,
    /// Notified when records are removed.
    trimmed: Notify,
    /// Receives every record that is put.
    archive: Mutex<Option<mpsc::UnboundedSender<Record>>>,
}

#[derive(Debug, Default)]
struct Shards {
    all: Vec<Arc<Shard>>,
    position: u64,
}

/// One shard: a log of records that is open or closed.
#[derive(Debug)]
pub struct Shard {
    /// `shardId-000000000000`
    pub id: String,
    /// The shards that it was split or merged from.
    pub parents: Vec<String>,
    /// First and last hash of its partition keys.
    pub hash_range: (u128, u128),
    log: Mutex<Log>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Log {
    records: VecDeque<Record>,
    /// The number of records removed from the front.
    trimmed: usize,
    is_closed: bool,
}

/// A record of the stream.
#[derive(Debug, Clone)]
pub struct Record {
    /// 56 digits, increasing over the stream.
    pub sequence_number: String,
    /// The producer's key.
    pub partition_key: String,
    /// The record's bytes.
    pub data: Bytes,
    /// When the record was put, in milliseconds since 1970.
    pub arrival_milliseconds: i64,
}

/// Where a record was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The shard.
    pub shard_id: String,
    /// The record's sequence number.
    pub sequence_number: String,
}

/// Why the stream refuses a request, in the service's terms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KinesisError {
    /// An argument is not valid.
    #[error("{0}")]
    InvalidArgument(String),
    /// The shard does not exist or is closed.
    #[error("shard {0} does not exist in the stream")]
    ResourceNotFound(String),
}

impl Stream {
    /// An empty stream. Its records are removed after they have been read.
    ///
    /// # Panics
    /// When `shards` is 0.
    #[must_use]
    pub fn new(name: &str, shards: usize) -> Self {
        assert!(shards > 0, "a stream has at least one shard");
        let stream = Self {
            name: name.to_owned(),
            shards: Mutex::default(),
            retains: false,
            is_closed: AtomicBool::new(false),
            changed: Notify::new(),
            trimmed: Notify::new(),
            archive: Mutex::default(),
        };
        let width = u128::MAX / shards as u128;
        for number in 0..shards as u128 {
            let last = if number + 1 == shards as u128 { u128::MAX } else { (number + 1) * width - 1 };
            stream.open(&mut stream.shards_mut(), (number * width, last), Vec::new());
        }
        stream
    }

    /// Keeps records after they have been read.
    #[must_use]
    pub fn retaining(mut self) -> Self {
        self.retains = true;
        self
    }

    /// Also sends every record that is put to this archive, until the stream is closed.
    #[must_use]
    pub(crate) fn archived_by(self, archive: mpsc::UnboundedSender<Record>) -> Self {
        *self.archive.lock().unwrap_or_else(PoisonError::into_inner) = Some(archive);
        self
    }

    /// The stream's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The stream's ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{}", self.name)
    }

    /// All shards, including closed ones, parents before children.
    #[must_use]
    pub fn shards(&self) -> Vec<Arc<Shard>> {
        self.shards_mut().all.clone()
    }

    /// `PutRecord`: appends to the open shard whose hash range holds the key's MD5.
    ///
    /// # Errors
    /// When the record is too large, or the key is not valid.
    pub fn put_record(&self, partition_key: &str, data: Bytes) -> Result<Place, KinesisError> {
        self.put(partition_key, None, data)
    }

    /// [`Stream::put_record`], with a hash that replaces the key's.
    pub(crate) fn put(
        &self,
        partition_key: &str,
        explicit_hash_key: Option<u128>,
        data: Bytes,
    ) -> Result<Place, KinesisError> {
        if data.len() + partition_key.len() > RECORD_BYTES {
            let bytes = data.len() + partition_key.len();
            return Err(KinesisError::InvalidArgument(format!(
                "the record's {bytes} bytes exceed {RECORD_BYTES}"
            )));
        }
        if !(1..=256).contains(&partition_key.chars().count()) {
            return Err(KinesisError::InvalidArgument(
                "a partition key must have 1 to 256 characters".to_owned(),
            ));
        }
        let hash = explicit_hash_key
            .unwrap_or_else(|| u128::from_be_bytes(Md5::digest(partition_key.as_bytes()).into()));
        // Numbered and appended under one lock, so that sequence numbers increase within each shard.
        let mut shards = self.shards_mut();
        shards.position += 1;
        let sequence_number = format!("49{:054}", shards.position);
        let takes = |shard: &&Arc<Shard>| {
            (shard.hash_range.0..=shard.hash_range.1).contains(&hash) && !shard.log().is_closed
        };
        let shard = shards.all.iter().rev().find(takes);
        let shard = shard.ok_or_else(|| KinesisError::InvalidArgument("the stream is closed".to_owned()))?;
        let record = Record {
            sequence_number: sequence_number.clone(),
            partition_key: partition_key.to_owned(),
            data,
            arrival_milliseconds: now().as_millisecond(),
        };
        if let Some(archive) = &*self.archive.lock().unwrap_or_else(PoisonError::into_inner) {
            // If the archive has stopped, its task returns the error when it is joined.
            let _ = archive.send(record.clone());
        }
        shard.log().records.push_back(record);
        shard.changed.notify_waiters();
        Ok(Place { shard_id: shard.id.clone(), sequence_number })
    }

    /// `SplitShard`: closes a shard and opens two for its range; the second starts at `new_starting_hash_key`.
    ///
    /// # Errors
    /// When the shard is not open, or the key is not inside its range.
    pub fn split_shard(&self, id: &str, new_starting_hash_key: u128) -> Result<(), KinesisError> {
        let mut shards = self.shards_mut();
        let shard = open_shard(&shards, id)?;
        let (first, last) = shard.hash_range;
        if new_starting_hash_key <= first || new_starting_hash_key > last {
            let message = format!("{new_starting_hash_key} is not inside the hash range of {id}");
            return Err(KinesisError::InvalidArgument(message));
        }
        shard.close();
        self.open(&mut shards, (first, new_starting_hash_key - 1), vec![id.to_owned()]);
        self.open(&mut shards, (new_starting_hash_key, last), vec![id.to_owned()]);
        Ok(())
    }

    /// `MergeShards`: closes two adjacent shards and opens one for both ranges.
    ///
    /// # Errors
    /// When one of them is not open, or they are not adjacent.
    pub fn merge_shards(&self, id: &str, neighbor: &str) -> Result<(), KinesisError> {
        let mut shards = self.shards_mut();
        let (one, other) = (open_shard(&shards, id)?, open_shard(&shards, neighbor)?);
        let (low, high) = if one.hash_range < other.hash_range { (&one, &other) } else { (&other, &one) };
        if low.hash_range.1.checked_add(1) != Some(high.hash_range.0) {
            return Err(KinesisError::InvalidArgument(format!("{id} and {neighbor} are not adjacent")));
        }
        one.close();
        other.close();
        let range = (low.hash_range.0, high.hash_range.1);
        self.open(&mut shards, range, vec![id.to_owned(), neighbor.to_owned()]);
        Ok(())
    }

    /// Closes the stream: no record can be put from now on.
    pub fn close(&self) {
        let shards = self.shards_mut();
        self.is_closed.store(true, Ordering::Relaxed);
        shards.all.iter().for_each(|shard| shard.close());
        *self.archive.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.changed.notify_waiters();
        self.trimmed.notify_waiters();
    }

    /// Whether the stream is closed, so that no record or shard is added.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Reads every shard with `read`, children after their parents, until the stream is closed and every shard is read.
    ///
    /// # Errors
    /// When a reader fails.
    pub(crate) async fn read_shards<F, R>(&self, read: F) -> anyhow::Result<()>
    where
        F: Fn(Arc<Shard>) -> R,
        R: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let mut readers = JoinSet::new();
        let (mut started, mut finished) = (HashSet::new(), HashSet::new());
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let shards = self.shards();
            for shard in &shards {
                let is_ready = shard.parents.iter().all(|parent| finished.contains(parent));
                if is_ready && started.insert(shard.id.clone()) {
                    let (id, reader) = (shard.id.clone(), read(shard.clone()));
                    readers.spawn(async move { reader.await.map(|()| id) });
                }
            }
            if self.is_closed() && finished.len() == shards.len() {
                return Ok(());
            }
            tokio::select! {
                Some(ended) = readers.join_next() => {
                    finished.insert(ended??);
                }
                () = changed => {}
            }
        }
    }

    /// Removes a shard's records before this position, which have been read.
    pub(crate) fn trim(&self, shard: &Shard, before: usize) {
        if self.retains {
            return;
        }
        let mut log = shard.log();
        let done = before.saturating_sub(log.trimmed).min(log.records.len());
        log.records.drain(..done);
        log.trimmed += done;
        drop(log);
        self.trimmed.notify_waiters();
    }

    /// Waits until fewer records than this are unread.
    pub async fn room(&self, unread: usize) {
        loop {
            let trimmed = self.trimmed.notified();
            tokio::pin!(trimmed);
            trimmed.as_mut().enable();
            let waiting: usize = self.shards().iter().map(|shard| shard.log().records.len()).sum();
            if waiting < unread || self.retains || self.is_closed() {
                return;
            }
            trimmed.await;
        }
    }

    fn open(&self, shards: &mut Shards, hash_range: (u128, u128), parents: Vec<String>) {
        let id = format!("shardId-{:012}", shards.all.len());
        let shard = Shard { id, parents, hash_range, log: Mutex::default(), changed: Notify::new() };
        shards.all.push(Arc::new(shard));
        self.changed.notify_waiters();
    }

    fn shards_mut(&self) -> MutexGuard<'_, Shards> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_shard(shards: &Shards, id: &str) -> Result<Arc<Shard>, KinesisError> {
    let shard = shards.all.iter().find(|shard| shard.id == id && !shard.log().is_closed);
    shard.cloned().ok_or_else(|| KinesisError::ResourceNotFound(id.to_owned()))
}

impl Shard {
    /// Waits for the record at this position, counted from the shard's first record. Returns `None` if the shard is closed
    /// and has no more records.
    pub async fn read(&self, place: usize) -> Option<Record> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let log = self.log();
                let record = place.checked_sub(log.trimmed).and_then(|place| log.records.get(place));
                if record.is_some() || log.is_closed {
                    return record.cloned();
                }
            }
            changed.await;
        }
    }

    /// Returns the records from this position on, up to `limit`, without waiting.
    #[must_use]
    pub fn peek(&self, place: usize, limit: usize) -> Vec<Record> {
        let log = self.log();
        let place = place.saturating_sub(log.trimmed);
        log.records.iter().skip(place).take(limit).cloned().collect()
    }

    /// Whether more records can be put.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.log().is_closed
    }

    fn close(&self) {
        self.log().is_closed = true;
        self.changed.notify_waiters();
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [Partition key](https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html#partition-key): an MD5 hash function
    /// maps partition keys to 128-bit integers, and a record belongs to the shard whose range holds it.
    #[test]
    fn a_key_always_goes_to_the_shard_of_its_hash() {
        let stream = Stream::new("s", 3);
        let shards = stream.shards();
        assert_eq!((shards[0].hash_range.0, shards[2].hash_range.1), (0, u128::MAX));
        for number in 0..100 {
            let key = format!("key-{number}");
            let place = stream.put_record(&key, Bytes::from_static(b"x")).unwrap();
            assert_eq!(stream.put_record(&key, Bytes::new()).unwrap().shard_id, place.shard_id);
            let hash = u128::from_be_bytes(Md5::digest(key.as_bytes()).into());
            let shard = shards.iter().find(|shard| shard.id == place.shard_id).unwrap();
            assert!(shard.hash_range.0 <= hash && hash <= shard.hash_range.1);
        }
        assert!(shards.iter().all(|shard| !shard.peek(0, 10).is_empty()));
    }

    /// [`PutRecord`](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html): "sequence numbers for the
    /// same partition key generally increase over time".
    #[test]
    fn sequence_numbers_have_a_fixed_width_and_increase() {
        let stream = Stream::new("s", 2);
        let numbers: Vec<_> =
            (0..50).map(|_| stream.put_record("k", Bytes::new()).unwrap().sequence_number).collect();
        assert!(numbers.is_sorted() && numbers.iter().all(|number| number.len() == 56));
    }

    /// [Reshard a stream](https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-resharding.html): after
    /// a split or merge the parent is closed, its records stay in it, and new ones go to the child.
    #[test]
    fn after_resharding_records_go_to_the_children() {
        let stream = Stream::new("s", 1);
        let put = || stream.put_record("k", Bytes::new()).unwrap().shard_id;
        assert_eq!(put(), "shardId-000000000000");
        stream.split_shard("shardId-000000000000", u128::MAX / 2).unwrap();
        let child = put();
        assert!(["shardId-000000000001", "shardId-000000000002"].contains(&child.as_str()), "{child}");
        stream.merge_shards("shardId-000000000001", "shardId-000000000002").unwrap();
        assert_eq!(put(), "shardId-000000000003");
        let shards = stream.shards();
        assert_eq!(shards[3].parents, ["shardId-000000000001", "shardId-000000000002"]);
        assert_eq!(shards[3].hash_range, (0, u128::MAX));
        assert_eq!(shards[0].peek(0, 10).len(), 1);

        let refused = stream.split_shard("shardId-000000000000", 7).unwrap_err();
        assert_eq!(refused, KinesisError::ResourceNotFound("shardId-000000000000".to_owned()));
        assert!(stream.split_shard("shardId-000000000003", 0).is_err());
    }

    /// [Quotas and limits](https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html): a record is at most
    /// 1 MiB.
    #[test]
    fn a_record_that_is_too_large_or_has_no_key_is_refused() {
        let stream = Stream::new("s", 1);
        assert!(stream.put_record("k", vec![0; RECORD_BYTES - 1].into()).is_ok());
        assert!(stream.put_record("k", vec![0; RECORD_BYTES].into()).is_err());
        assert!(stream.put_record("", Bytes::new()).is_err());
    }
}
