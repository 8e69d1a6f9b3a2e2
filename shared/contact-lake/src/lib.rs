//! Contact record to lake row: the columns, their sources, the PII policy, and the encoding.
//!
//! Pure: the same record gives the same bytes, whenever and however often it is processed. Arrival time is an input.
//!
//! ```
//! use contact_lake::{Policy, Transformed, transform};
//!
//! let record = br#"{
//!     "ContactId": "c-1", "InstanceARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1",
//!     "InitiationTimestamp": "2026-03-02T08:00:00Z", "LastUpdateTimestamp": "2026-03-02T08:05:00Z"
//! }"#;
//! let Transformed::Row(row) = transform(record, None, &Policy::default())? else { panic!("it is a contact record") };
//! assert_eq!(row.contact_date, "2026-03-02");
//! assert!(row.line.starts_with(br#"{"instance_arn":"arn:aws:connect"#));
//! # Ok::<(), connect_streams::Reject>(())
//! ```

mod edition;
mod encode;
mod facts;
mod normalize;
mod policy;
mod returned;
mod row;
pub mod schema;
mod shape;
mod transform;

pub use edition::Edition;
pub use encode::{Arrival, encode, encode_demo};
pub use normalize::normalize;
pub use policy::{Policy, PolicyError};
pub use returned::returned;
pub use row::{Cell, Extra, Row};
pub use transform::{Made, Transformed, transform};
