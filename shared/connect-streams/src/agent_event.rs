//! An agent event, with the fields that the agent tables need.
//!
//! Only four fields are required. Snapshots are parsed leniently: a part that is missing or has an unexpected type is
//! absent, because half a snapshot is better than none.
//!
//! Source: [Agent event streams data model](https://docs.aws.amazon.com/connect/latest/adminguide/agent-event-stream-model.html)
//! (Amazon Connect Administrator Guide).

use crate::contact_record::{required_text, required_timestamp};
use crate::json::Array;
use crate::{Object, Reject, RejectCode, Timestamp, Value, arn};

/// One agent event.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentEvent<'a> {
    /// The agent's ARN, unchanged.
    pub agent_arn: &'a str,
    /// The instance's ID, from the agent's ARN.
    pub instance_id: &'a str,
    /// The Region whose stream has the event, from the agent's ARN. An instance and its replica in another Region share
    /// the instance ID and the agent IDs.
    pub region: &'a str,
    /// The agent's ID, from the agent's ARN.
    pub agent_id: &'a str,
    /// The event's own ID, a UUID.
    pub event_id: &'a str,
    /// When the event happened.
    pub timestamp: Timestamp,
    /// What happened.
    pub event_type: EventType<'a>,
    /// The agent's state after the event; null for LOGIN.
    pub current: Option<Snapshot<'a>>,
    /// The agent's state before the event; null for LOGIN and for the first event after it.
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

/// An agent's state at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot<'a> {
    /// The status the agent chose or was put in.
    pub status: AgentStatus<'a>,
    /// The name of the status that begins when the agent's contacts are finished.
    pub next_status_name: Option<&'a str>,
    /// When the agent chose that status.
    pub next_status_since: Option<Timestamp>,
    /// Login name.
    pub username: Option<&'a str>,
    /// First name.
    pub first_name: Option<&'a str>,
    /// Last name.
    pub last_name: Option<&'a str>,
    /// Name of the routing profile.
    pub routing_profile_name: Option<&'a str>,
    /// ID of the routing profile, from its ARN.
    pub routing_profile_id: Option<&'a str>,
    /// The queues of the routing profile.
    pub queues: Queues<'a>,
    /// The agent's capacity for contacts, per channel.
    pub slots: Vec<Slots<'a>>,
    /// Names of the hierarchy groups, top level first; levels without a group are left out.
    pub hierarchy: Vec<&'a str>,
    /// The agent's contacts, including those in after-contact work.
    pub contacts: Vec<Contact<'a>>,
    /// The Region in which the agent works now, if the instance routes across Regions.
    /// Source: [Agent event streams data model](https://docs.aws.amazon.com/connect/latest/adminguide/agent-event-stream-model.html),
    /// `AgentCrossRegionRoutingConfiguration`.
    pub current_region: Option<&'a str>,
}

/// An agent's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AgentStatus<'a> {
    /// Its name, such as `Available`, `Offline` or one the center defined.
    pub name: Option<&'a str>,
    /// `ROUTABLE`, `CUSTOM` or `OFFLINE`; missing in older events.
    pub status_type: Option<&'a str>,
    /// Its ID, from its ARN.
    pub id: Option<&'a str>,
    /// When it began; unchanged by contacts, heartbeats and LOGOUT.
    pub since: Option<Timestamp>,
}

/// Capacity for contacts of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots<'a> {
    /// The channel, such as `VOICE`.
    pub channel: &'a str,
    /// The number of contacts that the agent could take now.
    pub available: u32,
    /// The number of contacts that the routing profile allows.
    pub maximum: u32,
}

/// The queues of a routing profile. They are read only on demand, because they seldom change.
#[derive(Debug, Clone, Copy, Default)]
pub struct Queues<'a> {
    inbound: Option<Value<'a>>,
    outbound: Option<Value<'a>>,
}

