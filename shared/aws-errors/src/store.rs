//! Converts failed requests to the error of a port to a table or a bucket.

use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tables::{FaultClass, StoreError};

use crate::class::{Class, Classified, classify};

/// The port's error for a failed request.
pub fn store_error<E, R>(error: SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: Debug + Send + Sync + 'static,
{
    let Classified { class, code, is_answer } = classify(&error);
    let code = code.to_owned();
    StoreError { class: fault_class(class), code, is_answer, source: Arc::new(error) }
}

/// Whether a retry or a person helps.
#[must_use]
pub const fn fault_class(class: Class) -> FaultClass {
    if class.needs_a_person() { FaultClass::Environment } else { FaultClass::Transient }
}
