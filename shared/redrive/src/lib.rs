//! Redrive: sends dead letters again, after the cause is fixed.
//!
//! Contact records go back through their Firehose stream. Agent events go straight to agent-event-upserter, with their
//! original positions in the stream, and contact events straight to contact-event-upserter. All recognize a record they
//! have processed before, so sending one twice changes no table and no view.
//!
//! Promises:
//! - No object is deleted, and nothing is sent unless the request says so: a dry run only counts. A message of a
//!   dead-letter queue is deleted after it was sent.
//! - A record that the code would reject again is not sent. It stays where it is and is reported.
//! - An object whose records are all sent is tagged, and skipped from then on. If some records of an object stay, the next
//!   run considers only those.
//! - A run keeps a manifest. An interrupted run resumes with its counts.
//!
//! The function and the command line share this library: [`run()`].
//!
//! ```
//! use lake_files::failures::Payload;
//! use redrive::{Verdict, check};
//!
//! let record = br#"{
//!     "ContactId": "c-1", "InstanceARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1",
//!     "InitiationTimestamp": "2026-03-02T08:00:00Z", "LastUpdateTimestamp": "2026-03-02T08:05:00Z"
//! }"#;
//! // It failed once, and would pass now.
//! assert_eq!(check(&Payload::ContactRecord(record.to_vec())), Verdict::Passes);
//! assert!(matches!(check(&Payload::ContactRecord(b"{}".to_vec())), Verdict::FailsAgain(_)));
//! ```

mod ahead;
mod aws;
mod check;
mod destination;
mod manifest;
mod pace;
mod ports;
mod report;
mod request;
mod run;

pub use aws::{AwsDestination, AwsLake, AwsQueues, ContactRecordTarget, ListedObject, for_each_object, keys};
pub use check::{Verdict, check};
pub use destination::put_all;
pub use manifest::{LEFT_TAG, REDRIVEN_TAG};
pub use ports::{Destination, Fault, Lake, Listed, Queues, Waiting};
pub use report::{Count, Report};
pub use request::{Request, RequestError, day_or_instant};
pub use run::{Control, RunError, run};
