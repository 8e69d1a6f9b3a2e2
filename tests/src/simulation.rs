//! A deterministic simulation of shard → event source mapping → upserter → tables: one thread, virtual time, one seed.
//!
//! The function is real, and so are the retry rules (`local_aws`'s lane). Everything else waits for the scheduler,
//! which draws the next step: a record is put, a shard is split or two are merged, an invocation starts, one of its
//! requests succeeds, fails, loses its response or takes effect long after its timeout, an invocation crashes or
//! runs out of time, a rejected or discarded record is redriven. The same seed draws the same steps.

mod environment;
pub mod exhaustive;
mod invariants;
mod stream;
mod traffic;

use std::collections::{HashSet, VecDeque};
use std::fmt::{self, Display};
use std::future::Future;
use std::iter::Sum;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use agent_event_upserter::{Summary, Upserter};
use agent_ledger::KnownProfiles;
use agent_ledger::rules::Rules;
use fastrand::Rng;
use lambda_io::kinesis::BatchResponse;
use local_aws::event_source_mapping::response::progress;
use local_aws::event_source_mapping::retries::{Next, Progress, RetryRules};
use local_aws::kinesis::{Bytes, Record};
use tokio::time::Instant;

use self::environment::{Environment, Fate, RejectedLine};
use self::invariants::Invariants;
use self::stream::{LaneId, Stream};
use self::traffic::Traffic;

/// Upper limit of steps until a simulation comes to rest.
const STEPS_PER_RECORD: usize = 4_000;

/// The parameters of a simulation: drawn from the seed, and reduced to find the smallest scenario that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Seed of everything drawn.
    pub seed: u64,
    /// Number of agents.
    pub agents: usize,
    /// Events per agent.
    pub events: usize,
    /// Shards at the start.
    pub shards: usize,
    /// `ParallelizationFactor`
    pub parallelization_factor: usize,
    /// Maximum records per batch.
    pub batch_size: usize,
    /// Write requests in flight per invocation.
    pub write_concurrency: usize,
    /// `MaximumRetryAttempts`
    pub maximum_retry_attempts: u32,
    /// `BisectBatchOnFunctionError`
    pub bisects: bool,
    /// Percentage of requests that hit a fault.
    pub faults: u32,
    /// Percentage of steps in which an invocation crashes.
    pub crashes: u32,
    /// Percentage of records that are duplicated.
    pub duplicates: u32,
    /// Percentage of records that are late.
    pub late: u32,
    /// Percentage of records followed by a record that is not an agent event, and percentage of events that arrive
    /// broken.
    pub bad: u32,
    /// Percentage of records that are packed into a KPL aggregate with the records after them.
    pub packed: u32,
    /// Events that contradict each other.
    pub contradictions: usize,
    /// `MaximumRecordAge`, in milliseconds.
    pub maximum_record_age: Option<i64>,
    /// Number of redrives of rejected records that were not repaired.
    pub useless_redrives: usize,
    /// Number of shard splits and merges.
    pub reshardings: usize,
}

