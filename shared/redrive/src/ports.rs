//! The interfaces that a run needs: the lake and the destination.

use std::error::Error;
use std::future::Future;

use connect_streams::Timestamp;

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

/// An object of the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its size.
    pub bytes: u64,
}

/// The bucket with the dead letters.
pub trait Lake: Sync {
    /// The objects whose keys start with `prefix`, in order.
    fn objects(&self, prefix: &str) -> impl Future<Output = Result<Vec<Listed>, Fault>> + Send;

    /// The keys that start with `prefix`, in order.
    fn keys(&self, prefix: &str) -> impl Future<Output = Result<Vec<String>, Fault>> + Send;

    /// An object; `None` if it does not exist.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, Fault>> + Send;

    /// Writes a whole object, and replaces one with the same key.
    fn put(&self, key: &str, body: Vec<u8>) -> impl Future<Output = Result<(), Fault>> + Send;

    /// An object's tags.
    fn tags(&self, key: &str) -> impl Future<Output = Result<Vec<(String, String)>, Fault>> + Send;

    /// Replaces an object's tags, if it still exists.
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

    /// Invokes contact-event-upserter with an event. Returns its response.
    fn send_contact_events(&self, event: Vec<u8>) -> impl Future<Output = Result<Vec<u8>, Fault>> + Send;
}

/// The dead-letter queues of contact events.
pub trait Queues: Sync {
    /// Their names.
    fn names(&self) -> Vec<String>;

    /// The approximate number of messages, including those that were received and not deleted.
    fn waiting(&self, queue: &str) -> impl Future<Output = Result<usize, Fault>> + Send;

    /// Receives messages, which nobody else receives for some minutes; none if none is left.
    fn receive(&self, queue: &str) -> impl Future<Output = Result<Vec<Waiting>, Fault>> + Send;

    /// Deletes a message.
    fn delete(&self, queue: &str, receipt: &str) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Makes a message visible that was received.
    fn show(&self, queue: &str, receipt: &str) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// A message of a dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its ID, the same every time it is received.
    pub id: String,
    /// The handle to delete it or to make it visible with.
    pub receipt: String,
    /// The event.
    pub body: String,
    /// Why it is in the queue.
    pub reason: String,
    /// When it was sent.
    pub sent: Option<Timestamp>,
}
