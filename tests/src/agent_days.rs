//! Random agents on random days: what happened to them, and the events that report it.
//!
//! The truth is recorded while the day is generated, not computed from the events, so it is an independent reference
//! for the content of the tables.

use std::collections::{BTreeMap, BTreeSet};

use agent_ledger::Item;
use agent_ledger::intervals::in_sequence;
use agent_ledger::memory::Tables;
use agent_ledger::{AgentKey, Attribute, history_key};
use connect_streams::Timestamp;
use fastrand::Rng;
use serde_json::{Value, json};

/// The instance of all agents.
pub const INSTANCE: &str = "10000000-0000-4000-8000-000000000001";
/// The Region of all agents.
pub const REGION: &str = "eu-west-2";
/// 2026-03-02T08:00:00Z in milliseconds.
const MORNING: i64 = 1_772_438_400_000;
const STATUSES: [(&str, &str, &str); 4] = [
    ("Available", "ROUTABLE", "available"),
    ("Lunch", "CUSTOM", "custom"),
    ("Training", "CUSTOM", "custom"),
    ("Offline", "OFFLINE", "offline"),
];
const OFFLINE: usize = 3;
/// Contact states with their activities, in the order of precedence on Amazon Connect's real-time page.
const STATES: [(&str, &str); 8] = [
    ("ERROR", "error"),
    ("MISSED", "missed"),
    ("REJECTED", "rejected"),
    ("CONNECTED", "on_contact"),
    ("CONNECTED_ONHOLD", "on_contact"),
    ("PAUSED", "on_contact"),
    ("ENDED", "after_contact_work"),
    ("CONNECTING", "incoming"),
];

/// An event and its identity.
#[derive(Debug, Clone)]
pub struct Event {
    /// The event as Amazon Connect sends it.
    pub record: Vec<u8>,
    /// The agent.
    pub agent_id: String,
    /// When it happened.
    pub timestamp: String,
    /// The event's ID.
    pub event_id: String,
    /// Whether the history keeps the event.
    pub is_kept: bool,
}

/// The expected content of the tables.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Truth {
    /// The agents, by ID.
    pub agents: BTreeMap<String, AgentTruth>,
    /// Keys of the history's events.
    pub events: BTreeSet<(String, String)>,
    /// The history's intervals.
    pub intervals: BTreeSet<Interval>,
}

impl Truth {
    /// The first difference between the truth and the actual content.
    #[must_use]
    pub fn difference(&self, actual: &Self) -> String {
        let agent = self.agents.iter().find(|(agent, truth)| actual.agents.get(*agent) != Some(truth));
        if let Some((agent, truth)) = agent {
            return format!("{:?} instead of {truth:?}", actual.agents.get(agent));
        }
        let interval = self.intervals.symmetric_difference(&actual.intervals).next();
        let event = self.events.symmetric_difference(&actual.events).next();
        format!("only one of them has {interval:?} or {event:?}, or one has an additional agent")
    }
}

/// An interval of a status, or of a contact's state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval {
    /// The agent.
    pub agent_id: String,
    /// The contact, if it is a contact's state; empty for a status.
    pub contact_id: String,
    /// The name of the status or state.
    pub name: String,
    /// When it began.
    pub start: String,
    /// When it ended.
    pub end: String,
}

/// The expected content of an agent's items.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct AgentTruth {
    /// When the agent last logged in.
    pub login: Option<String>,
    /// When the agent last logged out.
    pub logout: Option<String>,
    /// The newest snapshot.
    pub snapshot: Option<SnapshotTruth>,
}

/// The expected content of a snapshot.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct SnapshotTruth {
    /// ID of the snapshot's event.
    pub event_id: String,
    /// The status and its start.
    pub status: (String, String),
    /// The next status.
    pub next_status: Option<String>,
    /// The activity.
    pub activity: String,
    /// States by contact.
    pub contacts: BTreeMap<String, String>,
    /// The routing profile.
    pub routing_profile: String,
}

/// A world of agents.
#[derive(Debug, Default)]
pub struct World {
    /// All events, each agent's in the order they happened.
    pub events: Vec<Event>,
    /// The truth after all events.
    pub truth: Truth,
}

