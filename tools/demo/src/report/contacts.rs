//! The contacts for the page: the newest version of each ended contact, as columns of numbers.
//!
//! A contact counts in a metric as `queries/views/contact_metrics.sql` defines it. The page computes sums and averages.

use std::collections::HashMap;
use std::mem::take;

use serde_json::{Value, json};

use crate::report::moment::epoch_seconds;

/// The columns that are read from a row.
pub(super) const COLUMNS: &[&str] = &[
    "abandoned",
    "after_contact_work_seconds",
    "agent_id",
    "agent_queue",
    "agent_username",
    "answered",
    "arrival_timestamp",
    "assistant",
    "channel",
    "contact_id",
    "content_hash",
    "disconnect_timestamp",
    "handle_seconds",
    "held",
    "hold_seconds",
    "initiation_method",
    "initiation_timestamp",
    "instance_id",
    "last_update_timestamp",
    "queue_duration_seconds",
    "queue_enqueue_timestamp",
    "queue_id",
    "queue_name",
    "record_kind",
    "simulated",
    "talk_seconds",
    "transferred",
];

const QUEUED: u32 = 1;
const HANDLED: u32 = 2;
const ABANDONED: u32 = 4;
const TRANSFERRED_BY_AGENT: u32 = 8;
const PUT_ON_HOLD: u32 = 16;
const SIMULATED: u32 = 32;
/// No value. All other numbers in the columns are not negative.
const NOTHING: i64 = -1;

/// Rows with the same content: the first one, and the number of rows.
pub(super) struct Content {
    contact: Contact,
    /// Day and contact ID, which all versions of a contact share.
    key: String,
    updated: String,
    first_arrival: String,
    times: u64,
}

impl Content {
    /// The sort key of `contact_records_latest`.
    fn version<'a>(&'a self, hash: &'a str) -> (&'a str, &'a str, &'a str) {
        (&self.updated, &self.first_arrival, hash)
    }
}

/// A contact's figures; `NOTHING` or `None` where it does not count.
#[derive(Debug, Clone, Copy)]
struct Contact {
    ended: Option<i64>,
    is_customers: bool,
    queue: Option<u32>,
    channel: Option<u32>,
    agent: Option<u32>,
    flags: u32,
    queued_time: i64,
    interaction_time: i64,
    hold_time: i64,
    after_contact_work_time: i64,
    handle_time: i64,
}

/// The newest content of each contact, with its hash.
pub(super) type Newest<'a> = HashMap<&'a str, (&'a str, &'a Content)>;

/// Names by key, in the order they were first seen.
#[derive(Debug, Default)]
struct Named {
    places: HashMap<String, u32>,
    /// The key, its newest name, and the time of that name.
    names: Vec<(Value, String, i64)>,
}

impl Named {
    fn place(&mut self, key: &Value, name: &str, since: i64) -> u32 {
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let place = *self.places.entry(key.to_string()).or_insert(next);
        match self.names.get_mut(place as usize) {
            None => self.names.push((key.clone(), name.to_owned(), since)),
            Some((_, held, held_since)) => {
                if since >= *held_since && !name.is_empty() {
                    (*held, *held_since) = (name.to_owned(), since);
                }
            }
        }
        place
    }

    fn json(&self) -> Value {
        self.names.iter().map(|(key, name, _)| json!([key, name])).collect()
    }
}

/// The contacts.
#[derive(Default)]
pub(super) struct Contacts {
    contents: HashMap<String, Content>,
    queues: Named,
    channels: Named,
    agents: Named,
}

impl Contacts {
    /// Notes a row.
    pub(super) fn note(&mut self, mut row: Value) {
        let mut text = |name: &str| match row[name].take() {
            Value::String(text) => text,
            _ => String::new(),
        };
        let (hash, contact_id) = (text("content_hash"), text("contact_id"));
        let (updated, arrival) = (text("last_update_timestamp"), text("arrival_timestamp"));
        if let Some(content) = self.contents.get_mut(&hash) {
            content.times += 1;
            content.first_arrival = arrival.min(take(&mut content.first_arrival));
            return;
        }
        let day =
            row["initiation_timestamp"].as_str().and_then(|moment| moment.get(..10)).unwrap_or_default();
        let key = format!("{day}/{contact_id}");
        let contact = self.contact(&row);
        let content = Content { contact, key, updated, first_arrival: arrival, times: 1 };
        self.contents.insert(hash, content);
    }

