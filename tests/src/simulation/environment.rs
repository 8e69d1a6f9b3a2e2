//! Tables and a bucket whose requests wait until the scheduler decides their fate.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::{self, Display};
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use agent_ledger::Item;
use agent_ledger::memory::{MemoryStore, Tables};
use agent_ledger::store::{Before, Insertion, Store, WrittenEntries, WrittenRegisters};
use agent_ledger::{AgentKey, Attribute, CLOSED_BY, HistoryEntry, Register, RegisterWrite};
use futures::FutureExt;
use rejected_records::RejectedStore;
use tables::{Answer, FaultClass, StoreError};

use crate::fault;

/// A request that can be displayed.
pub(super) struct Named {
    request: Request,
    invocation: Option<u64>,
}

impl Named {
    /// The invocation that waits for it; `None` if it is late.
    pub(super) fn invocation(&self) -> Option<u64> {
        self.invocation
    }
}

impl Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.request {
            Request::Registers(writes) => {
                let writes: Vec<_> =
                    writes.iter().map(|write| format!("{:?} {}", write.register, write.version)).collect();
                write!(f, "write of {}", writes.join(", "))
            }
            Request::Entries(entries) => write!(f, "insertion of {} entries", entries.len()),
            Request::Put { key, .. } => write!(f, "object {key}"),
        }?;
        self.invocation.map_or(Ok(()), |invocation| write!(f, " from invocation {invocation}"))
    }
}

/// The fate of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It succeeds.
    Done,
    /// It fails without effect.
    Failed,
    /// It is refused: access denied.
    Refused,
    /// It takes effect, but the response is lost.
    AnswerLost,
    /// It fails for the caller, but takes effect some time later.
    Late,
    /// The first of its writes take effect, the others fail.
    Partly,
}

#[derive(Debug, Clone)]
enum Request {
    Registers(Vec<RegisterWrite>),
    Entries(Vec<HistoryEntry>),
    Put { key: String, body: Vec<u8> },
}

#[derive(Debug)]
enum Served {
    Registers(Vec<Result<Before, StoreError>>),
    Entries(Vec<Result<Insertion, StoreError>>),
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
    objects: BTreeMap<String, Vec<RejectedLine>>,
    working_for: u64,
    next: u64,
    open: BTreeMap<u64, Open>,
    served: HashMap<u64, Served>,
    late: Vec<Request>,
}

/// A rejected record: one line of an object in the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RejectedLine {
    pub(super) reason: String,
    pub(super) sequence_number: String,
    pub(super) partition_key: String,
    pub(super) data: Vec<u8>,
}

impl RejectedLine {
    fn read(line: &[u8]) -> Option<Self> {
        let line: serde_json::Value = serde_json::from_slice(line).ok()?;
        let text = |name: &str| Some(line[name].as_str()?.to_owned());
        Some(Self {
            reason: text("reason")?,
            sequence_number: text("sequence_number")?,
            partition_key: text("partition_key")?,
            data: base64_simd::STANDARD.decode_to_vec(line["data"].as_str()?).ok()?,
        })
    }
}

/// The tables and the bucket. Clones share them.
#[derive(Debug, Default, Clone)]
pub(super) struct Environment(Arc<Mutex<Inner>>);

impl Environment {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Attributes requests to this invocation from now on.
    pub(super) fn working_for(&self, invocation: u64) {
        self.lock().working_for = invocation;
    }

    /// The numbers of the waiting requests.
    pub(super) fn open(&self) -> Vec<u64> {
        self.lock().open.keys().copied().collect()
    }

    /// The waiting requests: number, invocation, and number of writes.
    pub(super) fn open_requests(&self) -> Vec<(u64, u64, usize)> {
        let writes = |request: &Request| match request {
            Request::Registers(writes) => writes.len(),
            Request::Entries(entries) => entries.len(),
            Request::Put { .. } => 1,
        };
        let inner = self.lock();
        inner.open.iter().map(|(number, open)| (*number, open.invocation, writes(&open.request))).collect()
    }

    /// The response to a request as text, while the function has not fetched it.
    pub(super) fn served(&self, request: u64) -> String {
        format!("{:?}", self.lock().served.get(&request))
    }

    /// The requests that may take effect although no invocation waits for them, sorted.
    pub(super) fn in_flight(&self) -> Vec<String> {
        let mut late: Vec<_> = self.lock().late.iter().map(|request| format!("{request:?}")).collect();
        late.sort();
        late
    }

    /// The number of requests that may take effect although no invocation waits for them.
    pub(super) fn late(&self) -> usize {
        self.lock().late.len()
    }