/// A queue of a routing profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Queue<'a> {
    /// Its ID, from its ARN; the agent's ID for an agent's own queue.
    pub id: &'a str,
    /// Its name.
    pub name: Option<&'a str>,
}

impl<'a> Queues<'a> {
    /// The queues whose contacts the agents of the routing profile can get. Amazon Connect also lists the agent's own queue,
    /// which is that of one agent and not of the profile.
    pub fn inbound(self) -> impl Iterator<Item = Queue<'a>> {
        objects(self.inbound).filter(|queue| !is_own_queue(*queue)).filter_map(Queue::from_object)
    }

    /// The queue of the calls that the agent makes without choosing a queue.
    #[must_use]
    pub fn default_outbound(self) -> Option<Queue<'a>> {
        object(self.outbound).and_then(Queue::from_object)
    }
}

fn is_own_queue(queue: Object<'_>) -> bool {
    queue.get_each(["ARN"])[0].and_then(Value::as_str).is_some_and(|arn| arn.contains("/queue/agent/"))
}

impl PartialEq for Queues<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.inbound().eq(other.inbound()) && self.default_outbound() == other.default_outbound()
    }
}

impl<'a> Queue<'a> {
    fn from_object(source: Object<'a>) -> Option<Self> {
        let [arn, name] = source.get_each(["ARN", "Name"]);
        Some(Self { id: id(arn, "queue")?, name: text(name) })
    }
}

/// A contact of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact<'a> {
    /// The contact's ID.
    pub contact_id: &'a str,
    /// `VOICE`, `CHAT`, `TASK`, `EMAIL`.
    pub channel: Option<&'a str>,
    /// `INBOUND`, `OUTBOUND`, …
    pub initiation_method: Option<&'a str>,
    /// `CONNECTING`, `CONNECTED`, …; `ENDED` means after-contact work.
    pub state: Option<&'a str>,
    /// When the state began.
    pub state_since: Option<Timestamp>,
    /// When the contact was connected to the agent.
    pub connected_since: Option<Timestamp>,
    /// When the contact was put in the queue.
    pub queued_since: Option<Timestamp>,
    /// The queue's ID, from its ARN; the agent's ID for an agent's own queue.
    pub queue_id: Option<&'a str>,
    /// The queue's name; null for an agent's own queue.
    pub queue_name: Option<&'a str>,
}

impl<'a> AgentEvent<'a> {
    /// Parses an event.
    ///
    /// # Errors
    /// [`RejectCode::MissingField`] or [`RejectCode::BadField`] for one of the four required fields.
    pub fn from_object(source: Object<'a>) -> Result<Self, Reject> {
        let [agent_arn, event_id, timestamp, event_type, current, previous] = source.get_each([
            "AgentARN",
            "EventId",
            "EventTimestamp",
            "EventType",
            "CurrentAgentSnapshot",
            "PreviousAgentSnapshot",
        ]);
        let agent_arn = required_text(agent_arn, "AgentARN")?;
        let bad_arn = || Reject::field(RejectCode::BadField, "AgentARN");
        Ok(Self {
            agent_arn,
            instance_id: arn::instance_id(agent_arn).ok_or_else(bad_arn)?,
            region: arn::region(agent_arn).ok_or_else(bad_arn)?,
            agent_id: arn::resource_id(agent_arn, "agent").ok_or_else(bad_arn)?,
            event_id: required_text(event_id, "EventId")?,
            timestamp: required_timestamp(timestamp, "EventTimestamp")?,
            event_type: EventType::from_wire(required_text(event_type, "EventType")?),
            current: object(current).map(Snapshot::from_object),
            previous: object(previous).map(Snapshot::from_object),
        })
    }
}

