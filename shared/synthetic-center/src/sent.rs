//! A record that the center sends.

use connect_streams::StreamKind;

/// A record with its time and stream.
#[derive(Debug, Clone)]
pub struct Sent {
    /// When it is sent, in milliseconds since 1970.
    pub at: i64,
    /// The stream it is sent to.
    pub stream: StreamKind,
    /// The bytes.
    pub record: Vec<u8>,
}
