//! The lake's files: the bucket layout, the arrival times in the names of raw copies, raw copies split into records, and
//! every form of dead letter read as records that can be sent again.
//!
//! ```
//! use lake_files::failures::{Payload, read};
//!
//! // What Firehose keeps of a record that failed, under errors/processing-failed/.
//! let object = br#"{"attemptsMade":1,"arrivalTimestamp":1772438400000,"errorCode":"Lambda.FunctionError","rawData":"e30="}"#;
//! let failed = read(object).remove(0)?;
//! assert_eq!(failed.reason, "Lambda.FunctionError");
//! assert!(matches!(failed.payload, Payload::ContactRecord(bytes) if bytes == b"{}"));
//! # Ok::<(), lake_files::failures::Unreadable>(())
//! ```

pub mod copies;
pub mod failures;
mod folder;
mod gzip;
pub mod layout;
pub mod records;

pub use folder::{Note, files_below};
pub use gzip::decompressed;
