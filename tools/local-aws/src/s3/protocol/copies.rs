//! Copies of objects, as objects or as parts.

use s3s::checksum::ChecksumHasher;
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult, CopySource, MetadataDirective,
    Range, TaggingDirective, UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::super::body::{Received, hasher, pieces, receive, with_sums};
use super::super::conditions::{ReadConditions, WriteConditions};
use super::super::headers::{Headers, headers_of, refuse, refuse_unsupported};
use super::super::multipart::{Part, check_part_number};
use super::super::{Folder, lock, tags};
use super::objects::Reading;
use super::strong;

/// The conditions on a copy's source.
macro_rules! source_conditions {
    ($input:expr) => {
        ReadConditions {
            if_match: $input.copy_source_if_match.take(),
            if_none_match: $input.copy_source_if_none_match.take(),
            if_modified_since: $input.copy_source_if_modified_since.take(),
            if_unmodified_since: $input.copy_source_if_unmodified_since.take(),
        }
    };
}

impl Folder {
    async fn source(&self, source: &CopySource, conditions: &ReadConditions) -> S3Result<Reading> {
        let CopySource::Bucket { bucket, key, version_id } = source else {
            return Err(s3_error!(
                NotImplemented,
                "access points are not supported; copy from <bucket>/<key>"
            ));
        };
        let bucket = self.bucket(bucket)?;
        let reading = self.read(&bucket, key, version_id.as_deref()).await?;
        conditions.check_source(&reading.etag, &reading.version.modified)?;
        Ok(reading)
    }

    async fn copied(
        &self,
        reading: Reading,
        range: Option<&str>,
        hasher: ChecksumHasher,
    ) -> S3Result<Received> {
        let size = reading.object.size;
        let range = match range {
            None => 0..size,
            Some(range) => match Range::parse(range) {
                Ok(Range::Int { first, last: Some(last) }) if last < size => first..last + 1,
                Ok(Range::Int { last: Some(_), .. }) => {
                    return Err(s3_error!(
                        InvalidArgument,
                        "Range specified is not valid for source object of size: {size}"
                    ));
                }
                _ => {
                    return Err(s3_error!(
                        InvalidArgument,
                        "x-amz-copy-source-range must have the form bytes=first-last"
                    ));
                }
            },
        };
        receive(Box::pin(pieces(reading.file, range)), &self.store.hidden, hasher).await
    }

    pub(super) async fn copy_one(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let mut input = request.input;
        refuse_unsupported!(input)?;
        refuse(&[("a customer's encryption key (SSE-C)", input.copy_source_sse_customer_key.is_some())])?;
        let bucket = self.bucket(&input.bucket)?;
        let conditions = source_conditions!(input);
        let reading = self.source(&input.copy_source, &conditions).await?;
        let headers = copied_headers(&mut input, &reading)?;
        let retags =
            input.tagging_directive.as_ref().is_some_and(|it| it.as_str() == TaggingDirective::REPLACE);
        let tags = if retags { tags::read(input.tagging.as_deref())? } else { reading.object.tags.clone() };
        let copy_source_version_id = reading.version_id.clone();
        let received = self.copied(reading, None, hasher(input.checksum_algorithm.as_ref())).await?;
        let new = received.into_object(headers.into(), tags);
        let (etag, checksum) = (new.etag.clone(), new.checksum.clone());
        let (version, version_id) = self.write(&bucket, &input.key, &WriteConditions::default(), new).await?;
        let result = with_sums!(
            CopyObjectResult {
                e_tag: Some(strong(etag)),
                last_modified: Some(version.modified),
                checksum_type: checksum.checksum_type.clone(),
            },
            checksum
        );
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            copy_source_version_id,
            version_id,
            ..CopyObjectOutput::default()
        }))
    }

    pub(super) async fn copy_part(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let mut input = request.input;
        refuse(&[("a customer's encryption key (SSE-C)", input.copy_source_sse_customer_key.is_some())])?;
        check_part_number(input.part_number)?;
        let bucket = self.bucket(&input.bucket)?;
        let algorithm = lock(&bucket).upload(&input.key, &input.upload_id)?.algorithm.clone();
        let conditions = source_conditions!(input);
        let reading = self.source(&input.copy_source, &conditions).await?;
        let copy_source_version_id = reading.version_id.clone();
        let received =
            self.copied(reading, input.copy_source_range.as_deref(), hasher(algorithm.as_ref())).await?;
        let part = Part::new(received);
        let result = with_sums!(
            CopyPartResult { e_tag: Some(strong(part.etag())), last_modified: Some(part.modified.clone()) },
            part.checksum
        );
        lock(&bucket).upload(&input.key, &input.upload_id)?.parts.insert(input.part_number, part);
        Ok(S3Response::new(UploadPartCopyOutput {
            copy_part_result: Some(result),
            copy_source_version_id,
            ..UploadPartCopyOutput::default()
        }))
    }
}

/// The headers of the copy: its own, or those of its source.
fn copied_headers(input: &mut CopyObjectInput, source: &Reading) -> S3Result<Headers> {
    let replaces =
        input.metadata_directive.as_ref().is_some_and(|it| it.as_str() == MetadataDirective::REPLACE);
    let asked = headers_of!(input)?;
    let changes = replaces
        || asked.storage_class.is_some()
        || asked.website_redirect_location.is_some()
        || input.server_side_encryption.is_some();
    if !changes && is_itself(input) {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes."
        ));
    }
    if replaces {
        return Ok(asked);
    }
    let mut headers = (*source.object.headers).clone();
    headers.storage_class = asked.storage_class;
    headers.website_redirect_location = asked.website_redirect_location;
    Ok(headers)
}

fn is_itself(input: &CopyObjectInput) -> bool {
    // Copying an old version to its own key is allowed: it makes that version current again.
    matches!(&input.copy_source, CopySource::Bucket { bucket, key, version_id: None } if **bucket == *input.bucket && **key == *input.key)
}
