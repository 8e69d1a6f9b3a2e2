//! The local stack, for the demo and the tests: the real function binaries behind models of the services that invoke
//! them.
//!
//! - [`function`]: Lambda. Starts function processes and feeds them over the Runtime API.
//! - [`kinesis`] and [`event_source_mapping`]: a stream with shards, and the loop that reads it.
//! - [`event_bus`], [`sqs`] and [`queue_mapping`]: EventBridge rules, queues, and the loop that reads a queue.
//! - [`firehose`]: buffers, invokes the transformation, delivers rows and failures.
//! - [`dynamodb`] and [`s3`]: the stores, built on `dynoxide` and `s3s`, in this process.
//! - [`api`]: Kinesis, Firehose, EventBridge, SQS and Lambda for the AWS CLI and SDKs.
//! - [`faults`]: fault injection from a seed.
//! - [`permission`]: the permissions that each request needs.
//! - `front_door`: the checks that every request to any server passes first.
//! - [`stack`]: all of it, wired like the deployed pipeline.
//!
//! Everything listens on 127.0.0.1 only.
//!
//! ```
//! use local_aws::kinesis::{Bytes, Stream};
//!
//! let stream = Stream::new("agent-events", 1);
//! let place = stream.put_record("agent-1", Bytes::from_static(b"{}"))?;
//! assert_eq!(place.shard_id, "shardId-000000000000");
//! // The parent keeps its records; new ones go to its two children.
//! stream.split_shard(&place.shard_id, u128::MAX / 2)?;
//! assert_eq!(stream.shards().len(), 3);
//! # Ok::<(), local_aws::kinesis::KinesisError>(())
//! ```

pub mod api;
mod descriptors;
pub mod dynamodb;
pub mod event_bus;
pub mod event_source_mapping;
pub mod faults;
pub mod firehose;
mod front_door;
pub mod function;
mod gateway;
pub mod kinesis;
pub mod pattern;
pub mod permission;
pub mod queue_mapping;
mod runtime_api;
pub mod s3;
mod service_log;
pub mod sqs;
pub mod stack;

pub use gateway::{Gate, Interference, Intervention};

/// The time of day, for arrival times and object names. Every other module gets it from here.
#[expect(clippy::disallowed_methods, reason = "these models are the edge where time enters the pipeline")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
