//! The port to the tables. It has two implementations: DynamoDB, and memory for tests. One contract test suite holds
//! both to the same conditions.

use std::future::Future;

use tables::{Answer, Attribute, Item, StoreError};

use crate::{Continuity, HistoryEntry, Register, RegisterWrite, Version};

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

/// The outcomes of register writes, in order: what each register held before.
pub type WrittenRegisters = Answer<Vec<Result<Before, StoreError>>>;

/// The outcomes of insertions, in order.
pub type WrittenEntries = Answer<Vec<Result<Insertion, StoreError>>>;

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
