//! A small AWS on one machine, for the demo and the tests: the real function binaries behind models of the
//! services that invoke them.
//!
//! - [`function`]: Lambda. Starts function processes and feeds them over the Runtime API.
//! - [`kinesis`] and [`event_source_mapping`]: a stream with shards, and the loop that reads it.
//! - [`firehose`]: buffers, invokes the transformation, delivers rows and failures.
//! - [`dynamodb`] and [`s3`]: the stores, by `dynoxide` and `s3s`, in this process.
//! - [`api`]: Kinesis and Firehose for the AWS CLI and SDKs.
//! - [`faults`]: fault injection, by seed; [`permission`]: what requests must be permitted.
//! - `door`: what every request to any of them passes first.
//! - [`stack`]: all of it wired as the pipeline is deployed.
//!
//! Everything listens on 127.0.0.1 only.

pub mod api;
mod descriptors;
mod door;
pub mod dynamodb;
pub mod event_source_mapping;
pub mod faults;
pub mod firehose;
pub mod function;
mod gateway;
pub mod kinesis;
mod listen;
pub mod permission;
mod runtime_api;
pub mod s3;
pub mod stack;

pub use gateway::{Gate, Interference, Intervention};

/// Arrival times and object names need the time of day; every other module takes it from here.
#[expect(clippy::disallowed_methods, reason = "these models are the edge where time enters the pipeline")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
