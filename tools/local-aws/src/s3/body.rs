//! Streams bodies from a request to a file and back, and computes the requested digests.
//!
//! Source: [Checking object integrity for data uploads](https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html)
//! (S3 User Guide): `Content-MD5`, checksums in a header or in a trailer after the body.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::Range;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::HeaderMap;
use futures::{Stream, StreamExt, stream};
use md5::{Digest, Md5};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use s3s::dto::{Checksum, ChecksumAlgorithm, ChecksumType, Tag};
use s3s::{S3Result, TrailingHeaders, s3_error};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::disk::{Hidden, HiddenFolder};
use super::errors::broken;
use super::headers::Headers;
use super::object::NewObject;

/// Maximum bytes per read.
const PIECE: usize = 256 * 1024;

/// A received body.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) file: Arc<Hidden>,
    pub(super) size: u64,
    pub(super) md5: [u8; 16],
    pub(super) checksum: Checksum,
}

impl Received {
    /// The MD5 as an `ETag`.
    pub(super) fn etag(&self) -> String {
        hex(&self.md5)
    }

    /// The object for a body that was put in one request.
    pub(super) fn into_object(self, headers: Arc<Headers>, tags: Vec<Tag>) -> NewObject {
        let (etag, mut checksum) = (self.etag(), self.checksum);
        if checksum != Checksum::default() {
            checksum.checksum_type = Some(ChecksumType::from_static(ChecksumType::FULL_OBJECT));
        }
        NewObject { file: self.file, size: self.size, etag, headers, tags, checksum, parts: Arc::default() }
    }
}

/// Writes a body to a hidden file.
pub(super) async fn receive<E>(
    mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    hidden: &HiddenFolder,
    mut hasher: ChecksumHasher,
) -> S3Result<Received> {
    let place = hidden.place().map_err(broken)?;
    let mut file = tokio::fs::File::create(&place.path).await.map_err(broken)?;
    let (mut md5, mut size) = (Md5::new(), 0);
    while let Some(piece) = body.next().await {
        let piece = piece
            .map_err(|_| s3_error!(IncompleteBody, "the body is incomplete, or its signature is wrong"))?;
        md5.update(&piece);
        hasher.update(&piece);
        size += piece.len() as u64;
        file.write_all(&piece).await.map_err(broken)?;
    }
    // Without the flush, buffered bytes would be missing from the file.
    file.flush().await.map_err(broken)?;
    Ok(Received { file: Arc::new(place), size, md5: md5.finalize().into(), checksum: hasher.finalize() })
}

/// Streams a range of a file.
pub(super) fn pieces(file: File, range: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> + Send + Sync {
    let start = range.start;
    let state = (tokio::fs::File::from_std(file), Some(start), range.end - start);
    stream::try_unfold(state, |(mut file, seek, left)| async move {
        if let Some(start) = seek {
            file.seek(io::SeekFrom::Start(start)).await?;
        }
        let mut piece = Vec::with_capacity(usize::try_from(left).map_or(PIECE, |left| left.min(PIECE)));
        if left == 0 || (&mut file).take(left.min(PIECE as u64)).read_buf(&mut piece).await? == 0 {
            return Ok(None);
        }
        let left = left - piece.len() as u64;
        Ok(Some((Bytes::from(piece), (file, None, left))))
    })
}

/// Returns the MD5 of a file, and the file rewound to its beginning.
pub(super) async fn md5_of(mut file: File) -> S3Result<(File, String)> {
    let digest = tokio::task::spawn_blocking(move || {
        let (mut md5, mut piece) = (Md5::new(), vec![0; PIECE]);
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                break;
            }
            md5.update(&piece[..read]);
        }
        file.rewind()?;
        Ok((file, hex(&md5.finalize())))
    });
    digest.await.map_err(|_| s3_error!(InternalError))?.map_err(broken)
}

/// The digests that a request declares for its body.
#[derive(Debug, Default)]
pub(super) struct Declared {
    pub(super) content_md5: Option<String>,
    pub(super) checksum: Checksum,
    pub(super) algorithm: Option<ChecksumAlgorithm>,
    pub(super) trailers: Option<TrailingHeaders>,
}

/// Takes the declared digests from the input of an operation with a body.
macro_rules! declared {
    ($request:expr) => {
        $crate::s3::body::Declared {
            content_md5: $request.input.content_md5.take(),
            checksum: $crate::s3::body::sums_of!($request.input),
            algorithm: $request.input.checksum_algorithm.take(),
            trailers: $request.trailing_headers.take(),
        }
    };
}

/// Copies the checksums of any S3 structure that has them.
macro_rules! sums_of {
    ($of:expr) => {
        s3s::dto::Checksum {
            checksum_crc32: $of.checksum_crc32.clone(),
            checksum_crc32c: $of.checksum_crc32c.clone(),
            checksum_crc64nvme: $of.checksum_crc64nvme.clone(),
            checksum_sha1: $of.checksum_sha1.clone(),
            checksum_sha256: $of.checksum_sha256.clone(),
            checksum_type: None,
        }
    };
}

