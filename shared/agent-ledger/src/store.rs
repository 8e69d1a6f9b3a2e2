//! The port to the tables. It has two implementations: DynamoDB, and memory for tests. One contract test suite holds
//! both to the same conditions.

use std::error::Error;
use std::future::Future;
use std::ops::AddAssign;
use std::sync::Arc;

use crate::item::Item;
use crate::{Attribute, Continuity, HistoryEntry, Register, RegisterWrite, Version};

/// The maximum number of statements in one DynamoDB batch.
/// Source: [`BatchExecuteStatement`](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html).
pub const WRITES_PER_REQUEST: usize = 25;

/// Access to the two tables.
pub trait Store: Send + Sync {
    /// Writes at most [`WRITES_PER_REQUEST`] different registers, each if its version is absent or smaller. Returns, in
    /// order, what each register held before. From this, the caller knows whether the write took effect, was a
    /// duplicate, or was stale.
    fn write_registers(&self, writes: &[&RegisterWrite]) -> impl Future<Output = WrittenRegisters> + Send;

    /// Inserts at most [`WRITES_PER_REQUEST`] entries with different keys, each if its key is absent. An existing
    /// interval is replaced if a later event closed it. Returns one result per entry, in order.
    fn insert_entries(&self, entries: &[&HistoryEntry]) -> impl Future<Output = WrittenEntries> + Send;
}

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

/// The outcomes of register writes, in order: what each register held before.
pub type WrittenRegisters = Answer<Vec<Result<Before, StoreError>>>;

/// The outcomes of insertions, in order.
pub type WrittenEntries = Answer<Vec<Result<Insertion, StoreError>>>;

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

/// What a register held before a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    /// Nothing: it was never set.
    Nothing,
    /// This value.
    Held(Held),
    /// A version that is not older than the write, which therefore took no effect. The store does not return it.
    NotOlder,
}

impl From<Option<Held>> for Before {
    fn from(held: Option<Held>) -> Self {
        held.map_or(Self::Nothing, Self::Held)
    }
}

/// The value of a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The version of the event that set it.
    pub version: Version,
    /// The state that this event left; only the snapshot register has it.
    pub continuity: Option<Continuity>,
}

impl Held {
    /// The value of a register in a stored item; `None` if it was never set.
    #[must_use]
    pub fn of_item(item: &Item, register: Register) -> Option<Self> {
        let Some(Attribute::Text(version)) = item.get(register.version_attribute()) else { return None };
        let continuity = (register == Register::Snapshot).then(|| Continuity::of_item(item));
        Some(Self { version: Version::from_stored(version), continuity })
    }
}

/// The outcome of an insertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insertion {
    /// The entry was absent and is now stored.
    New,
    /// The entry already existed.
    Existed,
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
