//! A record on its way.

use connect_streams::StreamKind;

/// A record as it is sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// On which stream.
    pub stream: StreamKind,
    /// The bytes.
    pub record: Vec<u8>,
}
