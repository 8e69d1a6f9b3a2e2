//! Where a lake is: a bucket in S3, or a folder that looks like one.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use aws_config::BehaviorVersion;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use bytes::{Buf as _, Bytes};
use local_aws::s3::files_below;
use redrive::causes;
use tokio::runtime::Handle;

/// A place for objects by key.
#[derive(Debug, Clone)]
pub enum Lake {
    /// A folder.
    Folder(PathBuf),
    /// A bucket.
    Bucket {
        /// The client.
        client: Box<Client>,
        /// Its name.
        bucket: String,
    },
}

impl Lake {
    /// `s3://<bucket>`, with the AWS CLI's own configuration; anything else is a folder.
    ///
    /// # Errors
    /// When it is no name of a bucket and no folder.
    pub async fn open(location: &str) -> anyhow::Result<Self> {
        let Some(bucket) = location.strip_prefix("s3://") else {
            let folder = PathBuf::from(location);
            ensure!(
                folder.is_dir(),
                "{location} is no folder; give s3://<bucket>, or a folder such as demo-output/lake"
            );
            return Ok(Self::Folder(folder));
        };
        let bucket = bucket.trim_end_matches('/');
        if bucket.is_empty() || bucket.contains('/') {
            bail!("{location} is no bucket; give s3://<bucket> without a key");
        }
        let config = aws_config::load_defaults(BehaviorVersion::v2026_01_12()).await;
        Ok(Self::Bucket { client: Box::new(Client::new(&config)), bucket: bucket.to_owned() })
    }

    /// `s3://<bucket>/<key>`, with the AWS CLI's own configuration: the bucket, and the key or the beginning of keys.
    ///
    /// # Errors
    /// When it names no bucket.
    pub async fn at(location: &str) -> anyhow::Result<(Self, String)> {
        let path = location.strip_prefix("s3://").unwrap_or(location);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        Ok((Self::open(&format!("s3://{bucket}")).await?, key.to_owned()))
    }

    /// The keys with this prefix, in order.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn keys(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        let mut keys = Vec::new();
        match self {
            Self::Folder(root) => {
                for file in files_below(&root.join(prefix))
                    .or_else(
                        |error| if error.kind() == ErrorKind::NotFound { Ok(Vec::new()) } else { Err(error) },
                    )
                    .with_context(|| format!("folder {} cannot be read", root.join(prefix).display()))?
                {
                    keys.push(file.strip_prefix(root)?.to_string_lossy().into_owned());
                }
            }
            Self::Bucket { client, bucket } => {
                let pages = client.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator();
                let mut pages = pages.send();
                while let Some(page) = pages.next().await {
                    let page = page.map_err(|error| refused("list", bucket, prefix, error))?;
                    keys.extend(
                        page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key),
                    );
                }
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// An object's bytes.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn get(&self, key: &str) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Folder(root) => {
                let file = root.join(key);
                fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))
            }
            Self::Bucket { client, bucket } => {
                let got = client.get_object().bucket(bucket).key(key).send().await;
                let got = got.map_err(|error| refused("read", bucket, key, error))?;
                let body =
                    got.body.collect().await.with_context(|| format!("s3://{bucket}/{key} broke off"))?;
                Ok(body.to_vec())
            }
        }
    }

    /// An object's bytes, as they are read; for a task that may block.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn reader(&self, key: &str) -> anyhow::Result<Box<dyn Read + Send>> {
        match self {
            Self::Folder(root) => {
                let file = root.join(key);
                let opened = fs::File::open(&file);
                Ok(Box::new(opened.with_context(|| format!("{} cannot be read", file.display()))?))
            }
            Self::Bucket { client, bucket } => {
                let handle = Handle::current();
                let got = handle.block_on(client.get_object().bucket(bucket).key(key).send());
                let body = got.map_err(|error| refused("read", bucket, key, error))?.body;
                Ok(Box::new(Body { handle, body, read: Bytes::new() }))
            }
        }
    }

    /// Writes an object whole, replacing one of the same key.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn put(&self, key: &str, body: Vec<u8>) -> anyhow::Result<()> {
        match self {
            Self::Folder(root) => {
                let file = root.join(key);
                let write = || -> io::Result<()> {
                    if let Some(folder) = file.parent() {
                        fs::create_dir_all(folder)?;
                    }
                    // Whole or not at all, as in S3. A name with a dot is no object to any reader of the lake.
                    let name = file.file_name().unwrap_or_default().to_string_lossy();
                    let partial = file.with_file_name(format!(".{name}.partial"));
                    fs::write(&partial, body)?;
                    fs::rename(partial, &file)
                };
                write().with_context(|| format!("{} cannot be written", file.display()))
            }
            Self::Bucket { client, bucket } => {
                let put = client.put_object().bucket(bucket).key(key).body(body.into()).send().await;
                put.map(drop).map_err(|error| refused("write", bucket, key, error))
            }
        }
    }
}

/// An object on its way.
struct Body {
    handle: Handle,
    body: ByteStream,
    read: Bytes,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read.is_empty() {
            match self.handle.block_on(self.body.next()) {
                Some(read) => self.read = read.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let length = self.read.len().min(buffer.len());
        self.read.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

fn refused(what: &str, bucket: &str, key: &str, error: impl std::error::Error) -> anyhow::Error {
    anyhow::anyhow!(
        "S3 does not let us {what} s3://{bucket}/{key}: {}; check your credentials, the region, and your rights on the bucket and its key",
        causes(&error)
    )
}
