//! History entries: one for every event, and one for each interval that an event closes.
//!
//! An interval is derived from one event: its previous snapshot has the status or contact state, and its current one no
//! longer does. Contacts are matched by ID, so the after-contact work of a contact ends when *that contact* leaves the
//! list, not when the list is empty. After-contact work is the interval of state `ENDED`.
//! Source: [Determine the agent's ACW time](https://docs.aws.amazon.com/connect/latest/adminguide/determine-acw-time.html)
//! (Amazon Connect Administrator Guide).
//!
//! Amazon's pages disagree on whether a contact gets a new `StateStartTimestamp` when it is put on hold or resumed. If
//! it keeps an old one, the event alone does not show when the state began. So a contact's interval is written with the
//! start that Connect gives, its key also has the end, and no interval overwrites another. [`crate::intervals`] then
//! puts the intervals of a contact in sequence.
//!
//! A consistent stream closes an interval once. If two events close the same one (a producer's clock was set back, a
//! restored backup was replayed), the earlier event wins, by version and not by arrival. So an interval is a join, too.

use connect_streams::Timestamp;
use connect_streams::agent_event::{AgentEvent, AgentStatus, Contact, Snapshot};

use crate::Version;
use crate::activity::Activity;
use tables::{Attribute, expires_at, present_and_absent, timestamp_text};

/// One item of AgentHistory, inserted if its key is absent. An interval also replaces the same interval if a later
/// event closed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Partition key: `<instance id>#<agent id>`.
    pub agent_id: String,
    /// Sort key: `event#…`, `status#…`, or `contact#…`, ending in the Region.
    pub entry: String,
    /// All other attributes.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// The attributes that entries of this kind can have but this one lacks.
    pub absent: Vec<&'static str>,
    /// The event that closed the interval, also stored as the attribute [`CLOSED_BY`]; `None` for an event's entry.
    pub closed_by: Option<Version>,
}

/// The attribute of an interval that holds the version of the event that closed it.
pub const CLOSED_BY: &str = "closed_by";

/// The partition key of an agent's history.
#[must_use]
pub fn history_key(instance_id: &str, agent_id: &str) -> String {
    [instance_id, agent_id].join("#")
}

/// The entry of the event itself: `event#<timestamp>#<event id>#<Region>`.
pub(crate) fn event_entry(event: &AgentEvent<'_>, version: &Version, retention_days: u32) -> HistoryEntry {
    let current = event.current.as_ref();
    let attributes = [
        ("event_type", Some(Attribute::text(event.event_type.as_str()))),
        ("status_name", current.and_then(|snapshot| snapshot.status.name).map(Attribute::text)),
        (
            "activity",
            current.map(|snapshot| Attribute::text(Activity::of_event(event.event_type, snapshot).as_str())),
        ),
        ("contacts", current.and_then(contact_states)),
        ("expires_at", Some(expires_at(event.timestamp, retention_days))),
    ];
    entry(event, ["event", version.as_str(), event.region].join("#"), attributes)
}

/// The intervals that the event closes.
pub(crate) fn intervals(event: &AgentEvent<'_>, version: &Version, retention_days: u32) -> Vec<HistoryEntry> {
    let (Some(previous), Some(current)) = (&event.previous, &event.current) else {
        return Vec::new();
    };
    let mut intervals = Vec::new();
    intervals.extend(status_interval(event, version, (&previous.status, &current.status), retention_days));
    for contact in &previous.contacts {
        let successor = current.contacts.iter().find(|successor| successor.contact_id == contact.contact_id);
        intervals.extend(contact_interval(event, version, (contact, successor), retention_days));
    }
    intervals
}

fn status_interval(
    event: &AgentEvent<'_>,
    version: &Version,
    (previous, current): (&AgentStatus<'_>, &AgentStatus<'_>),
    retention_days: u32,
) -> Option<HistoryEntry> {
    let span = Span::between(previous.since?, current.since?)?;
    let attributes = [
        ("name", previous.name.map(Attribute::text)),
        ("status_type", previous.status_type.map(Attribute::text)),
        ("expires_at", Some(expires_at(event.timestamp, retention_days))),
    ];
    let key = ["status", &timestamp_text(span.start), event.region].join("#");
    Some(span.onto(version, entry(event, key, attributes)))
}

