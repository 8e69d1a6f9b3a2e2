//! Agents' timelines for the page: statuses, and above them the states of contacts.

use std::collections::BTreeMap;

use agent_ledger::Register;
use local_aws::dynamodb::Item;
use serde_json::{Value, json};

use crate::report::moment::epoch_seconds;

/// An interval, in seconds since 1970. The fields are in sort order: by contact (empty for a status), then by end, so that a
/// contact's states are in sequence.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    contact: String,
    end: i64,
    start: i64,
    /// The index in `Timelines::kinds`.
    what: usize,
}

/// An agent's timeline.
#[derive(Debug, Default)]
struct Timeline {
    username: String,
    spans: Vec<Span>,
}

impl Timeline {
    /// Makes the states of a contact follow one another without overlap (see `agent_ledger::intervals`).
    fn put_in_sequence(&mut self) {
        self.spans.sort_unstable();
        for place in 1..self.spans.len() {
            let [before, span] = &mut self.spans[place - 1..=place] else { continue };
            if !span.contact.is_empty() && before.contact == span.contact {
                span.start = span.start.max(before.end);
            }
        }
        self.spans.sort_unstable_by_key(|span| (span.start, span.end, span.what));
    }
}

/// The timelines of all agents in the tables.
#[derive(Debug, Default)]
pub(super) struct Timelines {
    /// By instance and agent.
    agents: BTreeMap<(String, String), Timeline>,
    /// Kinds of intervals: the CSS class and the name.
    kinds: Vec<(&'static str, String)>,
}

impl Timelines {
    pub(super) fn agents(&self) -> usize {
        self.agents.len()
    }

    pub(super) fn note_agent(&mut self, item: &Item) {
        if item.contains_key(Register::RoutingProfile.version_attribute()) {
            return;
        }
        let instance = text(item, "board").rsplit_once('#').map_or("", |(instance, _)| instance);
        let agent = text(item, "agent_id").split('#').next().unwrap_or_default();
        let timeline = self.agents.entry((instance.to_owned(), agent.to_owned())).or_default();
        // Only the snapshot item has a username.
        if let username @ [_, ..] = text(item, "username").as_bytes() {
            timeline.username = String::from_utf8_lossy(username).into_owned();
        }
    }

    pub(super) fn note_entry(&mut self, item: &Item) {
        let what = match text(item, "entry").split('#').next() {
            Some("status") => of_status(text(item, "name"), text(item, "status_type")),
            Some("contact") => of_contact(text(item, "state")),
            _ => None,
        };
        let Some((kind, name)) = what else { return };
        let span = (epoch_seconds(text(item, "start")), epoch_seconds(text(item, "end")));
        if let ((Some(start), Some(end)), Some((instance, agent))) =
            (span, text(item, "agent_id").split_once('#'))
        {
            let what = self.kind(kind, name);
            let contact = text(item, "contact_id").to_owned();
            let timeline = self.agents.entry((instance.to_owned(), agent.to_owned())).or_default();
            timeline.spans.push(Span { contact, end, start, what });
        }
    }

    fn kind(&mut self, kind: &'static str, name: &str) -> usize {
        let is_same = |(held, called): &(&'static str, String)| *held == kind && called == name;
        self.kinds.iter().position(is_same).unwrap_or_else(|| {
            self.kinds.push((kind, name.to_owned()));
            self.kinds.len() - 1
        })
    }

    /// Agents by name. Each interval is three numbers: kind, start as a difference, length.
    pub(super) fn json(&mut self) -> Value {
        self.agents.values_mut().for_each(Timeline::put_in_sequence);
        let mut agents: Vec<_> = self.agents.iter().collect();
        agents.sort_by_key(|(key, timeline)| (&timeline.username, *key));
        let agents: Vec<_> = agents
            .iter()
            .map(|((instance, agent), timeline)| {
                let mut before = 0;
                let spans: Vec<_> = timeline
                    .spans
                    .iter()
                    .flat_map(|span| {
                        let begin = span.start - std::mem::replace(&mut before, span.start);
                        [i64::try_from(span.what).unwrap_or_default(), begin, (span.end - span.start).max(0)]
                    })
                    .collect();
                json!([instance, agent, timeline.username, spans])
            })
            .collect();
        json!({"kinds": self.kinds, "agents": agents})
    }
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The kind and name of a status; `None` for offline, which is not drawn.
fn of_status<'a>(name: &'a str, status_type: &str) -> Option<(&'static str, &'a str)> {
    match (status_type, name) {
        ("OFFLINE", _) | ("", "Offline") => None,
        ("ROUTABLE", _) | ("", "Available") => Some(("available", name)),
        _ => Some(("custom", name)),
    }
}

/// The kind and name of a contact's state; `None` for one that is not drawn.
fn of_contact(state: &str) -> Option<(&'static str, &'static str)> {
    Some(match state {
        "CONNECTED" => ("on_contact", "on contact"),
        "CONNECTED_ONHOLD" => ("on_hold", "on hold"),
        "CONNECTING" | "INCOMING" | "PENDING" => ("ringing", "ringing"),
        "ENDED" => ("after_contact_work", "after-contact work"),
        "PAUSED" => ("paused", "paused"),
        "MISSED" | "REJECTED" | "ERROR" => ("missed", "missed"),
        _ => return None,
    })
}
