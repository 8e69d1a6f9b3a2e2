//! The generated center: agents with shifts, statuses, and breaks, and contacts that arrive, wait, and are answered, held,
//! transferred, called back, or abandoned. Its records appear on all three streams as Amazon Connect sends them, and the
//! streams agree with each other. The same seed gives the same center.
//!
//! It is a discrete event simulation, read as an iterator: it keeps only ongoing contacts in memory, not past ones.
//!
//! Field names and shapes are those of Amazon Connect's
//! [contact records](https://docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html) and
//! [agent event streams](https://docs.aws.amazon.com/connect/latest/adminguide/agent-event-stream-model.html). All
//! people are invented, and phone numbers are from the range reserved for fiction.
//!
//! ```
//! use synthetic_center::{Center, CenterSize, DEMO_CENTER};
//!
//! let size = CenterSize { agents: 2, hours: 1, ..DEMO_CENTER };
//! let records: Vec<_> = Center::new(size).collect();
//! assert!(!records.is_empty() && records.is_sorted_by_key(|sent| sent.at));
//! // The same seed gives the same bytes.
//! assert!(Center::new(size).zip(&records).all(|(again, sent)| again.record == sent.record));
//! ```

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
pub use wire::{FIRST_NAMES, INSTANCE_ID, LAST_NAMES};
