//! What a run needs of the world.

use std::error::Error;
use std::future::Future;

use aws_sdk_s3::error::ProvideErrorMetadata;

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
    Some(format!("{}: {}", error.code()?, error.message().unwrap_or("without a message")))
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
