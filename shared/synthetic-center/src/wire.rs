//! The center's contacts and agents in the formats of Amazon Connect.

use serde_json::{Value, json};

use crate::agent::{Agent, SLOTS, Status, slot};
use crate::contact::{Contact, Ending, Kind, State};
use crate::queues::QUEUES;
use crate::time::SECOND;

/// First names. Names are combined from lists, so that they are nobody's.
pub const FIRST_NAMES: [&str; 24] = [
    "Amara", "Bruno", "Chloe", "Dario", "Elif", "Femi", "Greta", "Hiro", "Ines", "Jonas", "Kira", "Luca",
    "Mina", "Noor", "Olga", "Pavel", "Quinn", "Rosa", "Sven", "Tara", "Umar", "Vera", "Wanda", "Yusuf",
];
/// Last names.
pub const LAST_NAMES: [&str; 25] = [
    "Abbott", "Bauer", "Costa", "Dahl", "Ekberg", "Faro", "Gallo", "Haddad", "Ito", "Jansen", "Kovac",
    "Lund", "Moreau", "Novak", "Okoye", "Petrov", "Quist", "Rossi", "Silva", "Tanaka", "Uribe", "Varga",
    "Weiss", "Yilmaz", "Zeman",
];
const TEAMS: [&str; 3] = ["North", "South", "West"];
/// The instance of every generated record.
pub const INSTANCE_ID: &str = "10000000-0000-4000-8000-000000000001";
const CAMPAIGN: &str = "60000000-0000-4000-8000-000000000001";

/// The bytes of an agent event. The snapshots are already JSON: serializing each once, not twice, saves half of the work.
pub(crate) fn agent_event(
    agent: &Agent,
    event_id: u64,
    at: i64,
    event_type: &str,
    previous: Option<&str>,
) -> Vec<u8> {
    let current = if event_type == "LOGIN" { None } else { agent.snapshot.as_deref() };
    let event = format!(
        r#"{{"AWSAccountId":"111122223333","AgentARN":"{agent_arn}","CurrentAgentSnapshot":{current},"EventId":"{event_id}","EventTimestamp":"{timestamp}","EventType":"{event_type}","InstanceARN":"{instance_arn}","PreviousAgentSnapshot":{previous},"Version":"2017-10-01"}}"#,
        agent_arn = agent_arn(agent),
        current = current.unwrap_or("null"),
        event_id = id(event_id),
        timestamp = milliseconds(at),
        instance_arn = arn(""),
        previous = previous.unwrap_or("null"),
    );
    event.into_bytes()
}

/// The snapshot of an agent with these contacts.
pub(crate) fn snapshot<'c>(agent: &Agent, contacts: impl Iterator<Item = &'c Contact>) -> String {
    let queue = |(id, name): &(&str, &str)| json!({"ARN": arn(&format!("/queue/{id}")), "Name": name, "Channels": ["VOICE", "CHAT", "TASK", "EMAIL"]});
    let profile = agent.routing_profile();
    // As in the real stream, the agent's own queue is among those of the routing profile.
    let own =
        json!({"ARN": arn(&format!("/queue/agent/{}", agent.id())), "Name": null, "Channels": ["VOICE"]});
    let inbound: Vec<_> =
        std::iter::once(own).chain(QUEUES[profile.queues.clone()].iter().map(queue)).collect();
    let mut load = [0; 4];
    let contacts: Vec<_> = contacts
        .map(|contact| {
            load[slot(contact.kind.channel())] += 1;
            contact_in_snapshot(contact)
        })
        .collect();
    let slots: Vec<_> = SLOTS
        .iter()
        .zip(load)
        .map(|((channel, maximum), load)| {
            json!({"Channel": channel, "AvailableSlots": maximum.saturating_sub(load), "MaximumSlots": maximum})
        })
        .collect();
    let snapshot = json!({
        "AgentStatus": {
            "ARN": status_arn(agent.status),
            "Name": agent.status.name(),
            "StartTimestamp": milliseconds(agent.status_since),
            "Type": agent.status.kind(),
        },
        "NextAgentStatus": agent.next_status.map(|next| json!({
            "ARN": status_arn(next), "EnqueuedTimestamp": milliseconds(agent.next_status_since), "Name": next.name(),
        })),
        "Configuration": {
            "AgentHierarchyGroups": {
                "Level1": {"ARN": arn("/agent-group/g-1"), "Name": TEAMS[agent.number % TEAMS.len()]},
                "Level2": null, "Level3": null, "Level4": null, "Level5": null,
            },
            "FirstName": FIRST_NAMES[agent.number % FIRST_NAMES.len()],
            "LastName": LAST_NAMES[agent.number * 7 / FIRST_NAMES.len() % LAST_NAMES.len()],
            "Username": agent.username(),
            "RoutingProfile": {
                "ARN": arn(&format!("/routing-profile/{}", profile.id)),
                "Name": profile.name,
                "Concurrency": slots,
                "DefaultOutboundQueue": queue(&QUEUES[profile.queues.start]),
                "InboundQueues": inbound,
            },
        },
        "Contacts": contacts,
    });
    snapshot.to_string()
}

