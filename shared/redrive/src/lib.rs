//! Redrive: what failed is sent again, once its cause is gone.
//!
//! Contact records go back through their Firehose; agent events go straight to agent-event-upserter, with the places
//! in the stream that they had. Both ends take a record that they have had before for what it is, so sending one twice
//! changes no table and no view.
//!
//! Promises:
//! - Nothing is deleted, and nothing is sent unless it is asked for: a dry run counts.
//! - What the code would refuse again is not sent. It stays where it is, and is reported.
//! - An object whose records are all sent is tagged, and left alone from then on. Of one with records that stay, the
//!   next run sends no others.
//! - A run keeps a manifest. One that was interrupted goes on, with its counts.
//!
//! One library under the function and the command line: [`run()`].

mod aws;
mod check;
mod destination;
mod manifest;
mod pace;
mod ports;
mod report;
mod request;
mod run;

pub use aws::{AwsDestination, AwsLake, ContactRecordTarget, for_each_object, keys};
pub use check::{Verdict, check};
pub use destination::put_all;
pub use manifest::{LEFT_TAG, REDRIVEN_TAG};
pub use ports::{Destination, Fault, Lake};
pub use report::{Count, Report};
pub use request::{Request, RequestError, day_or_instant};
pub use run::{Control, RunError, run};
