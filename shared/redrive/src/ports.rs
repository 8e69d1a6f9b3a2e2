//! What a run needs of the world.

use std::error::Error;
use std::future::Future;

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
