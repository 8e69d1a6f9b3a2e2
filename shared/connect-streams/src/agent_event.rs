//! An event of the agent event stream, as far as the agent tables need it.
//!
//! Only four fields are required. A snapshot is read as tolerantly as it can be: a part that is missing or
//! of an unexpected type is absent, because half a snapshot is worth more than none.
//!
//! Source: Administrator Guide, "Agent event streams data model".

use crate::contact_record::{required_text, required_timestamp};
use crate::{Object, Reject, RejectCode, Timestamp, Value, arn};

/// One agent event.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentEvent<'a> {
    /// The agent's ARN as it came.
    pub agent_arn: &'a str,
    /// The instance's id, from the agent's ARN.
    pub instance_id: &'a str,
    /// The agent's id, from the agent's ARN.
    pub agent_id: &'a str,
    /// The event's own id, a UUID.
    pub event_id: &'a str,
    /// When the event happened.
    pub timestamp: Timestamp,
    /// What happened.
    pub event_type: EventType<'a>,
    /// What the agent does since the event; null for LOGIN.
    pub current: Option<Snapshot<'a>>,
    /// What the agent did until the event; null for LOGIN and for the first event after it.
    pub previous: Option<Snapshot<'a>>,
}

/// The kind of an agent event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType<'a> {
    /// The agent logged in.
    Login,
    /// The agent logged out.
    Logout,
    /// Status, contacts or configuration changed.
    StateChange,
    /// Nothing changed for a while.
    HeartBeat,
    /// A type that Amazon Connect added later.
    Other(&'a str),
}

impl<'a> EventType<'a> {
    fn from_wire(text: &'a str) -> Self {
        match text {
            "LOGIN" => Self::Login,
            "LOGOUT" => Self::Logout,
            "STATE_CHANGE" => Self::StateChange,
            "HEART_BEAT" => Self::HeartBeat,
            other => Self::Other(other),
        }
    }

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        match self {
            Self::Login => "LOGIN",
            Self::Logout => "LOGOUT",
            Self::StateChange => "STATE_CHANGE",
            Self::HeartBeat => "HEART_BEAT",
            Self::Other(other) => other,
        }
    }
}

/// An agent at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot<'a> {
    /// The status the agent chose or was put in.
    pub status: AgentStatus<'a>,
    /// The name of the status that begins when the agent's contacts are done.
    pub next_status_name: Option<&'a str>,
    /// Login name.
    pub username: Option<&'a str>,
    /// First name.
    pub first_name: Option<&'a str>,
    /// Last name.
    pub last_name: Option<&'a str>,
    /// Name of the routing profile.
    pub routing_profile_name: Option<&'a str>,
    /// Id of the routing profile, from its ARN.
    pub routing_profile_id: Option<&'a str>,
    /// How many contacts the agent can take, per channel.
    pub slots: Vec<Slots<'a>>,
    /// Names of the hierarchy groups, top level first; levels without a group are left out.
    pub hierarchy: Vec<&'a str>,
    /// The contacts the agent has, those in after-contact work among them.
    pub contacts: Vec<Contact<'a>>,
}

/// An agent's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AgentStatus<'a> {
    /// Its name, such as `Available`, `Offline` or one the centre defined.
    pub name: Option<&'a str>,
    /// `ROUTABLE`, `CUSTOM` or `OFFLINE`; missing in older events.
    pub status_type: Option<&'a str>,
    /// Its id, from its ARN.
    pub id: Option<&'a str>,
    /// When it began; unchanged by contacts, heartbeats and LOGOUT.
    pub since: Option<Timestamp>,
}

/// Room for contacts of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots<'a> {
    /// The channel, such as `VOICE`.
    pub channel: &'a str,
    /// How many the agent could take right now.
    pub available: u32,
    /// How many the routing profile allows.
    pub maximum: u32,
}

