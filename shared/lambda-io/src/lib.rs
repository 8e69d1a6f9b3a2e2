//! What both functions need around their record path: the events from Firehose and Kinesis, the responses to them,
//! settings, logs, and metrics.

pub mod aggregate;
pub mod firehose;
pub mod kinesis;
pub mod limits;
pub mod metrics;
mod rejections;
pub mod settings;
pub mod telemetry;
mod wire;

pub use rejections::Rejections;
pub use wire::{Data, TimeUnit, arrival, encode_base64};