impl Scenario {
    /// The scenario of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut one_of = |choices: &[u32]| choices[rng.usize(..choices.len())];
        let (faults, crashes) = (one_of(&[0, 2, 10, 30, 60]), one_of(&[0, 0, 1, 5, 15]));
        let (duplicates, late, bad) = (one_of(&[0, 5, 50]), one_of(&[0, 5, 50]), one_of(&[0, 0, 3, 20]));
        Self {
            seed,
            agents: rng.usize(1..5),
            events: rng.usize(1..50),
            shards: rng.usize(1..4),
            parallelization_factor: rng.usize(1..=10),
            batch_size: rng.usize(1..40),
            write_concurrency: rng.usize(1..9),
            maximum_retry_attempts: rng.u32(0..20),
            bisects: rng.bool(),
            faults,
            crashes,
            duplicates,
            late,
            bad,
            packed: [0, 0, 5, 40][rng.usize(..4)],
            contradictions: [0, 0, 8, 30][rng.usize(..4)],
            maximum_record_age: [None, None, Some(10_000), Some(100_000)][rng.usize(..4)],
            useless_redrives: rng.usize(..6),
            reshardings: rng.usize(..4),
        }
    }

    /// The scenarios with one parameter reduced.
    fn smaller(&self) -> Vec<Self> {
        let mut smaller = Vec::new();
        let mut with = |change: &dyn Fn(&mut Self)| {
            let mut other = self.clone();
            change(&mut other);
            if other != *self {
                smaller.push(other);
            }
        };
        with(&|other| other.agents = 1.max(other.agents / 2));
        with(&|other| other.events = 1.max(other.events / 2));
        with(&|other| other.events = 1.max(other.events - 1));
        with(&|other| other.shards = 1);
        with(&|other| other.parallelization_factor = 1);
        with(&|other| other.write_concurrency = 1);
        with(&|other| other.batch_size = 1.max(other.batch_size / 2));
        with(&|other| other.bisects = false);
        with(&|other| other.faults = 0);
        with(&|other| other.crashes = 0);
        with(&|other| other.duplicates = 0);
        with(&|other| other.late = 0);
        with(&|other| other.bad = 0);
        with(&|other| other.packed = 0);
        with(&|other| other.contradictions /= 2);
        with(&|other| other.maximum_record_age = None);
        with(&|other| other.useless_redrives = 0);
        with(&|other| other.reshardings = 0);
        smaller
    }
}

/// The outcome of a simulation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Records put on the stream.
    pub records: usize,
    /// Invocations that responded.
    pub invocations: usize,
    /// Invocations that crashed.
    pub crashes: usize,
    /// Requests that hit a fault.
    pub faults: usize,
    /// Requests that took effect after their invocation had stopped waiting.
    pub late_writes: usize,
    /// Records that were discarded and redriven.
    pub discarded: usize,
    /// Rejected records that were redriven.
    pub redriven: usize,
    /// A hash of everything that happened, in order.
    pub fingerprint: u64,
}

impl Sum for Outcome {
    fn sum<I: Iterator<Item = Self>>(outcomes: I) -> Self {
        outcomes.fold(Self::default(), |sum, one| Self {
            records: sum.records + one.records,
            invocations: sum.invocations + one.invocations,
            crashes: sum.crashes + one.crashes,
            faults: sum.faults + one.faults,
            late_writes: sum.late_writes + one.late_writes,
            discarded: sum.discarded + one.discarded,
            redriven: sum.redriven + one.redriven,
            fingerprint: sum.fingerprint ^ one.fingerprint,
        })
    }
}

/// A violated invariant, with the steps that led to it.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The scenario.
    pub scenario: Scenario,
    /// The violation.
    pub message: String,
    /// The steps before it.
    pub trace: Vec<String>,
}

impl Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\nin {:#?}, after", self.message, self.scenario)?;
        self.trace.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

/// Runs a scenario. On a violation, reduces it to the smallest failing scenario found.
///
/// # Errors
/// The violation.
pub fn simulate(scenario: &Scenario) -> Result<Outcome, Box<Violation>> {
    let mut violation = match run(scenario, false) {
        Ok(outcome) => return Ok(outcome),
        Err(violation) => violation,
    };
    while let Some(simpler) = violation.scenario.smaller().iter().find_map(|one| run(one, false).err()) {
        violation = simpler;
    }
    // Run it once more with a trace.
    Err(run(&violation.scenario, true).err().unwrap_or(violation))
}

/// # Errors
/// The violation.
///
/// # Panics
/// When the runtime cannot be built.
fn run(scenario: &Scenario, is_traced: bool) -> Result<Outcome, Box<Violation>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O can be built").block_on(async {
        let mut simulation = Simulation::new(scenario.clone(), is_traced);
        match simulation.go().await {
            Ok(()) => Ok(simulation.outcome),
            Err(message) => {
                let trace = std::mem::take(&mut simulation.trace);
                Err(Box::new(Violation { scenario: scenario.clone(), message, trace }))
            }
        }
    })
}

type Function = Upserter<Environment, Environment>;
type Answer = (BatchResponse, Summary);

struct Invocation {
    id: u64,
    lane: LaneId,
    records: usize,
    future: Pin<Box<dyn Future<Output = Answer>>>,
}