/// A contact in an agent's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact<'a> {
    /// The contact's id.
    pub contact_id: &'a str,
    /// `VOICE`, `CHAT`, `TASK`, `EMAIL`.
    pub channel: Option<&'a str>,
    /// `INBOUND`, `OUTBOUND`, …
    pub initiation_method: Option<&'a str>,
    /// `CONNECTING`, `CONNECTED`, …; `ENDED` means after-contact work.
    pub state: Option<&'a str>,
    /// When the state began.
    pub state_since: Option<Timestamp>,
    /// When the agent was connected.
    pub connected_since: Option<Timestamp>,
    /// When the contact was put in the queue.
    pub queued_since: Option<Timestamp>,
    /// The queue's name; null for an agent's own queue.
    pub queue_name: Option<&'a str>,
}

impl<'a> AgentEvent<'a> {
    /// Reads an event.
    ///
    /// # Errors
    /// [`RejectCode::MissingField`] or [`RejectCode::BadField`] for one of the four required fields.
    pub fn from_object(source: &'a Object<'a>) -> Result<Self, Reject> {
        let agent_arn = required_text(source, "AgentARN")?;
        let bad_arn = || Reject::field(RejectCode::BadField, "AgentARN");
        Ok(Self {
            agent_arn,
            instance_id: arn::instance_id(agent_arn).ok_or_else(bad_arn)?,
            agent_id: arn::resource_id(agent_arn, "agent").ok_or_else(bad_arn)?,
            event_id: required_text(source, "EventId")?,
            timestamp: required_timestamp(source, "EventTimestamp")?,
            event_type: EventType::from_wire(required_text(source, "EventType")?),
            current: object(source, "CurrentAgentSnapshot").map(Snapshot::from_object),
            previous: object(source, "PreviousAgentSnapshot").map(Snapshot::from_object),
        })
    }
}

impl<'a> Snapshot<'a> {
    fn from_object(source: &'a Object<'a>) -> Self {
        let status = object(source, "AgentStatus");
        let configuration = object(source, "Configuration");
        let profile = configuration.and_then(|configuration| object(configuration, "RoutingProfile"));
        let configured = |name| configuration.and_then(|configuration| person(configuration, name));
        Self {
            status: status.map(AgentStatus::from_object).unwrap_or_default(),
            next_status_name: object(source, "NextAgentStatus").and_then(|next| text(next, "Name")),
            username: configured("Username"),
            first_name: configured("FirstName"),
            last_name: configured("LastName"),
            routing_profile_name: profile.and_then(|profile| text(profile, "Name")),
            routing_profile_id: profile.and_then(|profile| id(profile, "routing-profile")),
            slots: profile
                .map(|profile| objects(profile, "Concurrency").filter_map(Slots::from_object).collect())
                .unwrap_or_default(),
            hierarchy: configuration.map(hierarchy).unwrap_or_default(),
            contacts: objects(source, "Contacts").filter_map(Contact::from_object).collect(),
        }
    }
}

impl<'a> AgentStatus<'a> {
    fn from_object(source: &'a Object<'a>) -> Self {
        Self {
            name: text(source, "Name"),
            status_type: text(source, "Type"),
            id: id(source, "agent-state"),
            since: timestamp(source, "StartTimestamp"),
        }
    }
}

impl<'a> Slots<'a> {
    fn from_object(source: &'a Object<'a>) -> Option<Self> {
        Some(Self {
            channel: channel(source)?,
            available: count(source, "AvailableSlots")?,
            maximum: count(source, "MaximumSlots")?,
        })
    }
}

impl<'a> Contact<'a> {
    fn from_object(source: &'a Object<'a>) -> Option<Self> {
        Some(Self {
            contact_id: text(source, "ContactId")?,
            channel: channel(source),
            initiation_method: text(source, "InitiationMethod"),
            state: text(source, "State"),
            state_since: timestamp(source, "StateStartTimestamp"),
            connected_since: timestamp(source, "ConnectedToAgentTimestamp"),
            queued_since: timestamp(source, "QueueTimestamp"),
            queue_name: object(source, "Queue").and_then(|queue| text(queue, "Name")),
        })
    }
}

