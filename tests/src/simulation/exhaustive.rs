//! Explores small cases exhaustively: a few overlapping invocations on one agent, every order in which their
//! requests can be served, and every fault, at most one per invocation.
//!
//! The tree of choices is explored depth first. A future cannot be copied, so every path is run from its start. A
//! state that was seen before, judged by the tables and by what every invocation has seen, is not explored again.

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Display, Write as _};
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::iter::Sum;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use agent_event_upserter::Upserter;
use agent_ledger::KnownProfiles;
use agent_ledger::rules::Rules;
use lambda_io::kinesis::StreamEvent;
use local_aws::event_source_mapping::response::progress;
use local_aws::event_source_mapping::retries::Progress;
use local_aws::kinesis::{Bytes, Record};
use tokio::task::unconstrained;
use tokio::time::Instant;

use super::Answer;
use super::environment::{Environment, Fate};
use super::invariants::Invariants;
use super::traffic::Traffic;
use crate::stream_event;

/// A case to explore.
#[derive(Debug, Clone)]
pub struct Case {
    /// The events of one agent.
    pub events: Vec<Vec<u8>>,
    /// The batch of each invocation, as indexes into `events`.
    pub batches: Vec<Vec<usize>>,
    /// Write requests in flight per invocation.
    pub write_concurrency: usize,
}

/// The size of the explored tree.
#[derive(Debug, Default, Clone, Copy)]
pub struct Explored {
    /// Paths to the end, or to a known state.
    pub paths: u64,
    /// Distinct states.
    pub states: usize,
}

impl Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} paths through {} states", self.paths, self.states)
    }
}

impl Sum for Explored {
    fn sum<I: Iterator<Item = Self>>(explored: I) -> Self {
        explored.fold(Self::default(), |sum, one| Self {
            paths: sum.paths + one.paths,
            states: sum.states + one.states,
        })
    }
}

/// Explores every path.
///
/// # Errors
/// The violation on a path, and the path.
///
/// # Panics
/// When the runtime cannot be built.
pub fn explore(case: &Case) -> Result<Explored, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O can be built").block_on(async {
        let traffic = Traffic::of_events(case.events.iter().cloned().map(Bytes::from).collect());
        let invariants = Invariants::of(&traffic);
        let mut choices = Choices::default();
        let mut stream_events = HashMap::new();
        let mut paths = 0;
        loop {
            let mut walk = Walk::new(case, &traffic, &invariants, (&mut choices, &mut stream_events));
            if let Err(violation) = walk.go() {
                return Err(format!("{violation}\nin {case:?}, after\n{}", walk.trace));
            }
            paths += 1;
            if !choices.next() {
                return Ok(Explored { paths, states: choices.seen.len() });
            }
        }
    })
}

/// The choices of one path, and where the next path branches off.
#[derive(Default)]
struct Choices {
    /// The choices made: index, and number of options.
    made: Vec<(usize, usize)>,
    /// How many of them the current path has followed.
    followed: usize,
    /// Hashes of the states reached.
    seen: HashSet<u64>,
}

impl Choices {
    fn choose(&mut self, of: usize) -> usize {
        if self.followed == self.made.len() {
            self.made.push((0, of));
        }
        self.followed += 1;
        self.made[self.followed - 1].0
    }

    /// Whether the path still repeats the choices of an earlier one.
    fn is_replaying(&self) -> bool {
        self.followed < self.made.len()
    }

    /// Branches off at the last choice that has another option. Returns `false` if there is none.
    fn next(&mut self) -> bool {
        self.followed = 0;
        while let Some((chosen, of)) = self.made.pop() {
            if chosen + 1 < of {
                self.made.push((chosen + 1, of));
                return true;
            }
        }
        false
    }
}

/// Events by index of the first record and number of records.
type StreamEvents = HashMap<(usize, usize), Arc<StreamEvent>>;

struct Invocation {
    id: u64,
    records: Vec<Record>,
    may_fail: bool,
    /// A hash of the responses it has seen, independent of their order.
    seen: u64,
    future: Option<Pin<Box<dyn Future<Output = Answer>>>>,
}

/// The run of one path.
struct Walk<'a> {
    case: &'a Case,
    traffic: &'a Traffic,
    invariants: &'a Invariants,
    choices: &'a mut Choices,
    stream_events: &'a mut StreamEvents,
    environment: Environment,
    invocations: Vec<Invocation>,
    trace: String,
}

/// A possible next step.
#[derive(Debug, Clone, Copy)]
enum Event {
    Serve(u64, Fate),
    Crash(usize),
    ArriveLate(usize),
}

impl<'a> Walk<'a> {
    fn new(
        case: &'a Case,
        traffic: &'a Traffic,
        invariants: &'a Invariants,
        (choices, stream_events): (&'a mut Choices, &'a mut StreamEvents),
    ) -> Self {
        let environment = Environment::default();
        let (invocations, trace) = Default::default();
        Self { case, traffic, invariants, choices, stream_events, environment, invocations, trace }
    }

    fn go(&mut self) -> Result<(), String> {
        for batch in &self.case.batches {
            let record = |index: &usize| Record {
                sequence_number: index.to_string(),
                partition_key: "agent".to_owned(),
                data: self.traffic.events[*index].clone(),
                arrival_milliseconds: 0,
            };
            self.begin(batch.iter().map(record).collect(), true);
        }
        loop {
            self.poll_all()?;
            if !self.choices.is_replaying() {
                let state = self.state();
                if !self.choices.seen.insert(state) {
                    return Ok(());
                }
            }
            let events = self.events();
            let Some(event) = (!events.is_empty()).then(|| events[self.choices.choose(events.len())]) else {
                return self.invariants.is_fold(&self.environment);
            };
            self.happen(event)?;
        }
    }

