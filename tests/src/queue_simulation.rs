//! A deterministic simulation of EventBridge → queue → event source mapping → contact-event-upserter → table: one thread,
//! one seed.
//!
//! The function is real. The scheduler draws the next step: EventBridge delivers an event (again, late, or never), an
//! invocation starts, one of its requests succeeds, fails, loses its response, or takes effect long after its timeout,
//! an invocation crashes, a message becomes visible again although an invocation still has it, a message is received too
//! often and becomes a dead letter, a dead letter is redriven.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Debug;
use std::future::poll_fn;
use std::iter::Sum;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use aws_lambda_events::sqs::SqsBatchResponse;
use connect_streams::Timestamp;
use contact_event_upserter::{Summary, Upserter};
use contact_state::contact::{Contact, Stage};
use contact_state::memory::MemoryStore;
use contact_state::store::{ContactStore, Update, Updated};
use contact_state::{ContactKey, LongestLife, Rules};
use fastrand::Rng;
use futures::FutureExt;
use rejected_records::RejectedStore;
use serde_json::{Value, json};
use tables::{Answer, Attribute, FaultClass, Item, StoreError};

use crate::contact_events::{call, event, joined, messages_with_ids, shown, text_at};
use crate::{far_future, fault};

/// When everything happens: after the events of [`call`].
const NOW: &str = "2026-03-02T09:00:00Z";
/// Upper limit of steps until a simulation comes to rest, per message.
const STEPS_PER_MESSAGE: usize = 4_000;

/// The parameters of a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Seed of everything drawn.
    pub seed: u64,
    /// Number of contacts, with five events each.
    pub contacts: usize,
    /// Percentage of events that EventBridge never delivers.
    pub lost: u32,
    /// Percentage of events that EventBridge delivers twice.
    pub duplicates: u32,
    /// Percentage of messages followed by one that is no contact event.
    pub bad: u32,
    /// Percentage of requests that hit a fault.
    pub faults: u32,
    /// Percentage of steps in which an invocation crashes.
    pub crashes: u32,
    /// Percentage of steps in which a message becomes visible too early.
    pub early: u32,
    /// Maximum messages per batch.
    pub batch_size: usize,
    /// Write requests in flight per invocation.
    pub write_concurrency: usize,
    /// How often a message is received before it becomes a dead letter.
    pub most_receives: u32,
}

impl Scenario {
    /// The scenario of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut one_of = |choices: &[u32]| choices[rng.usize(..choices.len())];
        let (lost, duplicates, bad) = (one_of(&[0, 0, 5, 40]), one_of(&[0, 10, 60]), one_of(&[0, 5, 30]));
        let (faults, crashes, early) = (one_of(&[0, 5, 30, 60]), one_of(&[0, 1, 5]), one_of(&[0, 2, 10]));
        Self {
            seed,
            contacts: rng.usize(1..5),
            lost,
            duplicates,
            bad,
            faults,
            crashes,
            early,
            batch_size: rng.usize(1..12),
            write_concurrency: rng.usize(1..6),
            most_receives: rng.u32(1..8),
        }
    }
}

/// What happened in a simulation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Messages in the queue.
    pub messages: usize,
    /// Events that were never delivered.
    pub lost: usize,
    /// Invocations.
    pub invocations: usize,
    /// Crashes of invocations.
    pub crashes: usize,
    /// Requests that hit a fault.
    pub faults: usize,
    /// Requests that took effect after their timeout.
    pub late_writes: usize,
    /// Messages that two invocations had at the same time.
    pub early: usize,
    /// Dead letters, all of which were redriven.
    pub dead_letters: usize,
    /// A number that depends on every step.
    pub fingerprint: u64,
}

impl Sum for Outcome {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |one, other| Self {
            messages: one.messages + other.messages,
            lost: one.lost + other.lost,
            invocations: one.invocations + other.invocations,
            crashes: one.crashes + other.crashes,
            faults: one.faults + other.faults,
            late_writes: one.late_writes + other.late_writes,
            early: one.early + other.early,
            dead_letters: one.dead_letters + other.dead_letters,
            fingerprint: one.fingerprint ^ other.fingerprint,
        })
    }
}

#[derive(Debug, Clone)]
enum Request {
    Update(Box<Update>),
    Put { key: String, body: Vec<u8> },
}

#[derive(Debug)]
enum Served {
    Update(Result<Updated, StoreError>),
    Put(Result<(), StoreError>),
}