fn hierarchy<'a>(configuration: &'a Object<'a>) -> Vec<&'a str> {
    const LEVELS: [&str; 5] = ["Level1", "Level2", "Level3", "Level4", "Level5"];
    let Some(groups) = object(configuration, "AgentHierarchyGroups") else {
        return Vec::new();
    };
    LEVELS.iter().filter_map(|level| object(groups, level)).filter_map(|group| text(group, "Name")).collect()
}

fn object<'a>(source: &'a Object<'a>, name: &str) -> Option<&'a Object<'a>> {
    source.get(name)?.as_object()
}

fn objects<'a>(source: &'a Object<'a>, name: &str) -> impl Iterator<Item = &'a Object<'a>> {
    let elements = source.get(name).and_then(Value::as_array).unwrap_or_default();
    elements.iter().filter_map(Value::as_object)
}

/// A text that says something: Amazon Connect also writes the word `null` for an absent one.
fn text<'a>(source: &'a Object<'a>, name: &str) -> Option<&'a str> {
    source.get(name)?.as_str().filter(|text| !text.is_empty() && *text != "null")
}

/// The id of a resource of this kind, from its ARN.
fn id<'a>(source: &'a Object<'a>, kind: &str) -> Option<&'a str> {
    arn::resource_id(text(source, "ARN")?, kind)
}

/// A person's name, which may be any word.
fn person<'a>(source: &'a Object<'a>, name: &str) -> Option<&'a str> {
    source.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// A channel; the documentation of agent events has `TASKS` where contact records have `TASK`.
fn channel<'a>(source: &'a Object<'a>) -> Option<&'a str> {
    text(source, "Channel").map(|channel| if channel == "TASKS" { "TASK" } else { channel })
}

fn timestamp(source: &Object<'_>, name: &str) -> Option<Timestamp> {
    Timestamp::parse(text(source, name)?)
}

fn count(source: &Object<'_>, name: &str) -> Option<u32> {
    match source.get(name)? {
        Value::Number(digits) => digits.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::AgentEvent;
    use crate::parse;

    #[test]
    fn the_streams_quirks_are_read() {
        let event = br#"{
            "AgentARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a-1", "EventId": "e",
            "EventTimestamp": "2026-03-02T08:00:00.123Z", "EventType": "SOMETHING_NEW", "PreviousAgentSnapshot": null,
            "CurrentAgentSnapshot": {
                "AgentStatus": {"Name": "Available", "StartTimestamp": "soon"},
                "NextAgentStatus": {"Name": "null"},
                "Configuration": {
                    "FirstName": "", "LastName": "null",
                    "AgentHierarchyGroups": {"Level1": {"ARN": null, "Name": "Europe"}, "Level2": null, "Level3": {"ARN": null, "Name": null}},
                    "RoutingProfile": {"Concurrency": [{"Channel": "TASKS", "AvailableSlots": 2, "MaximumSlots": 3}, {"Channel": "VOICE"}, 7]}
                },
                "Contacts": [
                    {"ContactId": "c-1", "Channel": "TASKS", "State": "SOMETHING_NEW", "Queue": {"ARN": "q", "Name": null}},
                    {"ContactId": "null"}, null
                ],
                "AgentCrossRegionRoutingConfiguration": {"CurrentRegion": "eu-west-2"}
            }
        }"#;
        let value = parse(event).unwrap();
        let event = AgentEvent::from_object(value.as_object().unwrap()).unwrap();
        assert_eq!((event.event_type.as_str(), event.previous), ("SOMETHING_NEW", None));
        let current = event.current.unwrap();
        assert_eq!(
            (current.status.name, current.status.status_type, current.status.since),
            (Some("Available"), None, None)
        );
        assert_eq!(
            (current.next_status_name, current.first_name, current.last_name),
            (None, None, Some("null"))
        );
        assert_eq!(current.hierarchy, ["Europe"]);
        assert_eq!(
            current.slots.iter().map(|slots| (slots.channel, slots.available)).collect::<Vec<_>>(),
            [("TASK", 2)]
        );
        let contacts: Vec<_> = current
            .contacts
            .iter()
            .map(|contact| (contact.contact_id, contact.channel, contact.queue_name))
            .collect();
        assert_eq!(contacts, [("c-1", Some("TASK"), None)]);
    }
}