fn contact_in_snapshot(contact: &Contact) -> Value {
    let (queue_id, queue_name) = QUEUES[contact.queue];
    // As in the real stream: tasks under either name, and the text `null` where there is no queue name.
    let channel =
        if contact.is_task() && contact.id.is_multiple_of(2) { "TASKS" } else { contact.kind.channel() };
    let queue_name = if contact.kind == Kind::Campaign { "null" } else { queue_name };
    json!({
        "Channel": channel,
        "ConnectedToAgentTimestamp": contact.connected.filter(|_| contact.state != State::Missed).map(milliseconds),
        "ContactId": id(contact.id),
        "InitialContactId": contact.initial.map(id),
        "InitiationMethod": contact.kind.initiation_method(),
        "Queue": {"ARN": arn(&format!("/queue/{queue_id}")), "Name": queue_name},
        "QueueTimestamp": contact.enqueued.map(milliseconds),
        "State": contact.state.as_str(),
        "StateStartTimestamp": milliseconds(contact.state_since),
    })
}

/// The version of a contact record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    Only,
    First,
    Later,
}

/// The record of an ended contact. A later version adds the answer to a survey, and one second of after-contact work that the
/// first version lacks: a query that counts the first version gets other figures.
pub(crate) fn contact_record(
    contact: &Contact,
    agent: Option<&Agent>,
    updated: i64,
    version: Version,
) -> Vec<u8> {
    let (queue_id, queue_name) = QUEUES[contact.queue];
    let disconnected = contact.disconnected.unwrap_or(updated);
    let dequeued = contact.connected.unwrap_or(disconnected);
    let queue = contact.enqueued.map(|enqueued| {
        json!({
            "ARN": arn(&format!("/queue/{queue_id}")),
            "Name": queue_name,
            "EnqueueTimestamp": seconds(enqueued),
            "DequeueTimestamp": seconds(dequeued),
            "Duration": whole_seconds(dequeued - enqueued),
        })
    });
    let attributes = if version == Version::Later {
        json!({"language": "en", "survey": "5"})
    } else {
        json!({"language": "en"})
    };
    let is_voice = contact.kind.channel() == "VOICE";
    let endpoint = |address: String| json!({"Address": address, "Type": "TELEPHONE_NUMBER"});
    let record = json!({
        "AWSAccountId": "111122223333",
        "AWSContactTraceRecordFormatVersion": "2017-03-10",
        "Agent": agent.zip(contact.connected).map(|(agent, connected)| agent_in_record(contact, agent, connected, version)),
        "AgentConnectionAttempts": contact.attempts,
        "AnsweringMachineDetectionStatus": (contact.kind == Kind::Campaign).then_some("HUMAN_ANSWERED"),
        "Attributes": attributes,
        "Campaign": {"CampaignId": (contact.kind == Kind::Campaign).then_some(CAMPAIGN)},
        "Channel": contact.kind.channel(),
        "ConnectedToSystemTimestamp": seconds(contact.initiated),
        "ContactDetails": {},
        "ContactId": id(contact.id),
        "CustomerEndpoint": is_voice.then(|| endpoint(format!("+441632960{:03}", contact.customer))),
        "DisconnectReason": match contact.ending {
            // Chats that nobody ended have no reason.
            Ending::Closed if contact.kind == Kind::Chat => None,
            Ending::Abandoned if contact.id.is_multiple_of(7) => None,
            Ending::ByAgent => Some("AGENT_DISCONNECT"),
            Ending::Closed | Ending::CallbackPlanned => Some("CONTACT_FLOW_DISCONNECT"),
            Ending::Abandoned | Ending::Transferred | Ending::ByCustomer => Some("CUSTOMER_DISCONNECT"),
        },
        "DisconnectTimestamp": seconds(disconnected),
        "InitialContactId": contact.initial.map(id),
        "InitiationMethod": contact.kind.initiation_method(),
        "InitiationTimestamp": seconds(contact.initiated),
        "InstanceARN": arn(""),
        "LastUpdateTimestamp": seconds(updated),
        "NextContactId": contact.next.map(id),
        "PreviousContactId": contact.previous.map(id),
        "Queue": queue,
        "Recordings": null,
        "References": [],
        "SystemEndpoint": is_voice.then(|| endpoint("+441632960999".to_owned())),
        "Tags": {"aws:connect:instanceId": "10000000-0000-4000-8000-000000000001"},
        "TransferCompletedTimestamp": (contact.ending == Ending::Transferred).then(|| seconds(disconnected)),
        "TransferredToEndpoint": null,
    });
    record.to_string().into_bytes()
}