/// Builds an S3 output with these checksums.
macro_rules! with_sums {
    ($output:ident { $($fields:tt)* }, $sums:expr) => {
        $output {
            checksum_crc32: $sums.checksum_crc32.clone(),
            checksum_crc32c: $sums.checksum_crc32c.clone(),
            checksum_crc64nvme: $sums.checksum_crc64nvme.clone(),
            checksum_sha1: $sums.checksum_sha1.clone(),
            checksum_sha256: $sums.checksum_sha256.clone(),
            $($fields)*
        }
    };
}

pub(super) use {declared, sums_of, with_sums};

impl Declared {
    /// Computes every checksum that is declared, or will be in the trailer.
    pub(super) fn hasher(&self, headers: &HeaderMap) -> ChecksumHasher {
        let trailer = headers.get("x-amz-trailer").and_then(|names| names.to_str().ok()).unwrap_or_default();
        let wanted = |value: &Option<String>, name: &str| {
            value.is_some() || trailer.split(',').any(|trailer| trailer.trim().eq_ignore_ascii_case(name))
        };
        let mut hasher = hasher(self.algorithm.as_ref());
        if wanted(&self.checksum.checksum_crc32, "x-amz-checksum-crc32") {
            hasher.crc32.get_or_insert_default();
        }
        if wanted(&self.checksum.checksum_crc32c, "x-amz-checksum-crc32c") {
            hasher.crc32c.get_or_insert_default();
        }
        if wanted(&self.checksum.checksum_crc64nvme, "x-amz-checksum-crc64nvme") {
            hasher.crc64nvme.get_or_insert_default();
        }
        if wanted(&self.checksum.checksum_sha1, "x-amz-checksum-sha1") {
            hasher.sha1.get_or_insert_default();
        }
        if wanted(&self.checksum.checksum_sha256, "x-amz-checksum-sha256") {
            hasher.sha256.get_or_insert_default();
        }
        hasher
    }

    /// Returns an error if the body does not have the declared digests.
    pub(super) fn check(mut self, received: &Received) -> S3Result<()> {
        if let Some(declared) = self.content_md5.take() {
            let digest =
                base64_simd::STANDARD.decode_to_vec(declared).ok().filter(|digest| digest.len() == 16);
            let digest = digest
                .ok_or_else(|| s3_error!(InvalidDigest, "Content-MD5 is not an MD5 digest in base64"))?;
            if digest != received.md5 {
                return Err(s3_error!(BadDigest, "the body's MD5 does not match Content-MD5"));
            }
        }
        if let Some(trailers) = self.trailers.take().and_then(|trailers| trailers.take()) {
            self.read_trailers(&trailers);
        }
        check_checksum(&self.checksum, &received.checksum)
    }

    fn read_trailers(&mut self, trailers: &HeaderMap) {
        let sums = &mut self.checksum;
        for (declared, name) in [
            (&mut sums.checksum_crc32, "x-amz-checksum-crc32"),
            (&mut sums.checksum_crc32c, "x-amz-checksum-crc32c"),
            (&mut sums.checksum_crc64nvme, "x-amz-checksum-crc64nvme"),
            (&mut sums.checksum_sha1, "x-amz-checksum-sha1"),
            (&mut sums.checksum_sha256, "x-amz-checksum-sha256"),
        ] {
            if let Some(value) = trailers.get(name).and_then(|value| value.to_str().ok()) {
                *declared = Some(value.to_owned());
            }
        }
    }
}

/// Returns an error if a declared checksum differs from the computed one.
pub(super) fn check_checksum(declared: &Checksum, computed: &Checksum) -> S3Result<()> {
    let pairs = [
        ("CRC32", &declared.checksum_crc32, &computed.checksum_crc32),
        ("CRC32C", &declared.checksum_crc32c, &computed.checksum_crc32c),
        ("CRC64NVME", &declared.checksum_crc64nvme, &computed.checksum_crc64nvme),
        ("SHA1", &declared.checksum_sha1, &computed.checksum_sha1),
        ("SHA256", &declared.checksum_sha256, &computed.checksum_sha256),
    ];
    match pairs.iter().find(|(_, declared, computed)| declared.is_some() && declared != computed) {
        Some((name, ..)) => {
            Err(s3_error!(BadDigest, "The {name} you specified did not match the calculated checksum."))
        }
        None => Ok(()),
    }
}

/// A hasher for one checksum, or for none.
pub(super) fn hasher(algorithm: Option<&ChecksumAlgorithm>) -> ChecksumHasher {
    let mut hasher = ChecksumHasher::default();
    match algorithm.map(ChecksumAlgorithm::as_str) {
        Some(ChecksumAlgorithm::CRC32) => hasher.crc32 = Some(Crc32::new()),
        Some(ChecksumAlgorithm::CRC32C) => hasher.crc32c = Some(Crc32c::new()),
        Some(ChecksumAlgorithm::CRC64NVME) => hasher.crc64nvme = Some(Crc64Nvme::new()),
        Some(ChecksumAlgorithm::SHA1) => hasher.sha1 = Some(Sha1::new()),
        Some(ChecksumAlgorithm::SHA256) => hasher.sha256 = Some(Sha256::new()),
        _ => {}
    }
    hasher
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
