//! S3, by `s3s` in this process: a bucket is a folder, an object a file.
//!
//! Reading is `s3s-fs`. Writing is ours: `s3s-fs` puts beside every object a file named after its base64
//! encoded key, which for a key of sequence numbers is longer than a file's name may be, and clutters the
//! folder that people look at.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use futures::TryStreamExt;
use s3s::dto::{
    GetObjectInput, GetObjectOutput, GetObjectTaggingInput, GetObjectTaggingOutput, HeadBucketInput,
    HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListBucketsInput, ListBucketsOutput,
    ListObjectsV2Input, ListObjectsV2Output, PutObjectInput, PutObjectOutput, PutObjectTaggingInput,
    PutObjectTaggingOutput, TagSet,
};
use s3s::service::S3ServiceBuilder;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::task::JoinHandle;

use crate::door::{self, Door, Protocol, RunKeys};
use crate::gateway::{Gate, Service, guarded};
use crate::keys::Keys;
use crate::listen::{listen, url};

/// A folder of buckets.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    reader: Arc<FileSystem>,
    /// Of objects by their paths, as long as this runs.
    tags: Arc<Mutex<HashMap<PathBuf, TagSet>>>,
}

impl Folder {
    /// The buckets below `root`.
    ///
    /// # Errors
    /// When the folder is not there.
    pub fn open(root: &Path) -> anyhow::Result<Self> {
        let open = || FileSystem::new(root).map_err(|error| anyhow::anyhow!("{error:?}"));
        let reader = open().with_context(|| format!("folder {} cannot be opened", root.display()))?;
        Ok(Self { root: root.to_owned(), reader: Arc::new(reader), tags: Arc::default() })
    }

    /// Creates a bucket.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn create_bucket(&self, bucket: &str) -> io::Result<()> {
        std::fs::create_dir_all(self.root.join(bucket))
    }

    /// Writes an object whole or not at all.
    ///
    /// # Errors
    /// When the bucket is not there, or its disk cannot take the object.
    pub async fn put(&self, bucket: &str, key: &str, body: &[u8]) -> io::Result<()> {
        let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        let bucket_folder = self.root.join(bucket);
        if !key.split('/').all(is_plain) || !is_plain(bucket) || !bucket_folder.is_dir() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let path = bucket_folder.join(key);
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        let unfinished = self.root.join(format!(".tmp.{}", uuid::Uuid::new_v4()));
        tokio::fs::write(&unfinished, body).await?;
        tokio::fs::rename(&unfinished, &path).await?;
        // Another object, without the tags of the one before.
        self.tags().remove(&path);
        Ok(())
    }

    fn tags(&self) -> MutexGuard<'_, HashMap<PathBuf, TagSet>> {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file of an object that is there.
    fn file(&self, bucket: &str, key: &str) -> S3Result<PathBuf> {
        let path = self.root.join(bucket).join(key);
        if path.is_file() { Ok(path) } else { Err(s3_error!(NoSuchKey)) }
    }
}

/// The files below a folder, in any order; none if it is not there.
///
/// # Errors
/// When a folder cannot be read.
pub fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

#[async_trait::async_trait]
impl S3 for Folder {
    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let PutObjectInput { bucket, key, body, .. } = request.input;
        let mut bytes = Vec::new();
        if let Some(mut body) = body {
            while let Some(chunk) = body.try_next().await.map_err(|_| s3_error!(IncompleteBody))? {
                bytes.extend_from_slice(&chunk);
            }
        }
        match self.put(&bucket, &key, &bytes).await {
            Ok(()) => Ok(S3Response::new(PutObjectOutput::default())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(s3_error!(NoSuchBucket)),
            Err(error) => Err(s3_error!(error, InternalError)),
        }
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        self.reader.get_object(request).await
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        self.reader.head_object(request).await
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.reader.head_bucket(request).await
    }

    async fn get_object_tagging(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> S3Result<S3Response<GetObjectTaggingOutput>> {
        let file = self.file(&request.input.bucket, &request.input.key)?;
        let tags = self.tags();
        let tag_set = tags.get(&file).cloned().unwrap_or_default();
        Ok(S3Response::new(GetObjectTaggingOutput { tag_set, version_id: None }))
    }

    async fn put_object_tagging(
        &self,
        request: S3Request<PutObjectTaggingInput>,
    ) -> S3Result<S3Response<PutObjectTaggingOutput>> {
        let PutObjectTaggingInput { bucket, key, tagging, .. } = request.input;
        let file = self.file(&bucket, &key)?;
        self.tags().insert(file, tagging.tag_set);
        Ok(S3Response::new(PutObjectTaggingOutput::default()))
    }

    async fn list_buckets(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        self.reader.list_buckets(request).await
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.reader.list_objects_v2(request).await
    }
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
    Router::new().fallback(async move |request: Request| match service
        .call(request.map(s3s::Body::http_body_unsync))
        .await
    {
        Ok(response) => response.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    })
}
