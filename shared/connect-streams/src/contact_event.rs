//! A contact event, in its EventBridge envelope.
//!
//! Every event is a snapshot of the contact so far. It arrives at least once in most cases, in rare cases never, and in
//! any order. Five fields are required: the envelope's `id` and `time`, and in `detail` the contact's ID, the event's
//! type, and the instance. Everything else is parsed leniently: a part that is missing, null, or of an unexpected type
//! is absent.
//!
//! - Key names are read in any ASCII case, because Amazon's samples have two. If two spellings of a key are in one
//!   object, the one in lower camel case counts.
//! - A time on the first day of 1970 means "not yet", so it is absent.
//!
//! Source: [Contact events](https://docs.aws.amazon.com/connect/latest/adminguide/contact-events.html)
//! (Amazon Connect Administrator Guide).

use crate::contact_record::{required_text, required_timestamp};
use crate::json::Array;
use crate::{Object, Reject, RejectCode, Timestamp, Value, arn};

/// The `detail-type` of contact events, in both forms that Amazon prints.
pub const DETAIL_TYPES: [&str; 2] = ["Amazon Connect Contact Event", "Connect Customer Contact Event"];

/// The longest event ID that is accepted. EventBridge's are UUIDs of 36 bytes.
const EVENT_ID_BYTES: usize = 128;
/// The longest contact ID. Source: `contactId` in the documentation of the event.
const CONTACT_ID_BYTES: usize = 256;
const DAY_MILLISECONDS: i64 = 86_400_000;

/// One contact event.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactEvent<'a> {
    /// The event's ID. The copies of one event in two Regions have different IDs.
    pub id: &'a str,
    /// When the event was sent, in whole seconds. Never on the first day of 1970 or before it.
    pub time: Timestamp,
    /// The Region of the bus that got the event.
    pub region: Option<&'a str>,
    /// The account of the bus that got the event.
    pub account: Option<&'a str>,
    /// The instance's ID.
    pub instance_id: &'a str,
    /// The contact's ID.
    pub contact_id: &'a str,
    /// What happened.
    pub event_type: EventType<'a>,
    /// The contact so far.
    pub contact: Snapshot<'a>,
}

/// The kind of a contact event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventType<'a> {
    /// The contact began. A transfer begins a new contact.
    Initiated,
    /// Its media is established.
    ConnectedToSystem,
    /// The contact's data changed; `updatedProperties` has what.
    ContactDataUpdated,
    /// It is in a queue.
    Queued,
    /// An agent joined.
    ConnectedToAgent,
    /// A task was paused.
    Paused,
    /// A task was resumed.
    Resumed,
    /// It was disconnected. After-contact work may follow.
    Disconnected,
    /// It ended, including after-contact work.
    Completed,
    /// Answering machine detection was switched off.
    AmdDisabled,
    /// A type that Amazon Connect added later.
    Other(&'a str),
}

const EVENT_TYPES: [(&str, EventType<'static>); 10] = [
    ("INITIATED", EventType::Initiated),
    ("CONNECTED_TO_SYSTEM", EventType::ConnectedToSystem),
    ("CONTACT_DATA_UPDATED", EventType::ContactDataUpdated),
    ("QUEUED", EventType::Queued),
    ("CONNECTED_TO_AGENT", EventType::ConnectedToAgent),
    ("PAUSED", EventType::Paused),
    ("RESUMED", EventType::Resumed),
    ("DISCONNECTED", EventType::Disconnected),
    ("COMPLETED", EventType::Completed),
    ("AMD_DISABLED", EventType::AmdDisabled),
];

impl<'a> EventType<'a> {
    fn from_wire(text: &'a str) -> Self {
        EVENT_TYPES.iter().find(|(name, _)| *name == text).map_or(Self::Other(text), |(_, known)| *known)
    }

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        match self {
            Self::Other(text) => text,
            known => EVENT_TYPES.iter().find(|(_, one)| *one == known).map_or("", |(name, _)| name),
        }
    }
}

/// The channel of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel<'a> {
    /// A call.
    Voice,
    /// A chat.
    Chat,
    /// A task.
    Task,
    /// An email.
    Email,
    /// A channel that Amazon Connect added later.
    Other(&'a str),
}

