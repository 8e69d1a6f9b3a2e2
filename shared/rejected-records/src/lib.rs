//! Rejected records in S3, with their bytes and the reason: one object per batch, one line of JSON per record.

use std::fmt;
use std::future::Future;
use std::sync::LazyLock;

use aws_errors::store_error;
use aws_sdk_s3::Client;
use serde::Serialize;
use tables::StoreError;

/// A store for rejected records.
pub trait RejectedStore: Send + Sync {
    /// Writes an object, replacing one with the same key.
    fn put(&self, key: &str, body: Vec<u8>) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// An S3 bucket for rejected records. Its client is created for the first one, because most processes never see any.
pub struct S3RejectedStore {
    client: LazyLock<Client, Box<dyn FnOnce() -> Client + Send>>,
    bucket: String,
}

impl S3RejectedStore {
    /// The bucket, with a client that is created when it is needed.
    #[must_use]
    pub fn new(bucket: String, client: impl FnOnce() -> Client + Send + 'static) -> Self {
        Self { client: LazyLock::new(Box::new(client)), bucket }
    }
}

impl fmt::Debug for S3RejectedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3RejectedStore").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

impl RejectedStore for S3RejectedStore {
    async fn put(&self, key: &str, body: Vec<u8>) -> Result<(), StoreError> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).content_type("application/x-ndjson");
        put.body(body.into()).send().await.map(drop).map_err(|error| {
            let error = store_error(error);
            StoreError { code: format!("S3 {}", error.code), ..error }
        })
    }
}

/// Appends a line.
///
/// # Panics
/// Never: a line has only text and raw JSON, and memory takes it.
pub fn append(body: &mut Vec<u8>, line: &impl Serialize) {
    serde_json::to_writer(&mut *body, line).expect("a line has only text and raw JSON, and memory takes it");
    body.push(b'\n');
}

/// A name from the envelope, for use in a key. Anyone who may invoke the function can invent names, so a name that the
/// service would not produce is replaced: a caller must not choose the object's location.
///
/// ```
/// use rejected_records::plain_name;
///
/// assert_eq!((plain_name("shardId-01"), plain_name("../x"), plain_name("")), ("shardId-01", "unnamed", "unnamed"));
/// ```
#[must_use]
pub fn plain_name(text: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if (1..=128).contains(&text.len()) && text.bytes().all(is_plain) { text } else { "unnamed" }
}
