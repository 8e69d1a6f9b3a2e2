//! A failed request to DynamoDB, or to S3 beside it, as the port knows it. Whether time or a person helps is decided in
//! `aws_errors`.

use std::error::Error;
use std::sync::Arc;

use agent_ledger::store::{FaultClass, StoreError};
use aws_errors::{Class, Classified, class_of, classify};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::BatchStatementError;

/// A failed request as the port knows it.
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

/// One statement of a batch failed.
#[derive(Debug, thiserror::Error)]
#[error("{0:?}")]
struct StatementFailed(BatchStatementError);

/// The class of one statement's failure.
pub(crate) fn statement_failure(error: BatchStatementError) -> StoreError {
    let code = error.code.as_ref().map_or("a failure without a code", |code| code.as_str()).to_owned();
    StoreError {
        class: fault_class(class_of(&code)),
        code,
        is_answer: true,
        source: Arc::new(StatementFailed(error)),
    }
}

/// An item that is neither there nor not: somebody deletes and inserts it as fast as we write. Trying again helps.
pub(crate) fn vanished() -> StoreError {
    let error = BatchStatementError::builder().message("the item came and went while it was written").build();
    statement_failure(error)
}
