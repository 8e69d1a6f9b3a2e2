//! What an agent event means for the agent tables, and why they converge.
//!
//! [`plan`](plan::plan) is pure: it says what to write. Every write is a join, so any permutation, duplication
//! or splitting of deliveries gives the same tables:
//!
//! - **AgentState** is three last-writer-wins registers per agent and Region, *snapshot*, *login* and *logout*, each an
//!   item of its own, written by one conditional update that only a greater [`Version`] passes.
//! - **AgentHistory** is a grow-only set whose keys come from the event alone; of two events that close the same
//!   interval the earlier decides.
//!
//! Nothing that is written depends on when, how often or by which delivery an event was processed.

mod activity;
pub mod agents;
pub mod batch;
mod board;
mod continuity;
mod history;
pub mod intervals;
mod item;
pub mod memory;
mod name_policy;
pub mod plan;
mod read;
mod register;
mod retention;
pub mod rules;
mod session;
mod snapshot;
pub mod store;
mod version;
mod write;

pub use activity::Activity;
pub use board::{AgentKey, BOARDS};
pub use continuity::{Continuity, Gap};
pub use history::{CLOSED_BY, HistoryEntry, history_key};
pub use item::{Attribute, Item, Members};
pub use name_policy::{NamePolicy, NamePolicyError};
pub use read::{Read, read};
pub use register::Register;
pub use retention::Retention;
pub use version::Version;
pub use write::RegisterWrite;