impl World {
    /// A world of `agents` agents with `events` events each.
    #[must_use]
    pub fn of(agents: usize, events: usize, rng: &mut Rng) -> Self {
        let mut world = Self::default();
        for number in 0..agents {
            Agent::new(number, rng).live(events, &mut world, rng);
        }
        world
    }

    /// Adds impossible events of one more agent: see [`contradictory`].
    pub fn contradict(&mut self, events: usize, rng: &mut Rng) {
        self.events.extend((0..events).map(|number| contradictory(number, rng)));
    }
}

#[derive(Clone)]
struct Contact {
    id: String,
    channel: &'static str,
    state: usize,
    /// When the state began, as the events show it.
    shown_since: i64,
    /// When the state really began: later than the events show, if the contact kept its start through hold.
    since: i64,
    /// When the contact was connected.
    first: i64,
}

struct Agent {
    id: String,
    now: i64,
    status: (usize, i64),
    next_status: Option<usize>,
    contacts: Vec<Contact>,
    routing_profile: u8,
    is_logged_in: bool,
    /// The snapshot after the last event. Null before the first event, and after a LOGIN.
    last: Value,
    /// The greatest version so far of the snapshot, the login, and the logout register.
    newest: [(i64, String); 3],
    /// How hold and pause change the `StateStartTimestamp` of the agent's contacts.
    starts: Starts,
}

/// How hold changes a contact's start. Connect's documentation is contradictory: the contact may get a new start,
/// keep the old one, or get the first one back after hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Starts {
    New,
    Kept,
    FirstAgain,
}

impl Agent {
    fn new(number: usize, rng: &mut Rng) -> Self {
        // Some agents have a clock that is a day or a year off: the tables must not depend on our clock.
        let skew = [0, 0, 0, 86_400_000, -86_400_000, 365 * 86_400_000][rng.usize(..6)];
        let now = MORNING + rng.i64(0..600_000) + skew;
        Self {
            id: format!("20000000-0000-4000-8000-{number:012}"),
            now,
            status: (OFFLINE, now - 3_600_000),
            next_status: None,
            contacts: Vec::new(),
            routing_profile: 0,
            is_logged_in: false,
            last: Value::Null,
            newest: Default::default(),
            starts: [Starts::New, Starts::Kept, Starts::FirstAgain][rng.usize(..3)],
        }
    }

    fn live(mut self, events: usize, world: &mut World, rng: &mut Rng) {
        for _ in 0..events {
            // Sometimes two events share a millisecond.
            self.now += if rng.u8(..8) == 0 { 0 } else { rng.i64(1..120_000) };
            let event_type = self.step(world, rng);
            self.emit(event_type, world, rng);
        }
    }

