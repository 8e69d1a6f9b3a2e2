//! The loop between an SQS queue and a Lambda function.
//!
//! Several pollers receive batches and invoke the function. The messages that the response does not name are deleted; the
//! others are visible again after the visibility timeout of the queue.
//!
//! Source: [Using Lambda with Amazon SQS](https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html),
//! [Handling errors for an SQS event source](https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lambda_io::limits::lambda::PAYLOAD_BYTES;
use md5::{Digest, Md5};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::function::{Invoke, InvokeError};
use crate::sqs::{Message, Queue};
use served_stack::REGION;

/// Bytes that a message's envelope adds to its body.
const ENVELOPE_BYTES: usize = 700;
/// Pause before a throttled function is invoked again.
const THROTTLED: Duration = Duration::from_millis(200);

/// The settings of a mapping.
#[derive(Debug, Clone)]
pub struct QueueMappingSettings {
    /// Maximum number of messages per invocation.
    pub batch_size: usize,
    /// Maximum time to wait for more messages after the first.
    pub window: Duration,
    /// Maximum number of concurrent invocations.
    pub maximum_concurrency: usize,
}

/// A mapping between a queue and a function.
pub struct QueueMapping {
    settings: QueueMappingSettings,
    queue: Arc<Queue>,
    function: Arc<dyn Invoke>,
    /// Messages that the function has processed.
    pub done: AtomicU64,
}

impl QueueMapping {
    /// Sets up the mapping.
    #[must_use]
    pub fn new(settings: QueueMappingSettings, queue: Arc<Queue>, function: Arc<dyn Invoke>) -> Self {
        Self { settings, queue, function, done: AtomicU64::new(0) }
    }

    /// Runs until the queue is closed and empty.
    ///
    /// # Errors
    /// When the function can never be started.
    pub async fn run(self: Arc<Self>) -> anyhow::Result<()> {
        let mut pollers = JoinSet::new();
        for _ in 0..self.settings.maximum_concurrency.max(1) {
            let mapping = self.clone();
            pollers.spawn(async move { mapping.poll().await });
        }
        while let Some(ended) = pollers.join_next().await {
            ended??;
        }
        Ok(())
    }

