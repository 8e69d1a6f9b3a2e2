//! Errors that several operations return.

use std::io;

use s3s::{S3Error, S3ErrorCode, s3_error};

/// No object has this key.
pub(super) fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

pub(super) fn no_such_bucket() -> S3Error {
    s3_error!(NoSuchBucket, "The specified bucket does not exist")
}

/// The disk failed.
pub(super) fn broken(error: io::Error) -> S3Error {
    let message = format!(
        "the folder of the buckets cannot be read or written: {error}; check its disk space and its owner"
    );
    let mut answer = S3Error::with_message(S3ErrorCode::InternalError, message);
    answer.set_source(Box::new(error));
    answer
}
