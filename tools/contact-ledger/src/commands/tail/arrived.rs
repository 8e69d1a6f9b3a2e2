//! Records between who reads and who prints.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use connect_streams::Timestamp;
use lambda_io::aggregate;
use tokio::sync::mpsc::Sender;

/// A record, as it came.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// When; of a copy, when the oldest record beside it did.
    pub(super) at: Option<Timestamp>,
    /// The shard, or the key of the copy.
    pub(super) from: Arc<str>,
    /// The record's number in its shard.
    pub(super) sequence_number: Option<String>,
    /// Its place among the records that were packed into one.
    pub(super) part: Option<usize>,
    pub(super) data: Vec<u8>,
}

/// What comes from a reader.
pub(crate) enum Told {
    Record(Arrived),
    Sentence(String),
}

/// Reads a stream or its copies.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(super) since: Timestamp,
    pub(super) sender: Sender<Told>,
    /// How many sources have records that were not read yet.
    pub(super) behind: Arc<AtomicUsize>,
}

impl Reader {
    /// Hands on a record, or those that are packed in it. `false` if nobody wants any more.
    pub(super) async fn hand_on(&self, arrived: Arrived) -> bool {
        let parts = aggregate::is_packed(&arrived.data).then(|| aggregate::unpack(arrived.data.clone()).ok());
        let Some(parts) = parts.flatten() else { return self.tell(Told::Record(arrived)).await };
        for (part, packed) in parts.into_iter().enumerate() {
            let Arrived { at, from, sequence_number, .. } = &arrived;
            let record = Arrived {
                at: *at,
                from: from.clone(),
                sequence_number: sequence_number.clone(),
                part: Some(part),
                data: packed.data.to_vec(),
            };
            if !self.tell(Told::Record(record)).await {
                return false;
            }
        }
        true
    }

    pub(super) async fn tell(&self, told: Told) -> bool {
        self.sender.send(told).await.is_ok()
    }
}
