//! The port to the table. It has two implementations: DynamoDB, and memory for tests. One contract test suite holds
//! both to the same conditions.

use std::future::Future;

use tables::{Answer, Attribute, Item, StoreError};

use crate::ContactKey;

/// Access to the table.
pub trait ContactStore: Send + Sync {
    /// Updates an item if a condition holds. An item that does not exist is created, if the condition allows it.
    fn update(&self, update: &Update) -> impl Future<Output = Answer<Result<Updated, StoreError>>> + Send;
}

/// A conditional update of one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// The item.
    pub key: ContactKey,
    /// Attributes to set.
    pub set: Vec<(&'static str, Attribute)>,
    /// Attributes to set if they are absent.
    pub set_if_absent: Vec<(&'static str, Attribute)>,
    /// Attributes to remove.
    pub remove: Vec<&'static str>,
    /// The condition.
    pub condition: Condition,
}

/// The condition of an update.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The newest event of the item is older than this version, and its rank is absent or at most this one.
    Newer {
        /// The version of the event.
        last_event: Attribute,
        /// The greatest rank that the item may have.
        highest_rank: Attribute,
        /// Whether the update may create the item.
        may_create: bool,
    },
    /// These attributes are as they were seen; `None` was absent.
    AsSeen(Vec<(&'static str, Option<Attribute>)>),
}

/// The result of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Updated {
    /// The item was updated.
    Done,
    /// The condition did not hold for this item; `None` if there is none.
    Refused(Option<Item>),
}