    /// Draws what happens next. Returns the type of the event that reports it.
    fn step(&mut self, world: &mut World, rng: &mut Rng) -> &'static str {
        if !self.is_logged_in {
            // Heartbeats continue after a logout.
            if rng.u8(..4) == 0 && !self.last.is_null() {
                return "HEART_BEAT";
            }
            self.is_logged_in = true;
            return "LOGIN";
        }
        match rng.u8(..10) {
            0 => return "HEART_BEAT",
            1 if self.contacts.is_empty() && self.status.0 == OFFLINE => {
                self.is_logged_in = false;
                return "LOGOUT";
            }
            1 | 2 => self.enter(rng.usize(..STATUSES.len()), world),
            3 => self.routing_profile = rng.u8(..3),
            4 => self.next_status = rng.bool().then(|| rng.usize(..STATUSES.len())),
            5 | 6 if self.contacts.len() < 4 => self.ring(rng),
            _ if self.contacts.is_empty() => self.ring(rng),
            _ => self.move_on(world, rng),
        }
        // Sometimes two things change at once.
        if rng.u8(..6) == 0 && !self.contacts.is_empty() && self.starts == Starts::New {
            self.move_on(world, rng);
        }
        "STATE_CHANGE"
    }

    fn ring(&mut self, rng: &mut Rng) {
        let channel = ["VOICE", "CHAT", "TASK", "EMAIL"][rng.usize(..4)];
        let id = format!("30000000-0000-4000-8000-{:012x}", rng.u64(..1 << 40));
        let (shown_since, since) = (self.now, self.now);
        let first = self.now;
        self.contacts.push(Contact { id, channel, state: state("CONNECTING"), shown_since, since, first });
        rng.shuffle(&mut self.contacts);
    }

    fn enter(&mut self, status: usize, world: &mut World) {
        let (old, since) = self.status;
        if old == status {
            return;
        }
        self.close(String::new(), STATUSES[old].0, since, world);
        self.status = (status, self.now);
        self.next_status = None;
    }

    /// Moves a contact to another state, or removes it.
    fn move_on(&mut self, world: &mut World, rng: &mut Rng) {
        let place = rng.usize(..self.contacts.len());
        let Contact { id, state: old, since, shown_since, .. } = self.contacts[place].clone();
        let successors: &[&str] = match STATES[old].0 {
            "CONNECTING" => &["CONNECTED", "CONNECTED", "MISSED", "REJECTED", "ERROR"],
            "CONNECTED" => &["CONNECTED_ONHOLD", "PAUSED", "ENDED", "ENDED"],
            "CONNECTED_ONHOLD" | "PAUSED" => &["CONNECTED", "ENDED"],
            _ => &[],
        };
        if successors.is_empty() {
            self.close(id, STATES[old].0, since, world);
            self.contacts.remove(place);
            return;
        }
        let successor = successors[rng.usize(..successors.len())];
        let alternates = |state: &str| ["CONNECTED", "CONNECTED_ONHOLD", "PAUSED"].contains(&state);
        let has_no_new_start = alternates(STATES[old].0)
            && alternates(successor)
            && match self.starts {
                Starts::New => false,
                Starts::Kept => true,
                Starts::FirstAgain => successor == "CONNECTED",
            };
        // Only the starts show the order of two changes in one millisecond.
        if since == self.now && (has_no_new_start || shown_since < since) {
            return;
        }
        self.close(id, STATES[old].0, since, world);
        let is_reported = !self.last.is_null();
        let contact = &mut self.contacts[place];
        contact.state = state(successor);
        if STATES[old].0 == "CONNECTING" {
            contact.first = self.now;
        }
        contact.shown_since = match self.starts {
            Starts::FirstAgain if has_no_new_start => contact.first,
            Starts::Kept if has_no_new_start => contact.shown_since,
            _ => self.now,
        };
        // A change that no event reports cannot be known.
        if is_reported || !has_no_new_start {
            contact.since = self.now;
        }
    }

    /// Records an interval in the truth if the next event will report it. Intervals before a LOGIN are not reported,
    /// because the first event after it has no previous snapshot.
    fn close(&self, contact_id: String, name: &str, since: i64, world: &mut World) {
        if !self.last.is_null() && since < self.now {
            world.truth.intervals.insert(Interval {
                agent_id: self.id.clone(),
                contact_id,
                name: name.to_owned(),
                start: time(since),
                end: time(self.now),
            });
        }
    }

    fn emit(&mut self, event_type: &'static str, world: &mut World, rng: &mut Rng) {
        let event_id = format!("40000000-0000-4000-8000-{:012x}", rng.u64(..1 << 48));
        let (previous, current) = match event_type {
            "LOGIN" => (Value::Null, Value::Null),
            _ => (self.last.clone(), self.snapshot()),
        };
        let record = json!({
            "AWSAccountId": "111122223333",
            "AgentARN": format!("arn:aws:connect:eu-west-2:111122223333:instance/{INSTANCE}/agent/{}", self.id),
            "CurrentAgentSnapshot": current,
            "EventId": event_id,
            "EventTimestamp": time(self.now),
            "EventType": event_type,
            "PreviousAgentSnapshot": previous,
        });
        let is_kept = event_type != "HEART_BEAT";
        if is_kept {
            world
                .truth
                .events
                .insert((self.id.clone(), format!("event#{}#{event_id}#{REGION}", time(self.now))));
        }
        let version = (self.now, event_id.clone());
        let agent = world.truth.agents.entry(self.id.clone()).or_default();
        if !current.is_null() && self.newest[0] < version {
            agent.snapshot = Some(self.snapshot_truth(&event_id));
            self.newest[0] = version.clone();
        }
        match event_type {
            "LOGIN" if self.newest[1] < version => {
                agent.login = Some(time(self.now));
                self.newest[1] = version;
            }
            "LOGOUT" if self.newest[2] < version => {
                agent.logout = Some(time(self.now));
                self.newest[2] = version;
            }
            _ => {}
        }
        self.last = current;
        let agent_id = self.id.clone();
        let record = record.to_string().into_bytes();
        world.events.push(Event { record, agent_id, timestamp: time(self.now), event_id, is_kept });
    }

    fn snapshot(&self) -> Value {
        let arn =
            |resource: &str| format!("arn:aws:connect:{REGION}:111122223333:instance/{INSTANCE}/{resource}");
        let (name, status_type, _) = STATUSES[self.status.0];
        let contact = |contact: &Contact| {
            json!({
                "Channel": contact.channel, "ContactId": contact.id, "State": STATES[contact.state].0,
                "StateStartTimestamp": time(contact.shown_since), "Queue": {"ARN": arn("queue/q"), "Name": "Billing"},
            })
        };
        json!({
            "AgentStatus": {"Name": name, "Type": status_type, "StartTimestamp": time(self.status.1)},
            "NextAgentStatus": self.next_status.map(|next| json!({"Name": STATUSES[next].0})),
            "Configuration": {
                "Username": "agent",
                "RoutingProfile": {
                    "Name": format!("profile {}", self.routing_profile),
                    "ARN": arn(&format!("routing-profile/{}", self.routing_profile)),
                    // They change every seven minutes, so that some periods see two contents.
                    "InboundQueues": [{"ARN": arn(&format!("queue/{}", self.now / 420_000 % 3)), "Name": "Billing"}],
                },
            },
            "Contacts": self.contacts.iter().map(contact).collect::<Vec<_>>(),
        })
    }

    fn snapshot_truth(&self, event_id: &str) -> SnapshotTruth {
        let pressing = self.contacts.iter().map(|contact| contact.state).min();
        SnapshotTruth {
            event_id: event_id.to_owned(),
            status: (STATUSES[self.status.0].0.to_owned(), time(self.status.1)),
            next_status: self.next_status.map(|next| STATUSES[next].0.to_owned()),
            activity: pressing.map_or(STATUSES[self.status.0].2, |state| STATES[state].1).to_owned(),
            contacts: self
                .contacts
                .iter()
                .map(|contact| (contact.id.clone(), STATES[contact.state].0.to_owned()))
                .collect(),
            routing_profile: format!("profile {}", self.routing_profile),
        }
    }
}

