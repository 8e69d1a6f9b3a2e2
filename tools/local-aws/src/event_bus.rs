//! The default event bus of EventBridge, with rules.
//!
//! Source: [Amazon EventBridge rules](https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules.html),
//! [AWS service event metadata](https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html)
//! (EventBridge User Guide).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::kinesis::Record;
use crate::now;
use crate::pattern::Pattern;
use crate::sqs::Queue;
use served_stack::{ACCOUNT, REGION};

/// A target of a rule.
#[derive(Clone)]
pub enum Target {
    /// An SQS queue.
    Queue(Arc<Queue>),
    /// A Firehose stream without a transformation.
    Firehose(String, UnboundedSender<Record>),
}

impl Target {
    fn take(&self, event: &str) {
        match self {
            Self::Queue(queue) => drop(queue.send(event.to_owned(), BTreeMap::new())),
            Self::Firehose(_, records) => {
                let record = Record {
                    sequence_number: String::new(),
                    partition_key: String::new(),
                    data: Bytes::copy_from_slice(event.as_bytes()),
                    arrival_milliseconds: now().as_millisecond(),
                };
                // If the archive has stopped, its task returns the error when it is joined.
                let _ = records.send(record);
            }
        }
    }

    fn arn(&self) -> String {
        match self {
            Self::Queue(queue) => queue.arn(),
            Self::Firehose(name, _) => {
                format!("arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{name}")
            }
        }
    }
}

/// A rule.
pub struct Rule {
    /// Its name.
    pub name: String,
    /// The events that it matches.
    pub pattern: Pattern,
    /// Where it sends them.
    pub targets: Vec<Target>,
}

impl Rule {
    /// Its ARN: a rule of the default bus.
    #[must_use]
    pub fn arn(&self) -> String {
        format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{}", self.name)
    }

    /// The ARNs of its targets.
    pub fn targets(&self) -> impl Iterator<Item = String> {
        self.targets.iter().map(Target::arn)
    }
}

/// The default event bus.
pub struct EventBus {
    /// The rules.
    pub rules: Vec<Rule>,
}

impl EventBus {
    /// Sends an event to the targets of every rule that it matches. Returns whether there was one.
    #[must_use]
    pub fn put(&self, event: &Map<String, Value>, text: &str) -> bool {
        let mut is_matched = false;
        for rule in self.rules.iter().filter(|rule| rule.pattern.matches(event)) {
            is_matched = true;
            rule.targets.iter().for_each(|target| target.take(text));
        }
        is_matched
    }

    /// Builds the event of a `PutEvents` entry and sends it. Returns its ID.
    #[must_use]
    pub fn put_entry(&self, entry: Entry) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        let Entry { source, detail_type, detail, time, resources } = entry;
        let event = json!({
            "version": "0", "id": id, "detail-type": detail_type, "source": source, "account": ACCOUNT,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), "region": REGION,
            "resources": resources, "detail": detail,
        });
        let text = event.to_string();
        if let Value::Object(event) = &event {
            _ = self.put(event, &text);
        }
        id
    }
}

/// An entry of `PutEvents`.
pub struct Entry {
    /// `Source`
    pub source: String,
    /// `DetailType`
    pub detail_type: String,
    /// `Detail`
    pub detail: Map<String, Value>,
    /// `Time`
    pub time: jiff::Timestamp,
    /// `Resources`
    pub resources: Vec<String>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sqs::QueueSettings;

    #[test]
    fn a_rule_sends_the_whole_event_to_every_target_that_it_has() {
        let settings = QueueSettings { visibility_timeout: Duration::ZERO, dead_letters: None };
        let queue = Arc::new(Queue::new("q", settings));
        let (records, mut archived) = tokio::sync::mpsc::unbounded_channel();
        let Value::Object(pattern) = json!({"source": ["aws.connect"]}) else { unreachable!() };
        let rule = Rule {
            name: "r".to_owned(),
            pattern: Pattern::of(pattern).unwrap(),
            targets: vec![Target::Queue(queue.clone()), Target::Firehose("f".to_owned(), records)],
        };
        let bus = EventBus { rules: vec![rule] };
        let put = |source: &str| {
            let time = jiff::Timestamp::from_second(1_772_438_400).unwrap();
            let Value::Object(detail) = json!({"a": 1}) else { unreachable!() };
            let entry = Entry {
                source: source.to_owned(),
                detail_type: "t".to_owned(),
                detail,
                time,
                resources: Vec::new(),
            };
            bus.put_entry(entry)
        };
        let id = put("aws.connect");
        put("aws.s3");
        let received = queue.receive(10, None);
        assert_eq!(received.len(), 1);
        let event: Value = serde_json::from_str(&received[0].body).unwrap();
        assert_eq!(
            event,
            json!({
                "version": "0", "id": id, "detail-type": "t", "source": "aws.connect", "account": "111122223333",
                "time": "2026-03-02T08:00:00Z", "region": "eu-west-2", "resources": [], "detail": {"a": 1},
            })
        );
        assert_eq!(archived.try_recv().unwrap().data, received[0].body.as_bytes());
        assert!(archived.try_recv().is_err());
    }
}
