//! A contact center that does not exist: agents with shifts, statuses and breaks, and contacts that arrive, wait, are
//! answered, held, transferred, called back or abandoned. What it does appears on both streams as Amazon Connect sends
//! it, and both tell the same story. The same seed gives the same center.
//!
//! It is a simulation of events in time, so it is read like a stream: it needs memory for what goes on, not for what
//! is over.
//!
//! Field names and shapes are those of the Administrator Guide's "Contact records data model" and "Agent event streams
//! data model". Nobody in it exists; phone numbers are from the range reserved for fiction.

mod agent;
mod center;
mod contact;
mod delivery_faults;
mod queues;
mod sent;
mod size;
mod time;
mod wire;

pub use center::Center;
pub use delivery_faults::{DEMO_DELIVERY_FAULTS, DeliveryFaults, with_delivery_faults};
pub use sent::Sent;
pub use size::{CenterSize, DEMO_CENTER, DEMO_OPENING};
