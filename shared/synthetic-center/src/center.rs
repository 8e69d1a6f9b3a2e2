//! The simulation: the steps of agents and contacts, and the records they cause.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use connect_streams::StreamKind;
use fastrand::Rng;

use crate::agent::{Agent, StateStarts, Status};
use crate::contact::{Contact, Ending, Kind, State};
use crate::queues::QUEUES;
use crate::sent::Sent;
use crate::size::CenterSize;
use crate::time::{HOUR, MINUTE, SECOND};
use crate::wire::{self, Version};

/// A heartbeat is sent after this time without another event.
const HEARTBEAT: i64 = 120 * SECOND;
/// Heartbeats continue for this time after a logout.
const HEARTBEATS_AFTER_LOGOUT: i64 = 10 * MINUTE;
/// The load of each hour, in percent: mornings and afternoons are busier than noon.
const BUSYNESS: [i64; 8] = [80, 115, 125, 95, 75, 110, 115, 85];
/// Amazon Connect sends a contact record about a minute after the contact ends.
const SENT_AFTER: i64 = 64 * SECOND;

/// A step of the simulation.
#[derive(Debug, Clone)]
enum Step {
    Arrive,
    Enqueue(u64),
    LeaveQueue(u64),
    Answer(u64),
    Miss(u64),
    ClearMissed { agent: usize, contact: u64 },
    HoldOrResume(u64),
    Disconnect(u64),
    EndAfterContactWork(u64),
    Send(u64),
    SendLate(Vec<u8>),
    LogIn(usize),
    Enter { agent: usize, status: Status },
    LeaveBreak(usize),
    Beat { agent: usize, last_event: i64 },
    LogOut(usize),
    Close,
}

/// A step with its time. Steps of the same time run in the order they were planned.
struct Planned {
    at: i64,
    number: u64,
    step: Step,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// The center at one moment of its day; an iterator over the records it sends, in order of time.
pub struct Center {
    size: CenterSize,
    rng: Rng,
    now: i64,
    planned: BinaryHeap<Reverse<Planned>>,
    steps: u64,
    ids: u64,
    /// Contact events have their own numbers, so that they change no ID of the other streams.
    contact_events: u64,
    agents: Vec<Agent>,
    contacts: HashMap<u64, Contact>,
    /// Contacts that wait for an agent, in order of arrival.
    waiting: VecDeque<u64>,
    outbox: VecDeque<Sent>,
}

impl Center {
    /// A center before it opens.
    #[must_use]
    pub fn new(size: CenterSize) -> Self {
        let mut center = Self {
            size,
            rng: Rng::with_seed(size.seed),
            now: size.opening,
            planned: BinaryHeap::new(),
            steps: 0,
            ids: size.first_id,
            contact_events: size.first_id,
            agents: Vec::new(),
            contacts: HashMap::new(),
            waiting: VecDeque::new(),
            outbox: VecDeque::new(),
        };
        for number in 0..size.agents {
            center.agents.push(Agent::new(number, &size));
            let begin = size.opening + center.rng.i64(0..30) * MINUTE / 2 + center.rng.i64(0..60_000);
            center.plan(begin, Step::LogIn(number));
            center.plan_shift(number, begin);
        }
        center.plan(size.opening, Step::Arrive);
        center.plan(center.closing(), Step::Close);
        center
    }

    fn closing(&self) -> i64 {
        self.size.opening + i64::from(self.size.hours) * HOUR
    }

    /// Plans breaks by the length of the shift, and the end of the shift some minutes before closing.
    fn plan_shift(&mut self, agent: usize, begin: i64) {
        let end = self.closing() - self.rng.i64(1..20) * MINUTE;
        let length = end - begin;
        for (part, spread, status) in [(4, 25, Status::Break), (2, 80, Status::Lunch)] {
            let at = begin + length / part + self.rng.i64(-spread..spread) * MINUTE;
            if length > 3 * HOUR && at < end {
                self.plan(at, Step::Enter { agent, status });
            }
        }
        if self.rng.u8(..6) == 0 {
            let at = begin + length * 3 / 4;
            self.plan(at, Step::Enter { agent, status: Status::Training });
        }
        self.plan(end, Step::Enter { agent, status: Status::Offline });
    }

    fn plan(&mut self, at: i64, step: Step) {
        self.steps += 1;
        self.planned.push(Reverse(Planned { at, number: self.steps, step }));
    }

    fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// A whole second, now or later: contact records carry whole seconds, and all streams must agree.
    fn in_seconds(&mut self, seconds: std::ops::Range<i64>) -> i64 {
        (self.now + SECOND - 1) / SECOND * SECOND + self.rng.i64(seconds) * SECOND
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Arrive => self.arrive(),
            Step::Enqueue(contact) => self.enqueue(contact),
            Step::LeaveQueue(contact) => self.leave_queue(contact),
            Step::Answer(contact) => self.answer(contact),
            Step::Miss(contact) => self.miss(contact),
            Step::ClearMissed { agent, contact } => self.clear(agent, contact),
            Step::HoldOrResume(contact) => self.hold_or_resume(contact),
            Step::Disconnect(contact) => self.disconnect(contact),
            Step::EndAfterContactWork(contact) => self.end_after_contact_work(contact),
            Step::Send(contact) => self.send(contact),
            Step::SendLate(record) => self.push(StreamKind::ContactRecords, record),
            Step::LogIn(agent) => self.log_in(agent),
            Step::Enter { agent, status } => self.enter(agent, status),
            Step::LeaveBreak(agent) => self.leave_break(agent),
            Step::Beat { agent, last_event } => self.beat(agent, last_event),
            Step::LogOut(agent) => self.log_out(agent),
            Step::Close => self.close(),
        }
    }

    fn push(&mut self, stream: StreamKind, record: Vec<u8>) {
        self.outbox.push_back(Sent { at: self.now, stream, record });
    }