#[derive(Debug)]
struct Open {
    invocation: u64,
    request: Request,
    waker: Waker,
}

#[derive(Debug, Default)]
struct Inner {
    store: MemoryStore,
    objects: BTreeMap<String, Vec<u8>>,
    working_for: u64,
    next: u64,
    open: BTreeMap<u64, Open>,
    served: HashMap<u64, Served>,
    late: Vec<Request>,
}

/// The table and the bucket. Clones share them.
#[derive(Debug, Default, Clone)]
struct Environment(Arc<Mutex<Inner>>);

impl Environment {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, request: Request) -> Served {
        let number = {
            let mut inner = self.lock();
            inner.next += 1;
            let number = inner.next;
            let open = Open { invocation: inner.working_for, request, waker: Waker::noop().clone() };
            inner.open.insert(number, open);
            number
        };
        poll_fn(move |context| {
            let mut inner = self.lock();
            if let Some(served) = inner.served.remove(&number) {
                return Poll::Ready(served);
            }
            if let Some(open) = inner.open.get_mut(&number) {
                open.waker.clone_from(context.waker());
            }
            Poll::Pending
        })
        .await
    }
}

impl ContactStore for Environment {
    async fn update(&self, update: &Update) -> Answer<Result<Updated, StoreError>> {
        match self.ask(Request::Update(Box::new(update.clone()))).await {
            Served::Update(result) => Answer::free(result),
            served @ Served::Put(_) => panic!("an update is answered with {served:?}"),
        }
    }
}

impl RejectedStore for Environment {
    async fn put(&self, key: &str, body: Vec<u8>) -> Result<(), StoreError> {
        match self.ask(Request::Put { key: key.to_owned(), body }).await {
            Served::Put(result) => result,
            served @ Served::Update(_) => panic!("an object is answered with {served:?}"),
        }
    }
}

impl Inner {
    /// # Errors
    /// When a version or a rank decreases, or an ended contact comes back.
    fn apply(&mut self, request: &Request) -> Result<Served, String> {
        match request {
            Request::Put { key, body } => {
                self.objects.insert(key.clone(), body.clone());
                Ok(Served::Put(Ok(())))
            }
            Request::Update(update) => {
                let held = |inner: &Self| inner.store.look(|table| table.get(&update.key).cloned());
                let before = held(self);
                let answer = self.store.update(update).now_or_never().ok_or("memory is not ready")?;
                if let (Some(before), Some(after)) = (before, held(self)) {
                    check_step(&before, &after)?;
                }
                Ok(Served::Update(answer.value))
            }
        }
    }
}

/// Versions and ranks only grow, and a contact that has ended is never in flight again.
fn check_step(before: &Item, after: &Item) -> Result<(), String> {
    let versions = before.keys().filter(|name| name.ends_with("_by") || *name == "last_event");
    for name in versions {
        let [before, after] = [before, after].map(|item| item.get(name).and_then(Attribute::as_text));
        if before > after {
            return Err(format!("{name} decreased from {before:?} to {after:?}"));
        }
    }
    let rank = |item: &Item| match item.get("rank") {
        Some(Attribute::Number(digits)) => digits.parse::<u8>().ok(),
        _ => None,
    };
    if rank(before) > rank(after) {
        return Err(format!("the rank decreased from {before:?} to {after:?}"));
    }
    if !before.contains_key("in_flight") && after.contains_key("in_flight") {
        return Err(format!("an ended contact is in flight again: {before:?}, then {after:?}"));
    }
    Ok(())
}

/// Leaves out or changes fields that decide no state, so that an event that arrives late may have something to add.
fn vary(detail: &mut Value, rng: &mut Rng) {
    for pointer in ["/initiationMethod", "/queueInfo/queueArn", "/agentInfo/agentArn"] {
        let Some(value) = detail.pointer_mut(pointer) else { continue };
        match rng.u8(..3) {
            0 => {}
            1 => *value = Value::Null,
            _ => *value = json!(format!("{}{}", value.as_str().unwrap_or_default(), rng.u8(..3))),
        }
    }
}

#[derive(Debug, Clone)]
struct Message {
    id: String,
    body: String,
    receives: u32,
}

struct Invocation {
    id: u64,
    batch: Vec<String>,
    future: Pin<Box<dyn Future<Output = (SqsBatchResponse, Summary)>>>,
}

