//! What every port to a table returns: the answer with its cost, or why there is none.

use std::error::Error;
use std::ops::AddAssign;
use std::sync::Arc;

/// A store's answer and its cost.
#[derive(Debug)]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// The cost.
    pub consumed: Consumed,
}

impl<T> Answer<T> {
    /// An answer that cost nothing.
    pub fn free(value: T) -> Self {
        Self { value, consumed: Consumed::default() }
    }
}

/// The cost of writes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Consumed {
    /// Requests, without the client's own retries.
    pub requests: u32,
    /// Write units, as the service reports them: one per 1 KB of an item, for failed conditions too.
    pub write_units: u32,
}

impl AddAssign for Consumed {
    fn add_assign(&mut self, more: Self) {
        self.requests += more.requests;
        self.write_units += more.write_units;
    }
}

/// A write that failed, or whose outcome is unknown. Never the data's fault.
///
/// The message has the service's error code and nothing from the request; the source may quote the request.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{class}: {code}")]
pub struct StoreError {
    /// Whether a retry or a person helps.
    pub class: FaultClass,
    /// The service's error code, or what happened to the request.
    pub code: String,
    /// Whether the service answered, with this code.
    pub is_answer: bool,
    /// The client's error.
    pub source: Arc<dyn Error + Send + Sync>,
}

/// Another writer changed the item between each of our requests.
#[derive(Debug, thiserror::Error)]
#[error("the item was changed by others between all requests")]
struct Contended;

/// The service processed only a part of the request, several times in a row.
#[derive(Debug, thiserror::Error)]
#[error("the service left a part of the request unprocessed several times in a row")]
struct Unprocessed;

impl StoreError {
    /// The error for a request of which the service leaves a part unprocessed because it is throttled. A retry helps.
    #[must_use]
    pub fn throttled() -> Self {
        let code = "ThrottlingException".to_owned();
        Self { class: FaultClass::Transient, code, is_answer: true, source: Arc::new(Unprocessed) }
    }

    /// The error for requests that ended before they were answered.
    #[must_use]
    pub fn unanswered(error: impl Error + Send + Sync + 'static) -> Self {
        let code = "no answer in time".to_owned();
        Self { class: FaultClass::Transient, code, is_answer: false, source: Arc::new(error) }
    }

    /// The error for an item that others change as fast as we write. A retry helps.
    #[must_use]
    pub fn contended() -> Self {
        let code = "the item was changed by others".to_owned();
        Self { class: FaultClass::Transient, code, is_answer: true, source: Arc::new(Contended) }
    }
}

/// Who can help after a failed write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum FaultClass {
    /// Throttled, timed out, unavailable, or unknown: a retry can help.
    #[error("transient fault")]
    Transient,
    /// Access denied, destination missing, or request invalid: someone must act, and the data must wait.
    #[error("environment fault, fix the deployment")]
    Environment,
}
