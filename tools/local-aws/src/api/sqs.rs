//! SQS, in its JSON protocol.
//!
//! Source: [the operations](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html) named
//! here (Amazon SQS API Reference).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lambda_io::limits::sqs::{BATCH_MESSAGES, MESSAGE_BYTES};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::{Answer, Refusal, unknown};
use super::services::Services;
use crate::queue_mapping::md5_of;
use crate::sqs::{Message, Queue};
use served_stack::ACCOUNT;

/// `ReceiveMessage`, `WaitTimeSeconds`.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// `VisibilityTimeout`: twelve hours.
const LONGEST_VISIBILITY: Duration = Duration::from_hours(12);

fn refused(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { code, message: message.into() }
}

impl Services {
    pub(super) async fn sqs(&self, operation: &str, request: &Value) -> Answer {
        match operation {
            "ListQueues" => {
                let prefix = request["QueueNamePrefix"].as_str().unwrap_or_default();
                let named = self.queues.iter().filter(|queue| queue.name.starts_with(prefix));
                Ok(json!({"QueueUrls": named.map(|queue| self.url(queue)).collect::<Vec<_>>()}))
            }
            "GetQueueUrl" => {
                let name = request["QueueName"].as_str().unwrap_or_default();
                Ok(json!({"QueueUrl": self.url(self.queue_named(name)?)}))
            }
            "GetQueueAttributes" => self.queue_of(request).map(|queue| attributes(queue, request)),
            "SendMessage" => send(self.queue_of(request)?, request),
            "SendMessageBatch" => {
                let queue = self.queue_of(request)?;
                batch(request, &|entry| send(queue, entry))
            }
            "ReceiveMessage" => receive(self.queue_of(request)?, request).await,
            "DeleteMessage" => {
                let queue = self.queue_of(request)?;
                queue.delete(request["ReceiptHandle"].as_str().unwrap_or_default());
                Ok(json!({}))
            }
            "DeleteMessageBatch" => {
                let queue = self.queue_of(request)?;
                batch(request, &|entry| {
                    queue.delete(entry["ReceiptHandle"].as_str().unwrap_or_default());
                    Ok(json!({}))
                })
            }
            "ChangeMessageVisibility" => {
                let queue = self.queue_of(request)?;
                let timeout = seconds(request, "VisibilityTimeout", LONGEST_VISIBILITY)?.unwrap_or_default();
                if queue.change_visibility(request["ReceiptHandle"].as_str().unwrap_or_default(), timeout) {
                    Ok(json!({}))
                } else {
                    Err(refused("ReceiptHandleIsInvalid", "the receipt handle is not valid"))
                }
            }
            "PurgeQueue" => {
                self.queue_of(request)?.purge();
                Ok(json!({}))
            }
            other => Err(unknown(other)),
        }
    }

    fn url(&self, queue: &Queue) -> String {
        format!("{}/{ACCOUNT}/{}", self.endpoint, queue.name)
    }

    fn queue_of(&self, request: &Value) -> Result<&Arc<Queue>, Refusal> {
        let url = request["QueueUrl"].as_str().unwrap_or_default();
        self.queue_named(url.rsplit('/').next().unwrap_or_default())
    }

    fn queue_named(&self, name: &str) -> Result<&Arc<Queue>, Refusal> {
        let names: Vec<_> = self.queues.iter().map(|queue| queue.name.as_str()).collect();
        self.queues.iter().find(|queue| queue.name == name).ok_or_else(|| {
            // The code of the JSON protocol has the service's namespace.
            refused(
                "com.amazonaws.sqs#QueueDoesNotExist",
                format!("queue {name:?} does not exist; there are {}", names.join(", ")),
            )
        })
    }
}