struct Simulation {
    scenario: Scenario,
    rng: Rng,
    environment: Environment,
    function: Arc<Function>,
    stream: Stream,
    traffic: Traffic,
    invariants: Invariants,
    /// Records that are still to be put, in order.
    pending: VecDeque<(String, Bytes)>,
    /// The original bytes of records that were repaired and redriven.
    repaired: HashSet<Vec<u8>>,
    /// Number of rejected objects when the last check found none of them repairable.
    unrepairable: usize,
    useless_redrives: usize,
    invocations: Vec<Invocation>,
    /// Discarded records that wait for their redrive.
    discarded: Vec<Record>,
    reshardings: usize,
    milliseconds: i64,
    next_invocation: u64,
    outcome: Outcome,
    /// Whether steps are recorded in `trace`.
    is_traced: bool,
    trace: Vec<String>,
}

impl Simulation {
    fn new(scenario: Scenario, is_traced: bool) -> Self {
        let mut rng = Rng::with_seed(scenario.seed ^ 0x5eed);
        let mut traffic = Traffic::of(&scenario, &mut rng);
        let environment = Environment::default();
        let function = Upserter {
            store: environment.clone(),
            rejected_store: environment.clone(),
            rules: Rules::default(),
            write_concurrency: scenario.write_concurrency,
            known_profiles: KnownProfiles::default(),
        };
        Self {
            pending: std::mem::take(&mut traffic.pending).into(),
            repaired: HashSet::new(),
            unrepairable: 0,
            useless_redrives: scenario.useless_redrives,
            stream: Stream::new(scenario.shards, scenario.parallelization_factor),
            invariants: Invariants::of(&traffic),
            traffic,
            reshardings: scenario.reshardings,
            function: Arc::new(function),
            environment,
            rng,
            scenario,
            invocations: Vec::new(),
            discarded: Vec::new(),
            milliseconds: 1_772_438_400_000,
            next_invocation: 0,
            outcome: Outcome::default(),
            is_traced,
            trace: Vec::new(),
        }
    }

    /// # Errors
    /// The violation.
    async fn go(&mut self) -> Result<(), String> {
        let records = self.pending.len();
        let steps_with_faults = 40 * records;
        for step in 0..STEPS_PER_RECORD * (records + 1) {
            // Faults stop at some point, so that everything can come to rest.
            let with_faults = step < steps_with_faults;
            if !self.step(with_faults).await? {
                return self.invariants.at_rest(&self.environment, &self.traffic, &self.stream.put);
            }
        }
        Err("the simulation does not come to rest".to_owned())
    }

    /// Records a step: as a number in the fingerprint, and as text in the trace.
    fn note(&mut self, number: u64, text: impl FnOnce() -> String) {
        self.outcome.fingerprint = (self.outcome.fingerprint ^ number).wrapping_mul(0x0000_0100_0000_01b3);
        if self.is_traced {
            self.trace.push(text());
        }
    }

    /// Runs one step. Returns `false` if there is nothing left to do.
    async fn step(&mut self, with_faults: bool) -> Result<bool, String> {
        let passed = self.rng.i64(0..400);
        self.milliseconds += passed;
        tokio::time::advance(Duration::from_millis(passed.unsigned_abs())).await;

        let open = self.environment.open();
        let lanes = self.stream.ready();
        let late = self.environment.late();
        let weights = [
            (usize::from(!self.pending.is_empty()) * 6, 0),
            (lanes.len().min(4) * 2, 1),
            (open.len().min(8) * 4, 2),
            (usize::from(late > 0) * 2, 3),
            (usize::from(!self.discarded.is_empty()), 4),
            (usize::from(self.can_redrive()), 7),
            (usize::from(self.reshardings > 0 && !self.pending.is_empty()), 5),
            // Only time passes: running invocations may reach their deadline.
            (usize::from(!self.invocations.is_empty()), 6),
        ];
        let all: usize = weights.iter().map(|(weight, _)| weight).sum();
        if all == 0 {
            return Ok(false);
        }
        let mut drawn = self.rng.usize(..all);
        let (_, choice) = weights
            .into_iter()
            .find(|(weight, _)| {
                let is_drawn = drawn < *weight;
                drawn = drawn.wrapping_sub(*weight);
                is_drawn
            })
            .unwrap_or((0, 6));
        match choice {
            0 => self.put(),
            1 => {
                let lane = lanes[self.rng.usize(..lanes.len())];
                self.begin(lane);
            }
            2 => {
                let request = open[self.rng.usize(..open.len())];
                self.serve(request, with_faults)?;
            }
            3 => {
                let number = self.rng.usize(..late);
                let request = self.environment.arrive_late(number)?;
                self.outcome.late_writes += 1;
                self.note(number as u64, || format!("{request} takes effect late"));
            }
            4 => self.redrive_discarded(),
            7 => self.redrive_rejected(),
            5 => {
                self.reshardings -= 1;
                let text = self.stream.reshard(&mut self.rng);
                self.note(5, || text);
            }
            _ => {}
        }
        let crashes = if with_faults { self.scenario.crashes } else { 0 };
        if !self.invocations.is_empty() && self.rng.u32(..100) < crashes {
            self.crash();
        }
        self.poll_all()?;
        Ok(true)
    }

