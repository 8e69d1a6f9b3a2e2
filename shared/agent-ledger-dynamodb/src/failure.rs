//! Whose fault a failed request is: the one place that decides.
//!
//! What the service answers with one of the codes below needs a person (permissions, a missing table, a
//! request of ours that is invalid); everything else, an unknown outcome included, is weather. Writing again
//! is always safe, so unknown codes count as weather too.
//! Source: DynamoDB Developer Guide, "Error handling with DynamoDB".

use std::error::Error;
use std::sync::Arc;

use agent_ledger::store::{FaultClass, StoreError};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{BatchStatementError, BatchStatementErrorCodeEnum as Code};

const NEEDS_A_PERSON: [&str; 10] = [
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "KMSAccessDeniedException",
    "KMSDisabledException",
    "MissingAuthenticationTokenException",
    "ResourceNotFoundException",
    "UnrecognizedClientException",
    "ValidationException",
];

pub(crate) fn class_of<E, R>(error: SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let (class, code) = match &error {
        SdkError::ServiceError(failure) => {
            let code = failure.err().code().unwrap_or("an answer without a code");
            let class =
                if NEEDS_A_PERSON.contains(&code) { FaultClass::Environment } else { FaultClass::Transient };
            (class, code)
        }
        // Credentials or endpoint are missing, or the request is invalid.
        SdkError::ConstructionFailure(_) => (FaultClass::Environment, "the request could not be built"),
        SdkError::TimeoutError(_) => (FaultClass::Transient, "no answer in time"),
        SdkError::DispatchFailure(_) => (FaultClass::Transient, "the request could not be sent"),
        _ => (FaultClass::Transient, "the answer could not be read"),
    };
    StoreError { class, code: code.to_owned(), source: Arc::new(error) }
}

/// One statement of a batch failed.
#[derive(Debug, thiserror::Error)]
#[error("{0:?}")]
struct StatementFailed(BatchStatementError);

/// The class of one statement's failure.
pub(crate) fn statement_failure(error: BatchStatementError) -> StoreError {
    let class = match error.code {
        Some(Code::AccessDenied | Code::ResourceNotFound | Code::ValidationError) => FaultClass::Environment,
        _ => FaultClass::Transient,
    };
    let code = error.code.as_ref().map_or("a failure without a code", Code::as_str).to_owned();
    StoreError { class, code, source: Arc::new(StatementFailed(error)) }
}

/// An item that is neither there nor not: somebody deletes and inserts it as fast as we write. Trying again helps.
pub(crate) fn vanished() -> StoreError {
    let error = BatchStatementError::builder().message("the item came and went while it was written").build();
    statement_failure(error)
}
