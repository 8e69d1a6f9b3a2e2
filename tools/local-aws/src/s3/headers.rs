//! The headers that a client sends with an object and gets back with it. Unsupported ones are refused, not ignored.
//!
//! Encryption at rest with S3's or KMS's keys changes nothing that a client can see, so requesting it is allowed.
//!
//! Source: [`PutObject`](https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html);
//! [Working with object metadata](https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html) (S3 User Guide).

use axum::http::HeaderName;
use s3s::dto::{Metadata, StorageClass, Timestamp};
use s3s::{S3Result, s3_error};

pub(super) const DELETE_MARKER: HeaderName = HeaderName::from_static("x-amz-delete-marker");
pub(super) const VERSION_ID: HeaderName = HeaderName::from_static("x-amz-version-id");

/// Maximum size of the user-defined metadata, names and values together.
const MAX_METADATA_BYTES: usize = 2048;
/// Storage classes whose objects can be read directly, unlike archived ones.
const STORAGE_CLASSES: [&str; 6] =
    ["STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "REDUCED_REDUNDANCY", "GLACIER_IR"];

/// Headers that are kept with an object.
#[derive(Debug, Clone, Default)]
pub(super) struct Headers {
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) expires: Option<Timestamp>,
    pub(super) metadata: Option<Metadata>,
    pub(super) storage_class: Option<StorageClass>,
    pub(super) website_redirect_location: Option<String>,
}

impl Headers {
    /// The content type of the object, or S3's default.
    pub(super) fn content_type(&self) -> String {
        self.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned())
    }

    pub(super) fn storage_class(&self) -> StorageClass {
        self.storage_class.clone().unwrap_or_else(|| StorageClass::from_static(StorageClass::STANDARD))
    }

    /// The storage class if it is not the default, which S3 omits.
    pub(super) fn non_default_storage_class(&self) -> Option<StorageClass> {
        self.storage_class.clone().filter(|class| class.as_str() != StorageClass::STANDARD)
    }

    pub(super) fn check(mut self) -> S3Result<Self> {
        let size = |metadata: &Metadata| {
            metadata.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
        };
        if self.metadata.as_ref().map_or(0, size) > MAX_METADATA_BYTES {
            return Err(s3_error!(
                MetadataTooLarge,
                "the object's metadata exceeds {MAX_METADATA_BYTES} bytes"
            ));
        }
        if let Some(class) = &self.storage_class
            && !STORAGE_CLASSES.contains(&class.as_str())
        {
            return Err(s3_error!(
                InvalidStorageClass,
                "storage class {class:?} is not supported; leave it out"
            ));
        }
        // `aws-chunked` describes the transfer, not the object.
        self.content_encoding = self.content_encoding.and_then(|encodings| {
            let kept: Vec<_> = encodings
                .split(',')
                .map(str::trim)
                .filter(|it| *it != "aws-chunked" && !it.is_empty())
                .collect();
            (!kept.is_empty()).then(|| kept.join(","))
        });
        Ok(self)
    }
}

/// Takes the headers from the input of an operation that creates an object.
macro_rules! headers_of {
    ($input:expr) => {
        $crate::s3::headers::Headers {
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $input.content_encoding.take(),
            content_language: $input.content_language.take(),
            content_type: $input.content_type.take().filter(|it| !it.is_empty()),
            expires: $input.expires.take(),
            metadata: $input.metadata.take(),
            storage_class: $input.storage_class.take(),
            website_redirect_location: $input.website_redirect_location.take(),
        }
        .check()
    };
}

/// Refuses the properties of an object that are not supported.
macro_rules! refuse_unsupported {
    ($input:expr) => {
        $crate::s3::headers::refuse(&[
            (
                "a customer's encryption key (SSE-C)",
                $input.sse_customer_algorithm.is_some() || $input.sse_customer_key.is_some(),
            ),
            (
                "object lock",
                $input.object_lock_mode.is_some()
                    || $input.object_lock_legal_hold_status.is_some()
                    || $input.object_lock_retain_until_date.is_some(),
            ),
            (
                "an access control list",
                $input.grant_full_control.is_some()
                    || $input.grant_read.is_some()
                    || $input.grant_read_acp.is_some()
                    || $input.grant_write_acp.is_some()
                    || $input.acl.as_ref().is_some_and(|acl| {
                        acl.as_str() != "private" && acl.as_str() != "bucket-owner-full-control"
                    }),
            ),
        ])
    };
}

pub(super) use {headers_of, refuse_unsupported};

/// Returns an error that names the first unsupported feature that is requested.
pub(super) fn refuse(features: &[(&str, bool)]) -> S3Result<()> {
    match features.iter().find(|(_, is_requested)| *is_requested) {
        Some((feature, _)) => Err(s3_error!(NotImplemented, "{feature} is not supported; leave it out")),
        None => Ok(()),
    }
}
