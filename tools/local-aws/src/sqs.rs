//! A standard SQS queue: visibility timeout, redelivery, receive count, dead letters.
//!
//! Source: [Amazon SQS visibility timeout](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html),
//! [Using dead-letter queues in Amazon SQS](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html)
//! (SQS Developer Guide).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::now;
use served_stack::{ACCOUNT, REGION};

/// The settings of a queue.
#[derive(Clone)]
pub struct QueueSettings {
    /// How long a received message is invisible.
    pub visibility_timeout: Duration,
    /// The queue for messages that were received too often, and how often they may be received.
    pub dead_letters: Option<(Arc<Queue>, u32)>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its ID.
    pub id: String,
    /// Its text.
    pub body: String,
    /// Message attributes, all of them texts.
    pub attributes: BTreeMap<String, String>,
    /// When it was sent, in milliseconds since 1970.
    pub sent: i64,
    /// When it was first received; 0 before that.
    pub first_received: i64,
    /// How often it was received.
    pub receive_count: u32,
    /// The handle of the last receipt.
    pub receipt: String,
}

struct Invisible {
    message: Message,
    until: Instant,
}

#[derive(Default)]
struct State {
    visible: VecDeque<Message>,
    /// By receipt handle.
    invisible: BTreeMap<String, Invisible>,
    is_closed: bool,
}

/// A queue.
pub struct Queue {
    /// Its name.
    pub name: String,
    settings: QueueSettings,
    state: Mutex<State>,
    changed: Notify,
}

impl Queue {
    /// An empty queue.
    #[must_use]
    pub fn new(name: &str, settings: QueueSettings) -> Self {
        Self { name: name.to_owned(), settings, state: Mutex::default(), changed: Notify::new() }
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}", self.name)
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &QueueSettings {
        &self.settings
    }

