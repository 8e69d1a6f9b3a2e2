//! Buckets, their versioning, and their policies.

use s3s::dto::{
    Bucket as BucketOutput, BucketLocationConstraint, BucketVersioningStatus, CreateBucketInput,
    CreateBucketOutput, DeleteBucketInput, DeleteBucketOutput, DeleteBucketPolicyInput,
    DeleteBucketPolicyOutput, GetBucketLocationInput, GetBucketLocationOutput, GetBucketPolicyInput,
    GetBucketPolicyOutput, GetBucketVersioningInput, GetBucketVersioningOutput, HeadBucketInput,
    HeadBucketOutput, ListBucketsInput, ListBucketsOutput, PutBucketPolicyInput, PutBucketPolicyOutput,
    PutBucketVersioningInput, PutBucketVersioningOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::super::bucket::Versioning;
use super::super::headers::refuse;
use super::super::policy::Policy;
use super::super::{Folder, SharedBucket, broken, key, lock, no_such_bucket};
use super::owner;
use served_stack::REGION;

impl Folder {
    pub(super) fn new_one(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let CreateBucketInput { bucket, create_bucket_configuration, object_lock_enabled_for_bucket, .. } =
            request.input;
        refuse(&[("object lock", object_lock_enabled_for_bucket == Some(true))])?;
        if !key::is_bucket_name(&bucket) {
            return Err(s3_error!(InvalidBucketName, "S3 does not allow this bucket name"));
        }
        let constraint = create_bucket_configuration.and_then(|it| it.location_constraint);
        if let Some(other) = constraint.filter(|region| region.as_str() != REGION) {
            let other = other.as_str();
            return Err(s3_error!(
                IllegalLocationConstraintException,
                "the local S3 is in {REGION}, not in {other}"
            ));
        }
        let path = self.store.root.join(&bucket);
        let mut buckets = lock(&self.store.buckets);
        if buckets.contains_key(&bucket) {
            return Err(s3_error!(BucketAlreadyOwnedByYou, "the bucket already exists"));
        }
        // Something else has the name. If it is a folder, all its files would become objects.
        if path.symlink_metadata().is_ok() {
            return Err(s3_error!(
                BucketAlreadyExists,
                "a file or folder that is not a bucket has this name"
            ));
        }
        std::fs::create_dir(&path).map_err(broken)?;
        buckets.insert(bucket.clone(), self.new_bucket(&bucket));
        Ok(S3Response::new(CreateBucketOutput { location: Some(format!("/{bucket}")) }))
    }

    pub(super) fn remove_one(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        let name = request.input.bucket;
        let mut buckets = lock(&self.store.buckets);
        let shared = buckets.get(&name).cloned().ok_or_else(no_such_bucket)?;
        let mut bucket = lock(&shared);
        // Files that are not objects must not be deleted either.
        if !bucket.is_empty().map_err(broken)? || bucket.remove_folder().is_err() {
            return Err(s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty"));
        }
        bucket.is_deleted = true;
        bucket.uploads.clear();
        buckets.remove(&name);
        Ok(S3Response::new(DeleteBucketOutput::default()))
    }

    #[expect(clippy::needless_pass_by_value, reason = "called with an owned request")]
    pub(super) fn head_of(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: Some(REGION.to_owned()),
            ..HeadBucketOutput::default()
        }))
    }

    pub(super) fn all(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let ListBucketsInput { prefix, continuation_token, max_buckets, .. } = request.input;
        if max_buckets.is_some_and(|max| !(1..=10_000).contains(&max)) {
            return Err(s3_error!(InvalidArgument, "max-buckets must be 1 to 10000"));
        }
        let max = max_buckets.and_then(|max| usize::try_from(max).ok()).unwrap_or(usize::MAX);
        let buckets = lock(&self.store.buckets);
        let matching = buckets.iter().filter(|(name, _)| {
            prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix.as_str()))
                && continuation_token.as_ref().is_none_or(|last| *name > last)
        });
        let mut shown: Vec<_> = matching.take(max.saturating_add(1)).collect();
        let is_truncated = shown.len() > max;
        shown.truncate(max);
        let output = |(name, bucket): &(&String, &SharedBucket)| BucketOutput {
            name: Some((*name).clone()),
            creation_date: Some(lock(bucket).created.clone()),
            bucket_region: Some(REGION.to_owned()),
        };
        Ok(S3Response::new(ListBucketsOutput {
            continuation_token: shown.last().filter(|_| is_truncated).map(|(name, _)| (*name).clone()),
            buckets: Some(shown.iter().map(output).collect()),
            owner: Some(owner()),
            prefix,
        }))
    }

    #[expect(clippy::needless_pass_by_value, reason = "called with an owned request")]
    pub(super) fn location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.bucket(&request.input.bucket)?;
        let location_constraint = Some(BucketLocationConstraint::from_static(REGION));
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
    }

    #[expect(clippy::needless_pass_by_value, reason = "called with an owned request")]
    pub(super) fn versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        let status = match lock(&*self.bucket(&request.input.bucket)?).versioning {
            Versioning::Never => None,
            Versioning::Enabled => Some(BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED)),
            Versioning::Suspended => {
                Some(BucketVersioningStatus::from_static(BucketVersioningStatus::SUSPENDED))
            }
        };
        Ok(S3Response::new(GetBucketVersioningOutput { status, ..GetBucketVersioningOutput::default() }))
    }

    pub(super) fn set_versioning(
        &self,
        request: S3Request<PutBucketVersioningInput>,
    ) -> S3Result<S3Response<PutBucketVersioningOutput>> {
        let PutBucketVersioningInput { bucket, versioning_configuration: configuration, .. } = request.input;
        let mfa = configuration.mfa_delete.is_some_and(|it| it.as_str() == "Enabled");
        refuse(&[("MFA delete", mfa)])?;
        let versioning = match configuration.status.as_ref().map(BucketVersioningStatus::as_str) {
            Some(BucketVersioningStatus::ENABLED) => Versioning::Enabled,
            Some(BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
            _ => return Err(s3_error!(MalformedXML, "the status must be Enabled or Suspended")),
        };
        lock(&*self.bucket(&bucket)?).versioning = versioning;
        Ok(S3Response::new(PutBucketVersioningOutput::default()))
    }

    #[expect(clippy::needless_pass_by_value, reason = "called with an owned request")]
    pub(super) fn policy(
        &self,
        request: S3Request<GetBucketPolicyInput>,
    ) -> S3Result<S3Response<GetBucketPolicyOutput>> {
        let bucket = self.bucket(&request.input.bucket)?;
        let text = lock(&bucket).policy.as_ref().map(|policy| policy.text.clone());
        let text = text.ok_or_else(|| s3_error!(NoSuchBucketPolicy, "The bucket policy does not exist"))?;
        Ok(S3Response::new(GetBucketPolicyOutput { policy: Some(text) }))
    }

    pub(super) fn set_policy(
        &self,
        request: S3Request<PutBucketPolicyInput>,
    ) -> S3Result<S3Response<PutBucketPolicyOutput>> {
        let PutBucketPolicyInput { bucket, policy, .. } = request.input;
        let shared = self.bucket(&bucket)?;
        let policy = Policy::read(&bucket, policy)?;
        lock(&shared).policy = Some(policy);
        Ok(S3Response::new(PutBucketPolicyOutput {}))
    }

    #[expect(clippy::needless_pass_by_value, reason = "called with an owned request")]
    pub(super) fn remove_policy(
        &self,
        request: S3Request<DeleteBucketPolicyInput>,
    ) -> S3Result<S3Response<DeleteBucketPolicyOutput>> {
        lock(&*self.bucket(&request.input.bucket)?).policy = None;
        Ok(S3Response::new(DeleteBucketPolicyOutput {}))
    }
}
