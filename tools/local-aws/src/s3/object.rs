//! An object that is not yet in its bucket.

use std::sync::Arc;

use s3s::dto::{Checksum, Tag};

use super::disk::Hidden;
use super::headers::Headers;

/// An object to write. Its bytes are in a hidden file.
#[derive(Debug)]
pub(super) struct NewObject {
    pub(super) file: Arc<Hidden>,
    pub(super) size: u64,
    pub(super) etag: String,
    pub(super) headers: Arc<Headers>,
    pub(super) tags: Vec<Tag>,
    pub(super) checksum: Checksum,
    pub(super) parts: Arc<[u64]>,
}