    /// Starts an invocation, whose requests then wait. Its start time does not matter, because it has no effect
    /// before one of its requests is served.
    fn begin(&mut self, records: Vec<Record>, may_fail: bool) {
        let function = Upserter {
            store: self.environment.clone(),
            rejected_store: self.environment.clone(),
            rules: Rules::default(),
            write_concurrency: self.case.write_concurrency,
            known_profiles: KnownProfiles::default(),
        };
        let first = records[0].sequence_number.parse().unwrap_or_default();
        let event = || stream_event(first, records.iter().map(|record| record.data.as_ref()));
        let event =
            self.stream_events.entry((first, records.len())).or_insert_with(|| event().into()).clone();
        let stop_at = Instant::now() + Duration::from_mins(1);
        let future = async move { function.handle(&event, stop_at).await };
        let id = self.invocations.len() as u64;
        self.invocations.push(Invocation {
            id,
            records,
            may_fail,
            seen: 0,
            future: Some(Box::pin(unconstrained(future))),
        });
    }

    fn poll_all(&mut self) -> Result<(), String> {
        // Invocations that start while others end are polled, too.
        let mut polled = 0;
        while let Some(invocation) = self.invocations.get_mut(polled) {
            polled += 1;
            let Some(future) = &mut invocation.future else { continue };
            self.environment.working_for(invocation.id);
            let waker = futures::task::noop_waker();
            let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(&waker)) else {
                continue;
            };
            invocation.future = None;
            let records = invocation.records.clone();
            let (response, summary) = answer;
            let response = serde_json::to_vec(&response).map_err(|error| error.to_string())?;
            let progress = progress(&response, &records, true);
            let _ = writeln!(self.trace, "  invocation {} responds {progress:?}", polled - 1);
            let Progress::Done(done) = progress else {
                return Err("the response names no record of its batch".to_owned());
            };
            self.invariants.answered(&summary, (&records, done), self.traffic, &self.environment)?;
            if done < records.len() {
                self.begin(records[done..].to_vec(), false);
            }
        }
        Ok(())
    }

    /// All possible next steps.
    fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for (request, invocation, writes) in self.environment.open_requests() {
            events.push(Event::Serve(request, Fate::Done));
            if self.invocations.iter().any(|one| one.id == invocation && one.may_fail) {
                let faults = [Fate::Failed, Fate::AnswerLost, Fate::Late];
                events.extend(faults.map(|fate| Event::Serve(request, fate)));
                events.extend((writes > 1).then_some(Event::Serve(request, Fate::Partly)));
            }
        }
        let running = |invocation: &&Invocation| invocation.future.is_some() && invocation.may_fail;
        let crashes = self.invocations.iter().enumerate().filter(|(_, one)| running(one));
        events.extend(crashes.map(|(index, _)| Event::Crash(index)));
        events.extend((0..self.environment.late()).map(Event::ArriveLate));
        events
    }

    fn happen(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Serve(request, fate) => {
                let choices = &mut *self.choices;
                // The first write takes effect, or all but the last.
                let part = |writes: usize| [1, writes - 1][choices.choose(if writes > 2 { 2 } else { 1 })];
                let served = self.environment.serve(request, fate, part)?;
                let by = served.invocation();
                let _ = writeln!(self.trace, "  {served}: {fate:?}");
                let held = self.environment.served(request);
                if let Some(invocation) = self.invocations.iter_mut().find(|one| Some(one.id) == by) {
                    invocation.may_fail &= fate == Fate::Done;
                    invocation.seen = invocation.seen.wrapping_add(hash(&(served.to_string(), held)));
                }
            }
            Event::Crash(index) => {
                let invocation = &mut self.invocations[index];
                invocation.future = None;
                invocation.may_fail = false;
                let choices = &mut *self.choices;
                self.environment.abandon(invocation.id, || choices.choose(2) == 1);
                let records = invocation.records.clone();
                let _ = writeln!(self.trace, "  invocation {index} crashes");
                self.begin(records, false);
            }
            Event::ArriveLate(number) => {
                let request = self.environment.arrive_late(number)?;
                let _ = writeln!(self.trace, "  {request} takes effect late");
            }
        }
        Ok(())
    }

    /// A hash of everything that the rest of the path depends on: the tables, what each invocation has seen, and the
    /// requests in flight.
    fn state(&self) -> u64 {
        let mut invocations: Vec<_> = self
            .invocations
            .iter()
            .filter(|one| one.future.is_some())
            .map(|one| {
                let first = one.records.first().map(|record| record.sequence_number.clone());
                (first, one.records.len(), one.seen, one.may_fail)
            })
            .collect();
        invocations.sort();
        let tables = self.environment.look(|tables| {
            let mut hasher = DefaultHasher::new();
            let _ = write!(Hashed(&mut hasher), "{tables:?}");
            hasher.finish()
        });
        hash(&(invocations, tables, self.environment.in_flight()))
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A writer that only hashes its text.
struct Hashed<'a>(&'a mut DefaultHasher);

impl fmt::Write for Hashed<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
