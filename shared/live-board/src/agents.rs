//! The agents of the board.

use std::collections::BTreeMap;

use agent_ledger::agents::{self, Session};
use agent_ledger::{Activity, Attribute, Item};
use connect_streams::Timestamp;
use serde::Serialize;

use crate::people::name;

/// Heartbeats arrive every two minutes. An agent without an event for longer than this has missed one.
const STALE_MILLISECONDS: i64 = 3 * 60_000;
/// Agents who have logged out are shown for this time, as on Connect's page.
const AWAY_MILLISECONDS: i64 = 10 * 60_000;
/// Agents who were never logged out are shown for this time after their last event.
const FORGOTTEN_MILLISECONDS: i64 = 24 * 3_600_000;

/// How long an agent who is logged in has been silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Silence {
    /// A heartbeat is missing: for more than three minutes.
    Stale,
    /// For longer than the ghost limit. The agent has probably lost the connection, and counts in no figure but `ghosts`.
    Ghost,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agent {
    /// The agent's ID.
    pub agent_id: String,
    /// First and last name, or else the username, or else the ID; as the PII policy left them.
    pub name: String,
    /// The username.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The Region in which the agent works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Amazon Connect's Agent Activity.
    pub activity: &'static str,
    /// When the activity began: when the contact that decides it entered its state, or else when the status began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// `ROUTABLE`, `CUSTOM`, or `OFFLINE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_type: Option<&'static str>,
    /// When the status began. Contacts do not change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_since: Option<String>,
    /// The status that begins when the agent has no more contacts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_status: Option<String>,
    /// When the agent chose it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_status_since: Option<String>,
    /// `in`, `out`, or `unsettled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<&'static str>,
    /// The agent's contacts.
    pub contacts: Vec<AgentContact>,
    /// Whether contacts are listed although the agent has left.
    #[serde(skip_serializing_if = "is_false")]
    pub contacts_doubtful: bool,
    /// Slots by channel.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub slots: BTreeMap<String, Slots>,
    /// ID of the routing profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_profile_id: Option<String>,
    /// Name of the routing profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_profile: Option<String>,
    /// Names of the hierarchy groups, top level first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hierarchy: Vec<String>,
    /// When the agent's last event happened, in any Region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_event: Option<String>,
    /// When the last event happened that told the agent's status and contacts; absent if that is the last event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_at: Option<String>,
    /// Whether an agent who is logged in has been silent for too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<Silence>,
    /// Changes whenever the row does.
    pub version: String,
    #[serde(skip)]
    told_at: Option<Timestamp>,
    #[serde(skip)]
    pub(crate) what: Activity,
    #[serde(skip)]
    pub(crate) has_logged_out: bool,
    /// The activity that the status stands for.
    #[serde(skip)]
    pub(crate) of_status: Activity,
}

/// Capacity for contacts of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Slots {
    /// The number of contacts that the agent could take now.
    pub available: u32,
    /// The number of contacts that the routing profile allows.
    pub maximum: u32,
}

/// A contact of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentContact {
    /// The contact's ID.
    pub contact_id: String,
    /// The channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// How it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiation_method: Option<String>,
    /// Amazon Connect's Contact State.
    pub state: String,
    /// When the state began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// ID of the queue; the agent's ID for an agent's own queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_id: Option<String>,
    /// Name of the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    #[serde(skip)]
    pub(crate) kind: ContactKind,
    /// The activity that it stands for.
    #[serde(skip)]
    pub(crate) activity: Option<Activity>,
}

/// What a contact is for its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContactKind {
    /// Connected, on hold, or paused.
    Conversation,
    /// The agent dials it.
    Dialing,
    /// After-contact work.
    AfterContactWork,
    /// Offered to the agent.
    Offered,
    /// Missed, rejected, or in error: the agent does not have it any more.
    Failed,
    /// A state that Amazon Connect added later.
    Unknown,
}