/// An impossible event: many of them share a millisecond, and their snapshots contradict each other. They have no
/// truth, but the tables must still not depend on how they are delivered.
#[must_use]
pub fn contradictory(number: usize, rng: &mut Rng) -> Event {
    let time = |rng: &mut Rng| format!("2026-03-02T08:00:0{}.000Z", rng.u8(..4));
    let snapshot = |rng: &mut Rng| {
        if rng.u8(..8) == 0 {
            return Value::Null;
        }
        let contact = |rng: &mut Rng| {
            json!({
                "ContactId": format!("c-{}", rng.u8(..2)), "StateStartTimestamp": time(rng),
                "State": rng.choice(["CONNECTED", "ENDED"]), "Channel": rng.bool().then_some("CHAT"),
            })
        };
        let contacts: Vec<_> = (0..rng.usize(..3)).map(|_| contact(rng)).collect();
        json!({
            "AgentStatus": {"Name": rng.choice(["Available", "Lunch"]), "StartTimestamp": time(rng)},
            "Contacts": contacts,
        })
    };
    let timestamp = time(rng);
    let event_type = ["LOGIN", "LOGOUT", "STATE_CHANGE", "HEART_BEAT", "NEW"][rng.usize(..5)];
    let (agent_id, event_id) = ("contradictory".to_owned(), format!("e-{number}"));
    let record = json!({
        "AgentARN": format!("arn:aws:connect:eu-west-2:111122223333:instance/{INSTANCE}/agent/{agent_id}"),
        "EventId": event_id, "EventTimestamp": timestamp, "EventType": event_type,
        "PreviousAgentSnapshot": snapshot(rng), "CurrentAgentSnapshot": snapshot(rng),
    });
    let record = record.to_string().into_bytes();
    Event { record, agent_id, timestamp, event_id, is_kept: event_type != "HEART_BEAT" }
}

