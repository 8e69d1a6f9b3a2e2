//! Contacts in flight: plans the writes of contact events, and joins them into the state of each contact.
//!
//! Amazon Connect sends contact events as good as it can: unordered, sometimes twice, sometimes never. Each event is a
//! snapshot of the contact so far. So an item of the table `ContactState` has one last-writer-wins register per field:
//! the value and, in `<field>_by`, the [`Version`] of the event that set it. The newest event that carries a field
//! decides it, and an event without a field changes nothing. `rank` and `last_event` only grow. Any order, duplication,
//! or splitting of the events that arrived gives the same item, and a lost event costs only what no other event has.
//!
//! - [`plan`]: what one event sets. Pure.
//! - [`write`]: the conditional updates of one event, through the port [`store::ContactStore`]. The first one reads
//!   nothing; it is enough whenever the event is the contact's newest.
//! - [`contact::Contact`]: what a reader shows.
//!
//! ```
//! use connect_streams::contact_event::ContactEvent;
//! use contact_state::Rules;
//! use connect_streams::parse;
//!
//! let event = br#"{
//!     "id": "e-1", "time": "2026-03-02T08:00:07Z", "region": "eu-west-2", "detail-type": "Amazon Connect Contact Event",
//!     "detail": {
//!         "eventType": "QUEUED", "contactId": "c-1", "channel": "VOICE",
//!         "instanceArn": "arn:aws:connect:eu-west-2:111122223333:instance/i-1",
//!         "queueInfo": {"queueArn": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/queue/q-1", "enqueueTimestamp": "2026-03-02T08:00:06.480Z"}
//!     }
//! }"#;
//! let document = parse(event)?;
//! let event = ContactEvent::from_object(document.as_object().expect("an object"))?.expect("a contact event");
//! let write = contact_state::plan(&event, &Rules::default())?;
//! assert_eq!(write.key.contact_id, "c-1");
//! assert_eq!(write.fields.iter().map(|(field, _)| field.name).collect::<Vec<_>>(), ["channel", "queue_id", "enqueued"]);
//! # Ok::<(), connect_streams::Reject>(())
//! ```

pub mod contact;
pub mod fields;
mod join;
pub mod memory;
mod plan;
mod read;
mod rules;
pub mod store;
mod version;
mod write;

pub use join::{Changes, has, join};
pub use plan::{ContactKey, ContactWrite, plan};
pub use read::read;
pub use rules::{LongestLife, Retention, Rules};
pub use version::{Version, rank};
pub use write::{Outcome, write};