impl ContactKind {
    fn of(state: &str, initiation_method: Option<&str>) -> Self {
        match Activity::of_contact(state, initiation_method) {
            Some(Activity::OnContact) if state == "CONNECTING" => Self::Dialing,
            Some(Activity::OnContact) => Self::Conversation,
            Some(Activity::AfterContactWork) => Self::AfterContactWork,
            Some(Activity::Incoming) => Self::Offered,
            Some(Activity::Error | Activity::Missed | Activity::Rejected) => Self::Failed,
            _ => Self::Unknown,
        }
    }

    /// Whether the agent has the contact, so that it does not wait.
    pub(crate) const fn is_held(self) -> bool {
        !matches!(self, Self::Failed)
    }

    /// Whether the contact puts its agent on contact, by Amazon's definition: after-contact work does, too.
    pub(crate) const fn is_on_contact(self) -> bool {
        matches!(self, Self::Conversation | Self::Dialing | Self::AfterContactWork)
    }
}

/// Amazon's names of contact states.
/// Source: [About contact states](https://docs.aws.amazon.com/connect/latest/adminguide/about-contact-states.html).
fn state_name(state: &str, initiation_method: Option<&str>) -> String {
    let name = match (state, initiation_method) {
        ("CONNECTED", _) => "connected",
        ("CONNECTED_ONHOLD", _) => "on_hold",
        ("PAUSED", _) => "paused",
        ("ENDED", _) => "after_contact_work",
        ("MISSED", _) => "missed",
        ("REJECTED", _) => "rejected",
        ("ERROR", _) => "error",
        ("CONNECTING", Some("OUTBOUND" | "CAMPAIGN_PREVIEW")) => "calling",
        ("CONNECTING", Some("CALLBACK")) => "callback_dialing",
        ("INCOMING" | "PENDING", Some("CALLBACK")) => "callback_incoming",
        ("CONNECTING" | "INCOMING" | "PENDING", _) => "incoming",
        (other, _) => return other.to_lowercase(),
    };
    name.to_owned()
}

impl Agent {
    pub(crate) fn of(agent: agents::Agent, now: Timestamp, ghost_minutes: u32) -> Self {
        let snapshot = &agent.snapshot;
        let text_of = |name: &str| text(snapshot, name);
        let status = (text_of("status_type"), text_of("status_name"));
        let of_status = Activity::of_status(status.0.as_deref(), status.1.as_deref());
        let status_type = match of_status {
            Activity::Available => Some("ROUTABLE"),
            Activity::Custom => Some("CUSTOM"),
            Activity::Offline => Some("OFFLINE"),
            _ => None,
        };
        let contacts = match snapshot.get("contacts") {
            Some(Attribute::List(contacts)) => contacts.iter().filter_map(contact).collect(),
            _ => Vec::new(),
        };
        let username = text_of("username");
        let full_name = ["first_name", "last_name"].into_iter().filter_map(text_of);
        let snapshot_at = text_of("snapshot_version");
        let snapshot_at = snapshot_at.and_then(|version| version.split('#').next().map(str::to_owned));
        // A contact that decides and does not tell when its state began leaves the start unknown.
        let is_of_contact = contacts.iter().any(|contact| contact.activity == Some(agent.activity));
        let status_began = text_of("status_since").filter(|_| !is_of_contact);
        let mut shown = Self {
            name: name(full_name, username.as_deref(), &agent.agent_id),
            username,
            activity: agent.activity.as_str(),
            since: agent.contact_since.clone().or(status_began),
            status: status.1,
            status_type,
            status_since: text_of("status_since"),
            next_status: text_of("next_status_name"),
            next_status_since: text_of("next_status_since"),
            session: agent.session.map(Session::as_str),
            of_status,
            has_logged_out: agent.session == Some(Session::Out),
            contacts,
            contacts_doubtful: agent.contacts_are_doubtful,
            slots: slots(snapshot),
            routing_profile_id: text_of("routing_profile_id"),
            routing_profile: text_of("routing_profile_name"),
            hierarchy: hierarchy(snapshot),
            silence: None,
            version: String::new(),
            what: agent.activity,
            told_at: snapshot_at.as_deref().and_then(Timestamp::parse),
            snapshot_at: snapshot_at.filter(|told| agent.last_event.as_ref() != Some(told)),
            agent_id: agent.agent_id,
            region: agent.region,
            last_event: agent.last_event,
        };
        shown.silence = shown.silence_at(now, i64::from(ghost_minutes) * 60_000);
        shown
    }