struct Simulation {
    scenario: Scenario,
    rng: Rng,
    environment: Environment,
    function: Arc<Upserter<Environment, Environment>>,
    /// What EventBridge will still deliver.
    pending: Vec<String>,
    /// Everything that it delivered.
    delivered: Vec<String>,
    visible: Vec<Message>,
    /// Messages that are received and not deleted.
    received: BTreeMap<String, Message>,
    dead_letters: Vec<Message>,
    invocations: Vec<Invocation>,
    outcome: Outcome,
}

/// Simulates a scenario.
///
/// # Errors
/// The violation of an invariant.
///
/// # Panics
/// When the runtime cannot be built.
pub fn simulate(scenario: &Scenario) -> Result<Outcome, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O can be built").block_on(async {
        let mut simulation = Simulation::of(scenario.clone());
        simulation.go()?;
        Ok(simulation.outcome)
    })
}

fn now() -> Timestamp {
    Timestamp::parse(NOW).expect("the constant is a time")
}

impl Simulation {
    fn of(scenario: Scenario) -> Self {
        let mut rng = Rng::with_seed(scenario.seed ^ 0x5eed);
        let environment = Environment::default();
        let function = Upserter {
            store: environment.clone(),
            rejected_store: environment.clone(),
            rules: Rules::default(),
            write_concurrency: scenario.write_concurrency,
        };
        let mut outcome = Outcome::default();
        let mut pending = Vec::new();
        for contact in 0..scenario.contacts {
            for mut event in call() {
                event["detail"]["contactId"] = json!(format!("c-{contact}"));
                event["id"] = json!(format!("{}-{contact}", text_at(&event, "/id").unwrap_or_default()));
                vary(&mut event["detail"], &mut rng);
                if rng.u32(..100) < scenario.lost {
                    outcome.lost += 1;
                    continue;
                }
                pending.push(event.to_string());
                if rng.u32(..100) < scenario.duplicates {
                    pending.push(event.to_string());
                }
                if rng.u32(..100) < scenario.bad {
                    pending.push(bad(&mut rng));
                }
            }
        }
        // Sometimes in order, which is the usual case.
        if rng.u8(..4) > 0 {
            rng.shuffle(&mut pending);
        }
        pending.reverse();
        Self {
            scenario,
            rng,
            environment,
            function: Arc::new(function),
            pending,
            delivered: Vec::new(),
            visible: Vec::new(),
            received: BTreeMap::new(),
            dead_letters: Vec::new(),
            invocations: Vec::new(),
            outcome,
        }
    }

    fn go(&mut self) -> Result<(), String> {
        let messages = self.pending.len();
        let steps_with_faults = 60 * messages;
        for step in 0..STEPS_PER_MESSAGE * (messages + 1) {
            if !self.step(step < steps_with_faults)? {
                self.outcome.messages = self.delivered.len();
                return self.check_at_rest();
            }
        }
        Err("the simulation does not come to rest".to_owned())
    }

    /// Draws and runs a step. Returns `false` if there is nothing left to do.
    fn step(&mut self, with_faults: bool) -> Result<bool, String> {
        let open: Vec<u64> = self.environment.lock().open.keys().copied().collect();
        let late = self.environment.lock().late.len();
        let orphaned = self.orphaned();
        let weights = [
            usize::from(!self.pending.is_empty()) * 5,
            usize::from(!self.visible.is_empty()) * 3,
            open.len().min(6) * 4,
            usize::from(late > 0) * 2,
            usize::from(!orphaned.is_empty()) * 2,
            usize::from(!self.dead_letters.is_empty()),
        ];
        let all: usize = weights.iter().sum();
        if all == 0 {
            return Ok(false);
        }
        let mut drawn = self.rng.usize(..all);
        let choice = weights.iter().position(|weight| {
            let is_drawn = drawn < *weight;
            drawn = drawn.wrapping_sub(*weight);
            is_drawn
        });
        let number = choice.unwrap_or_default();
        self.outcome.fingerprint =
            (self.outcome.fingerprint ^ number as u64).wrapping_mul(0x0000_0100_0000_01b3);
        match number {
            0 => self.deliver(),
            1 => self.begin(),
            2 => {
                let request = open[self.rng.usize(..open.len())];
                self.serve(request, with_faults)?;
            }
            3 => {
                let mut inner = self.environment.lock();
                let request = inner.late.swap_remove(self.rng.usize(..late));
                inner.apply(&request)?;
                self.outcome.late_writes += 1;
            }
            4 => {
                let id = self.rng.usize(..orphaned.len());
                self.show_again(&orphaned[id]);
            }
            _ => {
                let message = self.dead_letters.swap_remove(self.rng.usize(..self.dead_letters.len()));
                self.visible.push(Message { receives: 0, ..message });
            }
        }
        if with_faults && !self.invocations.is_empty() && self.rng.u32(..100) < self.scenario.crashes {
            self.crash();
        }
        if with_faults && !self.received.is_empty() && self.rng.u32(..100) < self.scenario.early {
            let all: Vec<_> = self.received.keys().cloned().collect();
            let id = self.rng.usize(..all.len());
            self.show_again(&all[id]);
            self.outcome.early += 1;
        }
        self.poll_all()?;
        Ok(true)
    }