    /// Reads the tables.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Tables) -> T) -> T {
        self.lock().store.look(look)
    }

    /// The bytes of all rejected records.
    pub(super) fn rejected(&self) -> BTreeSet<Vec<u8>> {
        self.lock().objects.values().flatten().map(|line| line.data.clone()).collect()
    }

    /// The keys of the rejected objects with a matching line.
    pub(super) fn rejected_objects(&self, matches: impl Fn(&RejectedLine) -> bool) -> Vec<String> {
        let inner = self.lock();
        let objects = inner.objects.iter().filter(|(_, lines)| lines.iter().any(&matches));
        objects.map(|(key, _)| key.clone()).collect()
    }

    /// The lines of a rejected object.
    pub(super) fn rejected_object(&self, key: &str) -> Vec<RejectedLine> {
        self.lock().objects.get(key).cloned().unwrap_or_default()
    }

    /// The number of objects with rejected records.
    pub(super) fn count_rejected_objects(&self) -> usize {
        self.lock().objects.len()
    }

    /// Whether a record was rejected for this reason.
    pub(super) fn is_rejected(&self, sequence_number: &str, data: &[u8], reason: &str) -> bool {
        let is_it = |line: &RejectedLine| {
            line.sequence_number == sequence_number && line.data == data && line.reason == reason
        };
        self.lock().objects.values().flatten().any(is_it)
    }

    /// Abandons the invocation's requests. Those that are in flight may still take effect.
    pub(super) fn abandon(&self, invocation: u64, mut is_in_flight: impl FnMut() -> bool) {
        let mut inner = self.lock();
        let (abandoned, open) =
            std::mem::take(&mut inner.open).into_iter().partition(|(_, open)| open.invocation == invocation);
        inner.open = open;
        let abandoned: BTreeMap<u64, Open> = abandoned;
        inner.late.extend(abandoned.into_values().filter(|_| is_in_flight()).map(|open| open.request));
    }

    /// Serves a request and returns it. For [`Fate::Partly`], `part` maps the number of writes to the number that
    /// take effect.
    ///
    /// # Errors
    /// When its effect breaks an invariant.
    pub(super) fn serve(
        &self,
        number: u64,
        fate: Fate,
        part: impl FnOnce(usize) -> usize,
    ) -> Result<Named, String> {
        let mut inner = self.lock();
        let Some(Open { invocation, request, waker }) = inner.open.remove(&number) else {
            return Err("a request is served that is not waiting".to_owned());
        };
        let transient = || fault(FaultClass::Transient);
        let served = match fate {
            Fate::Done => inner.apply(&request)?,
            Fate::AnswerLost => {
                inner.apply(&request)?;
                failed(&request, &transient)
            }
            Fate::Late => {
                inner.late.push(request.clone());
                failed(&request, &transient)
            }
            Fate::Refused => failed(&request, &|| fault(FaultClass::Environment)),
            Fate::Partly => match &request {
                Request::Entries(entries) => {
                    let (first, rest) = entries.split_at(part(entries.len()));
                    let Served::Entries(mut results) = inner.apply(&Request::Entries(first.to_vec()))? else {
                        return Err("entries are served as something else".to_owned());
                    };
                    results.extend(rest.iter().map(|_| Err(transient())));
                    Served::Entries(results)
                }
                Request::Registers(writes) => {
                    let (first, rest) = writes.split_at(part(writes.len()));
                    let Served::Registers(mut results) = inner.apply(&Request::Registers(first.to_vec()))?
                    else {
                        return Err("registers are served as something else".to_owned());
                    };
                    results.extend(rest.iter().map(|_| Err(transient())));
                    Served::Registers(results)
                }
                Request::Put { .. } => failed(&request, &transient),
            },
            Fate::Failed => failed(&request, &transient),
        };
        inner.served.insert(number, served);
        drop(inner);
        waker.wake();
        Ok(Named { request, invocation: Some(invocation) })
    }

    /// Lets a late request take effect.
    ///
    /// # Errors
    /// When its effect breaks an invariant.
    pub(super) fn arrive_late(&self, number: usize) -> Result<Named, String> {
        let mut inner = self.lock();
        let request = inner.late.swap_remove(number);
        inner.apply(&request)?;
        Ok(Named { request, invocation: None })
    }

    async fn ask(&self, request: Request) -> Served {
        let number = {
            let mut inner = self.lock();
            inner.next += 1;
            let number = inner.next;
            let open = Open { invocation: inner.working_for, request, waker: futures::task::noop_waker() };
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

impl Inner {
    /// # Errors
    /// When a version decreased, or another register changed.
    fn write(&self, write: &RegisterWrite) -> Result<Result<Before, StoreError>, String> {
        let before = self.store.look(|tables| versions(tables, write));
        let answer =
            self.store.write_registers(&[write]).now_or_never().ok_or("the memory store is not ready")?;
        let after = self.store.look(|tables| versions(tables, write));
        for (before, after) in before.into_iter().zip(after) {
            let ((register, before), (_, after)) = (before, after);
            if before > after {
                return Err(format!("a version decreased from {before:?} to {after:?}"));
            }
            if register != write.register && before != after {
                return Err(format!("a write of {:?} changed {register:?}", write.register));
            }
        }
        answer.value.into_iter().next().ok_or("a write has no result".to_owned())
    }

    /// # Errors
    /// When a version decreased, a rejected record was lost, or something changed that must not.
    fn apply(&mut self, request: &Request) -> Result<Served, String> {
        match request {
            Request::Registers(writes) => {
                let results: Result<Vec<_>, String> = writes.iter().map(|write| self.write(write)).collect();
                Ok(Served::Registers(results?))
            }
            Request::Entries(entries) => {
                let held = |inner: &Self| -> Vec<Option<Item>> {
                    let key = |entry: &HistoryEntry| (entry.agent_id.clone(), entry.entry.clone());
                    inner.store.look(|tables| {
                        entries.iter().map(|entry| tables.history.get(&key(entry)).cloned()).collect()
                    })
                };
                let before = held(self);
                let answer = self.store.insert_entries(&entries.iter().collect::<Vec<_>>()).now_or_never();
                for (before, after) in before.iter().zip(held(self)) {
                    let (Some(before), Some(after)) = (before, &after) else { continue };
                    if before != after && closed_by(before) <= closed_by(after) {
                        return Err(format!("an entry changed from {before:?} to {after:?}"));
                    }
                }
                Ok(Served::Entries(answer.ok_or("the memory store is not ready")?.value))
            }
            Request::Put { key, body } => {
                let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                let lines: Option<Vec<_>> = lines.map(RejectedLine::read).collect();
                let lines = lines.ok_or(format!("object {key} has an unreadable line"))?;
                if let Some(line) =
                    self.objects.get(key).into_iter().flatten().find(|line| !lines.contains(line))
                {
                    return Err(format!("object {key} loses record {}", line.sequence_number));
                }
                self.objects.insert(key.clone(), lines);
                Ok(Served::Put(Ok(())))
            }
        }
    }
}

/// The versions of all registers of a write's agent, or that of its routing profile.
fn versions(tables: &Tables, write: &RegisterWrite) -> Vec<(Register, Option<String>)> {
    let version = |key: &AgentKey, register: Register| {
        tables.state.get(key)?.get(register.version_attribute())?.as_text().map(str::to_owned)
    };
    if write.register == Register::RoutingProfile {
        return vec![(write.register, version(&write.key, write.register))];
    }
    let AgentKey { board, agent_id } = &write.key;
    let instance = board.rsplit_once('#').map_or("", |(instance, _)| instance);
    let mut parts = agent_id.split('#');
    let (agent_id, region) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let key = |register| AgentKey::new(instance, region, agent_id, register);
    Register::OF_AN_AGENT.map(|register| (register, version(&key(register), register))).into()
}

fn closed_by(item: &Item) -> Option<&str> {
    match item.get(CLOSED_BY)? {
        Attribute::Text(version) => Some(version),
        _ => None,
    }
}

fn failed(request: &Request, error: &dyn Fn() -> StoreError) -> Served {
    match request {
        Request::Registers(writes) => Served::Registers(writes.iter().map(|_| Err(error())).collect()),
        Request::Entries(entries) => Served::Entries(entries.iter().map(|_| Err(error())).collect()),
        Request::Put { .. } => Served::Put(Err(error())),
    }
}

impl Store for Environment {
    async fn write_registers(&self, writes: &[&RegisterWrite]) -> WrittenRegisters {
        let writes = writes.iter().map(|write| (*write).clone()).collect();
        match self.ask(Request::Registers(writes)).await {
            Served::Registers(results) => Answer::free(results),
            served => panic!("registers are answered with {served:?}"),
        }
    }

    async fn insert_entries(&self, entries: &[&HistoryEntry]) -> WrittenEntries {
        let entries = entries.iter().map(|entry| (*entry).clone()).collect();
        match self.ask(Request::Entries(entries)).await {
            Served::Entries(results) => Answer::free(results),
            served => panic!("entries are answered with {served:?}"),
        }
    }
}

impl RejectedStore for Environment {
    fn put(&self, key: &str, body: Vec<u8>) -> impl Future<Output = Result<(), StoreError>> + Send {
        let request = Request::Put { key: key.to_owned(), body };
        async move {
            match self.ask(request).await {
                Served::Put(result) => result,
                served => panic!("an object is answered with {served:?}"),
            }
        }
    }
}
