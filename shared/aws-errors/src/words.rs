//! Why a request failed, in words for whoever has to act.

use std::error::Error;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::class::{Class, class_of};

/// What a service said when it refused; `None` if it did not answer.
#[must_use]
pub fn refusal(error: &impl ProvideErrorMetadata) -> Option<String> {
    Some(match (error.code()?, error.message()) {
        (code, Some(message)) => format!("{code}: {message}"),
        (code, None) => code.to_owned(),
    })
}

/// Why a request failed and what to do, as the end of a sentence. `rights` are what the request needs.
pub fn why<E, R>(error: &SdkError<E, R>, rights: &str) -> String
where
    E: Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    let Some(refusal) = refusal(error) else { return unanswered(error) };
    why_refused(error.code().unwrap_or_default(), &refusal, rights)
}

/// The same of what a service said.
#[must_use]
pub fn why_refused(code: &str, refusal: &str, rights: &str) -> String {
    match class_of(code) {
        Class::Denied => format!("not allowed ({refusal}); it needs {rights}"),
        Class::Missing => {
            format!(
                "it is not there ({refusal}); check the Region and the account, and that the stack is whole"
            )
        }
        Class::Credentials => {
            format!("the credentials are not accepted ({refusal}); sign in again, or use others")
        }
        Class::Invalid | Class::Transient => refusal.to_owned(),
    }
}

/// Why a request got no answer, and what to do.
#[must_use]
pub fn unanswered(error: &(dyn Error + 'static)) -> String {
    let causes = causes(error);
    let has = |words: &[&str]| words.iter().any(|words| causes.contains(words));
    // The connector's errors have no kinds for these: their words are all there is.
    if has(&["timed out", "timeout"]) {
        "no answer in time; check the network, the Region and the endpoint".to_owned()
    } else if has(&["Connection refused"]) {
        "nothing answers there (connection refused); check that it runs, and the endpoint".to_owned()
    } else if has(&["dns error", "failed to lookup address"]) {
        "its address is unknown; check the network, the Region and the endpoint".to_owned()
    } else {
        format!("no answer ({causes}); check the network and the Region")
    }
}

/// An error with its causes, in their own words. The SDK's own way to tell them ends in a dump of the whole response.
#[must_use]
pub fn causes(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        // Many an error repeats its cause.
        if !told.ends_with(&words) {
            told.push_str(": ");
            told.push_str(&words);
        }
        cause = error.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once_each() {
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
