//! S3, in this process: `s3s` speaks the protocol, the objects are ours.
//!
//! A bucket is a folder, an ordinary object a file in it under its key, so that people can look at it and `DuckDB` can
//! read it. What has no such place (a key that is no plain path, an old version, a part of an upload) lies in a hidden
//! folder beside the buckets and goes when the store ends. Bytes are on disk, never in memory; what is known of an
//! object beside its bytes is in memory, and lives as long as the store.
//!
//! - [`key`]: which keys are paths. [`disk`]: the files. [`bucket`]: objects, versions, delete markers.
//! - [`body`], [`headers`], [`tags`], [`conditions`], [`listing`], [`multipart`]: the rules of one thing each.
//! - [`protocol`]: S3's operations, one by one.

mod body;
mod bucket;
mod conditions;
mod disk;
mod errors;
mod headers;
mod key;
mod listing;
mod multipart;
mod object;
mod protocol;
mod tags;
mod time;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use futures::stream;
use lake_files::Note;
use s3s::checksum::ChecksumHasher;
use s3s::service::S3ServiceBuilder;
use s3s::{S3Error, S3ErrorCode, S3Result};
use tokio::task::JoinHandle;

use self::bucket::{Bucket, Versioning};
use self::conditions::WriteConditions;
use self::disk::{BucketFolder, HiddenFolder, Noting};
use self::errors::{broken, no_such_bucket};
use crate::door::{self, Door, Protocol, RunKeys};
use crate::gateway::{Gate, guarded};
use crate::listen::{listen, url};
use crate::permission::Service;
use served_stack::Keys;

/// A folder of buckets.
#[derive(Debug, Clone)]
pub struct Folder {
    store: Arc<Store>,
}

#[derive(Debug)]
struct Store {
    /// Canonical: files are compared with what it should be.
    root: PathBuf,
    noting: Noting,
    hidden: Arc<HiddenFolder>,
    buckets: Mutex<BTreeMap<String, SharedBucket>>,
}

type SharedBucket = Arc<Mutex<Bucket>>;

impl Folder {
    /// The buckets below `root`: every folder whose name a bucket may have.
    ///
    /// # Errors
    /// When the folder is not there.
    pub fn open(root: &Path) -> anyhow::Result<Self> {
        Self::open_noting(root, None)
    }

    /// The same, which calls `note` with every file that it writes.
    ///
    /// # Errors
    /// When the folder is not there.
    pub fn open_noting(root: &Path, note: Option<Note>) -> anyhow::Result<Self> {
        let open = || {
            let root = root.canonicalize()?;
            let noting = Noting(note);
            let hidden = Arc::new(HiddenFolder::new(&root, noting.clone()));
            let mut buckets = BTreeMap::new();
            for entry in std::fs::read_dir(&root)? {
                let entry = entry?;
                let name = entry.file_name().into_string().ok().filter(|name| key::is_bucket_name(name));
                if let Some(name) = name.filter(|_| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
                    let bucket = Bucket::new(BucketFolder::new(&root, &name, noting.clone()), hidden.clone());
                    buckets.insert(name, Arc::new(Mutex::new(bucket)));
                }
            }
            io::Result::Ok(Store { root, noting, hidden, buckets: Mutex::new(buckets) })
        };
        let store = open().with_context(|| format!("folder {} cannot be opened", root.display()))?;
        Ok(Self { store: Arc::new(store) })
    }

    /// Creates a bucket, unless it is there.
    ///
    /// # Errors
    /// When S3 would not take the name, or the folder cannot be made.
    pub fn create_bucket(&self, bucket: &str) -> io::Result<()> {
        if !key::is_bucket_name(bucket) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("S3 allows no bucket named {bucket}"),
            ));
        }
        std::fs::create_dir_all(self.store.root.join(bucket))?;
        lock(&self.store.buckets).entry(bucket.to_owned()).or_insert_with(|| self.new_bucket(bucket));
        Ok(())
    }

    /// Lets a bucket keep what is overwritten and deleted.
    ///
    /// # Errors
    /// When the bucket is not there.
    pub fn enable_versioning(&self, bucket: &str) -> io::Result<()> {
        lock(&*self.bucket(bucket).map_err(as_io)?).versioning = Versioning::Enabled;
        Ok(())
    }

    /// Writes an object whole or not at all.
    ///
    /// # Errors
    /// When the bucket is not there, S3 would not take the key, or the disk cannot take the object.
    pub async fn put(&self, bucket: &str, key: &str, body: &[u8]) -> io::Result<()> {
        let put = async {
            let bucket = self.bucket(bucket)?;
            let body = stream::iter([io::Result::Ok(Bytes::copy_from_slice(body))]);
            let received = body::receive(body, &self.store.hidden, ChecksumHasher::default()).await?;
            let new = received.into_object(Arc::default(), Vec::new());
            self.write(&bucket, key, &WriteConditions::default(), new).await
        };
        put.await.map(drop).map_err(as_io)
    }

    fn new_bucket(&self, name: &str) -> SharedBucket {
        let folder = BucketFolder::new(&self.store.root, name, self.store.noting.clone());
        Arc::new(Mutex::new(Bucket::new(folder, self.store.hidden.clone())))
    }

    fn bucket(&self, name: &str) -> S3Result<SharedBucket> {
        lock(&self.store.buckets).get(name).cloned().ok_or_else(no_such_bucket)
    }
}

/// Whoever panicked with it has left it whole: every change is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn as_io(error: S3Error) -> io::Error {
    let kind = match error.code() {
        S3ErrorCode::NoSuchBucket => io::ErrorKind::NotFound,
        S3ErrorCode::InvalidArgument | S3ErrorCode::KeyTooLongError => io::ErrorKind::InvalidInput,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// A running S3; it ends when dropped.
pub struct S3Server {
    /// Where it listens.
    pub endpoint: String,
    /// What its requests are signed with.
    pub keys: Keys,
    task: JoinHandle<()>,
}

impl S3Server {
    /// Serves the folder on `port`, or on a free port for 0.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(port: u16, folder: Folder, gate: Gate) -> anyhow::Result<Self> {
        let listener = listen(port, "S3").await?;
        let (endpoint, keys) = (url(&listener)?, gate.keys.clone());
        let door = Door::new(Protocol::S3, &keys);
        let router = guarded(router(folder, &keys), Service::S3, gate);
        Ok(Self { endpoint, keys, task: tokio::spawn(door::serve(listener, door, router)) })
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn router(folder: Folder, keys: &Keys) -> Router {
    let mut builder = S3ServiceBuilder::new(folder);
    builder.set_auth(RunKeys::new(keys));
    let service = builder.build();
    Router::new().fallback(async move |request: Request| {
        match service.call(request.map(s3s::Body::http_body_unsync)).await {
            Ok(response) => response.into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    })
}