/// The interval of a contact's state, which ends when the contact changes its state or leaves the list.
fn contact_interval(
    event: &AgentEvent<'_>,
    version: &Version,
    (contact, successor): (&Contact<'_>, Option<&Contact<'_>>),
    retention_days: u32,
) -> Option<HistoryEntry> {
    let keeps_start = successor.is_some_and(|successor| keeps_start(contact, successor));
    let end = match successor {
        Some(successor) if !keeps_start => successor.state_since?,
        // Only the event shows that the state has ended.
        _ => event.timestamp,
    };
    let span = Span::between(contact.state_since?, end)?;
    let state = contact.state?;
    let attributes = [
        ("contact_id", Some(Attribute::text(contact.contact_id))),
        ("state", Some(Attribute::text(state))),
        ("channel", contact.channel.map(Attribute::text)),
        ("queue_name", contact.queue_name.map(Attribute::text)),
        ("expires_at", Some(expires_at(event.timestamp, retention_days))),
    ];
    let (start, end) = (timestamp_text(span.start), timestamp_text(span.end));
    let key = ["contact", &start, contact.contact_id, state, &end, event.region].join("#");
    Some(span.onto(version, entry(event, key, attributes)))
}

/// Whether a contact changed its state but kept its start. This applies only to the states that follow a connection,
/// which can alternate. Before the connection, two states may begin in the same millisecond, as when a contact is
/// accepted automatically.
fn keeps_start(contact: &Contact<'_>, successor: &Contact<'_>) -> bool {
    let alternates = |state| matches!(state, Some("CONNECTED" | "CONNECTED_ONHOLD" | "PAUSED"));
    contact.state != successor.state
        && alternates(contact.state)
        && alternates(successor.state)
        && successor.state_since.is_some()
        && successor.state_since <= contact.state_since
}

/// A non-empty span of time.
#[derive(Clone, Copy)]
struct Span {
    start: Timestamp,
    end: Timestamp,
}

