//! The port to the tables. Two implementations: DynamoDB, and memory for tests; one contract suite holds both
//! to the same conditions.

use std::error::Error;
use std::future::Future;
use std::ops::AddAssign;
use std::sync::Arc;

use crate::item::Item;
use crate::{Attribute, Continuity, HistoryEntry, Register, RegisterWrite, Version};

/// How many statements DynamoDB takes in one batch.
/// Source: DynamoDB API Reference, `BatchExecuteStatement`.
pub const WRITES_PER_REQUEST: usize = 25;

/// The two tables.
pub trait Store: Send + Sync {
    /// Writes at most [`WRITES_PER_REQUEST`] different registers, each if its version is absent or smaller. Answers in
    /// order what each held before, from which the caller knows whether the write took effect, repeated what was there,
    /// or came too late.
    fn write_registers(&self, writes: &[&RegisterWrite]) -> impl Future<Output = WrittenRegisters> + Send;

    /// Inserts at most [`WRITES_PER_REQUEST`] entries with different keys, each if its key is not there. An interval
    /// that is there, but was closed by a later event, is replaced. Answers one result per entry, in order.
    fn insert_entries(&self, entries: &[&HistoryEntry]) -> impl Future<Output = WrittenEntries> + Send;
}

/// What a store answers, and what it charged.
#[derive(Debug)]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// The price.
    pub consumed: Consumed,
}

impl<T> Answer<T> {
    /// An answer that cost nothing.
    pub fn free(value: T) -> Self {
        Self { value, consumed: Consumed::default() }
    }
}

/// What became of register writes, in their order: what each register held before.
pub type WrittenRegisters = Answer<Vec<Result<Before, StoreError>>>;

/// What became of insertions, in their order.
pub type WrittenEntries = Answer<Vec<Result<Insertion, StoreError>>>;

/// What writes cost.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Consumed {
    /// Requests, without those that the client repeated by itself.
    pub requests: u32,
    /// Write units: 1 KB of an item each, for failed conditions too, as the service reports them.
    pub write_units: u32,
}

impl AddAssign for Consumed {
    fn add_assign(&mut self, more: Self) {
        self.requests += more.requests;
        self.write_units += more.write_units;
    }
}

/// What a register held before it was to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    /// Nothing: it was never set.
    Nothing,
    /// This.
    Held(Held),
    /// Something that is not older than the write, which therefore took no effect; the store does not say what.
    NotOlder,
}

impl From<Option<Held>> for Before {
    fn from(held: Option<Held>) -> Self {
        held.map_or(Self::Nothing, Self::Held)
    }
}

/// What a register held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The event that had set it.
    pub version: Version,
    /// What that event left; only the snapshot register has it.
    pub continuity: Option<Continuity>,
}

impl Held {
    /// What a register of a stored item holds; `None` if it was never set.
    #[must_use]
    pub fn of_item(item: &Item, register: Register) -> Option<Self> {
        let Some(Attribute::Text(version)) = item.get(register.version_attribute()) else { return None };
        let continuity = (register == Register::Snapshot).then(|| Continuity::of_item(item));
        Some(Self { version: Version::from_stored(version), continuity })
    }
}

/// What an insertion found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insertion {
    /// Nothing: the entry is there now.
    New,
    /// The entry: it was there already.
    Existed,
}

/// A write that did not happen, or whose outcome is unknown. Never the data's fault.
///
/// The message names the service's error code and nothing from the request; the source may quote it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{class}: {code}")]
pub struct StoreError {
    /// Whether time or a person helps.
    pub class: FaultClass,
    /// The service's error code, or what happened to the request.
    pub code: String,
    /// Whether the service answered, with that code.
    pub is_answer: bool,
    /// What the client saw.
    pub source: Arc<dyn Error + Send + Sync>,
}

/// Who can help after a failed write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum FaultClass {
    /// Throttled, timed out, unavailable, or unknown: trying again can help.
    #[error("temporary failure")]
    Transient,
    /// Access denied, destination missing, request invalid: somebody must act, and the data must wait.
    #[error("failure until the deployment is corrected")]
    Environment,
}
