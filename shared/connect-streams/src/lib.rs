//! The records on Amazon Connect's streams: contact records, agent events, and contact events.
//!
//! Pure: no AWS, no async, no clock, no environment. It turns bytes into a typed record or a [`Reject`], which has a
//! stable code and the field at fault, never a value (values are personal data).
//!
//! Sources: [Contact records data model](https://docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html),
//! [Agent event streams data model](https://docs.aws.amazon.com/connect/latest/adminguide/agent-event-stream-model.html) and
//! [Contact events](https://docs.aws.amazon.com/connect/latest/adminguide/contact-events.html) (Amazon Connect Administrator Guide).
//! Records arrive at least once, in any order, and new fields may appear at any time.
//!
//! ```
//! use connect_streams::agent_event::{AgentEvent, EventType};
//! use connect_streams::{RecordKind, RejectCode, parse};
//!
//! let bytes = br#"{
//!     "AgentARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a-1",
//!     "EventId": "e-1", "EventTimestamp": "2026-03-02T08:00:00.000Z", "EventType": "LOGIN"
//! }"#;
//! let document = parse(bytes)?;
//! let object = document.as_object().expect("it is an object");
//! assert_eq!(RecordKind::of(object), Some(RecordKind::AgentEvent));
//! let event = AgentEvent::from_object(object)?;
//! assert_eq!((event.agent_id, event.region, event.event_type), ("a-1", "eu-west-2", EventType::Login));
//!
//! // A reject has a code and a path, never a value.
//! assert_eq!(parse(b"{").unwrap_err().code, RejectCode::NotJson);
//! # Ok::<(), connect_streams::Reject>(())
//! ```

pub mod agent_event;
pub mod arn;
pub mod contact_event;
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
