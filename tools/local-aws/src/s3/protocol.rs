//! S3's operations. All others return `NotImplemented`.
//!
//! Source: [S3 API Reference](https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html), the page of each
//! operation.

mod buckets;
mod copies;
mod lists;
mod objects;
mod tagging;
mod uploads;

use s3s::dto::{self, ETag, Owner};
use s3s::{S3, S3Request, S3Response, S3Result};

use super::Folder;
use served_stack::ACCOUNT;

/// Implements every operation by calling its function.
macro_rules! operations {
    (
        waiting { $($waiting:ident: $waiting_input:ident -> $waiting_output:ident by $wait:ident,)* }
        at once { $($method:ident: $input:ident -> $output:ident by $function:ident,)* }
    ) => {
        #[async_trait::async_trait]
        impl S3 for Folder {
            $(
                async fn $waiting(
                    &self,
                    request: S3Request<dto::$waiting_input>,
                ) -> S3Result<S3Response<dto::$waiting_output>> {
                    self.$wait(request).await
                }
            )*
            $(
                async fn $method(&self, request: S3Request<dto::$input>) -> S3Result<S3Response<dto::$output>> {
                    self.$function(request)
                }
            )*
        }
    };
}

operations! {
    waiting {
        put_object: PutObjectInput -> PutObjectOutput by put_one,
        get_object: GetObjectInput -> GetObjectOutput by get_one,
        head_object: HeadObjectInput -> HeadObjectOutput by head_one,
        delete_object: DeleteObjectInput -> DeleteObjectOutput by delete_one,
        delete_objects: DeleteObjectsInput -> DeleteObjectsOutput by delete_many,
        copy_object: CopyObjectInput -> CopyObjectOutput by copy_one,
        list_objects_v2: ListObjectsV2Input -> ListObjectsV2Output by list_v2,
        list_objects: ListObjectsInput -> ListObjectsOutput by list_v1,
        list_object_versions: ListObjectVersionsInput -> ListObjectVersionsOutput by list_versions,
        upload_part: UploadPartInput -> UploadPartOutput by put_part,
        upload_part_copy: UploadPartCopyInput -> UploadPartCopyOutput by copy_part,
        complete_multipart_upload: CompleteMultipartUploadInput -> CompleteMultipartUploadOutput by complete,
    }
    at once {
        create_bucket: CreateBucketInput -> CreateBucketOutput by new_one,
        delete_bucket: DeleteBucketInput -> DeleteBucketOutput by remove_one,
        head_bucket: HeadBucketInput -> HeadBucketOutput by head_of,
        list_buckets: ListBucketsInput -> ListBucketsOutput by all,
        get_bucket_location: GetBucketLocationInput -> GetBucketLocationOutput by location,
        get_bucket_versioning: GetBucketVersioningInput -> GetBucketVersioningOutput by versioning,
        put_bucket_versioning: PutBucketVersioningInput -> PutBucketVersioningOutput by set_versioning,
        get_bucket_policy: GetBucketPolicyInput -> GetBucketPolicyOutput by policy,
        put_bucket_policy: PutBucketPolicyInput -> PutBucketPolicyOutput by set_policy,
        delete_bucket_policy: DeleteBucketPolicyInput -> DeleteBucketPolicyOutput by remove_policy,
        get_object_tagging: GetObjectTaggingInput -> GetObjectTaggingOutput by tags_of,
        put_object_tagging: PutObjectTaggingInput -> PutObjectTaggingOutput by tag,
        delete_object_tagging: DeleteObjectTaggingInput -> DeleteObjectTaggingOutput by untag,
        create_multipart_upload: CreateMultipartUploadInput -> CreateMultipartUploadOutput by begin,
        abort_multipart_upload: AbortMultipartUploadInput -> AbortMultipartUploadOutput by abort,
        list_parts: ListPartsInput -> ListPartsOutput by parts,
        list_multipart_uploads: ListMultipartUploadsInput -> ListMultipartUploadsOutput by uploads,
    }
}

fn owner() -> Owner {
    Owner { id: Some(ACCOUNT.to_owned()), display_name: None }
}

fn strong(etag: String) -> ETag {
    ETag::Strong(etag)
}

/// A size in the type of S3's responses.
fn length(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
