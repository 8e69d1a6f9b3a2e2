//! S3, in this process: `s3s` implements the protocol, and this module stores the objects.
//!
//! A bucket is a folder, and an ordinary object is a file in it, named by its key, so that people and `DuckDB` can read it.
//! Everything else (an object whose key is not a plain path, an old version, a part of an upload) is in a hidden folder
//! next to the buckets, which is deleted with the store. Bytes are on disk, never in memory. An object's metadata is in
//! memory and lives as long as the store.
//!
//! - `key`: which keys are paths. `disk`: the files. `bucket`: objects, versions, delete markers.
//! - `policy`: a bucket policy that denies writes. `body`, `headers`, `tags`, `conditions`, `listing`, `multipart`: the rules of one topic each.
//! - `protocol`: S3's operations.

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
mod policy;
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
use crate::front_door::{self, FrontDoor, Protocol, RunKeys};
use crate::gateway::{Gate, guarded};
use crate::permission::Service;
use loopback::{listen, url};
use served_stack::Keys;

/// A folder of buckets.
#[derive(Debug, Clone)]
pub struct Folder {
    store: Arc<Store>,
}

#[derive(Debug)]
struct Store {
    /// Canonical, because the canonical paths of files are compared with it.
    root: PathBuf,
    noting: Noting,
    hidden: Arc<HiddenFolder>,
    buckets: Mutex<BTreeMap<String, SharedBucket>>,
}

type SharedBucket = Arc<Mutex<Bucket>>;

impl Folder {
    /// Opens the buckets below `root`: every folder whose name is a valid bucket name.
    ///
    /// # Errors
    /// When the folder does not exist.
    pub fn open(root: &Path) -> anyhow::Result<Self> {
        Self::open_noting(root, None)
    }

    /// Like [`Folder::open`], and calls `note` with every file before it is written.
    ///
    /// # Errors
    /// When the folder does not exist.
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

    /// Creates a bucket if it does not exist.
    ///
    /// # Errors
    /// When S3 does not allow the name, or the folder cannot be created.
    pub fn create_bucket(&self, bucket: &str) -> io::Result<()> {
        if !key::is_bucket_name(bucket) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("S3 does not allow the bucket name {bucket}"),
            ));
        }
        std::fs::create_dir_all(self.store.root.join(bucket))?;
        lock(&self.store.buckets).entry(bucket.to_owned()).or_insert_with(|| self.new_bucket(bucket));
        Ok(())
    }

    /// Enables versioning, so that the bucket keeps overwritten and deleted objects.
    ///
    /// # Errors
    /// When the bucket does not exist.
    pub fn enable_versioning(&self, bucket: &str) -> io::Result<()> {
        lock(&*self.bucket(bucket).map_err(|error| as_io(&error))?).versioning = Versioning::Enabled;
        Ok(())
    }

    /// Writes an object atomically.
    ///
    /// # Errors
    /// When the bucket does not exist, S3 does not allow the key, or the disk cannot be written.
    pub async fn put(&self, bucket: &str, key: &str, body: &[u8]) -> io::Result<()> {
        let put = async {
            let bucket = self.bucket(bucket)?;
            let body = stream::iter([io::Result::Ok(Bytes::copy_from_slice(body))]);
            let received = body::receive(body, &self.store.hidden, ChecksumHasher::default()).await?;
            let new = received.into_object(Arc::default(), Vec::new());
            self.write(&bucket, key, &WriteConditions::default(), new).await
        };
        put.await.map(drop).map_err(|error| as_io(&error))
    }

    fn new_bucket(&self, name: &str) -> SharedBucket {
        let folder = BucketFolder::new(&self.store.root, name, self.store.noting.clone());
        Arc::new(Mutex::new(Bucket::new(folder, self.store.hidden.clone())))
    }

    fn bucket(&self, name: &str) -> S3Result<SharedBucket> {
        lock(&self.store.buckets).get(name).cloned().ok_or_else(no_such_bucket)
    }
}

/// Locks even after a panic: every change is a single step, so the value is consistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn as_io(error: &S3Error) -> io::Error {
    let kind = match error.code() {
        S3ErrorCode::NoSuchBucket => io::ErrorKind::NotFound,
        S3ErrorCode::AccessDenied => io::ErrorKind::PermissionDenied,
        S3ErrorCode::InvalidArgument | S3ErrorCode::KeyTooLongError => io::ErrorKind::InvalidInput,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, format!("{}: {}", error.code().as_str(), error.message().unwrap_or_default()))
}

/// A running server. Dropping it stops it.
pub struct S3Server {
    /// Its URL.
    pub endpoint: String,
    /// The keys that requests are signed with.
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
        let door = FrontDoor::new(Protocol::S3, &keys);
        let router = guarded(router(folder, &keys), Service::S3, gate);
        Ok(Self { endpoint, keys, task: tokio::spawn(front_door::serve(listener, door, router)) })
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