    fn arrive(&mut self) {
        if self.now >= self.closing() || self.size.contacts_per_hour == 0 {
            return;
        }
        let mean = HOUR / i64::from(self.size.contacts_per_hour).max(1);
        let busyness = BUSYNESS
            [usize::try_from((self.now - self.size.opening) / HOUR).unwrap_or_default() % BUSYNESS.len()];
        // The time between independent arrivals is exponentially distributed.
        let apart = -(1.0 - self.rng.f64()).ln() * 1000.0;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "thousandths of the mean, never more than some tens of thousands"
        )]
        let pause = (mean * apart as i64 / 10 / busyness).max(1);
        self.plan(self.now + pause, Step::Arrive);

        let initiated = self.in_seconds(0..1);
        let kind = Kind::random(&mut self.rng);
        let contact = self.new_contact(kind, initiated);
        let menu = match kind {
            Kind::Call if self.rng.u8(..12) == 0 => {
                let at = initiated + self.rng.i64(3..25) * SECOND;
                self.plan(at, Step::Disconnect(contact));
                return;
            }
            Kind::Call | Kind::Chat => self.rng.i64(4..50),
            _ => self.rng.i64(0..3),
        };
        self.plan(initiated + menu * SECOND, Step::Enqueue(contact));
    }

    fn new_contact(&mut self, kind: Kind, initiated: i64) -> u64 {
        let id = self.id();
        let contact = Contact::new(id, kind, initiated, &mut self.rng);
        self.contacts.insert(id, contact);
        self.tell(id, "INITIATED");
        if matches!(kind, Kind::Chat | Kind::Task | Kind::Email) {
            self.tell(id, "CONNECTED_TO_SYSTEM");
        }
        id
    }

    /// Sends a contact event.
    fn tell(&mut self, id: u64, event_type: &str) {
        self.contact_events += 1;
        let contact = &self.contacts[&id];
        let agent = contact.agent.map(|agent| &self.agents[agent]);
        let event = wire::contact_event(contact, agent, self.contact_events, self.now, event_type);
        self.push(StreamKind::ContactEvents, event);
    }

    fn enqueue(&mut self, id: u64) {
        if self.now >= self.closing() {
            self.finish(id, Ending::Closed);
            return;
        }
        let patience = match self.contact(id).kind {
            Kind::Call | Kind::Transfer => self.rng.i64(15..400),
            Kind::Chat => self.rng.i64(60..900),
            Kind::Campaign => self.rng.i64(5..20),
            Kind::Callback | Kind::Task | Kind::Email => 24 * 3600,
        };
        let now = self.now;
        self.contact(id).enqueued = Some(now);
        self.plan(now + patience * SECOND, Step::LeaveQueue(id));
        self.waiting.push_back(id);
        self.tell(id, "QUEUED");
        self.route();
    }

    /// Routes waiting contacts to agents who can take them, the longest idle first.
    fn route(&mut self) {
        let mut position = 0;
        let mut exhausted = Vec::new();
        while position < self.waiting.len() {
            let id = self.waiting[position];
            let contact = self.contact(id);
            let (channel, queue) = (contact.kind.channel(), contact.queue);
            let free = (0..self.agents.len()).filter(|agent| self.agents[*agent].can_take(channel, queue));
            // If one contact of a channel and a queue finds no agent, neither does the next.
            let agent = if exhausted.contains(&(channel, queue)) {
                None
            } else {
                free.min_by_key(|agent| self.agents[*agent].idle_since)
            };
            let Some(agent) = agent else {
                exhausted.push((channel, queue));
                position += 1;
                continue;
            };
            self.waiting.remove(position);
            self.ring(id, agent);
        }
    }

    fn ring(&mut self, id: u64, agent: usize) {
        let at = self.in_seconds(0..1);
        let now = self.now;
        let contact = self.contacts.get_mut(&id).expect("a ringing contact has not ended");
        contact.attempts += 1;
        contact.agent = Some(agent);
        contact.rang = Some(at);
        contact.enter(State::Connecting, now);
        self.agents[agent].idle_since = at;
        let channel = contact.kind.channel();
        self.agents[agent].take(id, channel);
        self.emit_late(agent);
        if id.is_multiple_of(5) {
            self.tell(id, "CONTACT_DATA_UPDATED");
        }
        let answers = self.rng.u8(..100) >= 4;
        let after = if answers { self.rng.i64(2..12) } else { 20 };
        let step = if answers { Step::Answer(id) } else { Step::Miss(id) };
        self.plan(at + after * SECOND, step);
    }

    fn answer(&mut self, id: u64) {
        let Some(agent) = self.contact(id).agent else { return };
        let now = self.now;
        let kind = self.contact(id).kind;
        let talk = kind.handling(&mut self.rng);
        let holds = match kind.channel() {
            "VOICE" => self.rng.u8(..4) == 0,
            "TASK" => self.rng.u8(..3) == 0,
            _ => false,
        };
        let contact = self.contact(id);
        contact.connected = Some(now);
        contact.enter(State::Connected, now);
        self.emit_late(agent);
        self.tell(id, "CONNECTED_TO_AGENT");
        if holds {
            let hold_at = now + talk / 3 / SECOND * SECOND;
            self.plan(hold_at, Step::HoldOrResume(id));
        }
        self.plan(now + talk / SECOND * SECOND, Step::Disconnect(id));
    }

    /// Nobody answered: the contact returns to the front of the queue, and the agent sees it as missed for a while.
    fn miss(&mut self, id: u64) {
        let now = self.now;
        let contact = self.contact(id);
        let Some(agent) = contact.agent.take() else { return };
        contact.rang = None;
        contact.enter(State::Missed, now);
        let missed = contact.clone();
        self.agents[agent].leave(id, missed.kind.channel());
        self.agents[agent].missed.push(missed);
        self.emit_late(agent);
        let after = self.in_seconds(3..15);
        self.plan(after, Step::ClearMissed { agent, contact: id });
        self.plan(now + MINUTE, Step::LeaveQueue(id));
        self.waiting.push_front(id);
        self.route();
    }

    fn clear(&mut self, agent: usize, contact: u64) {
        self.agents[agent].missed.retain(|missed| missed.id != contact);
        self.agents[agent].idle_since = self.now;
        self.emit(agent, "STATE_CHANGE");
        self.contact_left(agent);
    }

    fn hold_or_resume(&mut self, id: u64) {
        let now = self.now;
        let pause = self.rng.i64(10..60) * SECOND;
        let Some(contact) = self.contacts.get_mut(&id).filter(|contact| contact.is_with_agent()) else {
            return;
        };
        let Some(agent) = contact.agent else { return };
        let starts = self.agents[agent].state_starts();
        let since = match starts {
            StateStarts::Kept => contact.state_since,
            StateStarts::FirstAgain if contact.state != State::Connected => contact.connected.unwrap_or(now),
            StateStarts::New | StateStarts::FirstAgain => now,
        };
        let is_task = contact.is_task();
        let state = if contact.state != State::Connected {
            State::Connected
        } else if is_task {
            State::Paused
        } else {
            State::OnHold
        };
        if contact.state == State::Connected {
            contact.holds.push((now, now));
            contact.enter(state, since);
            self.plan(now + pause, Step::HoldOrResume(id));
        } else {
            contact.resume(now);
            contact.enter(state, since);
        }
        let event_type = match state {
            State::Paused => Some("PAUSED"),
            State::Connected if is_task => Some("RESUMED"),
            // Contact events do not tell of holds.
            _ => None,
        };
        if let Some(event_type) = event_type {
            self.tell(id, event_type);
        }
        if starts == StateStarts::New {
            self.emit_late(agent);
        } else {
            // Only the event's timestamp shows when the state changed, so it is exact.
            self.emit(agent, "STATE_CHANGE");
        }
    }

    /// The customer leaves the queue, or accepts a callback.
    fn leave_queue(&mut self, id: u64) {
        if !self.waiting.contains(&id) {
            return;
        }
        self.waiting.retain(|waiting| *waiting != id);
        let kind = self.contact(id).kind;
        let wants_callback = kind == Kind::Call && self.now < self.closing() && self.rng.u8(..4) == 0;
        if wants_callback {
            let next = self.new_contact(Kind::Callback, self.now);
            self.chain(id, next);
            let at = self.now + self.rng.i64(30..300) * SECOND;
            self.plan(at, Step::Enqueue(next));
        }
        self.finish(id, if wants_callback { Ending::CallbackPlanned } else { Ending::Abandoned });
    }

    fn disconnect(&mut self, id: u64) {
        let now = self.now;
        let Some(agent) = self.contact(id).agent else {
            self.finish(id, Ending::Abandoned);
            return;
        };
        let channel = self.contact(id).kind.channel();
        let is_transferred = channel == "VOICE" && now < self.closing() && self.rng.u8(..12) == 0;
        let ending = if is_transferred {
            let next = self.new_contact(Kind::Transfer, now);
            self.chain(id, next);
            self.plan(now, Step::Enqueue(next));
            Ending::Transferred
        } else if self.rng.u8(..3) == 0 {
            Ending::ByAgent
        } else {
            Ending::ByCustomer
        };
        let contact = self.contact(id);
        contact.resume(now);
        contact.disconnected = Some(now);
        contact.ending = ending;
        contact.enter(State::Ended, now);
        self.emit_late(agent);
        self.tell(id, "DISCONNECTED");
        let after = now + self.rng.i64(3..90) * SECOND;
        self.plan(after, Step::EndAfterContactWork(id));
    }

    fn end_after_contact_work(&mut self, id: u64) {
        let now = self.now;
        let contact = self.contact(id);
        contact.after_contact_work_end = Some(now);
        let channel = contact.kind.channel();
        let Some(agent) = contact.agent else { return };
        self.agents[agent].leave(id, channel);
        self.agents[agent].idle_since = now;
        self.emit(agent, "STATE_CHANGE");
        self.tell(id, "COMPLETED");
        self.plan(now + SENT_AFTER, Step::Send(id));
        self.contact_left(agent);
    }

    /// Ends a contact that has no agent, and so no after-contact work to wait for.
    fn finish(&mut self, id: u64, ending: Ending) {
        let now = self.now;
        let contact = self.contact(id);
        contact.disconnected = Some(now);
        contact.ending = ending;
        self.tell(id, "DISCONNECTED");
        self.tell(id, "COMPLETED");
        self.plan(now + SENT_AFTER, Step::Send(id));
    }

    fn chain(&mut self, id: u64, next: u64) {
        let initial = self.contact(id).initial.unwrap_or(id);
        let (customer, queue) = (self.contact(id).customer, self.contact(id).queue);
        self.contact(id).next = Some(next);
        let follower = self.contact(next);
        follower.previous = Some(id);
        follower.initial = Some(initial);
        follower.customer = customer;
        follower.queue = (queue + 1) % QUEUES.len();
    }

    /// Sends the contact's record, and sometimes hours later a newer version with corrected figures.
    fn send(&mut self, id: u64) {
        let Some(contact) = self.contacts.remove(&id) else { return };
        let agent = contact.agent.map(|agent| &self.agents[agent]);
        let version = if self.rng.u8(..15) == 0 { Version::First } else { Version::Only };
        let record = wire::contact_record(&contact, agent, self.now, version);
        if version == Version::First {
            let later = self.now + self.rng.i64(60..180) * MINUTE;
            let survey = wire::contact_record(&contact, agent, later, Version::Later);
            self.plan(later, Step::SendLate(survey));
        }
        self.push(StreamKind::ContactRecords, record);
    }

    fn log_in(&mut self, agent: usize) {
        self.emit(agent, "LOGIN");
        self.plan(self.now + 2 * SECOND, Step::Enter { agent, status: Status::Available });
    }

    /// The agent changes status: now, or as soon as the current contacts are done.
    fn enter(&mut self, agent: usize, status: Status) {
        let who = &mut self.agents[agent];
        if who.status == status || who.is_gone() || (who.is_leaving() && status != Status::Offline) {
            return;
        }
        if who.is_busy() {
            who.next_status = Some(status);
            who.next_status_since = self.now;
            self.emit(agent, "STATE_CHANGE");
            return;
        }
        who.status = status;
        who.status_since = self.now;
        who.next_status = None;
        who.idle_since = self.now;
        self.emit(agent, "STATE_CHANGE");
        match status {
            Status::Available => self.route(),
            Status::Offline => self.plan(self.now + SECOND, Step::LogOut(agent)),
            Status::Break | Status::Lunch | Status::Training => {
                let minutes = status.minutes(&mut self.rng);
                self.plan(self.now + minutes * MINUTE, Step::LeaveBreak(agent));
            }
        }
    }

    fn leave_break(&mut self, agent: usize) {
        if matches!(self.agents[agent].status, Status::Break | Status::Lunch | Status::Training) {
            self.enter(agent, Status::Available);
        }
    }

    fn contact_left(&mut self, agent: usize) {
        if self.agents[agent].is_busy() {
            return;
        }
        let Some(status) = self.agents[agent].next_status else {
            self.route();
            return;
        };
        // The status changes a moment after the contact ends.
        let at = self.now + self.rng.i64(20..200);
        self.plan(at, Step::Enter { agent, status });
    }

    fn log_out(&mut self, agent: usize) {
        self.agents[agent].logged_out = Some(self.now);
        self.emit(agent, "LOGOUT");
    }

    fn beat(&mut self, agent: usize, last_event: i64) {
        let who = &self.agents[agent];
        let is_over = who.logged_out.is_some_and(|out| self.now > out + HEARTBEATS_AFTER_LOGOUT);
        if who.last_event == last_event && !is_over {
            self.emit(agent, "HEART_BEAT");
        }
    }

    /// Ends all waiting contacts at closing time.
    fn close(&mut self) {
        for id in std::mem::take(&mut self.waiting) {
            self.finish(id, Ending::Closed);
        }
    }

    /// Sends a state change with a timestamp up to 300 ms after the start of the state. With several contacts the timestamp is
    /// exact: another event of the same moment would have to wait for it, and report the end of its contact too late.
    fn emit_late(&mut self, agent: usize) {
        let late = self.rng.i64(20..300);
        let who = &self.agents[agent];
        let is_alone = who.contacts.len() + who.missed.len() <= 1;
        self.emit_at(agent, "STATE_CHANGE", self.now + if is_alone { late } else { 0 });
    }

    fn emit(&mut self, agent: usize, event_type: &str) {
        self.emit_at(agent, event_type, self.now);
    }

    fn emit_at(&mut self, agent: usize, event_type: &str, timestamp: i64) {
        let event_id = self.id();
        let who = &mut self.agents[agent];
        let previous = who.snapshot.clone();
        if event_type != "LOGIN" {
            let listed = who.contacts.iter().filter_map(|id| self.contacts.get(id)).chain(&who.missed);
            who.snapshot = Some(wire::snapshot(who, listed));
        }
        who.last_event = self.now;
        who.last_timestamp = timestamp.max(who.last_timestamp);
        let record = wire::agent_event(who, event_id, who.last_timestamp, event_type, previous.as_deref());
        self.push(StreamKind::AgentEvents, record);
        self.plan(self.now + HEARTBEAT, Step::Beat { agent, last_event: self.now });
    }

    fn contact(&mut self, id: u64) -> &mut Contact {
        self.contacts.get_mut(&id).expect("a contact exists until its record is sent")
    }
}

impl Iterator for Center {
    type Item = Sent;

    fn next(&mut self) -> Option<Sent> {
        while self.outbox.is_empty() {
            let Reverse(Planned { at, step, .. }) = self.planned.pop()?;
            self.now = at;
            self.take(step);
        }
        self.outbox.pop_front()
    }
}