impl Span {
    fn between(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    fn onto(self, version: &Version, mut entry: HistoryEntry) -> HistoryEntry {
        let milliseconds = self.end.epoch_milliseconds() - self.start.epoch_milliseconds();
        entry.attributes.push((CLOSED_BY, Attribute::text(version.as_str())));
        entry.closed_by = Some(version.clone());
        entry.attributes.push(("start", Attribute::timestamp(self.start)));
        entry.attributes.push(("end", Attribute::timestamp(self.end)));
        entry.attributes.push(("seconds", Attribute::seconds(milliseconds)));
        entry
    }
}

fn entry<const N: usize>(
    event: &AgentEvent<'_>,
    key: String,
    attributes: [(&'static str, Option<Attribute>); N],
) -> HistoryEntry {
    let (attributes, absent) = present_and_absent(attributes);
    HistoryEntry {
        agent_id: history_key(event.instance_id, event.agent_id),
        entry: key,
        attributes,
        absent,
        closed_by: None,
    }
}

/// Contact states by contact ID.
fn contact_states(snapshot: &Snapshot<'_>) -> Option<Attribute> {
    let states =
        || snapshot.contacts.iter().map(|contact| (contact.contact_id, contact.state.map(Attribute::text)));
    (!snapshot.contacts.is_empty()).then(|| Attribute::map(states()))
}

#[cfg(test)]
mod tests {
    use super::{HistoryEntry, intervals};
    use crate::{Attribute, Version};
    use connect_streams::agent_event::AgentEvent;
    use connect_streams::parse;

    fn time(text: &str) -> String {
        format!("2026-03-02T{text}Z")
    }

    /// A snapshot with contacts given as ID, state, and start of the state; the agent's status never changes.
    fn snapshot(contacts: &[(&str, &str, &str)]) -> String {
        let contact = |(id, state, since): &(&str, &str, &str)| {
            let since = time(since);
            format!(
                r#"{{"ContactId":"{id}","Channel":"VOICE","State":"{state}","StateStartTimestamp":"{since}"}}"#
            )
        };
        let contacts: Vec<_> = contacts.iter().map(contact).collect();
        let since = time("07:00:00.000");
        format!(
            r#"{{"AgentStatus":{{"Name":"Available","StartTimestamp":"{since}"}},"Contacts":[{}]}}"#,
            contacts.join(",")
        )
    }

    /// The intervals that an event at time `at` closes: key, start, end, seconds.
    fn closed(at: &str, previous: &[(&str, &str, &str)], current: &[(&str, &str, &str)]) -> Vec<[String; 4]> {
        let event = format!(
            r#"{{"AgentARN":"arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a-1","EventId":"e-1",
            "EventTimestamp":"{}","EventType":"STATE_CHANGE","PreviousAgentSnapshot":{},"CurrentAgentSnapshot":{}}}"#,
            time(at),
            snapshot(previous),
            snapshot(current)
        );
        let document = parse(event.as_bytes()).unwrap();
        let event = AgentEvent::from_object(document.as_object().unwrap()).unwrap();
        let summary = |entry: HistoryEntry| {
            assert_eq!(entry.agent_id, "i-1#a-1");
            let value = |name: &str| match entry.attributes.iter().find(|(attribute, _)| *attribute == name) {
                Some((_, Attribute::Text(text) | Attribute::Number(text))) => text.to_string(),
                _ => String::new(),
            };
            let (start, end, seconds) = (value("start"), value("end"), value("seconds"));
            let short =
                |text: String| text.trim_start_matches("2026-03-02T").trim_end_matches('Z').to_owned();
            [entry.entry.replace("2026-03-02T", "").replace('Z', ""), short(start), short(end), seconds]
        };
        intervals(&event, &Version::of(&event), 90).into_iter().map(summary).collect()
    }

    /// Events arrive some hundred milliseconds after the state change that they report.
    #[test]
    fn a_state_ends_when_the_next_one_begins_and_not_at_the_event_time() {
        assert_eq!(
            closed(
                "08:01:00.250",
                &[("c", "CONNECTING", "08:00:50.000")],
                &[("c", "CONNECTED", "08:01:00.000")]
            ),
            [[
                "contact#08:00:50.000#c#CONNECTING#08:01:00.000#eu-west-2",
                "08:00:50.000",
                "08:01:00.000",
                "10"
            ]]
        );
        // For a contact that is gone, only the event's time is known.
        assert_eq!(
            closed("08:01:00.250", &[("c", "ENDED", "08:00:50.000")], &[]),
            [[
                "contact#08:00:50.000#c#ENDED#08:01:00.250#eu-west-2",
                "08:00:50.000",
                "08:01:00.250",
                "10.25"
            ]]
        );
        assert_eq!(
            closed(
                "08:01:00.250",
                &[("c", "CONNECTED", "08:00:50.000")],
                &[("c", "CONNECTED", "08:00:50.000")]
            ),
            Vec::<[String; 4]>::new()
        );
    }

    #[test]
    fn states_with_the_same_start_end_at_the_event_time_and_have_keys_of_their_own() {
        let since = "08:00:00.000";
        let hold = closed("08:01:00.000", &[("c", "CONNECTED", since)], &[("c", "CONNECTED_ONHOLD", since)]);
        let resume =
            closed("08:02:00.000", &[("c", "CONNECTED_ONHOLD", since)], &[("c", "CONNECTED", since)]);
        let end = closed("08:03:00.250", &[("c", "CONNECTED", since)], &[("c", "ENDED", "08:03:00.000")]);
        let rows: Vec<_> = [hold, resume, end].concat();
        assert_eq!(
            rows,
            [
                ["contact#08:00:00.000#c#CONNECTED#08:01:00.000#eu-west-2", since, "08:01:00.000", "60"],
                [
                    "contact#08:00:00.000#c#CONNECTED_ONHOLD#08:02:00.000#eu-west-2",
                    since,
                    "08:02:00.000",
                    "120"
                ],
                ["contact#08:00:00.000#c#CONNECTED#08:03:00.000#eu-west-2", since, "08:03:00.000", "180"],
            ]
        );
        // Hold has its own start, and the state after it has the first start again.
        let hold = closed(
            "08:01:00.250",
            &[("c", "CONNECTED", since)],
            &[("c", "CONNECTED_ONHOLD", "08:01:00.000")],
        );
        let resume = closed(
            "08:02:00.000",
            &[("c", "CONNECTED_ONHOLD", "08:01:00.000")],
            &[("c", "CONNECTED", since)],
        );
        let end = closed("08:03:00.250", &[("c", "CONNECTED", since)], &[("c", "ENDED", "08:03:00.000")]);
        let keys: Vec<_> = [hold, resume, end].concat().into_iter().map(|[key, ..]| key).collect();
        assert_eq!(
            keys,
            [
                "contact#08:00:00.000#c#CONNECTED#08:01:00.000#eu-west-2",
                "contact#08:01:00.000#c#CONNECTED_ONHOLD#08:02:00.000#eu-west-2",
                "contact#08:00:00.000#c#CONNECTED#08:03:00.000#eu-west-2",
            ]
        );
        // With a new start, the state ends at that start, not at the event time.
        assert_eq!(
            closed(
                "08:01:00.250",
                &[("c", "CONNECTED", since)],
                &[("c", "CONNECTED_ONHOLD", "08:01:00.000")]
            )[0][2],
            "08:01:00.000"
        );
        // A contact that is accepted automatically rings for no time, which is not a hold.
        assert!(
            closed("08:00:00.250", &[("c", "CONNECTING", since)], &[("c", "CONNECTED", since)]).is_empty()
        );
    }

    #[test]
    fn contacts_are_matched_by_id() {
        let previous = [("c", "CONNECTED", "08:00:00.000"), ("d", "ENDED", "08:00:30.000")];
        let current = [("d", "ENDED", "08:00:30.000"), ("c", "ENDED", "08:01:00.000")];
        let rows = closed("08:01:00.100", &previous, &current);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0][0], "contact#08:00:00.000#c#CONNECTED#08:01:00.000#eu-west-2");
    }
}