    async fn poll(&self) -> anyhow::Result<()> {
        while self.queue.wait().await {
            let batch = self.batch().await;
            if batch.is_empty() {
                continue;
            }
            let failed = match self.function.invoke(self.event(&batch).into()).await {
                Ok(response) => failures(&response, &batch),
                Err(InvokeError::NotStarted(error)) => return Err(error),
                Err(InvokeError::Throttled) => {
                    tokio::time::sleep(THROTTLED).await;
                    None
                }
                Err(_) => None,
            };
            // Without a valid answer, the whole batch failed.
            let Some(failed) = failed else { continue };
            for message in batch.iter().filter(|message| !failed.contains(&message.id)) {
                self.queue.delete(&message.receipt);
                self.done.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    async fn batch(&self) -> Vec<Message> {
        let window_end = Instant::now() + self.settings.window;
        let mut batch = Vec::new();
        let mut bytes = 0;
        loop {
            let room = self.settings.batch_size - batch.len();
            // A request to SQS returns up to ten messages.
            for message in self.queue.receive(room.min(10), None) {
                let more = escaped_bytes(&message.body) + ENVELOPE_BYTES;
                if bytes + more > PAYLOAD_BYTES && !batch.is_empty() {
                    self.queue.change_visibility(&message.receipt, Duration::ZERO);
                    return batch;
                }
                bytes += more;
                batch.push(message);
            }
            if batch.len() >= self.settings.batch_size {
                return batch;
            }
            if self.queue.counts().0 == 0
                && tokio::time::timeout_at(window_end, self.queue.wait()).await != Ok(true)
            {
                return batch;
            }
        }
    }

    /// The event, as in the documentation's example.
    fn event(&self, batch: &[Message]) -> String {
        let records: Vec<_> = batch.iter().map(|message| record(message, &self.queue.arn())).collect();
        json!({"Records": records}).to_string()
    }
}

fn record(message: &Message, queue_arn: &str) -> Value {
    let attributes: serde_json::Map<_, _> = message
        .attributes
        .iter()
        .map(|(name, value)| {
            let attribute = json!({
                "stringValue": value, "stringListValues": [], "binaryListValues": [], "dataType": "String",
            });
            (name.clone(), attribute)
        })
        .collect();
    json!({
        "messageId": message.id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": message.receive_count.to_string(),
            "SentTimestamp": message.sent.to_string(),
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": message.first_received.to_string(),
        },
        "messageAttributes": attributes,
        "md5OfBody": md5_of(&message.body),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    })
}

/// The MD5 of a text, in hexadecimal digits.
pub(crate) fn md5_of(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().fold(String::new(), |mut digits, byte| {
        use std::fmt::Write as _;
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// The size of a text as a JSON string.
fn escaped_bytes(text: &str) -> usize {
    text.len() + text.bytes().filter(|byte| matches!(byte, b'"' | b'\\' | ..0x20)).count()
}

/// The IDs that a response reports as failed; `None` if the whole batch failed.
///
/// "Lambda treats a batch as a complete success if your function returns an empty or null `batchItemFailures` list, or an
/// empty or null `EventResponse`", and as "a complete failure if your function returns an invalid JSON response, an empty
/// or null `itemIdentifier`, an `itemIdentifier` with a bad key name, or an `itemIdentifier` that does not exist".
fn failures(response: &[u8], batch: &[Message]) -> Option<BTreeSet<String>> {
    if response.is_empty() {
        return Some(BTreeSet::new());
    }
    let response: Value = serde_json::from_slice(response).ok()?;
    let items = match &response {
        Value::Null => return Some(BTreeSet::new()),
        Value::Object(members) => match members.get("batchItemFailures") {
            None | Some(Value::Null) => return Some(BTreeSet::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return None,
        },
        _ => return None,
    };
    let id = |item: &Value| item.get("itemIdentifier").and_then(Value::as_str).map(str::to_owned);
    let ids: BTreeSet<_> = items.iter().map(id).collect::<Option<_>>()?;
    ids.iter().all(|id| batch.iter().any(|message| message.id == *id)).then_some(ids)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use axum::body::Bytes;

    use super::*;
    use crate::sqs::QueueSettings;

    fn message(id: &str) -> Message {
        Message {
            id: id.to_owned(),
            body: "b".to_owned(),
            attributes: BTreeMap::new(),
            sent: 1,
            first_received: 0,
            receive_count: 0,
            receipt: String::new(),
        }
    }

    #[test]
    fn a_response_is_read_by_the_documented_rules() {
        let batch = [message("a"), message("b")];
        for (response, failed) in [
            ("", Some(vec![])),
            ("null", Some(vec![])),
            ("{}", Some(vec![])),
            (r#"{"batchItemFailures":null}"#, Some(vec![])),
            (r#"{"batchItemFailures":[]}"#, Some(vec![])),
            (r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, Some(vec!["b"])),
            ("not JSON", None),
            (r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, None),
            (r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#, None),
            (r#"{"batchItemFailures":[{"identifier":"b"}]}"#, None),
            (r#"{"batchItemFailures":[{"itemIdentifier":"c"}]}"#, None),
        ] {
            let found = failures(response.as_bytes(), &batch);
            let failed = failed.map(|ids| ids.into_iter().map(str::to_owned).collect());
            assert_eq!(found, failed, "{response}");
        }
    }

    /// Fails the messages with the body `poison`.
    #[derive(Default)]
    struct Picky(Mutex<Vec<usize>>);

    #[async_trait::async_trait]
    impl Invoke for Picky {
        fn arn(&self) -> String {
            "arn:aws:lambda:eu-west-2:111122223333:function:picky".to_owned()
        }

        async fn invoke(&self, payload: Bytes) -> Result<Bytes, InvokeError> {
            let event: Value = serde_json::from_slice(&payload).unwrap();
            let records = event["Records"].as_array().unwrap();
            self.0.lock().unwrap().push(records.len());
            let failed: Vec<_> = records
                .iter()
                .filter(|record| record["body"] == "poison")
                .map(|record| json!({"itemIdentifier": record["messageId"]}))
                .collect();
            Ok(json!({"batchItemFailures": failed}).to_string().into())
        }
    }

    /// Only the message that failed comes again, and goes to the dead-letter queue in the end.
    #[tokio::test(start_paused = true)]
    async fn only_failed_messages_are_delivered_again() {
        let timeout = QueueSettings { visibility_timeout: Duration::from_secs(1), dead_letters: None };
        let dead = Arc::new(Queue::new("dead", timeout.clone()));
        let settings = QueueSettings { dead_letters: Some((dead.clone(), 3)), ..timeout };
        let queue = Arc::new(Queue::new("q", settings));
        for body in ["a", "poison", "b"] {
            queue.send(body.to_owned(), BTreeMap::new());
        }
        queue.close();
        let function = Arc::new(Picky::default());
        let settings =
            QueueMappingSettings { batch_size: 10, window: Duration::ZERO, maximum_concurrency: 2 };
        let mapping = Arc::new(QueueMapping::new(settings, queue.clone(), function.clone()));
        mapping.clone().run().await.unwrap();
        assert_eq!(*function.0.lock().unwrap(), [3, 1, 1]);
        assert_eq!((mapping.done.load(Ordering::Relaxed), dead.counts()), (2, (1, 0)));
    }
}
