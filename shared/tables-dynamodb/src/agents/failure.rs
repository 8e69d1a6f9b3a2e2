//! Converts failed statements to the port's error. `aws_errors` decides whether a retry or a person helps.

use std::sync::Arc;

use aws_errors::{class_of, fault_class};
use aws_sdk_dynamodb::types::BatchStatementError;
use tables::StoreError;

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