const CHANNELS: [(&str, Channel<'static>); 4] =
    [("VOICE", Channel::Voice), ("CHAT", Channel::Chat), ("TASK", Channel::Task), ("EMAIL", Channel::Email)];

impl<'a> Channel<'a> {
    /// The channel with this name. Some of Amazon's samples print `Voice`.
    #[must_use]
    pub fn from_wire(text: &'a str) -> Self {
        let known = CHANNELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        known.map_or(Self::Other(text), |(_, channel)| *channel)
    }

    /// Its name, in upper case if it is known.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        match self {
            Self::Other(text) => text,
            known => CHANNELS.iter().find(|(_, one)| *one == known).map_or("", |(name, _)| name),
        }
    }
}

/// The contact so far, as one event tells it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot<'a> {
    /// `VOICE`, `CHAT`, …
    pub channel: Option<Channel<'a>>,
    /// The instance's ARN, unchanged.
    pub instance_arn: Option<&'a str>,
    /// The first contact of the chain.
    pub initial_contact_id: Option<&'a str>,
    /// The contact that was transferred.
    pub previous_contact_id: Option<&'a str>,
    /// A contact that this one was created from.
    pub related_contact_id: Option<&'a str>,
    /// `INBOUND`, `OUTBOUND`, …
    pub initiation_method: Option<&'a str>,
    /// When the contact began. For campaigns, later events have a later time: when the call began.
    pub initiated: Option<Timestamp>,
    /// When its media was established.
    pub connected_to_system: Option<Timestamp>,
    /// When a scheduled task is to start.
    pub scheduled: Option<Timestamp>,
    /// When it was disconnected.
    pub disconnected: Option<Timestamp>,
    /// When ringing began; campaigns only.
    pub ring_started: Option<Timestamp>,
    /// The reason; only for some contacts, unlike in contact records.
    pub disconnect_reason: Option<&'a str>,
    /// The queue. Not in events of outbound contacts, so its absence does not mean that the contact left a queue.
    pub queue: Option<QueueInfo<'a>>,
    /// The agent, possibly before the contact is connected to it.
    pub agent: Option<AgentInfo<'a>>,
    /// The Regions of a linked instance.
    pub resiliency: Option<Resiliency<'a>>,
    /// What changed, in the event `CONTACT_DATA_UPDATED`.
    pub updated_properties: Vec<&'a str>,
    /// The contact's own endpoint in the contact center.
    pub system_endpoint: Option<Endpoint<'a>>,
    /// The customer's ID. Personal data.
    pub customer_id: Option<&'a str>,
    /// The campaign's ID.
    pub campaign_id: Option<&'a str>,
    /// When the customer's greeting began and ended; calls with voice activity detection.
    pub customer_greeting: Option<Span>,
    /// The result of answering machine detection.
    pub answering_machine_detection: Option<&'a str>,
    /// The parts that are objects of any content.
    pub other: OtherParts<'a>,
}

/// Parts of a contact event whose content depends on the contact center, unparsed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OtherParts<'a> {
    /// Tags; `aws:connect:systemEndpoint` is a phone number.
    pub tags: Option<Object<'a>>,
    /// Segment attributes: name to `{"valueString": …}`.
    pub segment_attributes: Option<Object<'a>>,
    /// Details of a task. Personal data.
    pub contact_details: Option<Object<'a>>,
    /// Routing criteria; an object or a list in Amazon's samples.
    pub routing_criteria: Option<Value<'a>>,
    /// Recordings.
    pub recordings: Option<Array<'a>>,
    /// Evaluations by form.
    pub contact_evaluations: Option<Object<'a>>,
    /// The configuration of Contact Lens.
    pub contact_lens: Option<Object<'a>>,
    /// The outbound strategy.
    pub outbound_strategy: Option<Object<'a>>,
    /// The figures of a chat that ended.
    pub chat_metrics: Option<Object<'a>>,
}

/// The queue of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueInfo<'a> {
    /// Its ARN, unchanged.
    pub arn: Option<&'a str>,
    /// Its ID; the agent's ID for an agent's own queue.
    pub id: Option<&'a str>,
    /// `STANDARD` or `AGENT`.
    pub queue_type: Option<&'a str>,
    /// When the contact was put in the queue.
    pub enqueued: Option<Timestamp>,
}