    /// Whether the agent has left.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.has_logged_out || self.what == Activity::Offline
    }

    /// Whether the board shows the agent.
    pub(crate) fn is_listed(&self, now: Timestamp) -> bool {
        let limit = if self.is_away() { AWAY_MILLISECONDS } else { FORGOTTEN_MILLISECONDS };
        let last = self.last_event.as_deref().and_then(Timestamp::parse);
        last.is_some_and(|last| milliseconds_since(last, now) <= limit)
    }

    /// The time of the last event that told the agent's status and contacts.
    pub(crate) const fn told_at(&self) -> Option<Timestamp> {
        self.told_at
    }

    fn silence_at(&self, now: Timestamp, ghost_milliseconds: i64) -> Option<Silence> {
        if self.is_away() {
            return None;
        }
        // An event of another Region, or a LOGIN without a snapshot, does not make an old snapshot current.
        let last = self.told_at().or_else(|| Timestamp::parse(self.last_event.as_deref()?));
        match last.map(|last| milliseconds_since(last, now)) {
            None => Some(Silence::Ghost),
            Some(milliseconds) if milliseconds > ghost_milliseconds => Some(Silence::Ghost),
            Some(milliseconds) if milliseconds > STALE_MILLISECONDS => Some(Silence::Stale),
            Some(_) => None,
        }
    }

    pub(crate) fn is_ghost(&self) -> bool {
        self.silence == Some(Silence::Ghost)
    }

    /// The contacts that the agent has, each with the agent; none if they do not count.
    pub(crate) fn counted_contacts(&self) -> impl Iterator<Item = (&Self, &AgentContact)> {
        let held = self.contacts.iter().filter(|contact| contact.kind.is_held());
        held.filter(|_| self.counts()).map(move |contact| (self, contact))
    }

    /// Whether what the agent's snapshot says about contacts counts.
    pub(crate) fn counts(&self) -> bool {
        !self.is_ghost() && !self.contacts_doubtful
    }
}

fn milliseconds_since(time: Timestamp, now: Timestamp) -> i64 {
    now.epoch_milliseconds() - time.epoch_milliseconds()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

pub(crate) fn text(item: &Item, name: &str) -> Option<String> {
    item.get(name).and_then(Attribute::as_text).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn contact(contact: &Attribute) -> Option<AgentContact> {
    let Attribute::Map(members) = contact else { return None };
    let text = |name: &str| members.get(name).and_then(Attribute::as_text).map(str::to_owned);
    let initiation_method = text("initiation_method");
    let state = text("state").unwrap_or_default();
    Some(AgentContact {
        contact_id: text("contact_id")?,
        channel: text("channel"),
        kind: ContactKind::of(&state, initiation_method.as_deref()),
        activity: Activity::of_contact(&state, initiation_method.as_deref()),
        state: state_name(&state, initiation_method.as_deref()),
        initiation_method,
        since: text("state_since"),
        queue_id: text("queue_id"),
        queue: text("queue_name"),
    })
}

fn slots(snapshot: &Item) -> BTreeMap<String, Slots> {
    let Some(Attribute::Map(channels)) = snapshot.get("slots") else { return BTreeMap::new() };
    let channel = |(channel, slots): (&str, &Attribute)| {
        let Attribute::Map(slots) = slots else { return None };
        let number = |name: &str| match slots.get(name) {
            Some(Attribute::Number(digits)) => digits.parse().ok(),
            _ => None,
        };
        let slots = Slots { available: number("available")?, maximum: number("maximum")? };
        Some((channel.to_owned(), slots))
    };
    channels.iter().filter_map(channel).collect()
}

fn hierarchy(snapshot: &Item) -> Vec<String> {
    let Some(Attribute::List(groups)) = snapshot.get("hierarchy") else { return Vec::new() };
    groups.iter().filter_map(|group| group.as_text().map(str::to_owned)).collect()
}
