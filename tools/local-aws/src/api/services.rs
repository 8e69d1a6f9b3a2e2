//! The resources that the API serves.

use std::sync::Arc;

use crate::event_bus::EventBus;
use crate::event_source_mapping::EventSourceMapping;
use crate::firehose::Producer;
use crate::function::Function;
use crate::kinesis::Stream;
use crate::sqs::Queue;

/// The resources that the API serves.
pub struct Services {
    /// The Kinesis stream.
    pub stream: Arc<Stream>,
    /// The Firehose stream's name and producer.
    pub firehose: (String, Producer),
    /// The functions.
    pub functions: Vec<Arc<Function>>,
    /// The event source mapping from the Kinesis stream to its function.
    pub mapping: Arc<EventSourceMapping>,
    /// The default event bus.
    pub bus: Arc<EventBus>,
    /// The queues.
    pub queues: Vec<Arc<Queue>>,
    /// The URL of this server, with which the URLs of queues begin.
    pub endpoint: String,
}
