//! Why a request failed, worded for the person who has to act.

use std::error::Error;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::class::{Class, class_of};

/// The service's error, as code and message; `None` if the service did not answer.
#[must_use]
pub fn refusal(error: &impl ProvideErrorMetadata) -> Option<String> {
    Some(match (error.code()?, error.message()) {
        (code, Some(message)) => format!("{code}: {message}"),
        (code, None) => code.to_owned(),
    })
}

/// Why a request failed and what to do, as the end of a sentence. `rights` are the permissions that the request needs.
pub fn why<E, R>(error: &SdkError<E, R>, rights: &str) -> String
where
    E: Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    let Some(refusal) = refusal(error) else { return unanswered(error) };
    why_refused(error.code().unwrap_or_default(), &refusal, rights)
}

/// The same as [`why`], for a service's error code and its [`refusal`].
#[must_use]
pub fn why_refused(code: &str, refusal: &str, rights: &str) -> String {
    match class_of(code) {
        Class::Denied => format!("access denied ({refusal}); it needs {rights}"),
        Class::Missing => {
            format!("not found ({refusal}); check the Region, the account, and that the stack is complete")
        }
        Class::Credentials => {
            format!("the credentials were rejected ({refusal}); sign in again, or use other credentials")
        }
        Class::Invalid | Class::Transient => refusal.to_owned(),
    }
}

/// Why a request got no answer, and what to do.
#[must_use]
pub fn unanswered(error: &(dyn Error + 'static)) -> String {
    let causes = causes(error);
    let has = |words: &[&str]| words.iter().any(|words| causes.contains(words));
    // The connector's errors have no variants for these cases, only their text.
    if has(&["timed out", "timeout"]) {
        "no answer in time; check the network, the Region, and the endpoint".to_owned()
    } else if has(&["Connection refused"]) {
        "connection refused; check the endpoint, and that the service is running".to_owned()
    } else if has(&["dns error", "failed to lookup address"]) {
        "the host name cannot be resolved; check the network, the Region, and the endpoint".to_owned()
    } else {
        format!("no answer ({causes}); check the network and the Region")
    }
}

/// An error with its causes, in their own words. The SDK's own formatting ends in a dump of the whole response.
#[must_use]
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        // Many errors repeat their cause.
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_given_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer: {0}")]
        struct Outer(#[source] Inner);
        #[derive(Debug, thiserror::Error)]
        #[error("cannot write")]
        struct Inner(#[source] std::io::Error);
        let inner = Inner(std::io::Error::other("disk full"));
        assert_eq!(causes(&Outer(inner)), "outer: cannot write: disk full");
    }
}