fn attributes(queue: &Queue, request: &Value) -> Value {
    let (visible, invisible) = queue.counts();
    let settings = queue.settings();
    let mut all = BTreeMap::from([
        ("QueueArn", queue.arn()),
        ("ApproximateNumberOfMessages", visible.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", invisible.to_string()),
        ("ApproximateNumberOfMessagesDelayed", "0".to_owned()),
        ("VisibilityTimeout", settings.visibility_timeout.as_secs().to_string()),
    ]);
    if let Some((dead, receives)) = &settings.dead_letters {
        let policy = json!({"deadLetterTargetArn": dead.arn(), "maxReceiveCount": receives});
        all.insert("RedrivePolicy", policy.to_string());
    }
    let wanted = request["AttributeNames"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.retain(|name, _| wanted.iter().any(|one| one == "All" || one == name));
    json!({"Attributes": all})
}

fn send(queue: &Queue, request: &Value) -> Answer {
    let body = request["MessageBody"].as_str().unwrap_or_default();
    if body.is_empty() || body.len() > MESSAGE_BYTES {
        let message = format!("MessageBody must have 1 to {MESSAGE_BYTES} bytes");
        return Err(refused("InvalidParameterValue", message));
    }
    let attributes = request["MessageAttributes"].as_object().into_iter().flatten();
    let attributes = attributes
        .filter_map(|(name, value)| Some((name.clone(), value["StringValue"].as_str()?.to_owned())))
        .collect();
    let id = queue.send(body.to_owned(), attributes);
    Ok(json!({"MessageId": id, "MD5OfMessageBody": md5_of(body)}))
}

async fn receive(queue: &Queue, request: &Value) -> Answer {
    let most = request["MaxNumberOfMessages"].as_u64().unwrap_or(1);
    let most = usize::try_from(most).ok().filter(|most| (1..=BATCH_MESSAGES).contains(most));
    let most = most.ok_or_else(|| refused("InvalidParameterValue", "MaxNumberOfMessages must be 1 to 10"))?;
    let visibility = seconds(request, "VisibilityTimeout", LONGEST_VISIBILITY)?;
    let wait = seconds(request, "WaitTimeSeconds", LONGEST_WAIT)?.unwrap_or_default();
    let until = Instant::now() + wait;
    loop {
        let received = queue.receive(most, visibility);
        if !received.is_empty() {
            let messages: Vec<_> = received.iter().map(described).collect();
            return Ok(json!({"Messages": messages}));
        }
        if tokio::time::timeout_at(until, queue.wait()).await != Ok(true) {
            return Ok(json!({}));
        }
    }
}

/// A message with all its attributes: more than asked for does no harm.
fn described(message: &Message) -> Value {
    let mut described = json!({
        "MessageId": message.id, "ReceiptHandle": message.receipt, "Body": message.body,
        "MD5OfBody": md5_of(&message.body),
        "Attributes": {
            "SentTimestamp": message.sent.to_string(),
            "ApproximateReceiveCount": message.receive_count.to_string(),
            "ApproximateFirstReceiveTimestamp": message.first_received.to_string(),
        },
    });
    if !message.attributes.is_empty() {
        let attribute = |(name, value): (&String, &String)| {
            (name.clone(), json!({"DataType": "String", "StringValue": value}))
        };
        described["MessageAttributes"] = Value::Object(message.attributes.iter().map(attribute).collect());
    }
    described
}

fn seconds(request: &Value, name: &str, most: Duration) -> Result<Option<Duration>, Refusal> {
    let refusal = || refused("InvalidParameterValue", format!("{name} must be 0 to {}", most.as_secs()));
    match &request[name] {
        Value::Null => Ok(None),
        value => {
            let duration = value.as_u64().map(Duration::from_secs).filter(|duration| *duration <= most);
            duration.map(Some).ok_or_else(refusal)
        }
    }
}

fn batch(request: &Value, each: &dyn Fn(&Value) -> Answer) -> Answer {
    let entries = request["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !(1..=BATCH_MESSAGES).contains(&entries.len()) {
        return Err(refused("InvalidParameterValue", "a request must have 1 to 10 entries"));
    }
    let ids: BTreeSet<_> = entries.iter().map(|entry| entry["Id"].as_str()).collect();
    if ids.len() < entries.len() {
        return Err(refused(
            "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
            "the entries of a request must have different IDs",
        ));
    }
    let bytes: usize = entries.iter().map(|entry| entry["MessageBody"].as_str().map_or(0, str::len)).sum();
    if bytes > MESSAGE_BYTES {
        let message = format!("the messages of a request must not exceed {MESSAGE_BYTES} bytes in total");
        return Err(refused("BatchRequestTooLong", message));
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        match each(entry) {
            Ok(mut done) => {
                done["Id"] = entry["Id"].clone();
                successful.push(done);
            }
            Err(refusal) => failed.push(json!({
                "Id": entry["Id"], "Code": refusal.code, "Message": refusal.message, "SenderFault": true,
            })),
        }
    }
    Ok(json!({"Successful": successful, "Failed": failed}))
}
