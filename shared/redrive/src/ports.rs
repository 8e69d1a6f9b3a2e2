//! The interfaces that a run needs: the lake and the destination.

use std::error::Error;
use std::future::Future;

/// A failed request, with a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct Fault {
    /// What is wrong, and what to do.
    pub sentence: String,
    /// The underlying error.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    /// A fault without an underlying error.
    #[must_use]
    pub fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), source: None }
    }
}

/// The bucket with the dead letters.
pub trait Lake: Sync {
    /// The keys that start with `prefix`, in order.
    fn keys(&self, prefix: &str) -> impl Future<Output = Result<Vec<String>, Fault>> + Send;

    /// An object; `None` if it does not exist.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, Fault>> + Send;

    /// Writes a whole object, and replaces one with the same key.
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

/// Where records are sent.
pub trait Destination: Sync {
    /// Puts records on the stream of contact records. Returns, for each, the code it was refused with, if any.
    fn put_contact_records(
        &self,
        records: &[&[u8]],
    ) -> impl Future<Output = Result<Vec<Option<String>>, Fault>> + Send;

    /// Invokes agent-event-upserter with an event. Returns its response.
    fn send_agent_events(&self, event: Vec<u8>) -> impl Future<Output = Result<Vec<u8>, Fault>> + Send;
}
