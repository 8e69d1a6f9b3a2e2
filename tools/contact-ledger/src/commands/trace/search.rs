//! Searches objects of the lake for an ID.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::anyhow;
use aws_errors::why;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use lake_files::failures::FailedRecord;
use ledger_console::records::input::{KINESIS, records_of};
use memchr::memmem;
use redrive::{AwsLake, LEFT_TAG, Lake as _, for_each_object};

use super::period::Period;
use crate::stack::destination::{dead_letters, rows};

/// Objects that are read at a time.
const CONCURRENCY: usize = 8;

/// A search for one ID.
#[derive(Debug)]
pub(super) struct Search {
    lake: AwsLake,
    id: String,
    objects: AtomicU64,
    bytes: AtomicU64,
}

/// A record in an object.
#[derive(Debug, Clone)]
pub(super) struct Found<T> {
    pub(super) key: String,
    /// When the object was written, in milliseconds since 1970.
    pub(super) written: i64,
    pub(super) record: T,
}

/// A dead letter.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub(super) failed: FailedRecord,
    pub(super) data: Vec<u8>,
    /// Whether all records of its object have been redriven.
    pub(super) is_redriven: bool,
}

/// A dead letter, and its object.
pub(super) type DeadLetter = Found<Letter>;

struct Object {
    key: String,
    written: i64,
}

impl Search {
    pub(super) fn new(lake: AwsLake, id: &str) -> Self {
        Self { lake, id: id.to_owned(), objects: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    /// The number of objects and bytes that were read.
    pub(super) fn read(&self) -> (u64, u64) {
        (self.objects.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    /// The location of an object.
    pub(super) fn location(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.lake.bucket)
    }

    /// Records that contain the ID, in the raw copies below `partition` of these days.
    pub(super) async fn copies(
        &self,
        partition: &str,
        period: &Period,
    ) -> Result<Vec<Found<Vec<u8>>>, String> {
        let name = |key: &str| self.location(key);
        let id = self.id.clone();
        self.each(self.days(partition, period).await?, move |key, body| {
            let finder = memmem::Finder::new(&id);
            let records = records_of(&name(key), Box::new(Cursor::new(body)), KINESIS, None)?;
            let records = records.map(|record| Ok(record?.bytes));
            let mentions = |record: &anyhow::Result<Vec<u8>>| {
                record.as_ref().map_or(true, |record| finder.find(record).is_some())
            };
            records.filter(mentions).collect()
        })
        .await
    }

    /// Dead letters that contain the ID, below `prefix`.
    pub(super) async fn dead_letters(
        &self,
        prefix: &str,
        period: &Period,
    ) -> Result<Vec<DeadLetter>, String> {
        let id = self.id.clone();
        let mut found = self
            .each(self.below(prefix, period).await?, move |_, body| {
                let finder = memmem::Finder::new(&id);
                let letters = dead_letters(body).into_iter();
                let letters = letters.filter(|(_, data)| finder.find(data).is_some());
                Ok(letters.map(|(failed, data)| Letter { failed, data, is_redriven: false }).collect())
            })
            .await?;
        let keys: BTreeSet<_> = found.iter().map(|letter| letter.key.clone()).collect();
        for key in keys {
            // Without the permission to read tags, a letter counts as not redriven.
            let tags = self.lake.tags(&key).await.unwrap_or_default();
            if tags.iter().any(|(name, value)| name == LEFT_TAG && value == "0") {
                let of_object = found.iter_mut().filter(|letter| letter.key == key);
                of_object.for_each(|letter| letter.record.is_redriven = true);
            }
        }
        Ok(found)
    }

    /// Rows of the contact, with these columns, in the partitions of these days.
    pub(super) async fn rows(
        &self,
        partition: &str,
        period: &Period,
        columns: &'static [&'static str],
    ) -> Result<Vec<Found<serde_json::Value>>, String> {
        let id = self.id.clone();
        self.each(self.days(partition, period).await?, move |key, body| {
            let mut rows = rows(key, body, columns)?;
            rows.retain(|row| row["contact_id"] == id.as_str());
            Ok(rows)
        })
        .await
    }

    /// The objects of these days: one list per day, so that older days cost nothing.
    async fn days(&self, partition: &str, period: &Period) -> Result<Vec<Object>, String> {
        let Some(days) = period.days() else { return self.below(partition, period).await };
        let mut objects = Vec::new();
        for day in days {
            objects.extend(self.below(&format!("{partition}{day}/"), period).await?);
        }
        Ok(objects)
    }

    async fn below(&self, prefix: &str, period: &Period) -> Result<Vec<Object>, String> {
        let mut objects = Vec::new();
        let listed = for_each_object(&self.lake.client, &self.lake.bucket, prefix, |object| {
            if period.includes(&object.key) {
                let written = object.modified.and_then(|at| at.to_millis().ok()).unwrap_or_default();
                objects.push(Object { key: object.key, written });
            }
        });
        listed.await.map_err(|error| {
            let location = self.location(prefix);
            format!("{location} cannot be listed: {}", why(&error, "s3:ListBucket on the bucket"))
        })?;
        objects.sort_by(|left, right| left.key.cmp(&right.key));
        Ok(objects)
    }

    /// What `read` returns for each object, in the order of the objects.
    async fn each<T: Send + 'static>(
        &self,
        objects: Vec<Object>,
        read: impl Fn(&str, Vec<u8>) -> anyhow::Result<Vec<T>> + Send + Sync,
    ) -> Result<Vec<Found<T>>, String> {
        let each = |Object { key, written }: Object| {
            let read = &read;
            async move {
                let body = self.lake.get(&key).await.map_err(anyhow::Error::new)?;
                // The object may have expired since it was listed.
                let Some(body) = body else { return Ok(Vec::new()) };
                self.objects.fetch_add(1, Ordering::Relaxed);
                self.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
                let records = tokio::task::block_in_place(|| read(&key, body))
                    .map_err(|error| anyhow!("{} cannot be read: {error:#}", self.location(&key)))?;
                let found = |record| Found { key: key.clone(), written, record };
                anyhow::Ok(records.into_iter().map(found).collect::<Vec<_>>())
            }
        };
        let read = stream::iter(objects).map(each).buffered(CONCURRENCY).try_concat().await;
        read.map_err(|error| format!("{error:#}"))
    }
}
