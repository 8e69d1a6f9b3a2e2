//! Multipart uploads, without I/O: selects the parts of an object, and computes its `ETag` and checksum.
//!
//! Source: [`CompleteMultipartUpload`](https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html);
//! [Amazon S3 multipart upload limits](https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html) and
//! [Checking object integrity for data uploads](https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html)
//! (S3 User Guide), composite and full-object checksums.

use std::collections::BTreeMap;
use std::sync::Arc;

use md5::{Digest, Md5};
use s3s::dto::{Checksum, ChecksumAlgorithm, ChecksumType, CompletedPart, Tag, Timestamp};
use s3s::{S3Result, s3_error};

use super::body::{Received, check_checksum, hasher, hex, sums_of};
use super::disk::Hidden;
use super::headers::Headers;
use super::time;

/// Minimum size of every part except the last.
pub(super) const SMALLEST_PART: u64 = 5 * 1024 * 1024;
const MAX_PARTS: i32 = 10_000;

/// An upload in progress.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) initiated: Timestamp,
    pub(super) headers: Arc<Headers>,
    pub(super) tags: Vec<Tag>,
    pub(super) algorithm: Option<ChecksumAlgorithm>,
    pub(super) checksum_type: Option<ChecksumType>,
    pub(super) parts: BTreeMap<i32, Part>,
}

/// An uploaded part.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) file: Arc<Hidden>,
    pub(super) size: u64,
    pub(super) modified: Timestamp,
    pub(super) checksum: Checksum,
    md5: [u8; 16],
}

impl Part {
    pub(super) fn new(received: Received) -> Self {
        let Received { file, size, md5, checksum } = received;
        Self { file, size, modified: time::now(), checksum, md5 }
    }

    pub(super) fn etag(&self) -> String {
        hex(&self.md5)
    }
}

/// The checksum type of an upload, if it has a checksum.
#[expect(clippy::needless_pass_by_value, reason = "consumes a field of a request")]
pub(super) fn checksum_type(
    algorithm: Option<&ChecksumAlgorithm>,
    asked: Option<ChecksumType>,
) -> S3Result<Option<ChecksumType>> {
    let Some(algorithm) = algorithm else { return Ok(None) };
    let (is_crc64, is_sha) =
        (algorithm.as_str() == ChecksumAlgorithm::CRC64NVME, algorithm.as_str().starts_with("SHA"));
    let default = if is_crc64 { ChecksumType::FULL_OBJECT } else { ChecksumType::COMPOSITE };
    match asked.as_ref().map_or(default, ChecksumType::as_str) {
        ChecksumType::FULL_OBJECT if !is_sha => {
            Ok(Some(ChecksumType::from_static(ChecksumType::FULL_OBJECT)))
        }
        ChecksumType::COMPOSITE if !is_crc64 => Ok(Some(ChecksumType::from_static(ChecksumType::COMPOSITE))),
        other => Err(s3_error!(
            InvalidRequest,
            "The {other} checksum type cannot be used with the {} checksum algorithm.",
            algorithm.as_str().to_lowercase()
        )),
    }
}

pub(super) fn check_part_number(number: i32) -> S3Result<()> {
    if (1..=MAX_PARTS).contains(&number) {
        Ok(())
    } else {
        Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and {MAX_PARTS}, inclusive"))
    }
}

impl Upload {
    /// The parts that a client selects, if they exist and can make an object.
    pub(super) fn chosen(&self, asked: &[CompletedPart]) -> S3Result<Vec<Part>> {
        if asked.is_empty() {
            return Err(s3_error!(MalformedXML, "You must specify at least one part"));
        }
        if !asked.is_sorted_by(|one, next| one.part_number < next.part_number) {
            return Err(s3_error!(InvalidPartOrder, "The list of parts was not in ascending order."));
        }
        let mut chosen = Vec::with_capacity(asked.len());
        for part in asked {
            let number = part.part_number.unwrap_or_default();
            let found = self
                .parts
                .get(&number)
                .filter(|found| part.e_tag.as_ref().is_some_and(|etag| etag.value() == found.etag()));
            let Some(found) = found else {
                return Err(s3_error!(InvalidPart, "part {number} was not uploaded, or its ETag differs"));
            };
            check_checksum(&sums_of!(part), &found.checksum)
                .map_err(|_| s3_error!(InvalidPart, "the checksum of part {number} differs"))?;
            chosen.push(found.clone());
        }
        let but_the_last = &chosen[..chosen.len() - 1];
        if but_the_last.iter().any(|part| part.size < SMALLEST_PART) {
            return Err(s3_error!(
                EntityTooSmall,
                "Your proposed upload is smaller than the minimum allowed size"
            ));
        }
        Ok(chosen)
    }

    /// The checksum of the object, given the checksum of all its bytes.
    pub(super) fn checksum(&self, parts: &[Part], of_all: Checksum) -> Checksum {
        let mut checksum = of_all;
        if self.checksum_type.as_ref().is_some_and(|it| it.as_str() == ChecksumType::COMPOSITE) {
            checksum = composite(self.algorithm.as_ref(), parts);
        }
        checksum.checksum_type.clone_from(&self.checksum_type);
        checksum
    }
}

/// The MD5 of the parts' MD5s, and the number of parts.
pub(super) fn etag(parts: &[Part]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(part.md5);
    }
    format!("{}-{}", hex(&md5.finalize()), parts.len())
}

/// The checksum of the parts' checksums, and the number of parts.
fn composite(algorithm: Option<&ChecksumAlgorithm>, parts: &[Part]) -> Checksum {
    let mut hasher = hasher(algorithm);
    for part in parts {
        let sum = algorithm.and_then(|algorithm| sum_of(&mut part.checksum.clone(), algorithm).take());
        // Computed by `receive`, so it is valid base64.
        hasher.update(&sum.and_then(|sum| base64_simd::STANDARD.decode_to_vec(sum).ok()).unwrap_or_default());
    }
    let mut checksum = hasher.finalize();
    if let Some(sum) = algorithm.and_then(|algorithm| sum_of(&mut checksum, algorithm).as_mut()) {
        *sum = format!("{sum}-{}", parts.len());
    }
    checksum
}

/// The checksum of this algorithm.
fn sum_of<'a>(checksum: &'a mut Checksum, algorithm: &ChecksumAlgorithm) -> &'a mut Option<String> {
    match algorithm.as_str() {
        ChecksumAlgorithm::CRC32 => &mut checksum.checksum_crc32,
        ChecksumAlgorithm::CRC32C => &mut checksum.checksum_crc32c,
        ChecksumAlgorithm::SHA1 => &mut checksum.checksum_sha1,
        ChecksumAlgorithm::SHA256 => &mut checksum.checksum_sha256,
        _ => &mut checksum.checksum_crc64nvme,
    }
}
