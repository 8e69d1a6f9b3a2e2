//! The lake as an S3 bucket, or as a local folder with the same layout.

use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use aws_errors::why;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use bytes::{Buf as _, Bytes};
use lake_files::files_below;
use tokio::runtime::Handle;

use crate::stack::aws::AwsArguments;
use ledger_console::output_folder::note_below;
use ledger_console::process::program::WrongUsage;
use ledger_console::render::output::say;

/// An object store.
#[derive(Debug, Clone)]
pub enum Lake {
    /// A local folder.
    Folder(PathBuf),
    /// An S3 bucket.
    Bucket {
        /// The S3 client.
        client: Box<Client>,
        /// Its name.
        bucket: String,
        /// The client that looks up the account ID.
        account: Box<aws_sdk_sts::Client>,
    },
}

impl Lake {
    /// Opens `s3://<bucket>`, or a folder.
    ///
    /// # Errors
    /// If the location is neither a bucket nor a folder.
    pub(crate) async fn open(location: &str, aws: &AwsArguments) -> anyhow::Result<Self> {
        let Some(bucket) = location.strip_prefix("s3://") else {
            let folder = PathBuf::from(location);
            ensure!(
                folder.is_dir(),
                "{location:?} is not a folder; pass s3://<bucket>, or a folder such as demo-output/lake"
            );
            return Ok(Self::Folder(folder));
        };
        let bucket = bucket.trim_end_matches('/');
        if bucket.is_empty() || bucket.contains('/') {
            bail!(WrongUsage(format!("{location} is not a bucket; pass s3://<bucket> without a key")));
        }
        let config = aws.config().await?;
        let mut s3 = aws_sdk_s3::config::Builder::from(&config);
        if config.endpoint_url().is_some() {
            // Emulators have no host name per bucket.
            s3 = s3.force_path_style(true);
        }
        Ok(Self::Bucket {
            client: Box::new(Client::from_conf(s3.build())),
            bucket: bucket.to_owned(),
            account: Box::new(aws_sdk_sts::Client::new(&config)),
        })
    }

    /// Prints which bucket is about to be changed.
    pub(crate) async fn announce(&self) {
        const TIMEOUT: Duration = Duration::from_secs(5);
        let Self::Bucket { client, bucket, account } = self else { return };
        let region = client.config().region().map(ToString::to_string).unwrap_or_default();
        // Permission to write to the bucket does not imply permission for this call.
        let identity = tokio::time::timeout(TIMEOUT, account.get_caller_identity().send()).await;
        let account = identity.ok().and_then(Result::ok).and_then(|identity| identity.account);
        say(&format!(
            "Account {}, Region {region}, bucket {bucket}",
            account.as_deref().unwrap_or("unknown")
        ));
    }

    /// Opens `s3://<bucket>/<key>`. Returns the bucket and the key or key prefix.
    ///
    /// # Errors
    /// If the location has no bucket name.
    pub(crate) async fn at(location: &str, aws: &AwsArguments) -> anyhow::Result<(Self, String)> {
        let path = location.strip_prefix("s3://").unwrap_or(location);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        if bucket.is_empty() {
            bail!(WrongUsage(format!("{location} has no bucket name; pass s3://<bucket>/<key>")));
        }
        Ok((Self::open(&format!("s3://{bucket}"), aws).await?, key.to_owned()))
    }

    /// The keys with this prefix, sorted.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub async fn keys(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        match self {
            Self::Folder(root) => {
                let mut keys = Vec::new();
                for file in files_below(&root.join(prefix))
                    .or_else(
                        |error| if error.kind() == ErrorKind::NotFound { Ok(Vec::new()) } else { Err(error) },
                    )
                    .with_context(|| format!("folder {} cannot be read", root.join(prefix).display()))?
                {
                    keys.push(file.strip_prefix(root)?.to_string_lossy().into_owned());
                }
                keys.sort_unstable();
                Ok(keys)
            }
            Self::Bucket { client, bucket, .. } => {
                let listed = redrive::keys(client, bucket, prefix).await;
                listed.map_err(|error| refused("listed", bucket, prefix, error))
            }
        }
    }

    /// An object's bytes.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn get(&self, key: &str) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Folder(root) => {
                let file = root.join(key);
                fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))
            }
            Self::Bucket { client, bucket, .. } => {
                let got = client.get_object().bucket(bucket).key(key).send().await;
                let got = got.map_err(|error| refused("read", bucket, key, error))?;
                let body = got
                    .body
                    .collect()
                    .await
                    .with_context(|| format!("the download of s3://{bucket}/{key} was cut off"))?;
                Ok(body.to_vec())
            }
        }
    }

    /// A streaming reader for an object. It blocks, so call it from a blocking task.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn reader(&self, key: &str) -> anyhow::Result<Box<dyn Read + Send>> {
        match self {
            Self::Folder(root) => {
                let file = root.join(key);
                let opened = fs::File::open(&file);
                Ok(Box::new(opened.with_context(|| format!("{} cannot be read", file.display()))?))
            }
            Self::Bucket { client, bucket, .. } => {
                let handle = Handle::current();
                let got = handle.block_on(client.get_object().bucket(bucket).key(key).send());
                let body = got.map_err(|error| refused("read", bucket, key, error))?.body;
                Ok(Box::new(Body { handle, stream: body, read: Bytes::new() }))
            }
        }
    }

    /// Writes an object atomically, replacing any object with the same key.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn put(&self, key: &str, body: Vec<u8>) -> anyhow::Result<()> {
        match self {
            Self::Folder(root) => {
                let file = root.join(key);
                let write = || -> io::Result<()> {
                    if let Some(folder) = file.parent() {
                        fs::create_dir_all(folder)?;
                    }
                    // Atomic, as in S3. Readers of the lake ignore names that start with a dot.
                    let name = file.file_name().unwrap_or_default().to_string_lossy();
                    let partial = file.with_file_name(format!(".{name}.partial"));
                    note_below(&file)?;
                    fs::write(&partial, body)?;
                    fs::rename(partial, &file)
                };
                write().with_context(|| format!("{} cannot be written", file.display()))
            }
            Self::Bucket { client, bucket, .. } => {
                let put = client.put_object().bucket(bucket).key(key).body(body.into()).send().await;
                put.map(drop).map_err(|error| refused("written", bucket, key, error))
            }
        }
    }
}

/// The body of an object, streamed from S3.
struct Body {
    handle: Handle,
    stream: ByteStream,
    read: Bytes,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read.is_empty() {
            match self.handle.block_on(self.stream.next()) {
                Some(read) => self.read = read.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let length = self.read.len().min(buffer.len());
        self.read.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
fn refused<E>(what: &str, bucket: &str, key: &str, error: SdkError<E>) -> anyhow::Error
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let why = why(&error, "permissions on the bucket and its KMS key");
    anyhow::anyhow!("s3://{bucket}/{key} cannot be {what}: {why}")
}
