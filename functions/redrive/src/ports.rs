//! What a run needs of the world.

use std::error::Error;
use std::future::Future;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

/// A request that failed, in a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct Fault {
    /// What is wrong, and what to do.
    pub sentence: String,
    /// The cause, for who looks deeper.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    /// A fault without a cause of its own.
    #[must_use]
    pub fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), source: None }
    }
}

/// What a service said when it refused; `None` if it did not answer.
#[must_use]
pub fn refusal(error: &impl ProvideErrorMetadata) -> Option<String> {
    Some(match (error.code()?, error.message()) {
        (code, Some(message)) => format!("{code}: {message}"),
        (code, None) => code.to_owned(),
    })
}

/// Whether a service refused for want of permission.
#[must_use]
pub fn is_denied(code: &str) -> bool {
    code.starts_with("AccessDenied")
        || matches!(code, "Forbidden" | "UnauthorizedOperation" | "KMSAccessDeniedException")
}

/// Whether a service refused because what it was asked for is not there.
#[must_use]
pub fn is_missing(code: &str) -> bool {
    matches!(code, "ResourceNotFoundException" | "NotFoundException" | "NoSuchBucket" | "NotFound")
}

/// Why a request failed and what to do, as the end of a sentence. `rights` are what the request needs.
pub fn why<E>(error: &SdkError<E>, rights: &str) -> String
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let Some(refusal) = refusal(error) else { return unanswered(error) };
    why_refused(error.code().unwrap_or_default(), &refusal, rights)
}

/// The same of what a service said.
#[must_use]
pub fn why_refused(code: &str, refusal: &str, rights: &str) -> String {
    const CREDENTIALS: [&str; 9] = [
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ];
    if is_denied(code) {
        format!("not allowed ({refusal}); it needs {rights}")
    } else if is_missing(code) {
        format!("it is not there ({refusal}); check the Region and the account, and that the stack is whole")
    } else if CREDENTIALS.contains(&code) {
        format!("the credentials are not accepted ({refusal}); sign in again, or use others")
    } else {
        refusal.to_owned()
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

/// The bucket that keeps what failed.
pub trait Lake: Sync {
    /// The keys that begin with `prefix`, in order.
    fn keys(&self, prefix: &str) -> impl Future<Output = Result<Vec<String>, Fault>> + Send;

    /// An object; `None` if there is none.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, Fault>> + Send;

    /// Writes an object whole, in the place of one of the same key.
    fn put(&self, key: &str, body: Vec<u8>) -> impl Future<Output = Result<(), Fault>> + Send;

    /// An object's tags.
    fn tags(&self, key: &str) -> impl Future<Output = Result<Vec<(String, String)>, Fault>> + Send;

    /// Replaces an object's tags.
    fn set_tags(
        &self,
        key: &str,
        tags: Vec<(String, String)>,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Where records go back to.
pub trait Destination: Sync {
    /// Puts records on the stream of contact records. Answers, for each, the code it was refused with.
    fn put_contact_records(
        &self,
        records: &[&[u8]],
    ) -> impl Future<Output = Result<Vec<Option<String>>, Fault>> + Send;

    /// Gives an event to agent-event-upserter, and answers with its response.
    fn give_agent_events(&self, event: Vec<u8>) -> impl Future<Output = Result<Vec<u8>, Fault>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once_each() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer: {0}")]
        struct Outer(#[source] Fault);
        let inner = std::io::Error::other("disk full");
        let fault = Fault { sentence: "cannot write".to_owned(), source: Some(inner.into()) };
        assert_eq!(causes(&Outer(fault)), "outer: cannot write: disk full");
    }
}