    fn deliver(&mut self) {
        let Some(body) = self.pending.pop() else { return };
        let id = format!("m-{:03}", self.delivered.len());
        self.delivered.push(body.clone());
        self.visible.push(Message { id, body, receives: 0 });
    }

    /// Receives a batch of visible messages in any order. A message that was received too often is a dead letter.
    fn begin(&mut self) {
        let mut batch = Vec::new();
        for _ in 0..self.rng.usize(1..=self.scenario.batch_size) {
            if self.visible.is_empty() {
                break;
            }
            let mut message = self.visible.swap_remove(self.rng.usize(..self.visible.len()));
            if message.receives >= self.scenario.most_receives {
                self.outcome.dead_letters += 1;
                self.dead_letters.push(message);
                continue;
            }
            message.receives += 1;
            batch.push(message);
        }
        if batch.is_empty() {
            return;
        }
        let bodies = batch.iter().map(|message| (message.id.as_str(), message.body.as_str()));
        let event = messages_with_ids(bodies);
        let ids: Vec<_> = batch.iter().map(|message| message.id.clone()).collect();
        self.received.extend(batch.into_iter().map(|message| (message.id.clone(), message)));
        self.outcome.invocations += 1;
        let function = self.function.clone();
        let future = Box::pin(async move { function.handle(&event, now(), far_future()).await });
        self.invocations.push(Invocation { id: self.outcome.invocations as u64, batch: ids, future });
    }

    fn serve(&mut self, number: u64, with_faults: bool) -> Result<(), String> {
        let mut inner = self.environment.lock();
        let Some(Open { request, waker, .. }) = inner.open.remove(&number) else { return Ok(()) };
        let failed = |class| match request {
            Request::Update(_) => Served::Update(Err(fault(class))),
            Request::Put { .. } => Served::Put(Err(fault(class))),
        };
        let is_fault = with_faults && self.rng.u32(..100) < self.scenario.faults;
        self.outcome.faults += usize::from(is_fault);
        let served = match is_fault.then(|| self.rng.u8(..4)) {
            None => inner.apply(&request)?,
            Some(0) => failed(FaultClass::Transient),
            Some(1) => failed(FaultClass::Environment),
            Some(2) => {
                inner.apply(&request)?;
                failed(FaultClass::Transient)
            }
            Some(_) => {
                inner.late.push(request.clone());
                failed(FaultClass::Transient)
            }
        };
        inner.served.insert(number, served);
        drop(inner);
        waker.wake();
        Ok(())
    }

    /// Messages that no invocation has: their visibility timeout ends some time.
    fn orphaned(&self) -> Vec<String> {
        let held: BTreeSet<_> = self.invocations.iter().flat_map(|invocation| &invocation.batch).collect();
        self.received.keys().filter(|id| !held.contains(id)).cloned().collect()
    }

    fn show_again(&mut self, id: &str) {
        self.visible.extend(self.received.remove(id));
    }

    /// Ends an invocation without a response. Its requests may still take effect.
    fn crash(&mut self) {
        let invocation = self.invocations.swap_remove(self.rng.usize(..self.invocations.len()));
        let mut inner = self.environment.lock();
        let open = std::mem::take(&mut inner.open);
        for (number, open) in open {
            if open.invocation != invocation.id {
                inner.open.insert(number, open);
            } else if self.rng.bool() {
                inner.late.push(open.request);
            }
        }
        self.outcome.crashes += 1;
    }

