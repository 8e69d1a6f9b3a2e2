//! What both functions need around their record path: the envelopes that Firehose and Kinesis invoke
//! them with, the answers they give, their settings, logs and metrics.

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
