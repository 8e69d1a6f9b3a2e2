//! Converts failed requests, to DynamoDB or to S3, to the port's error. `aws_errors` decides whether a retry or a
//! person helps.

use std::error::Error;
use std::sync::Arc;

use agent_ledger::store::{FaultClass, StoreError};
use aws_errors::{Class, Classified, class_of, classify};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::BatchStatementError;

/// The port's error for a failed request.
pub fn store_error<E, R>(error: SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let Classified { class, code, is_answer } = classify(&error);
    let code = code.to_owned();
    StoreError { class: fault_class(class), code, is_answer, source: Arc::new(error) }
}

const fn fault_class(class: Class) -> FaultClass {
    if class.needs_a_person() { FaultClass::Environment } else { FaultClass::Transient }
}

/// One failed statement of a batch.
#[derive(Debug, thiserror::Error)]
#[error("{0:?}")]
struct StatementFailed(BatchStatementError);

/// The port's error for one failed statement.
pub(crate) fn statement_failure(error: BatchStatementError) -> StoreError {
    let code = error.code.as_ref().map_or("a failure without a code", |code| code.as_str()).to_owned();
    StoreError {
        class: fault_class(class_of(&code)),
        code,
        is_answer: true,
        source: Arc::new(StatementFailed(error)),
    }
}

/// An item that is neither present nor absent: another writer deletes and inserts it as fast as we write. A retry
/// helps.
pub(crate) fn vanished() -> StoreError {
    let error =
        BatchStatementError::builder().message("the item appeared and disappeared during the write").build();
    statement_failure(error)
}
