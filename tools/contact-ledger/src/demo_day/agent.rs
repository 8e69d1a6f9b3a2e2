//! One agent's day, as agent events: login, contacts, a break, heartbeats, logout.

use fastrand::Rng;
use serde_json::{Value, json};

use super::contact::{Contact, Handling};
use super::{Ids, MINUTE, OPENING, QUEUES, SECOND, Sent, arn, milliseconds};

const SHIFT: i64 = 8 * 60 * MINUTE;
/// A heartbeat comes when there was no other event for so long.
const HEARTBEAT: i64 = 120 * SECOND;

/// What an agent did, and the contacts that were part of it.
pub(super) struct AgentDay {
    pub(super) events: Vec<Sent>,
    pub(super) contacts: Vec<Contact>,
    agent_id: String,
    username: String,
    number: u64,
    now: i64,
    status: (&'static str, &'static str, i64),
    listed: Vec<Value>,
    snapshot: Value,
}

impl AgentDay {
    pub(super) fn live(number: u64, rng: &mut Rng, ids: &mut Ids) -> Self {
        let begin = OPENING + rng.i64(0..30) * MINUTE + rng.i64(0..60_000);
        let mut day = Self {
            events: Vec::new(),
            contacts: Vec::new(),
            agent_id: format!("20000000-0000-4000-8000-{number:012x}"),
            username: format!("agent.{number:02}"),
            number,
            now: begin,
            status: ("Offline", "OFFLINE", begin - 14 * 60 * MINUTE),
            listed: Vec::new(),
            snapshot: Value::Null,
        };
        day.emit("LOGIN", ids);
        day.enter("Available", "ROUTABLE", 2 * SECOND, ids);
        let lunch = begin + SHIFT / 2;
        let mut had_lunch = false;
        while day.now < begin + SHIFT {
            if day.now > lunch && !had_lunch {
                day.enter("Lunch", "CUSTOM", SECOND, ids);
                day.rest(30 * MINUTE, ids);
                day.enter("Available", "ROUTABLE", SECOND, ids);
                had_lunch = true;
            }
            day.rest(rng.i64(20..900) * SECOND, ids);
            day.handle(rng, ids);
        }
        day.enter("Offline", "OFFLINE", 5 * SECOND, ids);
        day.now += SECOND;
        day.emit("LOGOUT", ids);
        // Heartbeats go on after a logout.
        day.rest(10 * MINUTE, ids);
        day
    }

    /// One contact from ringing to the end of its after-contact work.
    fn handle(&mut self, rng: &mut Rng, ids: &mut Ids) {
        // Contact records carry whole seconds; both streams tell the same story when the day does, too.
        let rang = (self.now / SECOND + 1) * SECOND;
        let connected = rang + rng.i64(3..15) * SECOND;
        let hold = (rng.usize(..4) == 0).then(|| {
            let begin = connected + rng.i64(30..120) * SECOND;
            (begin, begin + rng.i64(10..90) * SECOND)
        });
        let disconnected = hold.map_or(connected, |(_, end)| end) + rng.i64(30..600) * SECOND;
        let after_contact_work_end = disconnected + rng.i64(5..120) * SECOND;
        let waited = rng.i64(2..90) * SECOND;
        let contact = Contact {
            id: ids.next(),
            channel: if rng.usize(..5) == 0 { "CHAT" } else { "VOICE" },
            queue: rng.usize(..QUEUES.len()),
            customer: rng.u64(..900),
            initiated: rang - waited - rng.i64(5..40) * SECOND,
            enqueued: rang - waited,
            agent: Some(Handling {
                agent_id: self.agent_id.clone(),
                username: self.username.clone(),
                rang,
                connected,
                hold,
                after_contact_work_end,
            }),
            disconnected,
        };
        self.tell(&contact, ids);
        self.contacts.push(contact);
    }

    fn tell(&mut self, contact: &Contact, ids: &mut Ids) {
        let Some(agent) = &contact.agent else { return };
        let mut states = vec![("CONNECTING", agent.rang), ("CONNECTED", agent.connected)];
        if let Some((begin, end)) = agent.hold {
            states.extend([("CONNECTED_ONHOLD", begin), ("CONNECTED", end)]);
        }
        states.push(("ENDED", contact.disconnected));
        for (state, since) in states {
            self.beat_until(since, ids);
            self.listed = vec![contact.in_snapshot(state, since)];
            self.emit("STATE_CHANGE", ids);
        }
        self.beat_until(agent.after_contact_work_end, ids);
        self.listed.clear();
        self.emit("STATE_CHANGE", ids);
    }

    /// After a moment, the agent is in another status.
    fn enter(&mut self, name: &'static str, status_type: &'static str, after: i64, ids: &mut Ids) {
        self.now += after;
        self.status = (name, status_type, self.now);
        self.emit("STATE_CHANGE", ids);
    }

    fn rest(&mut self, duration: i64, ids: &mut Ids) {
        self.beat_until(self.now + duration, ids);
    }

    fn beat_until(&mut self, end: i64, ids: &mut Ids) {
        while self.now + HEARTBEAT < end {
            self.now += HEARTBEAT;
            self.emit("HEART_BEAT", ids);
        }
        self.now = end;
    }

    fn emit(&mut self, event_type: &str, ids: &mut Ids) {
        let previous = self.snapshot.clone();
        if event_type != "LOGIN" {
            self.snapshot = self.current();
        }
        let record = json!({
            "AWSAccountId": "111122223333",
            "AgentARN": arn(&format!("/agent/{}", self.agent_id)),
            "CurrentAgentSnapshot": self.snapshot,
            "EventId": ids.next(),
            "EventTimestamp": milliseconds(self.now),
            "EventType": event_type,
            "InstanceARN": arn(""),
            "PreviousAgentSnapshot": previous,
            "Version": "2017-10-01",
        });
        self.events.push(Sent { at: self.now, record });
    }

    fn current(&self) -> Value {
        let (name, status_type, since) = self.status;
        let queue = |(id, name): &(&str, &str)| json!({"ARN": arn(&format!("/queue/{id}")), "Name": name, "Channels": ["VOICE", "CHAT"]});
        let free = 1 - self.listed.len();
        json!({
            "AgentStatus": {
                "ARN": arn(&format!("/agent-state/{}", name.to_lowercase())),
                "Name": name,
                "StartTimestamp": milliseconds(since),
                "Type": status_type,
            },
            "NextAgentStatus": null,
            "Configuration": {
                "AgentHierarchyGroups": null,
                "FirstName": "Agent",
                "LastName": format!("Number {}", self.number),
                "Username": self.username,
                "RoutingProfile": {
                    "ARN": arn("/routing-profile/rp-general"),
                    "Name": "General",
                    "Concurrency": [
                        {"Channel": "VOICE", "AvailableSlots": free, "MaximumSlots": 1},
                        {"Channel": "CHAT", "AvailableSlots": free, "MaximumSlots": 1},
                    ],
                    "DefaultOutboundQueue": queue(&QUEUES[0]),
                    "InboundQueues": QUEUES.iter().map(queue).collect::<Vec<_>>(),
                },
            },
            "Contacts": self.listed,
        })
    }
}
