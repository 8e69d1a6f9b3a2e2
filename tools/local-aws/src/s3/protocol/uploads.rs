//! Multipart uploads.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;

use futures::{StreamExt, TryStreamExt, stream};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput,
    ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput, MultipartUpload,
    Part as PartOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::super::body::{Received, check_checksum, declared, hasher, pieces, receive, sums_of, with_sums};
use super::super::bucket::Bucket;
use super::super::conditions::WriteConditions;
use super::super::headers::{headers_of, refuse, refuse_unsupported};
use super::super::listing::{Encoding, Last, Query, limit};
use super::super::multipart::{Part, Upload, check_part_number, checksum_type, etag};
use super::super::object::NewObject;
use super::super::{Folder, key, lock, tags, time};
use super::lists::common_prefixes;
use super::{length, owner, strong};

impl Bucket {
    pub(super) fn upload(&mut self, key: &str, id: &str) -> S3Result<&mut Upload> {
        self.uploads.get_mut(&(key.to_owned(), id.to_owned())).ok_or_else(no_such_upload)
    }
}

impl Folder {
    pub(super) fn begin(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let mut input = request.input;
        refuse_unsupported!(input)?;
        key::check(&input.key)?;
        let checksum_type = checksum_type(input.checksum_algorithm.as_ref(), input.checksum_type.take())?;
        let upload = Upload {
            initiated: time::now(),
            headers: headers_of!(input)?.into(),
            tags: tags::read(input.tagging.as_deref())?,
            algorithm: input.checksum_algorithm.clone(),
            checksum_type: checksum_type.clone(),
            parts: BTreeMap::new(),
        };
        let id = uuid::Uuid::new_v4().simple().to_string();
        lock(&*self.bucket(&input.bucket)?).uploads.insert((input.key.clone(), id.clone()), upload);
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type,
            ..CreateMultipartUploadOutput::default()
        }))
    }

    pub(super) async fn put_part(
        &self,
        mut request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let mut declared = declared!(request);
        let S3Request { input, headers, .. } = request;
        refuse(&[("a customer's encryption key (SSE-C)", input.sse_customer_key.is_some())])?;
        check_part_number(input.part_number)?;
        let bucket = self.bucket(&input.bucket)?;
        let algorithm = lock(&bucket).upload(&input.key, &input.upload_id)?.algorithm.clone();
        declared.algorithm = declared.algorithm.or(algorithm);
        let hasher = declared.hasher(&headers);
        let received = self.received(input.body, hasher).await?;
        declared.check(&received)?;
        let part = Part::new(received);
        let output = UploadPartOutput { e_tag: Some(strong(part.etag())), ..UploadPartOutput::default() };
        let output = with_sums!(UploadPartOutput { ..output }, part.checksum);
        lock(&bucket).upload(&input.key, &input.upload_id)?.parts.insert(input.part_number, part);
        Ok(S3Response::new(output))
    }

    pub(super) async fn complete(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        let conditions = WriteConditions::of(input.if_match, input.if_none_match)?;
        let bucket = self.bucket(&input.bucket)?;
        let asked = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let (parts, algorithm) = {
            let mut bucket = lock(&bucket);
            let upload = bucket.upload(&input.key, &input.upload_id)?;
            (upload.chosen(&asked)?, upload.algorithm.clone())
        };
        let received = self.joined(&parts, algorithm.as_ref()).await?;
        if input.mpu_object_size.is_some_and(|size| size != length(received.size)) {
            return Err(s3_error!(
                InvalidRequest,
                "the total size of the parts does not match x-amz-mp-object-size"
            ));
        }
        // Of concurrent requests, the one that removes the upload completes it.
        let name = (input.key.clone(), input.upload_id.clone());
        let upload = lock(&bucket).uploads.remove(&name).ok_or_else(no_such_upload)?;
        let checksum = upload.checksum(&parts, received.checksum.clone());
        let new = NewObject {
            etag: etag(&parts),
            checksum: checksum.clone(),
            parts: parts.iter().map(|part| part.size).collect::<Vec<_>>().into(),
            ..received.into_object(upload.headers.clone(), upload.tags.clone())
        };
        let written = match check_checksum(&sums_of!(input), &checksum) {
            Ok(()) => self.write(&bucket, &input.key, &conditions, new).await,
            Err(error) => Err(error),
        };
        let (_, version_id) = written.inspect_err(|_| {
            // The client can try again.
            lock(&bucket).uploads.insert(name, upload);
        })?;
        let output = CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", input.bucket, Encoding::url().of_key(&input.key))),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(strong(etag(&parts))),
            version_id,
            checksum_type: checksum.checksum_type.clone(),
            ..CompleteMultipartUploadOutput::default()
        };
        Ok(S3Response::new(with_sums!(CompleteMultipartUploadOutput { ..output }, checksum)))
    }

    /// The bodies of the parts, concatenated.
    async fn joined(&self, parts: &[Part], algorithm: Option<&ChecksumAlgorithm>) -> S3Result<Received> {
        let bodies = stream::iter(parts.to_vec()).then(|part| async move {
            let file = File::open(&part.file.path)?;
            io::Result::Ok(pieces(file, 0..part.size))
        });
        receive(Box::pin(bodies.try_flatten()), &self.store.hidden, hasher(algorithm)).await
    }

    pub(super) fn abort(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let AbortMultipartUploadInput { bucket, key, upload_id, .. } = request.input;
        let removed = lock(&*self.bucket(&bucket)?).uploads.remove(&(key, upload_id));
        match removed {
            Some(_) => Ok(S3Response::new(AbortMultipartUploadOutput::default())),
            None => Err(no_such_upload()),
        }
    }

    pub(super) fn parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        let ListPartsInput { bucket, key, upload_id, max_parts, part_number_marker, .. } = request.input;
        let max_parts = limit(max_parts, "max-parts")?;
        let shared = self.bucket(&bucket)?;
        let mut locked = lock(&shared);
        let upload = locked.upload(&key, &upload_id)?;
        let marker = part_number_marker.unwrap_or_default();
        let after: Vec<_> = upload.parts.iter().filter(|(number, _)| **number > marker).collect();
        let shown = &after[..after.len().min(usize::try_from(max_parts).unwrap_or_default())];
        let parts = shown.iter().map(|(number, part)| {
            with_sums!(
                PartOutput {
                    part_number: Some(**number),
                    e_tag: Some(strong(part.etag())),
                    size: Some(length(part.size)),
                    last_modified: Some(part.modified.clone()),
                },
                part.checksum
            )
        });
        Ok(S3Response::new(ListPartsOutput {
            is_truncated: Some(max_parts > 0 && shown.len() < after.len()),
            next_part_number_marker: shown.last().map(|(number, _)| **number),
            parts: Some(parts.collect()),
            bucket: Some(bucket),
            key: Some(key),
            upload_id: Some(upload_id),
            max_parts: Some(max_parts),
            part_number_marker: Some(marker),
            owner: Some(owner()),
            checksum_algorithm: upload.algorithm.clone(),
            checksum_type: upload.checksum_type.clone(),
            storage_class: Some(upload.headers.storage_class()),
            ..ListPartsOutput::default()
        }))
    }

    pub(super) fn uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = request.input;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let max_uploads = limit(input.max_uploads, "max-uploads")?;
        let query =
            Query::new(input.prefix.clone(), input.delimiter.clone(), input.key_marker.clone(), max_uploads);
        let shared = self.bucket(&input.bucket)?;
        let locked = lock(&shared);
        let is_after = |(key, id): &(String, String)| match (&query.marker, &input.upload_id_marker) {
            (None, _) => true,
            (Some(marker), None) => key > marker,
            (Some(marker), Some(id_marker)) => (key, id) > (marker, id_marker),
        };
        let after = locked.uploads.iter().filter(|(name, _)| is_after(name));
        let page = query.page(after.map(|((key, id), upload)| (key.as_str(), (key, id, upload))));
        let uploads = page.entries.iter().map(|(key, id, upload)| MultipartUpload {
            key: Some(encoding.of_key(key)),
            upload_id: Some((*id).clone()),
            initiated: Some(upload.initiated.clone()),
            owner: Some(owner()),
            storage_class: Some(upload.headers.storage_class()),
            checksum_algorithm: upload.algorithm.clone(),
            checksum_type: upload.checksum_type.clone(),
            ..MultipartUpload::default()
        });
        let last_id = page.entries.last().map(|(_, id, _)| (*id).clone());
        Ok(S3Response::new(ListMultipartUploadsOutput {
            uploads: Some(uploads.collect()),
            common_prefixes: common_prefixes(&page.common_prefixes, &encoding),
            is_truncated: Some(page.next.is_some()),
            next_key_marker: page.next.as_ref().map(|last| encoding.of_key(last.name())),
            next_upload_id_marker: last_id.filter(|_| matches!(page.next, Some(Last::Entry(_)))),
            bucket: Some(input.bucket),
            prefix: Some(encoding.of_key(&query.prefix)),
            delimiter: input.delimiter.map(|it| encoding.of_key(&it)),
            key_marker: Some(encoding.of_key(&input.key_marker.unwrap_or_default())),
            upload_id_marker: Some(input.upload_id_marker.unwrap_or_default()),
            max_uploads: Some(max_uploads),
            encoding_type: input.encoding_type,
            request_charged: None,
        }))
    }
}

fn no_such_upload() -> S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. It was completed or aborted, or never started."
    )
}
