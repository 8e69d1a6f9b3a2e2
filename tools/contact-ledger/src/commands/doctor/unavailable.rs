//! Why a service did not tell a fact.

use std::error::Error;

use aws_errors::{Class, class_of, refusal, unanswered, why_refused};
use aws_sdk_cloudwatch::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::get_queue_attributes::GetQueueAttributesError;
use redrive::Fault;

use super::facts::Unavailable;
use crate::stack::signed::Refusal;

/// Why `what` is unavailable.
pub(super) fn unavailable<E>(what: &str) -> impl Fn(SdkError<E>) -> Unavailable
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    move |error| {
        let Some(refusal) = refusal(&error) else { return Unavailable::Unknown(unanswered(&error)) };
        let code = error.code().unwrap_or_default();
        match class_of(code) {
            Class::Missing => Unavailable::Missing(what.to_owned()),
            Class::Denied => Unavailable::Denied(refusal),
            Class::Credentials | Class::Invalid | Class::Transient => {
                Unavailable::Unknown(why_refused(code, &refusal, "more permissions"))
            }
        }
    }
}

/// The same for a call without an SDK.
pub(super) fn unavailable_call(error: &anyhow::Error) -> Unavailable {
    match error.downcast_ref::<Refusal>() {
        Some(refusal) if class_of(&refusal.code) == Class::Denied => Unavailable::Denied(refusal.to_string()),
        Some(refusal) => {
            Unavailable::Unknown(why_refused(&refusal.code, &refusal.to_string(), "more permissions"))
        }
        None => Unavailable::Unknown(format!("{error:#}")),
    }
}

pub(super) fn unavailable_queue(name: &str, fault: &Fault) -> Unavailable {
    let error = fault.source.as_deref().and_then(|error| {
        let error: &(dyn Error + 'static) = error;
        error.downcast_ref::<SdkError<GetQueueAttributesError>>()
    });
    let code = error.and_then(ProvideErrorMetadata::code).unwrap_or_default();
    match class_of(code) {
        Class::Missing => Unavailable::Missing(format!("queue {name}")),
        Class::Denied => Unavailable::Denied(fault.to_string()),
        Class::Credentials | Class::Invalid | Class::Transient => Unavailable::Unknown(fault.to_string()),
    }
}
