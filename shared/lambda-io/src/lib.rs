//! What the functions need around their record path: the events from Firehose and Kinesis, the responses to them,
//! settings, logs, and metrics.
//!
//! ```
//! use lambda_io::firehose::{Answers, TransformEvent};
//!
//! let event: TransformEvent = serde_json::from_str(r#"{
//!     "records": [{"recordId": "1", "approximateArrivalTimestamp": 1772438400000, "data": "e30="}]
//! }"#)?;
//! let mut answers = Answers::with_capacity(event.expected_response_bytes());
//! for record in &event.records {
//!     answers.processing_failed(&record.record_id);
//! }
//! let response = serde_json::to_string(&answers.into_response())?;
//! assert_eq!(response, r#"{"records":[{"recordId":"1","result":"ProcessingFailed"}]}"#);
//! # Ok::<(), serde_json::Error>(())
//! ```

pub mod aggregate;
pub mod deadline;
pub mod faults;
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
