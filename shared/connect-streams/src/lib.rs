//! The records on Amazon Connect's streams: contact records and agent events.
//!
//! Pure: no AWS, no async, no clock, no environment. It turns bytes into a typed record or a [`Reject`], which has a
//! stable code and the field at fault, never a value (values are personal data).
//!
//! Sources: the Amazon Connect Administrator Guide, "Contact records data model" and "Agent event streams data model".
//! Records arrive at least once, in any order, and new fields may appear at any time.

pub mod agent_event;
pub mod arn;
pub mod contact_record;
pub mod json;
mod kind;
pub mod personal_data;
mod reject;
mod stream;
mod timestamp;

pub use json::{Document, MAX_DEPTH, Object, Value, parse, whole_number};
pub use kind::RecordKind;
pub use reject::{Reject, RejectCode};
pub use stream::StreamKind;
pub use timestamp::Timestamp;
