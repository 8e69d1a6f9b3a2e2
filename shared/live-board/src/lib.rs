//! The live board: what agents, queues, and contacts are doing now, as one document.
//!
//! [`Board::of`] is pure: it computes the document from the items of the tables, by Amazon Connect's real-time
//! definitions. [`LiveBoard`] reads the tables through a [`Source`] and keeps the last good document. It has one reading
//! at a time, however many ask, and never shows half a reading.
//!
//! docs/board.md is the reference of the document.

mod agents;
mod contacts;
mod document;
mod live;
pub mod page;
mod people;
mod queues;
mod routing_profiles;
mod source;
mod version;

pub use agents::{Agent, AgentContact, Silence, Slots};
pub use contacts::Contact;
pub use document::{Board, SCHEMA, Settings};
pub use live::{Answer, LiveBoard, Problem, Rendered};
pub use queues::{Figures, Queue};
pub use routing_profiles::RoutingProfile;
pub use source::{Reading, Source};
