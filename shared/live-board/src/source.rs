//! The port to the tables.

use std::future::Future;

use tables::{Item, StoreError};

/// The items of an instance, all read at about the same time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// The items of `AgentState`: agents and routing profiles.
    pub agent_state: Vec<Item>,
    /// The items of `ContactState` of contacts in flight; `None` if contact events are off.
    pub contacts: Option<Vec<Item>>,
    /// The read units that it consumed.
    pub read_units: f64,
}

/// Reads the tables.
pub trait Source: Send + Sync {
    /// Everything, or nothing: a part that cannot be read is an error.
    fn read(&self) -> impl Future<Output = Result<Reading, StoreError>> + Send;
}