impl<'a> Snapshot<'a> {
    fn from_object(source: Object<'a>) -> Self {
        let [status, next_status, configuration, contacts, cross_region] = source.get_each([
            "AgentStatus",
            "NextAgentStatus",
            "Configuration",
            "Contacts",
            "AgentCrossRegionRoutingConfiguration",
        ]);
        let snapshot = Self {
            status: object(status).map(AgentStatus::from_object).unwrap_or_default(),
            next_status_name: name(next_status),
            next_status_since: enqueued(next_status),
            contacts: objects(contacts).filter_map(Contact::from_object).collect(),
            current_region: object(cross_region).and_then(|regions| text(regions.get("CurrentRegion"))),
            ..Self::default()
        };
        match object(configuration) {
            Some(configuration) => snapshot.configured(configuration),
            None => snapshot,
        }
    }

    fn configured(self, source: Object<'a>) -> Self {
        let [username, first_name, last_name, profile, groups] =
            source.get_each(["Username", "FirstName", "LastName", "RoutingProfile", "AgentHierarchyGroups"]);
        let [profile_name, profile_arn, concurrency, inbound, outbound] = object(profile)
            .map(|profile| {
                profile.get_each(["Name", "ARN", "Concurrency", "InboundQueues", "DefaultOutboundQueue"])
            })
            .unwrap_or_default();
        Self {
            username: person(username),
            first_name: person(first_name),
            last_name: person(last_name),
            routing_profile_name: text(profile_name),
            routing_profile_id: id(profile_arn, "routing-profile"),
            queues: Queues { inbound, outbound },
            slots: objects(concurrency).filter_map(Slots::from_object).collect(),
            hierarchy: hierarchy(groups),
            ..self
        }
    }
}

impl<'a> AgentStatus<'a> {
    fn from_object(source: Object<'a>) -> Self {
        let [name, status_type, arn, since] = source.get_each(["Name", "Type", "ARN", "StartTimestamp"]);
        Self {
            name: text(name),
            status_type: text(status_type),
            id: id(arn, "agent-state"),
            since: timestamp(since),
        }
    }
}

impl<'a> Slots<'a> {
    fn from_object(source: Object<'a>) -> Option<Self> {
        let [channel, available, maximum] = source.get_each(["Channel", "AvailableSlots", "MaximumSlots"]);
        Some(Self {
            channel: self::channel(channel)?,
            available: count(available)?,
            maximum: count(maximum)?,
        })
    }
}

impl<'a> Contact<'a> {
    fn from_object(source: Object<'a>) -> Option<Self> {
        let [
            contact_id,
            channel,
            initiation_method,
            state,
            state_since,
            connected_since,
            queued_since,
            queue,
        ] = source.get_each([
            "ContactId",
            "Channel",
            "InitiationMethod",
            "State",
            "StateStartTimestamp",
            "ConnectedToAgentTimestamp",
            "QueueTimestamp",
            "Queue",
        ]);
        let [queue_arn, queue_name] =
            object(queue).map(|queue| queue.get_each(["ARN", "Name"])).unwrap_or_default();
        Some(Self {
            contact_id: text(contact_id)?,
            channel: self::channel(channel),
            initiation_method: text(initiation_method),
            state: text(state),
            state_since: timestamp(state_since),
            connected_since: timestamp(connected_since),
            queued_since: timestamp(queued_since),
            queue_id: id(queue_arn, "queue"),
            queue_name: text(queue_name),
        })
    }
}

fn hierarchy(groups: Option<Value<'_>>) -> Vec<&str> {
    let levels = ["Level1", "Level2", "Level3", "Level4", "Level5"];
    let Some(groups) = object(groups) else {
        return Vec::new();
    };
    groups.get_each(levels).into_iter().filter_map(name).collect()
}

