//! Plans the writes of agent events to the agent tables, and makes the tables converge.
//!
//! [`plan`](plan::plan) is pure: it returns what to write. Every write is a join in the CRDT sense, so any order,
//! duplication, or splitting of deliveries produces the same tables:
//!
//! - **AgentState** has three last-writer-wins registers per agent and Region: *snapshot*, *login*, and *logout*. Each
//!   is its own item, written by one conditional update that only a greater [`Version`] passes.
//!   A further register per routing profile has its queues.
//! - **AgentHistory** is a grow-only set whose keys derive from the event alone. If two events close the same interval,
//!   the earlier event wins.
//!
//! Nothing that is written depends on when, how often, or by which delivery an event was processed.
//!
//! ```
//! use agent_ledger::rules::Rules;
//! use agent_ledger::{Read, Register, read};
//!
//! let event = br#"{
//!     "AgentARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a-1",
//!     "EventId": "e-1", "EventTimestamp": "2026-03-02T08:00:00.000Z", "EventType": "LOGIN"
//! }"#;
//! let Read::Event { plan, .. } = read(event, &Rules::default())? else { panic!("it is an agent event") };
//! assert_eq!(plan.registers[0].register, Register::Login);
//! // The version is the event's own, so a duplicate writes the same again.
//! assert_eq!(plan.registers[0].version.as_str(), "2026-03-02T08:00:00.000Z#e-1");
//! # Ok::<(), connect_streams::Reject>(())
//! ```

mod activity;
pub mod agents;
pub mod batch;
mod board;
mod continuity;
mod history;
pub mod intervals;
pub mod memory;
mod name_policy;
pub mod plan;
mod read;
mod register;
mod retention;
mod routing_profile;
pub mod rules;
mod session;
mod snapshot;
pub mod store;
mod version;
mod write;

pub use activity::Activity;
pub use board::AgentKey;
pub use continuity::{Continuity, Gap};
pub use history::{CLOSED_BY, HistoryEntry, history_key};
pub use name_policy::{NamePolicy, NamePolicyError};
pub use read::{Read, read, read_knowing};
pub use register::Register;
pub use retention::{EventEntries, EventEntriesError, Retention};
pub use routing_profile::{KnownProfiles, PERIOD_SECONDS, RoutingProfile};
pub use tables::{Attribute, Item, Members};
pub use version::Version;
pub use write::RegisterWrite;
