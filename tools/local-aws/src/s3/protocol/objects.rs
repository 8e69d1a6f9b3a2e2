//! Objects: put, get, head, delete.

use std::fs::File;
use std::io;
use std::ops::Range;

use futures::stream;
use s3s::checksum::ChecksumHasher;
use s3s::dto::{
    self, ChecksumMode, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput,
    DeletedObject, ETag, ETagCondition, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
    ObjectIdentifier, PutObjectInput, PutObjectOutput, StreamingBlob,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::super::body::{Received, declared, md5_of, pieces, receive, with_sums};
use super::super::bucket::{Deleted, Object, Version};
use super::super::conditions::{Existing, ReadConditions, WriteConditions, failed, matches, with_headers};
use super::super::headers::{headers_of, refuse, refuse_unsupported};
use super::super::object::NewObject;
use super::super::{Folder, SharedBucket, broken, key, lock, no_such_bucket, tags};
use super::{length, strong};

/// Maximum number of keys per `DeleteObjects`.
const MAX_DELETED: usize = 1000;

/// An object that is being read.
pub(super) struct Reading {
    pub(super) version: Version,
    pub(super) object: Object,
    pub(super) etag: String,
    /// The version ID in the response; `None` if the bucket never had versioning.
    pub(super) version_id: Option<String>,
    pub(super) file: File,
}

impl Folder {
    /// Opens an object, and computes its `ETag` if it is not known.
    pub(super) async fn read(&self, bucket: &SharedBucket, key: &str, id: Option<&str>) -> S3Result<Reading> {
        let (version, object, file, version_id) = {
            let mut bucket = lock(bucket);
            let (version, object, file) = bucket.open(key, id)?;
            let version_id = bucket.shown(&version.id);
            (version, object, file, version_id)
        };
        let (file, etag) = if let Some(etag) = object.etag.clone() {
            (file, etag)
        } else {
            let (file, etag) = md5_of(file).await?;
            lock(bucket).set_etag(key, &object, &etag);
            (file, etag)
        };
        Ok(Reading { version, object, etag, version_id, file })
    }

    /// Writes an object if the conditions hold.
    pub(in super::super) async fn write(
        &self,
        bucket: &SharedBucket,
        key: &str,
        conditions: &WriteConditions,
        new: NewObject,
    ) -> S3Result<(Version, Option<String>)> {
        key::check(key)?;
        if !conditions.is_empty() {
            // Computes the ETag of a file that another program wrote, for the check below.
            let _ = self.read(bucket, key, None).await;
        }
        let mut bucket = lock(bucket);
        if bucket.is_deleted {
            return Err(no_such_bucket());
        }
        if bucket.policy.as_ref().is_some_and(|policy| policy.denies_writing(key)) {
            return Err(s3_error!(AccessDenied, "Access Denied: the bucket policy denies s3:PutObject"));
        }
        if !conditions.is_empty() {
            conditions.check(&bucket.existing(key))?;
        }
        let version = bucket.write(key, new).map_err(broken)?;
        let shown = bucket.shown(&version.id);
        Ok((version, shown))
    }

    /// Checks the conditions of a write before its body is read.
    async fn check_write(
        &self,
        bucket: &SharedBucket,
        key: &str,
        conditions: &WriteConditions,
    ) -> S3Result<()> {
        key::check(key)?;
        if conditions.is_empty() {
            return Ok(());
        }
        match self.read(bucket, key, None).await {
            Ok(there) => conditions.check(&Existing::Object(there.etag)),
            Err(error) if *error.code() == s3s::S3ErrorCode::NoSuchKey => {
                conditions.check(&Existing::Nothing)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn put_one(
        &self,
        mut request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let declared = declared!(request);
        let S3Request { mut input, headers: request_headers, .. } = request;
        refuse_unsupported!(input)?;
        refuse(&[("appending to an object (x-amz-write-offset-bytes)", input.write_offset_bytes.is_some())])?;
        let conditions = WriteConditions::of(input.if_match.take(), input.if_none_match.take())?;
        let (headers, tags) = (headers_of!(input)?, tags::read(input.tagging.as_deref())?);
        let bucket = self.bucket(&input.bucket)?;
        self.check_write(&bucket, &input.key, &conditions).await?;
        let hasher = declared.hasher(&request_headers);
        let received = self.received(input.body, hasher).await?;
        declared.check(&received)?;
        let new = received.into_object(headers.into(), tags);
        let (etag, checksum) = (new.etag.clone(), new.checksum.clone());
        let (_, version_id) = self.write(&bucket, &input.key, &conditions, new).await?;
        let output = PutObjectOutput {
            e_tag: Some(strong(etag)),
            version_id,
            checksum_type: checksum.checksum_type.clone(),
            ..PutObjectOutput::default()
        };
        Ok(S3Response::new(with_sums!(PutObjectOutput { ..output }, checksum)))
    }

    /// Receives an optional body.
    pub(super) async fn received(
        &self,
        body: Option<StreamingBlob>,
        hasher: ChecksumHasher,
    ) -> S3Result<Received> {
        match body {
            Some(body) => receive(body, &self.store.hidden, hasher).await,
            None => receive(stream::empty::<io::Result<_>>(), &self.store.hidden, hasher).await,
        }
    }

    pub(super) async fn get_one(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let chosen = chosen!(self, input)?;
        let mut output = described!(GetObjectOutput, chosen);
        output.tag_count = Some(chosen.reading.object.tags.len())
            .filter(|tags| *tags > 0)
            .and_then(|tags| tags.try_into().ok());
        output.body = Some(StreamingBlob::wrap(pieces(chosen.reading.file, chosen.range)));
        Ok(S3Response::new(output))
    }

    pub(super) async fn head_one(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        let chosen = chosen!(self, input)?;
        Ok(S3Response::new(described!(HeadObjectOutput, chosen)))
    }

    pub(super) async fn delete_one(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        refuse(&[
            ("a condition on the size", input.if_match_size.is_some()),
            ("a condition on the time", input.if_match_last_modified_time.is_some()),
        ])?;
        let bucket = self.bucket(&input.bucket)?;
        let Deleted { delete_marker, version_id } =
            self.delete(&bucket, &input.key, input.version_id.as_deref(), input.if_match).await?;
        Ok(S3Response::new(DeleteObjectOutput {
            delete_marker: delete_marker.then_some(true),
            version_id,
            request_charged: None,
        }))
    }

    async fn delete(
        &self,
        bucket: &SharedBucket,
        key: &str,
        id: Option<&str>,
        if_match: Option<ETagCondition>,
    ) -> S3Result<Deleted> {
        key::check(key)?;
        if let Some(condition) = if_match {
            // Computes its ETag if needed, for the check below.
            let _ = self.read(bucket, key, None).await;
            let mut bucket = lock(bucket);
            return match bucket.existing(key) {
                Existing::Nothing => bucket.delete(key, id),
                Existing::Object(etag) if matches(&condition, &etag) => bucket.delete(key, id),
                Existing::Unknown | Existing::Object(_) => Err(failed()),
            };
        }
        lock(bucket).delete(key, id)
    }

    pub(super) async fn delete_many(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let DeleteObjectsInput { bucket, delete, .. } = request.input;
        let bucket = self.bucket(&bucket)?;
        if delete.objects.is_empty() || delete.objects.len() > MAX_DELETED {
            return Err(s3_error!(MalformedXML, "the request must have 1 to {MAX_DELETED} keys"));
        }
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for ObjectIdentifier { key, version_id, e_tag, .. } in delete.objects {
            let done =
                self.delete(&bucket, &key, version_id.as_deref(), e_tag.map(ETagCondition::ETag)).await;
            match done {
                Ok(Deleted { delete_marker, version_id: of }) => deleted.push(DeletedObject {
                    key: Some(key),
                    delete_marker: delete_marker.then_some(true),
                    delete_marker_version_id: of.filter(|_| delete_marker),
                    version_id,
                }),
                Err(error) => errors.push(dto::Error {
                    code: Some(error.code().as_str().to_owned()),
                    message: Some(error.message().unwrap_or(error.code().as_str()).to_owned()),
                    key: Some(key),
                    version_id,
                }),
            }
        }
        if delete.quiet == Some(true) {
            deleted.clear();
        }
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: Some(deleted),
            errors: Some(errors),
            request_charged: None,
        }))
    }
}

/// The object and range that a `GetObject` or `HeadObject` selects.
struct Chosen {
    reading: Reading,
    range: Range<u64>,
    content_range: Option<String>,
    parts_count: Option<i32>,
    checksum: dto::Checksum,
}

impl Chosen {
    fn new(
        reading: Reading,
        range: Option<dto::Range>,
        part: Option<i32>,
        with_checksum: bool,
    ) -> S3Result<Self> {
        let object = &reading.object;
        let all = 0..object.size;
        let range = match (range, part) {
            (None, None) => None,
            (Some(_), Some(_)) => {
                return Err(s3_error!(
                    InvalidRequest,
                    "Cannot specify both Range header and partNumber query parameter"
                ));
            }
            (Some(range), None) => {
                let satisfied = range.check(object.size).ok().filter(|range| !range.is_empty());
                Some(satisfied.ok_or_else(|| unsatisfiable(object.size))?)
            }
            (None, Some(part)) => Some(range_of_part(object, part)?).filter(|range| !range.is_empty()),
        };
        let content_range =
            range.as_ref().map(|it| format!("bytes {}-{}/{}", it.start, it.end - 1, object.size));
        let parts_count = part
            .filter(|_| !object.parts.is_empty())
            .map(|_| i32::try_from(object.parts.len()).unwrap_or(i32::MAX));
        // The checksum of the whole object does not apply to a range.
        let checksum =
            if with_checksum && range.is_none() { object.checksum.clone() } else { dto::Checksum::default() };
        Ok(Self { range: range.unwrap_or(all), content_range, parts_count, checksum, reading })
    }
}

fn range_of_part(object: &Object, part: i32) -> S3Result<Range<u64>> {
    let place = usize::try_from(part).ok().and_then(|part| part.checked_sub(1));
    let place = place.ok_or_else(|| {
        s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive")
    })?;
    match object.parts.get(place) {
        Some(size) => {
            let start = object.parts[..place].iter().sum();
            Ok(start..start + size)
        }
        None if object.parts.is_empty() && place == 0 => Ok(0..object.size),
        None => Err(unsatisfiable(object.size)),
    }
}

fn unsatisfiable(size: u64) -> s3s::S3Error {
    let headers = [(axum::http::header::CONTENT_RANGE, format!("bytes */{size}"))];
    with_headers(s3_error!(InvalidRange, "The requested range is not satisfiable"), headers)
}

/// Opens the object that the input of a `GetObject` or `HeadObject` selects.
macro_rules! chosen {
    ($folder:expr, $input:expr) => {
        async {
            refuse(&[("a customer's encryption key (SSE-C)", $input.sse_customer_key.is_some())])?;
            let bucket = $folder.bucket(&$input.bucket)?;
            let reading = $folder.read(&bucket, &$input.key, $input.version_id.as_deref()).await?;
            let conditions = ReadConditions {
                if_match: $input.if_match,
                if_none_match: $input.if_none_match,
                if_modified_since: $input.if_modified_since,
                if_unmodified_since: $input.if_unmodified_since,
            };
            conditions.check(&reading.etag, &reading.version.modified)?;
            let with_checksum =
                $input.checksum_mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED);
            Chosen::new(reading, $input.range, $input.part_number, with_checksum)
        }
        .await
    };
}

/// Builds the output of a `GetObject` or `HeadObject`, without a body.
macro_rules! described {
    ($output:ident, $chosen:expr) => {{
        let (reading, checksum) = (&$chosen.reading, &$chosen.checksum);
        let headers = &reading.object.headers;
        with_sums!(
            $output {
                accept_ranges: Some("bytes".to_owned()),
                cache_control: headers.cache_control.clone(),
                content_disposition: headers.content_disposition.clone(),
                content_encoding: headers.content_encoding.clone(),
                content_language: headers.content_language.clone(),
                content_length: Some(length($chosen.range.end - $chosen.range.start)),
                content_range: $chosen.content_range.clone(),
                content_type: Some(headers.content_type()),
                checksum_type: checksum.checksum_type.clone(),
                e_tag: Some(ETag::Strong(reading.etag.clone())),
                expires: headers.expires.clone(),
                last_modified: Some(reading.version.modified.clone()),
                metadata: headers.metadata.clone(),
                parts_count: $chosen.parts_count,
                storage_class: headers.non_default_storage_class(),
                version_id: reading.version_id.clone(),
                website_redirect_location: headers.website_redirect_location.clone(),
                ..$output::default()
            },
            checksum
        )
    }};
}

use {chosen, described};