/// The agent of a contact.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AgentInfo<'a> {
    /// The agent's ARN, unchanged.
    pub arn: Option<&'a str>,
    /// The agent's ID. It does not prove that the contact was connected to the agent.
    pub id: Option<&'a str>,
    /// When the contact was connected to the agent.
    pub connected: Option<Timestamp>,
    /// Seconds on hold.
    pub hold_seconds: Option<u32>,
    /// When after-contact work began.
    pub after_contact_work_started: Option<Timestamp>,
    /// When after-contact work ended.
    pub after_contact_work_ended: Option<Timestamp>,
    /// Seconds of after-contact work.
    pub after_contact_work_seconds: Option<u32>,
    /// When the agent accepted the contact.
    pub accepted: Option<Timestamp>,
    /// When the preview of a campaign's contact ended.
    pub preview_ended: Option<Timestamp>,
    /// The ARNs of the hierarchy groups, top level first; levels without a group are left out.
    pub hierarchy: Vec<&'a str>,
    /// Periods of `SILENT_MONITOR` and `BARGE`.
    pub state_transitions: Vec<StateTransition<'a>>,
    /// The Region in which the agent worked.
    pub active_region: Option<&'a str>,
}

/// A period in which a supervisor listened or spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateTransition<'a> {
    /// `SILENT_MONITOR` or `BARGE`.
    pub state: &'a str,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// The Regions of a linked instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resiliency<'a> {
    /// The Region that handles the contact.
    pub active_region: Option<&'a str>,
    /// The Region in which the contact began.
    pub origin_region: Option<&'a str>,
    /// The traffic distribution group.
    pub traffic_distribution_group_id: Option<&'a str>,
}

/// An endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Endpoint<'a> {
    /// Its type, such as `TELEPHONE_NUMBER`.
    pub endpoint_type: Option<&'a str>,
    /// Its address. Personal data of the contact center.
    pub address: Option<&'a str>,
    /// Its name.
    pub display_name: Option<&'a str>,
}

/// A beginning and an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

impl<'a> ContactEvent<'a> {
    /// Parses an event in its envelope; `None` if it is another kind of EventBridge event.
    ///
    /// # Errors
    /// [`RejectCode::MissingField`] or [`RejectCode::BadField`] for a required field.
    pub fn from_object(envelope: Object<'a>) -> Result<Option<Self>, Reject> {
        let [id, time, region, account, resources, detail_type, detail] = envelope.get_each_in_any_case([
            "id",
            "time",
            "region",
            "account",
            "resources",
            "detail-type",
            "detail",
        ]);
        let detail = match detail {
            None | Some(Value::Null) => return Err(Reject::field(RejectCode::MissingField, "detail")),
            Some(Value::Object(detail)) => detail,
            Some(_) => return Err(Reject::field(RejectCode::BadField, "detail")),
        };
        let [event_type, contact_id, instance_arn] =
            detail.get_each_in_any_case(["eventType", "contactId", "instanceArn"]);
        let is_named = text(detail_type).is_some_and(|name| DETAIL_TYPES.contains(&name));
        let is_complete = event_type.is_some() && contact_id.is_some();
        if !is_named && !is_complete {
            return Ok(None);
        }
        let event = Self {
            id: limited(required_text(id, "id")?, EVENT_ID_BYTES, "id")?,
            time: Some(required_timestamp(time, "time")?)
                .filter(|time| is_set(*time))
                .ok_or(Reject::field(RejectCode::BadField, "time"))?,
            region: text(region),
            account: text(account),
            instance_id: instance(instance_arn, resources)?,
            contact_id: limited(
                required_text(contact_id, "detail.contactId")?,
                CONTACT_ID_BYTES,
                "detail.contactId",
            )?,
            event_type: EventType::from_wire(required_text(event_type, "detail.eventType")?),
            contact: Snapshot::from_object(detail),
        };
        Ok(Some(event))
    }

    /// Whether the event is from the Region that handles the contact, so that its ARNs are the contact's own.
    #[must_use]
    pub fn is_home(&self) -> bool {
        let active = self.contact.resiliency.and_then(|resiliency| resiliency.active_region);
        active.is_none_or(|active| self.region == Some(active))
    }
}

/// The ID of the instance: from its ARN, or else from `resources`.
fn instance<'a>(arn: Option<Value<'a>>, resources: Option<Value<'a>>) -> Result<&'a str, Reject> {
    let of_resources = || texts(resources).find_map(arn::instance_id);
    match arn {
        None | Some(Value::Null) => {
            of_resources().ok_or(Reject::field(RejectCode::MissingField, "detail.instanceArn"))
        }
        Some(arn) => {
            let id = arn.as_str().and_then(arn::instance_id).or_else(of_resources);
            id.ok_or(Reject::field(RejectCode::BadField, "detail.instanceArn"))
        }
    }
}

