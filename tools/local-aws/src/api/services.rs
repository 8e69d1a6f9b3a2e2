//! What is served.

use std::sync::Arc;

use crate::event_source_mapping::EventSourceMapping;
use crate::firehose::Producer;
use crate::function::Function;
use crate::kinesis::Stream;

/// What is served.
pub struct Services {
    /// The Kinesis stream.
    pub stream: Arc<Stream>,
    /// The Firehose stream, by name.
    pub firehose: (String, Producer),
    /// The functions.
    pub functions: Vec<Arc<Function>>,
    /// The mapping of the Kinesis stream to its function.
    pub mapping: Arc<EventSourceMapping>,
}