/// A contact event in its EventBridge envelope: the contact so far. As in Amazon's samples, the `detail-type` has two
/// forms, a few events have their names in Pascal case, and a time that is not yet known is a placeholder.
pub(crate) fn contact_event(
    contact: &Contact,
    agent: Option<&Agent>,
    number: u64,
    now: i64,
    event_type: &str,
) -> Vec<u8> {
    const NOT_YET: &str = "1970-01-01T00:00:00.001Z";
    let is_update = event_type == "CONTACT_DATA_UPDATED";
    let not_yet = || is_update.then(|| NOT_YET.to_owned());
    let (queue_id, _) = QUEUES[contact.queue];
    let queue = contact.enqueued.filter(|_| contact.kind != Kind::Campaign).map(|enqueued| {
        json!({
            "queueArn": arn(&format!("/queue/{queue_id}")),
            "queueType": "STANDARD",
            "enqueueTimestamp": milliseconds(enqueued),
        })
    });
    // The agent is known before the contact is connected.
    let agent = agent.filter(|_| contact.connected.is_some() || is_update).map(|agent| {
        let work = contact.disconnected.filter(|_| contact.connected.is_some());
        json!({
            "agentArn": agent_arn(agent),
            "connectedToAgentTimestamp": contact.connected.map(milliseconds).or_else(not_yet),
            "afterContactWorkStartTimestamp": work.map(milliseconds),
            "afterContactWorkEndTimestamp": contact.after_contact_work_end.map(milliseconds),
            "afterContactWorkDuration": work
                .zip(contact.after_contact_work_end)
                .map(|(began, ended)| whole_seconds(ended - began)),
            "hierarchyGroups": {"level1": {"arn": arn("/agent-group/g-1")}},
        })
    });
    let is_voice = contact.kind.channel() == "VOICE";
    let connected_to_system = match contact.kind {
        Kind::Chat | Kind::Task | Kind::Email => Some(milliseconds(contact.initiated)),
        Kind::Campaign | Kind::Callback => contact.connected.map(milliseconds),
        Kind::Call | Kind::Transfer => not_yet(),
    };
    let mut detail = json!({
        "eventType": event_type,
        "contactId": id(contact.id),
        "initialContactId": contact.initial.map(id),
        "previousContactId": contact.previous.map(id),
        "channel": contact.kind.channel(),
        "instanceArn": arn(""),
        "initiationMethod": contact.kind.initiation_method(),
        "initiationTimestamp": milliseconds(contact.initiated),
        "connectedToSystemTimestamp": connected_to_system,
        "disconnectTimestamp": contact.disconnected.map(milliseconds).or_else(not_yet),
        "queueInfo": queue,
        "agentInfo": agent,
        "updatedProperties": is_update.then_some(["UserDefinedAttributes"]),
        "systemEndpoint": is_voice.then(|| json!({"type": "TELEPHONE_NUMBER", "address": "+441632960999"})),
        "tags": {"aws:connect:instanceId": "10000000-0000-4000-8000-000000000001"},
    });
    remove_nulls(&mut detail);
    if number % 32 == 5 {
        detail = in_pascal_case(detail);
    }
    let event = json!({
        "version": "0",
        "id": format!("80000000-0000-4000-8000-{number:012x}"),
        "detail-type": if contact.id.is_multiple_of(16) {
            "Connect Customer Contact Event"
        } else {
            "Amazon Connect Contact Event"
        },
        "source": "aws.connect",
        "account": "111122223333",
        "time": seconds(now.max(contact.initiated)),
        "region": "eu-west-2",
        "resources": [arn(""), arn(&format!("/contact/{}", id(contact.id)))],
        "detail": detail,
    });
    event.to_string().into_bytes()
}