    fn put(&mut self) {
        let Some((partition_key, data)) = self.pending.pop_front() else { return };
        // The stream's clock and the producer's clock are independent.
        let skew =
            self.rng.i64(-3_600_000..3_600_000) * i64::from(self.scenario.maximum_record_age.is_none());
        let name = self.stream.put(&partition_key, data, self.milliseconds + skew);
        self.outcome.records += 1;
        self.note(self.outcome.records as u64, || format!("record {name} is put"));
    }

    /// Redrives a discarded record, with its original sequence number.
    fn redrive_discarded(&mut self) {
        let record = self.discarded.swap_remove(self.rng.usize(..self.discarded.len()));
        self.note(4, || format!("record {} is redriven", record.sequence_number));
        self.stream.redrive([record]);
    }

    /// Whether a rejected record can be redriven: a repairable one, or any, while useless redrives are left.
    fn can_redrive(&mut self) -> bool {
        let objects = self.environment.count_rejected_objects();
        if self.useless_redrives > 0 || objects == self.unrepairable {
            return self.useless_redrives > 0 && objects > 0;
        }
        let none_is_repairable =
            self.environment.rejected_objects(|line| self.must_be_repaired(line)).is_empty();
        self.unrepairable = if none_is_repairable { objects } else { 0 };
        !none_is_repairable
    }

    fn must_be_repaired(&self, line: &RejectedLine) -> bool {
        self.traffic.repaired(&line.data).is_some() && !self.repaired.contains(&line.data)
    }

    /// Redrives some lines of a rejected object, repaired if possible.
    fn redrive_rejected(&mut self) {
        let is_useless = self.useless_redrives > 0;
        self.useless_redrives = self.useless_redrives.saturating_sub(1);
        let keys = self.environment.rejected_objects(|line| is_useless || self.must_be_repaired(line));
        let lines = self.environment.rejected_object(&keys[self.rng.usize(..keys.len())]);
        let mut records = Vec::new();
        for line in lines {
            let is_sent = if is_useless { self.rng.u8(..4) > 0 } else { self.must_be_repaired(&line) };
            if !is_sent {
                continue;
            }
            let repaired = self.traffic.repaired(&line.data).cloned();
            if repaired.is_some() {
                self.repaired.insert(line.data.clone());
            }
            records.push(Record {
                sequence_number: line.sequence_number,
                partition_key: line.partition_key,
                data: repaired.unwrap_or_else(|| Bytes::from(line.data)),
                arrival_milliseconds: self.milliseconds,
            });
        }
        self.outcome.redriven += records.len();
        self.note(7, || {
            let numbers: Vec<_> = records.iter().map(|record| record.sequence_number.as_str()).collect();
            format!("rejected records {} are redriven", numbers.join(", "))
        });
        self.stream.redrive(records);
    }

    /// The operator's tool retries without limit. The event source mapping does not.
    fn retries(&self, lane: LaneId) -> RetryRules {
        if lane.is_operators() {
            return RetryRules::default();
        }
        RetryRules {
            maximum_retry_attempts: Some(self.scenario.maximum_retry_attempts),
            maximum_record_age: self.scenario.maximum_record_age,
            bisect_on_error: self.scenario.bisects,
        }
    }