fn state(name: &str) -> usize {
    STATES.iter().position(|(state, _)| *state == name).expect("the states are above")
}

fn time(milliseconds: i64) -> String {
    Timestamp::from_epoch_milliseconds(milliseconds).expect("the days are in 2026").to_string()
}

/// The content of the tables, in the form of [`Truth`].
#[must_use]
pub fn truth_in(tables: &Tables) -> Truth {
    let (events, intervals): (Vec<_>, Vec<_>) =
        tables.history.iter().partition(|((_, entry), _)| entry.starts_with("event#"));
    let interval = |agent_id: &str, item: &Item| Interval {
        agent_id: agent_id.to_owned(),
        contact_id: text(item, "contact_id").unwrap_or_default(),
        name: text(item, "name").or_else(|| text(item, "state")).unwrap_or_default(),
        start: text(item, "start").unwrap_or_default(),
        end: text(item, "end").unwrap_or_default(),
    };
    let mut agents: BTreeMap<String, AgentTruth> = BTreeMap::new();
    for (key, item) in
        tables.state.iter().filter(|(key, _)| key.board != AgentKey::routing_profiles(INSTANCE))
    {
        let mut parts = key.agent_id.split('#');
        let agent = agents.entry(parts.next().unwrap_or_default().to_owned()).or_default();
        match parts.nth(1) {
            None => agent.snapshot = Some(snapshot(item)),
            Some("login") => agent.login = text(item, "session_since"),
            Some(_) => agent.logout = text(item, "session_since"),
        }
    }
    let mut by_agent: BTreeMap<&str, Vec<Item>> = BTreeMap::new();
    for ((history, entry), item) in intervals {
        let mut item = item.clone();
        item.insert("entry".to_owned(), Attribute::Text(entry.as_str().into()));
        by_agent.entry(agent_of(history)).or_default().push(item);
    }
    let intervals = by_agent.into_iter().flat_map(|(agent_id, items)| {
        in_sequence(items).into_iter().map(move |item| interval(agent_id, &item))
    });
    Truth {
        agents,
        events: events
            .into_iter()
            .map(|((history, entry), _)| (agent_of(history).to_owned(), entry.clone()))
            .collect(),
        intervals: intervals.collect(),
    }
}

/// The agent's ID in a partition key of the history.
#[must_use]
pub fn agent_of(history: &str) -> &str {
    let agent_id = history.rsplit_once('#').map_or(history, |(_, agent_id)| agent_id);
    debug_assert_eq!(history_key(INSTANCE, agent_id), history);
    agent_id
}

fn snapshot(item: &Item) -> SnapshotTruth {
    let contact = |contact: &Attribute| match contact {
        Attribute::Map(contact) => {
            let text = |name| contact.get(name).and_then(text_of).unwrap_or_default();
            (text("contact_id"), text("state"))
        }
        _ => Default::default(),
    };
    let contacts = match item.get("contacts") {
        Some(Attribute::List(contacts)) => contacts.iter().map(contact).collect(),
        _ => BTreeMap::new(),
    };
    let version = text(item, "snapshot_version").unwrap_or_default();
    SnapshotTruth {
        event_id: version.split('#').nth(1).unwrap_or_default().to_owned(),
        status: text(item, "status_name").zip(text(item, "status_since")).unwrap_or_default(),
        next_status: text(item, "next_status_name"),
        activity: text(item, "activity").unwrap_or_default(),
        contacts,
        routing_profile: text(item, "routing_profile_name").unwrap_or_default(),
    }
}

fn text(item: &Item, name: &str) -> Option<String> {
    text_of(item.get(name)?)
}

fn text_of(attribute: &Attribute) -> Option<String> {
    match attribute {
        Attribute::Text(text) => Some(text.to_string()),
        _ => None,
    }
}