/// Contact events seldom have null members.
fn remove_nulls(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|_, member| !member.is_null());
        members.values_mut().for_each(remove_nulls);
    }
}

/// The names of two levels in Pascal case, as in some of Amazon's samples.
fn in_pascal_case(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let name = |name: String| name[..1].to_uppercase() + &name[1..];
    let renamed = members.into_iter().map(|(key, member)| match key.as_str() {
        "tags" => (key, member),
        _ => (name(key), in_pascal_case(member)),
    });
    Value::Object(renamed.collect())
}

fn agent_in_record(contact: &Contact, agent: &Agent, connected: i64, version: Version) -> Value {
    let disconnected = contact.disconnected.unwrap_or(connected);
    let after_contact_work_end = contact.after_contact_work_end.unwrap_or(disconnected);
    let missing = if version == Version::First { SECOND } else { 0 };
    let after_contact_work_end = (after_contact_work_end - missing).max(disconnected);
    let holds = || contact.holds.iter().map(|(begin, end)| end - begin);
    let interrupted: i64 = holds().sum();
    let (held, paused) = if contact.is_task() { (0, interrupted) } else { (interrupted, 0) };
    json!({
        "ARN": agent_arn(agent),
        "Username": agent.username(),
        "AfterContactWorkStartTimestamp": seconds(disconnected),
        "AfterContactWorkEndTimestamp": seconds(after_contact_work_end),
        "AfterContactWorkDuration": whole_seconds(after_contact_work_end - disconnected),
        "AgentInteractionDuration": whole_seconds(disconnected - connected - interrupted),
        "AgentPauseDuration": contact.is_task().then(|| whole_seconds(paused)),
        "ConnectedToAgentTimestamp": seconds(connected),
        "CustomerHoldDuration": whole_seconds(held),
        "HierarchyGroups": {
            "Level1": {"ARN": arn("/agent-group/g-1"), "GroupName": TEAMS[agent.number % TEAMS.len()]},
            "Level2": null, "Level3": null, "Level4": null, "Level5": null,
        },
        "LongestHoldDuration": whole_seconds(if held > 0 { holds().max().unwrap_or_default() } else { 0 }),
        "NumberOfHolds": if contact.is_task() { 0 } else { contact.holds.len() },
        "RoutingProfile": {
            "ARN": arn(&format!("/routing-profile/{}", agent.routing_profile().id)), "Name": agent.routing_profile().name,
        },
    })
}

fn agent_arn(agent: &Agent) -> String {
    arn(&format!("/agent/{}", agent.id()))
}

fn status_arn(status: Status) -> String {
    arn(&format!("/agent-state/70000000-0000-4000-8000-{:012}", status as u8))
}

fn arn(resource: &str) -> String {
    format!("arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-000000000001{resource}")
}

/// A number in the form of a UUID.
fn id(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

fn whole_seconds(milliseconds: i64) -> i64 {
    milliseconds / 1000
}

/// Agent events carry milliseconds.
fn milliseconds(at: i64) -> String {
    instant(at, "%Y-%m-%dT%H:%M:%S.%3fZ")
}

/// Contact records carry whole seconds.
fn seconds(at: i64) -> String {
    instant(at, "%Y-%m-%dT%H:%M:%SZ")
}

fn instant(at: i64, format: &str) -> String {
    jiff::Timestamp::from_millisecond(at)
        .map_or_else(|_| String::new(), |instant| instant.strftime(format).to_string())
}