    /// Sends a message and returns its ID.
    pub fn send(&self, body: String, attributes: BTreeMap<String, String>) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        let sent = now().as_millisecond();
        let message = Message {
            id: id.clone(),
            body,
            attributes,
            sent,
            first_received: 0,
            receive_count: 0,
            receipt: String::new(),
        };
        self.lock().visible.push_back(message);
        self.changed.notify_waiters();
        id
    }

    /// Receives up to `most` messages, each of which is then invisible. A message that was received too often goes to
    /// the dead-letter queue instead.
    pub fn receive(&self, most: usize, visibility_timeout: Option<Duration>) -> Vec<Message> {
        let timeout = visibility_timeout.unwrap_or(self.settings.visibility_timeout);
        let mut state = self.lock();
        state.make_visible(Instant::now());
        let mut received = Vec::new();
        while received.len() < most {
            let Some(mut message) = state.visible.pop_front() else { break };
            if let Some((dead_letters, most_receives)) = &self.settings.dead_letters
                && message.receive_count >= *most_receives
            {
                // The message keeps its ID and the time at which it was sent.
                dead_letters.take(Message { receive_count: 0, first_received: 0, ..message });
                continue;
            }
            message.receive_count += 1;
            if message.first_received == 0 {
                message.first_received = now().as_millisecond();
            }
            message.receipt = uuid::Uuid::new_v4().to_string();
            let invisible = Invisible { message: message.clone(), until: Instant::now() + timeout };
            state.invisible.insert(message.receipt.clone(), invisible);
            received.push(message);
        }
        drop(state);
        self.changed.notify_waiters();
        received
    }

    /// Waits until a message is visible. `false` if the queue is closed and has no message left, not even an invisible
    /// one.
    pub async fn wait(&self) -> bool {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let next = {
                let mut state = self.lock();
                state.make_visible(Instant::now());
                if !state.visible.is_empty() {
                    return true;
                }
                if state.is_closed && state.invisible.is_empty() {
                    return false;
                }
                state.invisible.values().map(|invisible| invisible.until).min()
            };
            match next {
                None => changed.await,
                Some(until) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(until) => {}
                },
            }
        }
    }

    /// Deletes a message by a receipt handle. A handle that is no longer valid is ignored, as in the service.
    pub fn delete(&self, receipt: &str) {
        self.lock().invisible.remove(receipt);
        self.changed.notify_waiters();
    }

    /// Changes when a received message is visible again. `false` if the handle is not valid.
    pub fn change_visibility(&self, receipt: &str, timeout: Duration) -> bool {
        let changed = match self.lock().invisible.get_mut(receipt) {
            None => false,
            Some(invisible) => {
                invisible.until = Instant::now() + timeout;
                true
            }
        };
        self.changed.notify_waiters();
        changed
    }

    /// Deletes all messages.
    pub fn purge(&self) {
        let mut state = self.lock();
        state.visible.clear();
        state.invisible.clear();
        drop(state);
        self.changed.notify_waiters();
    }

    /// The numbers of visible and of invisible messages.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let mut state = self.lock();
        state.make_visible(Instant::now());
        (state.visible.len(), state.invisible.len())
    }

    /// The number of messages that nobody has received yet, or that are visible again since somebody looked.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.lock().visible.len()
    }

    /// No more messages will be sent.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_waiters();
    }

    fn take(&self, message: Message) {
        self.lock().visible.push_back(message);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn make_visible(&mut self, now: Instant) {
        let due: Vec<_> = self
            .invisible
            .iter()
            .filter(|(_, invisible)| invisible.until <= now)
            .map(|(receipt, _)| receipt.clone())
            .collect();
        for receipt in due {
            if let Some(invisible) = self.invisible.remove(&receipt) {
                self.visible.push_back(invisible.message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(dead_letters: Option<(Arc<Queue>, u32)>) -> Queue {
        Queue::new("q", QueueSettings { visibility_timeout: Duration::from_secs(30), dead_letters })
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_invisible_until_the_timeout_and_gone_when_deleted() {
        let queue = queue(None);
        let id = queue.send("a".to_owned(), BTreeMap::new());
        let first = queue.receive(10, None).remove(0);
        assert_eq!((first.id.as_str(), first.receive_count), (id.as_str(), 1));
        assert!(queue.receive(10, None).is_empty());
        tokio::time::advance(Duration::from_secs(30)).await;
        let second = queue.receive(10, None).remove(0);
        assert_eq!((second.id.as_str(), second.receive_count), (id.as_str(), 2));
        // The first handle is no longer valid.
        queue.delete(&first.receipt);
        assert_eq!(queue.counts(), (0, 1));
        queue.delete(&second.receipt);
        assert_eq!(queue.counts(), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_was_received_too_often_goes_to_the_dead_letter_queue() {
        let dead = Arc::new(queue(None));
        let queue = queue(Some((dead.clone(), 2)));
        let attributes = BTreeMap::from([("RULE_ARN".to_owned(), "r".to_owned())]);
        let id = queue.send("poison".to_owned(), attributes.clone());
        for count in 1..=2 {
            assert_eq!(queue.receive(1, Some(Duration::ZERO))[0].receive_count, count);
        }
        assert!(queue.receive(1, None).is_empty());
        let message = dead.receive(1, None).remove(0);
        assert_eq!((message.id, message.attributes, message.receive_count), (id, attributes, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_queue_ends_when_its_last_message_is_deleted() {
        let queue = Arc::new(queue(None));
        queue.send("a".to_owned(), BTreeMap::new());
        queue.close();
        assert!(queue.wait().await);
        let message = queue.receive(1, None).remove(0);
        let waiting = tokio::spawn({
            let queue = queue.clone();
            async move { queue.wait().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        queue.delete(&message.receipt);
        assert!(!waiting.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn visibility_can_be_changed() {
        let queue = queue(None);
        queue.send("a".to_owned(), BTreeMap::new());
        let message = queue.receive(1, None).remove(0);
        assert!(queue.change_visibility(&message.receipt, Duration::ZERO));
        assert!(!queue.receive(1, None).is_empty());
        assert!(!queue.change_visibility(&message.receipt, Duration::ZERO));
    }
}