    fn contact(&mut self, row: &Value) -> Contact {
        let text = |name: &str| row[name].as_str();
        let is = |name: &str| row[name] == true;
        let seconds = |name: &str| row[name].as_f64().filter(|seconds| *seconds >= 0.0);
        let ended = text("disconnect_timestamp").and_then(epoch_seconds);
        let since = ended.unwrap_or(i64::MIN);
        let is_watched = text("initiation_method") == Some("MONITOR");
        let (is_queued, is_handled) =
            (text("queue_enqueue_timestamp").is_some(), is("answered") && !is_watched);
        let flags = [
            (is_queued, QUEUED),
            (is_handled, HANDLED),
            (is("abandoned"), ABANDONED),
            (is("transferred") && is_handled, TRANSFERRED_BY_AGENT),
            (is("held"), PUT_ON_HOLD),
            (is("simulated"), SIMULATED),
        ];
        let instance = text("instance_id");
        let queue = text("queue_id").map(|id| {
            let key = json!([instance, id, is("agent_queue")]);
            self.queues.place(&key, text("queue_name").unwrap_or_default(), since)
        });
        let agent = text("agent_id").map(|id| {
            self.agents.place(&json!([instance, id]), text("agent_username").unwrap_or_default(), since)
        });
        let work = seconds("after_contact_work_seconds").or_else(|| is("answered").then_some(0.0));
        Contact {
            ended,
            is_customers: !is("assistant"),
            queue,
            channel: text("channel").map(|channel| self.channels.place(&json!(channel), channel, since)),
            agent,
            flags: flags.iter().filter(|(is, _)| *is).map(|(_, flag)| flag).sum(),
            queued_time: whole(seconds("queue_duration_seconds")),
            interaction_time: whole(seconds("talk_seconds").filter(|_| is_handled)),
            hold_time: whole(
                seconds("hold_seconds").filter(|hold| is_handled && (is("held") || *hold > 0.0)),
            ),
            after_contact_work_time: whole(work.filter(|_| !is_watched)),
            handle_time: whole(seconds("handle_seconds").filter(|_| !is_watched)),
        }
    }

    /// The number of redelivered rows, and of versions that a newer one has replaced.
    pub(super) fn repeats(&self, newest: &Newest<'_>) -> (u64, u64) {
        let again = self.contents.values().map(|content| content.times - 1).sum();
        (again, (self.contents.len() - newest.len()) as u64)
    }

    /// The newest version of each contact.
    pub(super) fn newest(&self) -> Newest<'_> {
        let mut newest = Newest::new();
        for (hash, content) in &self.contents {
            let held = newest.entry(&content.key).or_insert((hash, content));
            if held.1.version(held.0) < content.version(hash) {
                *held = (hash, content);
            }
        }
        newest
    }

    /// Columns of equal length, sorted by the contacts' end times. The end times are stored as differences.
    pub(super) fn json(&self, newest: &Newest<'_>) -> Value {
        let newest = newest.values().map(|(_, content)| content.contact);
        let ended = newest
            .filter(|contact| contact.is_customers)
            .filter_map(|contact| Some((contact.ended?, contact)));
        let mut contacts: Vec<_> = ended.collect();
        contacts.sort_unstable_by_key(|(ended, contact)| {
            (
                *ended,
                contact.queue,
                contact.channel,
                contact.agent,
                contact.flags,
                contact.queued_time,
                contact.handle_time,
            )
        });
        let begin = contacts.first().map_or(0, |(ended, _)| *ended);
        let mut before = begin;
        let ends: Vec<_> =
            contacts.iter().map(|(ended, _)| ended - std::mem::replace(&mut before, *ended)).collect();
        let place = |place: Option<u32>| place.map_or(NOTHING, i64::from);
        let column = |value: fn(&Contact) -> i64| {
            contacts.iter().map(|(_, contact)| value(contact)).collect::<Vec<_>>()
        };
        let places = |of: fn(&Contact) -> Option<u32>| {
            contacts.iter().map(|(_, contact)| place(of(contact))).collect::<Vec<_>>()
        };
        json!({
            "begin": begin,
            "ended": ends,
            "queue": places(|contact| contact.queue),
            "channel": places(|contact| contact.channel),
            "agent": places(|contact| contact.agent),
            "flags": column(|contact| i64::from(contact.flags)),
            "queued_time": column(|contact| contact.queued_time),
            "interaction_time": column(|contact| contact.interaction_time),
            "hold_time": column(|contact| contact.hold_time),
            "after_contact_work_time": column(|contact| contact.after_contact_work_time),
            "handle_time": column(|contact| contact.handle_time),
            "flag": {
                "queued": QUEUED,
                "handled": HANDLED,
                "abandoned": ABANDONED,
                "transferred_out_by_agent": TRANSFERRED_BY_AGENT,
                "put_on_hold": PUT_ON_HOLD,
                "simulated": SIMULATED,
            },
            "queues": self.queues.json(),
            "channels": self.channels.json(),
            "agents": self.agents.json(),
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "durations are whole seconds")]
fn whole(seconds: Option<f64>) -> i64 {
    seconds.map_or(NOTHING, |seconds| seconds as i64)
}