    fn poll_all(&mut self) -> Result<(), String> {
        let mut running = Vec::new();
        for mut invocation in std::mem::take(&mut self.invocations) {
            self.environment.lock().working_for = invocation.id;
            match invocation.future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending => running.push(invocation),
                Poll::Ready((response, _)) => {
                    let failed: BTreeSet<_> = response
                        .batch_item_failures
                        .into_iter()
                        .map(|failure| failure.item_identifier)
                        .collect();
                    if let Some(unknown) = failed.iter().find(|id| !invocation.batch.contains(id)) {
                        return Err(format!("message {unknown} is reported, but not in the batch"));
                    }
                    // A message that is visible again has a new receipt, so it is not deleted.
                    for id in invocation.batch.iter().filter(|id| !failed.contains(*id)) {
                        self.received.remove(id);
                    }
                }
            }
        }
        self.invocations = running;
        Ok(())
    }

    /// Every item equals the join of what was delivered, and the bucket has exactly the messages that are no events.
    fn check_at_rest(&self) -> Result<(), String> {
        let mut events: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut bad = BTreeSet::new();
        for body in &self.delivered {
            let event: Value = serde_json::from_str(body).unwrap_or_default();
            match text_at(&event, "/detail/contactId") {
                Some(contact) => events.entry(contact.to_owned()).or_default().push(event),
                None => drop(bad.insert(body.clone())),
            }
        }
        let inner = self.environment.lock();
        let table = inner.store.table();
        if table.len() != events.len() {
            return Err(format!("{} contacts instead of {}", table.len(), events.len()));
        }
        for (ContactKey { contact_id, .. }, mut item) in table {
            let events = &events[&contact_id];
            let expected = joined(events);
            if shown(&item) != expected {
                return Err(format!("{contact_id} is {:?} instead of {expected:?}", shown(&item)));
            }
            item.insert("contact_id".to_owned(), Attribute::text(&contact_id));
            check_loss(&item, events)?;
        }
        let rejected: BTreeSet<_> = inner.objects.values().flat_map(|body| rejected(body)).collect();
        if rejected != bad {
            return Err(format!("rejected are {rejected:?} instead of {bad:?}"));
        }
        Ok(())
    }
}

/// With loss, the state is an older one: that after the newest event that arrived. Without an end, it is unconfirmed in
/// time.
fn check_loss(item: &Item, events: &[Value]) -> Result<(), String> {
    const STAGES: [(&str, Stage); 5] = [
        ("INITIATED", Stage::Initiated),
        ("QUEUED", Stage::Queued),
        ("CONNECTED_TO_AGENT", Stage::WithAgent),
        ("DISCONNECTED", Stage::AfterContactWork),
        ("COMPLETED", Stage::Ended),
    ];
    let has = |name: &str| events.iter().any(|event| text_at(event, "/detail/eventType") == Some(name));
    let expected = STAGES.iter().rev().find(|(name, _)| has(name)).map(|(_, stage)| *stage);
    let contact = |at: Timestamp| Contact::of(item, &LongestLife::default(), at);
    let stage = contact(now()).map(|contact| contact.stage);
    if stage != expected {
        return Err(format!("a contact is {stage:?} instead of {expected:?}"));
    }
    let later = Timestamp::from_epoch_milliseconds(now().epoch_milliseconds() + 8 * 86_400_000);
    let later = later.and_then(contact);
    match later {
        Some(later) if later.is_unconfirmed == (expected != Some(Stage::Ended)) && !later.is_waiting() => {
            Ok(())
        }
        later => Err(format!("after eight days, a contact is {later:?}")),
    }
}

/// The bytes of the messages in a rejected object.
fn rejected(object: &[u8]) -> Vec<String> {
    let lines = object.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let data = |line| {
        let line: Value = serde_json::from_slice(line).expect("a line is JSON");
        let data = line["data"].as_str().expect("a line has data").as_bytes().to_vec();
        let data = base64_simd::STANDARD.decode_to_vec(data).expect("data is base64");
        String::from_utf8(data).expect("a message is text")
    };
    lines.map(data).collect()
}

/// A message that is no contact event.
fn bad(rng: &mut Rng) -> String {
    let number = rng.u32(..1000);
    match rng.u8(..3) {
        0 => format!("{{\"number\": {number}"),
        1 => json!({"detail-type": "Amazon Connect Contact Event", "id": number.to_string()}).to_string(),
        _ => event(&number.to_string(), "no time", "QUEUED", json!({"contactId": null})).to_string(),
    }
}