    /// Starts an invocation on a lane, or discards records that failed too often.
    fn begin(&mut self, lane: LaneId) {
        let most = self.rng.usize(1..=self.scenario.batch_size);
        self.stream.fill(lane, most);
        let rules = self.retries(lane);
        match self.stream.lane(lane).next(&rules, self.milliseconds) {
            Next::Idle => {}
            Next::Discard { records, .. } => {
                let discarded = self.stream.lane(lane).batch()[..records].to_vec();
                self.stream.lane(lane).discard(records);
                self.outcome.discarded += records;
                self.note(records as u64, || format!("{lane:?} discards {records} records"));
                self.discarded.extend(discarded);
            }
            Next::Invoke { failures } => {
                let event = self.stream.event(lane);
                let records = self.stream.lane(lane).batch().len();
                self.stream.set_busy(lane, true);
                self.next_invocation += 1;
                let id = self.next_invocation;
                self.note(id, || {
                    format!(
                        "invocation {id} starts on {lane:?} with {records} records, after {failures} failures"
                    )
                });
                // Most invocations have enough time.
                let seconds = if self.rng.u8(..20) == 0 { self.rng.u64(..4) } else { 60 };
                let stop_at = Instant::now() + Duration::from_secs(seconds);
                let function = self.function.clone();
                let future = Box::pin(async move { function.handle(&event, stop_at).await });
                self.invocations.push(Invocation { id, lane, records, future });
            }
        }
    }

    fn serve(&mut self, request: u64, with_faults: bool) -> Result<(), String> {
        let fate = if with_faults && self.rng.u32(..100) < self.scenario.faults {
            self.outcome.faults += 1;
            match self.rng.u8(..5) {
                0 => Fate::Refused,
                1 => Fate::AnswerLost,
                2 => Fate::Late,
                3 => Fate::Partly,
                _ => Fate::Failed,
            }
        } else {
            Fate::Done
        };
        let rng = &mut self.rng;
        let served = self.environment.serve(request, fate, |writes| rng.usize(..=writes))?;
        self.note(request * 8 + fate as u64, || format!("{served}: {fate:?}"));
        Ok(())
    }

    /// Crashes an invocation. Its requests in flight may still take effect.
    fn crash(&mut self) {
        let crashed = self.invocations.swap_remove(self.rng.usize(..self.invocations.len()));
        self.environment.abandon(crashed.id, || self.rng.bool());
        drop(crashed.future);
        self.outcome.crashes += 1;
        let rules = self.retries(crashed.lane);
        self.stream.lane(crashed.lane).answered(Progress::Failed, &rules);
        self.stream.set_busy(crashed.lane, false);
        self.note(crashed.id, || format!("invocation {} crashes", crashed.id));
    }

    fn poll_all(&mut self) -> Result<(), String> {
        let mut index = 0;
        while index < self.invocations.len() {
            let invocation = &mut self.invocations[index];
            self.environment.working_for(invocation.id);
            let waker = futures::task::noop_waker();
            match invocation.future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Pending => index += 1,
                Poll::Ready(answer) => {
                    let Invocation { id, lane, records, .. } = self.invocations.swap_remove(index);
                    let (response, summary) = answer;
                    self.answered(id, lane, records, &response, &summary)?;
                }
            }
        }
        Ok(())
    }

    fn answered(
        &mut self,
        id: u64,
        lane: LaneId,
        records: usize,
        response: &BatchResponse,
        summary: &Summary,
    ) -> Result<(), String> {
        // Requests that it stopped waiting for at its deadline may still take effect.
        self.environment.abandon(id, || self.rng.bool());
        self.outcome.invocations += 1;
        let response = serde_json::to_vec(response).map_err(|error| error.to_string())?;
        let batch = self.stream.lane(lane).batch().to_vec();
        let progress = progress(&response, &batch, true);
        self.note(id, || format!("invocation {id} with {records} records responds {progress:?}"));
        let Progress::Done(done) = progress else {
            return Err("the response names no record of its batch".to_owned());
        };
        self.invariants.answered(summary, (&batch, done), &self.traffic, &self.environment)?;
        let rules = self.retries(lane);
        self.stream.lane(lane).answered(progress, &rules);
        self.stream.set_busy(lane, false);
        Ok(())
    }
}
