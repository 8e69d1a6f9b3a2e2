//! Records on their way from the readers to the printer.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use connect_streams::Timestamp;
use lambda_io::aggregate;
use tokio::sync::mpsc::Sender;

/// A record that arrived.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// Arrival time; for a raw copy, that of the oldest record in the object.
    pub(super) at: Option<Timestamp>,
    /// The shard, or the key of the object with raw copies.
    pub(super) from: Arc<str>,
    /// The sequence number in the shard.
    pub(super) sequence_number: Option<String>,
    /// Index among the records that were aggregated into one.
    pub(super) part: Option<usize>,
    pub(super) data: Vec<u8>,
}

/// An event from a reader.
pub(crate) enum Event {
    Record(Arrived),
    Message(String),
}

/// Passes on records from a stream or from raw copies.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(super) since: Timestamp,
    pub(super) sender: Sender<Event>,
    /// The number of sources with unread records.
    pub(super) behind: Arc<AtomicUsize>,
}

impl Reader {
    /// Sends a record, or the records aggregated in it. `false` if the receiver is gone.
    pub(super) async fn send_record(&self, arrived: Arrived) -> bool {
        let parts = aggregate::is_packed(&arrived.data).then(|| aggregate::unpack(arrived.data.clone()).ok());
        let Some(parts) = parts.flatten() else { return self.send(Event::Record(arrived)).await };
        for (part, packed) in parts.into_iter().enumerate() {
            let Arrived { at, from, sequence_number, .. } = &arrived;
            let record = Arrived {
                at: *at,
                from: from.clone(),
                sequence_number: sequence_number.clone(),
                part: Some(part),
                data: packed.data.to_vec(),
            };
            if !self.send(Event::Record(record)).await {
                return false;
            }
        }
        true
    }

    pub(super) async fn send(&self, event: Event) -> bool {
        self.sender.send(event).await.is_ok()
    }
}
