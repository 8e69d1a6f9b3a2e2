//! Forms batches by record count, payload size and time.
//!
//! Source: [Batching behavior](https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html#invocation-eventsourcemapping-batching)
//! (Lambda Developer Guide): Lambda invokes the function when the batching window is over, the batch size is reached, or the
//! payload reaches 6 MB.

use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout_at};

use crate::kinesis::Record;
use lambda_io::limits::lambda::PAYLOAD_BYTES;

/// Bytes that a record's envelope adds to its data.
const ENVELOPE_BYTES: usize = 512;

/// The limits of a batch.
#[derive(Debug, Clone)]
pub struct BatchRules {
    /// Maximum number of records per invocation.
    pub batch_size: usize,
    /// Maximum time to wait for more records after the first.
    pub window: Duration,
}

/// Forms batches from a lane's queue.
pub(super) struct Batches {
    rules: BatchRules,
    queue: Receiver<Record>,
    /// The record that did not fit in the last batch.
    left_over: Option<Record>,
}

impl Batches {
    pub(super) fn new(rules: BatchRules, queue: Receiver<Record>) -> Self {
        Self { rules, queue, left_over: None }
    }

    /// Waits for the next batch. Returns `None` if the queue is closed and empty.
    pub(super) async fn next(&mut self) -> Option<Vec<Record>> {
        let first = match self.left_over.take() {
            Some(record) => record,
            None => self.queue.recv().await?,
        };
        let window_end = Instant::now() + self.rules.window;
        let mut bytes = event_bytes(&first);
        let mut batch = vec![first];
        while batch.len() < self.rules.batch_size {
            // Queued records are added without waiting, with or without a window.
            let next = match self.queue.try_recv() {
                Ok(record) => Some(record),
                Err(_) if self.rules.window.is_zero() => None,
                Err(_) => timeout_at(window_end, self.queue.recv()).await.ok().flatten(),
            };
            let Some(record) = next else { break };
            if bytes + event_bytes(&record) > PAYLOAD_BYTES {
                self.left_over = Some(record);
                break;
            }
            bytes += event_bytes(&record);
            batch.push(record);
        }
        Some(batch)
    }
}

/// Size of a record in the event.
fn event_bytes(record: &Record) -> usize {
    record.data.len().div_ceil(3) * 4 + record.partition_key.len() + ENVELOPE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;
    use tokio::sync::mpsc;

    fn record(bytes: usize) -> Record {
        Record {
            sequence_number: "1".to_owned(),
            partition_key: "p".to_owned(),
            data: Bytes::from(vec![b'x'; bytes]),
            arrival_milliseconds: 0,
        }
    }

    fn batches(batch_size: usize, window: u64) -> (mpsc::Sender<Record>, Batches) {
        let (sender, queue) = mpsc::channel(1000);
        (sender, Batches::new(BatchRules { batch_size, window: Duration::from_secs(window) }, queue))
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_ends_at_its_size() {
        let (sender, mut batches) = batches(3, 300);
        for _ in 0..7 {
            sender.send(record(1)).await.unwrap();
        }
        drop(sender);
        let mut sizes = Vec::new();
        while let Some(batch) = batches.next().await {
            sizes.push(batch.len());
        }
        assert_eq!(sizes, [3, 3, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_ends_at_six_megabytes_of_payload() {
        let (sender, mut batches) = batches(100, 0);
        for _ in 0..10 {
            sender.send(record(1024 * 1024)).await.unwrap();
        }
        drop(sender);
        let mut sizes = Vec::new();
        while let Some(batch) = batches.next().await {
            sizes.push(batch.len());
        }
        // Base64 turns three bytes into four.
        assert_eq!(sizes, [4, 4, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_waits_for_more_records_only_if_there_is_a_window() {
        for (window, expected) in [(0, vec![1, 1, 1]), (5, vec![2, 1])] {
            let (sender, mut batches) = batches(100, window);
            let producer = tokio::spawn(async move {
                for pause in [0, 4, 4] {
                    tokio::time::sleep(Duration::from_secs(pause)).await;
                    sender.send(record(1)).await.unwrap();
                }
            });
            let mut sizes = Vec::new();
            while let Some(batch) = batches.next().await {
                sizes.push(batch.len());
            }
            producer.await.unwrap();
            assert_eq!(sizes, expected, "window {window}");
        }
    }
}
