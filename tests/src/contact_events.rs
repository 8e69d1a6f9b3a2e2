//! Contact events for tests, and their join as its definition says, without the code under test.

use std::collections::{BTreeMap, BTreeSet};

use aws_lambda_events::sqs::SqsEvent;
use serde_json::{Value, json};
use tables::{Attribute, Item};

/// The instance of [`event`].
pub const INSTANCE: &str = "arn:aws:connect:eu-west-2:111122223333:instance/i-1";

/// An event of contact `c-1` in its envelope. `detail` adds to the required fields, or replaces them.
///
/// # Panics
/// When `detail` is not an object.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "a literal reads better without a reference")]
pub fn event(id: &str, time: &str, event_type: &str, detail: Value) -> Value {
    let mut all = json!({"eventType": event_type, "contactId": "c-1", "instanceArn": INSTANCE});
    let detail = detail.as_object().expect("a detail is an object");
    for (name, value) in detail {
        all[name] = value.clone();
    }
    json!({
        "version": "0", "id": id, "detail-type": "Amazon Connect Contact Event", "source": "aws.connect",
        "account": "111122223333", "time": time, "region": "eu-west-2", "resources": [INSTANCE], "detail": all,
    })
}

/// The events of one call, in order: every one is a snapshot of the contact so far.
#[must_use]
pub fn call() -> Vec<Value> {
    let mut detail = json!({
        "channel": "VOICE", "initiationMethod": "INBOUND", "initiationTimestamp": "2026-03-02T08:00:00.120Z",
    });
    let mut events = vec![event("e-1", "2026-03-02T08:00:00Z", "INITIATED", detail.clone())];
    detail["queueInfo"] = json!({
        "queueArn": format!("{INSTANCE}/queue/q-1"), "queueType": "STANDARD",
        "enqueueTimestamp": "2026-03-02T08:00:06.480Z",
    });
    events.push(event("e-2", "2026-03-02T08:00:06Z", "QUEUED", detail.clone()));
    detail["agentInfo"] = json!({
        "agentArn": format!("{INSTANCE}/agent/a-1"), "connectedToAgentTimestamp": "2026-03-02T08:00:41.300Z",
    });
    events.push(event("e-3", "2026-03-02T08:00:41Z", "CONNECTED_TO_AGENT", detail.clone()));
    detail["disconnectTimestamp"] = json!("2026-03-02T08:05:30.010Z");
    detail["agentInfo"]["afterContactWorkStartTimestamp"] = json!("2026-03-02T08:05:30.010Z");
    events.push(event("e-4", "2026-03-02T08:05:30Z", "DISCONNECTED", detail.clone()));
    detail["agentInfo"]["afterContactWorkEndTimestamp"] = json!("2026-03-02T08:06:01.700Z");
    events.push(event("e-5", "2026-03-02T08:06:01Z", "COMPLETED", detail));
    events
}

/// The events of a contact that was abandoned in the flow: 4, or of a call that was transferred once: 8. Every one is a
/// snapshot of the contact so far, with IDs like Amazon Connect's.
///
/// # Panics
/// For another number of events.
#[must_use]
pub fn contact_of(events: usize, number: usize) -> Vec<Value> {
    const ABANDONED: [&str; 4] = ["INITIATED", "CONNECTED_TO_SYSTEM", "DISCONNECTED", "COMPLETED"];
    const TRANSFERRED: [&str; 8] = [
        "INITIATED",
        "CONNECTED_TO_SYSTEM",
        "QUEUED",
        "CONTACT_DATA_UPDATED",
        "CONNECTED_TO_AGENT",
        "CONTACT_DATA_UPDATED",
        "DISCONNECTED",
        "COMPLETED",
    ];
    let types: &[&str] = match events {
        4 => &ABANDONED,
        8 => &TRANSFERRED,
        _ => panic!("a contact has 4 or 8 events"),
    };
    let uuid = |kind: usize, number: usize| format!("{kind:08x}-0000-4000-8000-{number:012x}");
    let time = |place: usize| format!("2026-03-02T08:00:{:02}.250Z", 7 * place);
    let instance = format!("arn:aws:connect:eu-west-2:111122223333:instance/{}", uuid(1, 1));
    let mut detail = json!({
        "contactId": uuid(2, number), "channel": "VOICE", "initiationMethod": "INBOUND",
        "instanceArn": instance, "initiationTimestamp": time(0),
    });
    let mut sent = Vec::with_capacity(events);
    for (place, event_type) in types.iter().enumerate() {
        match *event_type {
            "CONNECTED_TO_SYSTEM" => detail["connectedToSystemTimestamp"] = json!(time(place)),
            "QUEUED" => {
                let arn = format!("{instance}/queue/{}", uuid(3, number % 12));
                detail["queueInfo"] =
                    json!({"queueArn": arn, "queueType": "STANDARD", "enqueueTimestamp": time(place)});
            }
            "CONNECTED_TO_AGENT" => {
                let arn = format!("{instance}/agent/{}", uuid(4, number % 300));
                detail["agentInfo"] = json!({"agentArn": arn, "connectedToAgentTimestamp": time(place)});
            }
            "DISCONNECTED" => detail["disconnectTimestamp"] = json!(time(place)),
            _ => {}
        }
        sent.push(event(&uuid(5, 8 * number + place), &time(place), event_type, detail.clone()));
    }
    sent
}

/// An SQS event with these messages.
#[must_use]
pub fn messages<'a>(bodies: impl IntoIterator<Item = &'a str>) -> SqsEvent {
    let bodies: Vec<_> = bodies.into_iter().collect();
    let ids: Vec<_> = (0..bodies.len()).map(|index| format!("m-{index}")).collect();
    messages_with_ids(ids.iter().map(String::as_str).zip(bodies))
}

