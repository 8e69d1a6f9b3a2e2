//! Tags of objects.

use s3s::dto::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    PutObjectTaggingInput, PutObjectTaggingOutput, TagSet,
};
use s3s::{S3Request, S3Response, S3Result};

use super::super::{Folder, lock, tags};

impl Folder {
    /// Reads or changes an object's tags. Also returns the version ID.
    fn with_tags<T>(
        &self,
        bucket: &str,
        key: &str,
        id: Option<&str>,
        then: impl FnOnce(&mut TagSet) -> T,
    ) -> S3Result<(T, Option<String>)> {
        let shared = self.bucket(bucket)?;
        let mut bucket = lock(&shared);
        let version = bucket.find(key, id)?;
        let id = version.id.clone();
        let mut none = TagSet::new();
        let done = then(version.object.as_mut().map_or(&mut none, |object| &mut object.tags));
        Ok((done, bucket.shown(&id)))
    }

    pub(super) fn tags_of(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> S3Result<S3Response<GetObjectTaggingOutput>> {
        let GetObjectTaggingInput { bucket, key, version_id, .. } = request.input;
        let (tag_set, version_id) =
            self.with_tags(&bucket, &key, version_id.as_deref(), |tags| tags.clone())?;
        Ok(S3Response::new(GetObjectTaggingOutput { tag_set, version_id }))
    }

    pub(super) fn tag(
        &self,
        request: S3Request<PutObjectTaggingInput>,
    ) -> S3Result<S3Response<PutObjectTaggingOutput>> {
        let PutObjectTaggingInput { bucket, key, version_id, tagging, .. } = request.input;
        let new = tags::check(tagging.tag_set)?;
        let ((), version_id) = self.with_tags(&bucket, &key, version_id.as_deref(), |tags| *tags = new)?;
        Ok(S3Response::new(PutObjectTaggingOutput { version_id }))
    }

    pub(super) fn untag(
        &self,
        request: S3Request<DeleteObjectTaggingInput>,
    ) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
        let DeleteObjectTaggingInput { bucket, key, version_id, .. } = request.input;
        let ((), version_id) = self.with_tags(&bucket, &key, version_id.as_deref(), TagSet::clear)?;
        Ok(S3Response::new(DeleteObjectTaggingOutput { version_id }))
    }
}