fn limited<'a>(text: &'a str, bytes: usize, path: &'static str) -> Result<&'a str, Reject> {
    if text.len() > bytes { Err(Reject::field(RejectCode::BadField, path)) } else { Ok(text) }
}

impl<'a> Snapshot<'a> {
    fn from_object(source: Object<'a>) -> Self {
        let [
            channel,
            instance_arn,
            initial,
            previous,
            related,
            method,
            initiated,
            connected,
            scheduled,
            disconnected,
            ringing,
            reason,
            queue,
            agent,
            resiliency,
            updated,
            endpoint,
            customer,
            campaign,
            greeting,
            detection,
            tags,
            segment_attributes,
            contact_details,
            routing_criteria,
            recordings,
            contact_evaluations,
            contact_lens,
            outbound_strategy,
            chat_metrics,
        ] = source.get_each_in_any_case([
            "channel",
            "instanceArn",
            "initialContactId",
            "previousContactId",
            "relatedContactId",
            "initiationMethod",
            "initiationTimestamp",
            "connectedToSystemTimestamp",
            "scheduledTimestamp",
            "disconnectTimestamp",
            "ringStartTimestamp",
            "disconnectReason",
            "queueInfo",
            "agentInfo",
            "globalResiliencyMetadata",
            "updatedProperties",
            "systemEndpoint",
            "customerId",
            "campaign",
            "customerVoiceActivity",
            "answeringMachineDetectionStatus",
            "tags",
            "segmentAttributes",
            "contactDetails",
            "routingCriteria",
            "recordings",
            "contactEvaluations",
            "contactLens",
            "outboundStrategy",
            "chatMetrics",
        ]);
        Self {
            channel: text(channel).map(Channel::from_wire),
            instance_arn: text(instance_arn),
            initial_contact_id: text(initial),
            previous_contact_id: text(previous),
            related_contact_id: text(related),
            initiation_method: text(method),
            initiated: timestamp(initiated),
            connected_to_system: timestamp(connected),
            scheduled: timestamp(scheduled),
            disconnected: timestamp(disconnected),
            ring_started: timestamp(ringing),
            disconnect_reason: text(reason),
            queue: object(queue).map(QueueInfo::from_object),
            agent: object(agent).map(AgentInfo::from_object),
            resiliency: object(resiliency).map(Resiliency::from_object),
            updated_properties: texts(updated).collect(),
            system_endpoint: object(endpoint).map(Endpoint::from_object),
            customer_id: text(customer),
            campaign_id: object(campaign).and_then(|campaign| member(campaign, "campaignId")),
            customer_greeting: object(greeting).map(Span::of_greeting),
            answering_machine_detection: text(detection),
            other: OtherParts {
                tags: object(tags),
                segment_attributes: object(segment_attributes),
                contact_details: object(contact_details),
                routing_criteria,
                recordings: recordings.and_then(Value::as_array),
                contact_evaluations: object(contact_evaluations),
                contact_lens: object(contact_lens),
                outbound_strategy: object(outbound_strategy),
                chat_metrics: object(chat_metrics),
            },
        }
    }

    /// Whether a test of Amazon Connect's simulation made the contact: it counts in no metric.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        let [test_type] = self
            .other
            .segment_attributes
            .map_or([None], |all| all.get_each_in_any_case(["connect:ValidationTestType"]));
        test_type.is_some_and(|value| !value.is_absent())
    }
}

impl Span {
    fn of_greeting(source: Object<'_>) -> Self {
        let [started, ended] =
            source.get_each_in_any_case(["greetingStartTimestamp", "greetingEndTimestamp"]);
        Self { started: timestamp(started), ended: timestamp(ended) }
    }
}

impl<'a> QueueInfo<'a> {
    /// Whether it is an agent's own queue, so that its ID is the agent's.
    #[must_use]
    pub fn is_agents_own(&self) -> bool {
        self.queue_type.is_some_and(|queue_type| queue_type.eq_ignore_ascii_case("AGENT"))
            || self.arn.is_some_and(|arn| arn.contains("/queue/agent/"))
    }

