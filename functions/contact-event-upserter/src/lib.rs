//! The SQS function for contact events: `decode → parse → plan → write`.
//!
//! Every message is decoded separately, and the events of different contacts are written concurrently. Messages that can
//! never be written are rejected: stored in S3 with the reason. Only the messages that are not finished are reported, and
//! SQS delivers them again. Writing again is always safe, so the function has no retry loop of its own besides those of
//! SQS and the SDK.

mod decode;
mod rejected;
pub mod settings;
mod summary;

use std::collections::BTreeMap;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use connect_streams::Timestamp;
use contact_state::store::ContactStore;
use contact_state::{ContactKey, ContactWrite, Rules, write};
use futures::stream::{self, StreamExt};
use rejected_records::RejectedStore;
use tables::{Answer, StoreError};
use tokio::time::{Instant, timeout_at};

use crate::decode::{Decoded, decode};
use crate::rejected::rejected_object;
pub use crate::summary::Summary;

/// The writes of a batch, planned but not executed: the function without its I/O.
#[must_use]
pub fn plan_batch(event: &SqsEvent, rules: &Rules) -> Vec<ContactWrite> {
    let decoded = event.records.iter().map(|message| decode(message, rules));
    decoded
        .filter_map(|decoded| match decoded {
            Decoded::Event(write) => Some(*write),
            Decoded::Skipped | Decoded::Rejected(_) => None,
        })
        .collect()
}

/// An event of another service, whose records would be rejected without their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the event is not one of SQS: record {0} has no messageId or no body; invoke this function only from its queue"
)]
pub struct NotMessages(usize);

/// Checks that an event has messages of SQS. `aws_lambda_events` accepts any records.
///
/// # Errors
/// [`NotMessages`] with the first record that is no message.
pub fn check(event: &SqsEvent) -> Result<(), NotMessages> {
    let is_message = |message: &SqsMessage| {
        message.message_id.as_ref().is_some_and(|id| !id.is_empty()) && message.body.is_some()
    };
    event
        .records
        .iter()
        .position(|message| !is_message(message))
        .map_or(Ok(()), |place| Err(NotMessages(place)))
}

/// The function: its table, its bucket, its settings.
pub struct Upserter<S, R> {
    /// The table.
    pub store: S,
    /// The store for rejected events.
    pub rejected_store: R,
    /// What to store, and for how long.
    pub rules: Rules,
    /// Maximum number of requests in flight.
    pub write_concurrency: usize,
}

/// The result of one event: its place in the batch, and the store's answer.
type Written = (usize, Answer<Result<contact_state::Outcome, StoreError>>);

impl<S: ContactStore, R: RejectedStore> Upserter<S, R> {
    /// Handles one batch at `now`, whose messages were [checked](check). Messages whose writes are not done at `stop_at` are reported for retry.
    pub async fn handle(
        &self,
        event: &SqsEvent,
        now: Timestamp,
        stop_at: Instant,
    ) -> (SqsBatchResponse, Summary) {
        let messages = &event.records;
        let decoded: Vec<_> = messages.iter().map(|message| decode(message, &self.rules)).collect();
        let mut summary = Summary::default();
        let mut is_finished = vec![false; messages.len()];

        for (place, answer) in self.write_until(&decoded, now, stop_at).await {
            summary.consumed += answer.consumed;
            match (answer.value, &decoded[place]) {
                (Ok(outcome), Decoded::Event(write)) => {
                    summary.count(outcome, write.time);
                    is_finished[place] = true;
                }
                (Err(fault), _) => summary.faults.push(fault),
                (Ok(_), _) => {}
            }
        }

        let rejects: Vec<_> = decoded.iter().enumerate().filter_map(rejected_at).collect();
        let lines: Vec<_> = rejects.iter().map(|(place, reject)| (&messages[*place], *reject)).collect();
        let stored = match rejected_object(&lines, now) {
            None => Ok(()),
            Some(object) => self.rejected_store.put(&object.key, object.body).await,
        };
        match stored {
            Ok(()) => {
                for (place, reject) in &rejects {
                    summary.rejected.add(reject);
                    is_finished[*place] = true;
                }
            }
            Err(fault) => summary.faults.push(fault),
        }
        for (place, decoded) in decoded.iter().enumerate() {
            if matches!(decoded, Decoded::Skipped) {
                summary.skipped += 1;
                is_finished[place] = true;
            }
        }

        let mut response = SqsBatchResponse::default();
        for (message, _) in messages.iter().zip(&is_finished).filter(|(_, is_finished)| !**is_finished) {
            summary.retried += 1;
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.clone().unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
        (response, summary)
    }

    /// Writes the events: those of one contact one after the other, oldest first, so that each is the newest when it is
    /// written. A write that is cut off at `stop_at` is not a fault; it is just not returned.
    async fn write_until(&self, decoded: &[Decoded], now: Timestamp, stop_at: Instant) -> Vec<Written> {
        let mut by_contact: BTreeMap<&ContactKey, Vec<(usize, &ContactWrite)>> = BTreeMap::new();
        for (place, decoded) in decoded.iter().enumerate() {
            if let Decoded::Event(write) = decoded {
                by_contact.entry(&write.key).or_default().push((place, write));
            }
        }
        let contacts = by_contact.into_values().map(|mut events| async move {
            events.sort_by(|(_, left), (_, right)| left.version.cmp(&right.version));
            let mut written = Vec::with_capacity(events.len());
            for (place, event) in events {
                // What is not done at `stop_at` is left out, but what was done before it counts.
                match timeout_at(stop_at, write(&self.store, event, now)).await {
                    Ok(answer) => written.push((place, answer)),
                    Err(_) => break,
                }
            }
            written
        });
        let mut in_flight = stream::iter(contacts).buffer_unordered(self.write_concurrency);
        let mut written = Vec::new();
        while let Some(next) = in_flight.next().await {
            written.extend(next);
        }
        written
    }
}

fn rejected_at((place, decoded): (usize, &Decoded)) -> Option<(usize, &connect_streams::Reject)> {
    match decoded {
        Decoded::Rejected(reject) => Some((place, reject)),
        Decoded::Event(_) | Decoded::Skipped => None,
    }
}
