//! Classifies error codes by what helps. `Transient` errors are worth a retry, and unknown codes are transient. The
//! functions report every unwritten record for retry, whatever the class of its error; the class decides how the
//! failure is logged and counted.
//!
//! Sources: [Error handling with DynamoDB](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html);
//! [Error responses](https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) of S3; the common errors of
//! [Kinesis](https://docs.aws.amazon.com/kinesis/latest/APIReference/CommonErrors.html),
//! [Firehose](https://docs.aws.amazon.com/firehose/latest/APIReference/CommonErrors.html) and
//! [Lambda](https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html);
//! [Key states of AWS KMS keys](https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html).

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// What helps after a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// A retry, possibly: throttled, timed out, unavailable, or unknown.
    Transient,
    /// More permissions.
    Denied,
    /// Someone who finds out why a resource does not exist.
    Missing,
    /// Other credentials, or signing in.
    Credentials,
    /// Someone who corrects the request: names, Regions, keys, or this code.
    Invalid,
}

impl Class {
    /// Whether a retry is useless until someone has acted.
    #[must_use]
    pub const fn needs_a_person(self) -> bool {
        match self {
            Self::Transient => false,
            Self::Denied | Self::Missing | Self::Credentials | Self::Invalid => true,
        }
    }
}

/// The class of an error code of any service.
#[must_use]
pub fn class_of(code: &str) -> Class {
    // Services pass on the errors of KMS, each with its own spelling: `KMSDisabledException` (Kinesis),
    // `KMS.DisabledException` (S3, SQS), `KMS.KMSInvalidStateException` (S3).
    let of_key = code.strip_prefix("KMS.").unwrap_or(code);
    let of_key = of_key.strip_prefix("KMS").unwrap_or(of_key);
    match of_key {
        _ if of_key.starts_with("AccessDenied") => Class::Denied,
        "AllAccessDisabled" | "Forbidden" | "UnauthorizedOperation" => Class::Denied,
        "EntityNotFoundException"
        | "NoSuchBucket"
        | "NotFound"
        | "NotFoundException"
        | "ResourceNotFound"
        | "ResourceNotFoundException" => Class::Missing,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignatureException"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "InvalidToken"
        | "MissingAuthenticationTokenException"
        | "NotSignedUp"
        | "OptInRequired"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => Class::Credentials,
        "AccountProblem"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException"
        | "InvalidArgument"
        | "InvalidArgumentException"
        | "InvalidBucketName"
        | "InvalidParameterValueException"
        | "InvalidRequest"
        | "InvalidRequestException"
        // No more items with this partition key fit in a table with a local secondary index.
        | "ItemCollectionSizeLimitExceededException"
        | "MethodNotAllowed"
        | "PermanentRedirect"
        | "ValidationError"
        | "ValidationException" => Class::Invalid,
        "DisabledException" | "InvalidKeyUsageException" | "InvalidStateException" if of_key != code => {
            Class::Invalid
        }
        _ => Class::Transient,
    }
}

/// A failed request: what helps, and the service's code or what happened to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classified<'e> {
    /// What helps.
    pub class: Class,
    /// The code, or a short description. It has nothing from the request.
    pub code: &'e str,
    /// Whether the service answered, with this code.
    pub is_answer: bool,
}

/// The class of an SDK error.
pub fn classify<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Classified<'_> {
    let (class, code) = match error {
        SdkError::ServiceError(failure) => match failure.err().code() {
            Some(code) => return Classified { class: class_of(code), code, is_answer: true },
            None => (Class::Transient, "a response without a code"),
        },
        // Credentials or the endpoint are missing, or the request is invalid.
        SdkError::ConstructionFailure(_) => (Class::Invalid, "the request could not be built"),
        SdkError::TimeoutError(_) => (Class::Transient, "no answer in time"),
        SdkError::DispatchFailure(_) => (Class::Transient, "the request could not be sent"),
        // `SdkError` is non-exhaustive. The other variants, and future ones, are responses that were not understood.
        _ => (Class::Transient, "the response could not be read"),
    };
    Classified { class, code, is_answer: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::error::ErrorMetadata;

    /// From the pages above: codes that they say to retry, and codes that they say to correct.
    #[test]
    fn every_documented_code_has_its_class() {
        for (class, codes) in [
            (
                Class::Transient,
                &[
                    "InternalError",
                    "InternalFailure",
                    "InternalServerError",
                    "KMS.KMSInternalException",
                    "KMS.ThrottlingException",
                    "KMSThrottlingException",
                    "LimitExceededException",
                    "OperationAborted",
                    "ProvisionedThroughputExceededException",
                    "RequestLimitExceeded",
                    "RequestTimeout",
                    "ServiceUnavailable",
                    "ServiceUnavailableException",
                    "SlowDown",
                    "ThrottlingException",
                    "TooManyRequestsException",
                    "TransactionInProgressException",
                ][..],
            ),
            (
                Class::Denied,
                &[
                    "AccessDenied",
                    "AccessDeniedException",
                    "KMS.AccessDeniedException",
                    "KMSAccessDeniedException",
                ],
            ),
            (
                Class::Missing,
                &[
                    "KMS.NotFoundException",
                    "KMSNotFoundException",
                    "NoSuchBucket",
                    "ResourceNotFoundException",
                ],
            ),
            (
                Class::Credentials,
                &[
                    "ExpiredToken",
                    "ExpiredTokenException",
                    "SignatureDoesNotMatch",
                    "UnrecognizedClientException",
                ],
            ),
            (
                Class::Invalid,
                &[
                    "InvalidBucketName",
                    "KMS.DisabledException",
                    "KMS.KMSInvalidStateException",
                    "KMSDisabledException",
                    "KMSInvalidStateException",
                    "ValidationException",
                ],
            ),
        ] {
            for code in codes {
                assert_eq!(class_of(code), class, "{code}");
            }
        }
    }

    #[test]
    fn unknown_errors_are_transient() {
        assert_eq!(class_of("SomethingNewException"), Class::Transient);
        assert!(!Class::Transient.needs_a_person());
        let service = |metadata: ErrorMetadata| SdkError::<ErrorMetadata, ()>::service_error(metadata, ());
        let known = service(ErrorMetadata::builder().code("AccessDenied").build());
        assert_eq!(
            classify(&known),
            Classified { class: Class::Denied, code: "AccessDenied", is_answer: true }
        );
        for unknown in [
            service(ErrorMetadata::builder().code("SomethingNewException").build()),
            service(ErrorMetadata::builder().build()),
            SdkError::timeout_error("slow"),
            SdkError::dispatch_failure(ConnectorError::io("broken pipe".into())),
            SdkError::response_error("no XML", ()),
        ] {
            assert_eq!(classify(&unknown).class, Class::Transient, "{unknown:?}");
        }
        let unbuilt = SdkError::<ErrorMetadata, ()>::construction_failure("no endpoint");
        assert!(classify(&unbuilt).class.needs_a_person());
    }
}