    fn from_object(source: Object<'a>) -> Self {
        let [arn, queue_type, enqueued] =
            source.get_each_in_any_case(["queueArn", "queueType", "enqueueTimestamp"]);
        Self {
            arn: text(arn),
            id: id(arn, "queue"),
            queue_type: text(queue_type),
            enqueued: timestamp(enqueued),
        }
    }
}

impl<'a> AgentInfo<'a> {
    fn from_object(source: Object<'a>) -> Self {
        let [
            arn,
            connected,
            hold,
            work_started,
            work_ended,
            work,
            accepted,
            preview_ended,
            groups,
            transitions,
            active_region,
        ] = source.get_each_in_any_case([
            "agentArn",
            "connectedToAgentTimestamp",
            "agentInitiatedHoldDuration",
            "afterContactWorkStartTimestamp",
            "afterContactWorkEndTimestamp",
            "afterContactWorkDuration",
            "acceptedByAgentTimestamp",
            "previewEndTimestamp",
            "hierarchyGroups",
            "stateTransitions",
            "activeRegion",
        ]);
        Self {
            arn: text(arn),
            id: id(arn, "agent"),
            connected: timestamp(connected),
            hold_seconds: count(hold),
            after_contact_work_started: timestamp(work_started),
            after_contact_work_ended: timestamp(work_ended),
            after_contact_work_seconds: count(work),
            accepted: timestamp(accepted),
            preview_ended: timestamp(preview_ended),
            hierarchy: hierarchy(groups),
            state_transitions: transitions
                .and_then(Value::as_array)
                .into_iter()
                .flat_map(Array::iter)
                .filter_map(|transition| StateTransition::from_object(transition.as_object()?))
                .collect(),
            active_region: text(active_region),
        }
    }
}

impl<'a> StateTransition<'a> {
    fn from_object(source: Object<'a>) -> Option<Self> {
        let [state, started, ended] =
            source.get_each_in_any_case(["state", "stateStartTimestamp", "stateEndTimestamp"]);
        Some(Self { state: text(state)?, started: timestamp(started), ended: timestamp(ended) })
    }
}

impl<'a> Resiliency<'a> {
    fn from_object(source: Object<'a>) -> Self {
        let [active, origin, group] =
            source.get_each_in_any_case(["activeRegion", "originRegion", "trafficDistributionGroupId"]);
        Self {
            active_region: text(active),
            origin_region: text(origin),
            traffic_distribution_group_id: text(group),
        }
    }
}

impl<'a> Endpoint<'a> {
    fn from_object(source: Object<'a>) -> Self {
        let [endpoint_type, address, name] = source.get_each_in_any_case(["type", "address", "displayName"]);
        Self { endpoint_type: text(endpoint_type), address: text(address), display_name: text(name) }
    }
}

fn hierarchy(groups: Option<Value<'_>>) -> Vec<&str> {
    let Some(groups) = object(groups) else { return Vec::new() };
    let levels = groups.get_each_in_any_case(["level1", "level2", "level3", "level4", "level5"]);
    levels.into_iter().filter_map(|level| member(object(level)?, "arn")).collect()
}

fn object(value: Option<Value<'_>>) -> Option<Object<'_>> {
    value?.as_object()
}

fn text(value: Option<Value<'_>>) -> Option<&str> {
    value?.as_str().filter(|text| !text.is_empty())
}

fn member<'a>(object: Object<'a>, name: &str) -> Option<&'a str> {
    let [value] = object.get_each_in_any_case([name]);
    text(value)
}

fn texts(value: Option<Value<'_>>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).into_iter().flat_map(Array::iter).filter_map(|value| text(Some(value)))
}

fn id<'a>(arn: Option<Value<'a>>, kind: &str) -> Option<&'a str> {
    arn::resource_id(text(arn)?, kind)
}

fn timestamp(value: Option<Value<'_>>) -> Option<Timestamp> {
    Timestamp::parse(text(value)?).filter(|time| is_set(*time))
}

/// Whether a time is not Amazon Connect's `1970-01-01T00:00:00.001Z`, which means "not yet".
fn is_set(time: Timestamp) -> bool {
    time.epoch_milliseconds() >= DAY_MILLISECONDS
}

fn count(value: Option<Value<'_>>) -> Option<u32> {
    match value? {
        Value::Number(digits) => digits.parse().ok(),
        _ => None,
    }
}