fn object(value: Option<Value<'_>>) -> Option<Object<'_>> {
    value?.as_object()
}

fn objects(value: Option<Value<'_>>) -> impl Iterator<Item = Object<'_>> {
    value.and_then(Value::as_array).into_iter().flat_map(Array::iter).filter_map(Value::as_object)
}

/// A non-empty text. Amazon Connect also writes the word `null` for an absent one.
fn text(value: Option<Value<'_>>) -> Option<&str> {
    value?.as_str().filter(|text| !text.is_empty() && *text != "null")
}

/// The name in a resource's object.
fn name(resource: Option<Value<'_>>) -> Option<&str> {
    text(object(resource)?.get("Name"))
}

/// When the next status was chosen. The stream's documentation and its older copies name the field differently.
fn enqueued(next_status: Option<Value<'_>>) -> Option<Timestamp> {
    let [current, older] = object(next_status)?.get_each(["EnqueuedTimestamp", "EnqueueTimestamp"]);
    timestamp(current).or_else(|| timestamp(older))
}

/// The ID of a resource of this kind, from its ARN.
fn id<'a>(arn: Option<Value<'a>>, kind: &str) -> Option<&'a str> {
    arn::resource_id(text(arn)?, kind)
}

/// A person's name, which may be any word, even `null`.
fn person(value: Option<Value<'_>>) -> Option<&str> {
    value?.as_str().filter(|text| !text.is_empty())
}

/// A channel. The documentation of agent events has `TASKS` where contact records have `TASK`.
fn channel(value: Option<Value<'_>>) -> Option<&str> {
    text(value).map(|channel| if channel == "TASKS" { "TASK" } else { channel })
}

fn timestamp(value: Option<Value<'_>>) -> Option<Timestamp> {
    Timestamp::parse(text(value)?)
}

fn count(value: Option<Value<'_>>) -> Option<u32> {
    match value? {
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
                "NextAgentStatus": {"Name": "null", "EnqueueTimestamp": "2026-03-02T07:59:00Z"},
                "Configuration": {
                    "FirstName": "", "LastName": "null",
                    "AgentHierarchyGroups": {"Level1": {"ARN": null, "Name": "Europe"}, "Level2": null, "Level3": {"ARN": null, "Name": null}},
                    "RoutingProfile": {"InboundQueues": [
                        {"ARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/queue/q-1", "Name": "Billing"},
                        {"ARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/queue/agent/a-1", "Name": null}, 7, {"Name": "no ARN"}],
                        "DefaultOutboundQueue": {"ARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/queue/q-2", "Name": "null"},
                        "Concurrency": [{"Channel": "TASKS", "AvailableSlots": 2, "MaximumSlots": 3}, {"Channel": "VOICE"}, 7]}
                },
                "Contacts": [
                    {"ContactId": "c-1", "Channel": "TASKS", "State": "SOMETHING_NEW", "Queue": {"ARN": "q", "Name": null}},
                    {"ContactId": "c-2", "Queue": {"ARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/queue/agent/a-1", "Name": null}},
                    {"ContactId": "null"}, null
                ],
                "AgentCrossRegionRoutingConfiguration": {"CurrentRegion": "eu-west-2"}
            }
        }"#;
        let value = parse(event).unwrap();
        let event = AgentEvent::from_object(value.as_object().unwrap()).unwrap();
        assert_eq!((event.event_type.as_str(), event.previous), ("SOMETHING_NEW", None));
        assert_eq!(event.region, "eu-west-2");
        let current = event.current.unwrap();
        assert_eq!(current.current_region, Some("eu-west-2"));
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
            .map(|contact| (contact.contact_id, contact.channel, contact.queue_id, contact.queue_name))
            .collect();
        assert_eq!(contacts, [("c-1", Some("TASK"), None, None), ("c-2", None, Some("a-1"), None)]);
        let queues: Vec<_> = current.queues.inbound().map(|queue| (queue.id, queue.name)).collect();
        assert_eq!(queues, [("q-1", Some("Billing"))], "the agent's own queue is not one of the profile");
        assert_eq!(current.queues.default_outbound(), Some(super::Queue { id: "q-2", name: None }));
        assert_eq!(current.next_status_since, crate::Timestamp::parse("2026-03-02T07:59:00Z"));
    }
}