/// An SQS event with messages of these IDs.
#[must_use]
pub fn messages_with_ids<'a>(messages: impl IntoIterator<Item = (&'a str, &'a str)>) -> SqsEvent {
    let record = |(id, body): (&str, &str)| {
        json!({
            "messageId": id, "receiptHandle": format!("r-{id}"), "body": body,
            "attributes": {"SentTimestamp": "1772438400250", "ApproximateReceiveCount": "1"},
            "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-2:111122223333:contact-events", "awsRegion": "eu-west-2",
        })
    };
    crate::read_event(&json!({"Records": messages.into_iter().map(record).collect::<Vec<_>>()}))
}

/// The text at a path like `/detail/contactId`, without regard to the case of names; the exact name wins.
#[must_use]
pub fn text_at<'e>(event: &'e Value, path: &str) -> Option<&'e str> {
    let member = |value: &'e Value, name: &str| {
        let members = value.as_object()?;
        let other =
            || members.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        members.get(name).or_else(other)
    };
    path.split('/').skip(1).try_fold(event, member)?.as_str()
}

/// The order of two events of a contact: time, rank of the type, home Region, ID.
type Order = (String, i32, bool, String);

/// The attributes of an item by their names, from the definition: for each one the event with the greatest order that
/// carries it decides.
#[must_use]
pub fn joined<'e>(events: impl IntoIterator<Item = &'e Value>) -> BTreeMap<&'static str, String> {
    const RANKS: [&str; 6] =
        ["INITIATED", "CONNECTED_TO_SYSTEM", "QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED", "COMPLETED"];
    let paths = [
        ("channel", "/detail/channel"),
        ("initiation_method", "/detail/initiationMethod"),
        ("initiated", "/detail/initiationTimestamp"),
        ("connected_to_system", "/detail/connectedToSystemTimestamp"),
        ("scheduled", "/detail/scheduledTimestamp"),
        ("queue_id", "/detail/queueInfo/queueArn"),
        ("enqueued", "/detail/queueInfo/enqueueTimestamp"),
        ("agent_id", "/detail/agentInfo/agentArn"),
        ("connected_to_agent", "/detail/agentInfo/connectedToAgentTimestamp"),
        ("disconnected", "/detail/disconnectTimestamp"),
        ("after_contact_work_started", "/detail/agentInfo/afterContactWorkStartTimestamp"),
        ("after_contact_work_ended", "/detail/agentInfo/afterContactWorkEndTimestamp"),
    ];
    let mut newest: BTreeMap<&'static str, (Order, String)> = BTreeMap::new();
    let mut first_seen: Option<String> = None;
    let mut ranks = BTreeSet::new();
    let instant = |time: &str| time.replace('Z', if time.contains('.') { "Z" } else { ".000Z" });
    for event in events {
        let text = |path: &str| text_at(event, path);
        let event_type = text("/detail/eventType").unwrap_or_default();
        let rank = RANKS.iter().position(|name| *name == event_type);
        let rank = rank.map_or(-1, |rank| i32::try_from(rank).unwrap_or(-1));
        let home = text("/detail/globalResiliencyMetadata/activeRegion");
        let is_home = home.is_none_or(|home| Some(home) == text("/region"));
        let time = text("/time").unwrap_or_default();
        let order = (instant(time), rank, is_home, text("/id").unwrap_or_default().to_owned());
        ranks.insert(rank);
        let mut set = |name: &'static str, value: String| {
            let held = newest.entry(name).or_insert_with(|| (order.clone(), value.clone()));
            if held.0 <= order {
                *held = (order.clone(), value);
            }
        };
        for (name, path) in paths {
            let Some(value) = text(path).filter(|value| !value.starts_with("1970-01-01")) else { continue };
            let value = match name {
                "queue_id" | "agent_id" => value.rsplit('/').next().unwrap_or_default().to_owned(),
                "channel" => value.to_uppercase(),
                "initiation_method" => value.to_owned(),
                _ => instant(value),
            };
            set(name, value);
        }
        match event_type {
            "PAUSED" => set("paused", "true".to_owned()),
            "RESUMED" => set("paused", "false".to_owned()),
            "COMPLETED" => set("completed", instant(time)),
            _ => {}
        }
        let initiated = text("/detail/initiationTimestamp").filter(|time| !time.starts_with("1970-01-01"));
        if initiated.is_none() && first_seen.as_ref().is_none_or(|first| *first > instant(time)) {
            first_seen = Some(instant(time));
        }
    }
    let mut joined: BTreeMap<_, _> = newest.into_iter().map(|(name, (_, value))| (name, value)).collect();
    if let Some(rank) = ranks.last().filter(|rank| **rank >= 0) {
        joined.insert("rank", rank.to_string());
    }
    if !ranks.contains(&5) && !ranks.is_empty() {
        joined.insert("in_flight", "true".to_owned());
    }
    joined.extend(first_seen.map(|first| ("first_seen", first)));
    joined
}

/// Attributes as text, without those that only the code's own layout has.
///
/// # Panics
/// When an attribute is neither text nor a number.
#[must_use]
pub fn shown(item: &Item) -> BTreeMap<&str, String> {
    let is_ours = |name: &str| name.ends_with("_by") || ["last_event", "expires_at"].contains(&name);
    let text = |value: &Attribute| match value {
        Attribute::Text(text) | Attribute::Number(text) => text.to_string(),
        other => panic!("{other:?}"),
    };
    item.iter().filter(|(name, _)| !is_ours(name)).map(|(name, value)| (name.as_str(), text(value))).collect()
}
