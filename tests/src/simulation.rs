//! A deterministic simulation of shard → event source mapping → upserter → tables: one thread, virtual time, one seed.
//!
//! The function is the real one, and so are the rules of retrying (`local_aws`'s lane). Everything else waits for the
//! scheduler, which draws what happens next: an event is put, a shard is cut in two or two are joined, an invocation
//! begins, one of its requests is served, fails, loses its answer or arrives long after it was given up, an invocation
//! crashes or runs out of time, something that was set aside is sent again. The same seed draws the same.

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

/// Longer than this no simulation takes to come to rest.
const STEPS_PER_RECORD: usize = 4_000;

/// What is simulated: drawn from the seed, and made smaller to find the least that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Of everything that is drawn.
    pub seed: u64,
    /// Agents.
    pub agents: usize,
    /// Events of each.
    pub events: usize,
    /// Shards in the beginning.
    pub shards: usize,
    /// Batches of a shard under way at once.
    pub parallelization_factor: usize,
    /// Most records in a batch.
    pub batch_size: usize,
    /// Writes in flight per invocation.
    pub write_concurrency: usize,
    /// `MaximumRetryAttempts`
    pub maximum_retry_attempts: u32,
    /// `BisectBatchOnFunctionError`
    pub bisects: bool,
    /// Of a hundred requests, how many meet a fault.
    pub faults: u32,
    /// Of a hundred steps of an invocation, how many it does not survive.
    pub crashes: u32,
    /// Of a hundred records, how many come twice.
    pub duplicates: u32,
    /// Of a hundred records, how many come late.
    pub late: u32,
    /// Of a hundred records, how many are none of ours, and how many of ours arrive broken.
    pub bad: u32,
    /// Of a hundred records, how many are packed into one with those after them.
    pub packed: u32,
    /// Events that contradict each other.
    pub contradictions: usize,
    /// `MaximumRecordAge`, in milliseconds.
    pub maximum_record_age: Option<i64>,
    /// How often somebody sends again what was set aside, though nothing was mended.
    pub useless_redrives: usize,
    /// How often shards are cut in two or joined.
    pub reshardings: usize,
}

impl Scenario {
    /// What a seed stands for.
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

    /// The same with one thing less of everything that can be less.
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

/// What a simulation came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Records that were put on the stream.
    pub records: usize,
    /// Invocations that answered.
    pub invocations: usize,
    /// Invocations that did not.
    pub crashes: usize,
    /// Requests that met a fault.
    pub faults: usize,
    /// Requests that took effect after they had been given up.
    pub late_writes: usize,
    /// Records that were given up, and sent again.
    pub discarded: usize,
    /// Records that had been set aside, and were sent again.
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

/// An invariant that did not hold, with the way there.
#[derive(Debug, Clone)]
pub struct Violation {
    /// What was simulated.
    pub scenario: Scenario,
    /// What did not hold.
    pub what: String,
    /// What happened before.
    pub trace: Vec<String>,
}

impl Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\nin {:#?}, after", self.what, self.scenario)?;
        self.trace.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

/// Simulates; on a violation, the smallest scenario found that has one.
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
    // The same once more, with words.
    Err(run(&violation.scenario, true).err().unwrap_or(violation))
}

/// # Errors
/// The violation.
///
/// # Panics
/// When the runtime cannot be made.
fn run(scenario: &Scenario, is_traced: bool) -> Result<Outcome, Box<Violation>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O can be made").block_on(async {
        let mut simulation = Simulation::new(scenario.clone(), is_traced);
        match simulation.go().await {
            Ok(()) => Ok(simulation.outcome),
            Err(what) => {
                let trace = std::mem::take(&mut simulation.trace);
                Err(Box::new(Violation { scenario: scenario.clone(), what, trace }))
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
    /// What is still to be put, in order.
    to_come: VecDeque<(String, Bytes)>,
    /// What somebody mended and sent again.
    mended: HashSet<Vec<u8>>,
    /// Rejected objects when it was last seen that none of them can be mended.
    hopeless: usize,
    useless_redrives: usize,
    invocations: Vec<Invocation>,
    /// What the event source mapping gave up: it waits for its redrive.
    discarded: Vec<Record>,
    reshardings: usize,
    milliseconds: i64,
    next_invocation: u64,
    outcome: Outcome,
    /// Whether what happens is told, for who looks for the reason of a violation.
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
        };
        Self {
            to_come: std::mem::take(&mut traffic.to_come).into(),
            mended: HashSet::new(),
            hopeless: 0,
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
    /// What does not hold.
    async fn go(&mut self) -> Result<(), String> {
        let records = self.to_come.len();
        let steps_with_faults = 40 * records;
        for step in 0..STEPS_PER_RECORD * (records + 1) {
            // The weather clears one day, so that everything can come to rest.
            let is_bad = step < steps_with_faults;
            if !self.step(is_bad).await? {
                return self.invariants.at_rest(&self.environment, &self.traffic, &self.stream.put);
            }
        }
        Err("it does not come to rest".to_owned())
    }

    /// Notes what happens: as a number for the fingerprint, and in words for a trace.
    fn note(&mut self, number: u64, what: impl FnOnce() -> String) {
        self.outcome.fingerprint = (self.outcome.fingerprint ^ number).wrapping_mul(0x0000_0100_0000_01b3);
        if self.is_traced {
            self.trace.push(what());
        }
    }

    /// Does one thing; `false` when there is nothing to do.
    async fn step(&mut self, is_bad: bool) -> Result<bool, String> {
        let passed = self.rng.i64(0..400);
        self.milliseconds += passed;
        tokio::time::advance(Duration::from_millis(passed.unsigned_abs())).await;

        let open = self.environment.open();
        let lanes = self.stream.ready();
        let late = self.environment.late();
        let weights = [
            (usize::from(!self.to_come.is_empty()) * 6, 0),
            (lanes.len().min(4) * 2, 1),
            (open.len().min(8) * 4, 2),
            (usize::from(late > 0) * 2, 3),
            (usize::from(!self.discarded.is_empty()), 4),
            (usize::from(self.can_redrive()), 7),
            (usize::from(self.reshardings > 0 && !self.to_come.is_empty()), 5),
            // Time alone passes: invocations under way may run out of it.
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
                self.serve(request, is_bad)?;
            }
            3 => {
                let number = self.rng.usize(..late);
                let what = self.environment.arrive_late(number)?;
                self.outcome.late_writes += 1;
                self.note(number as u64, || format!("{what} takes effect at last"));
            }
            4 => self.redrive_discarded(),
            7 => self.redrive_rejected(),
            5 => {
                self.reshardings -= 1;
                let what = self.stream.reshard(&mut self.rng);
                self.note(5, || what);
            }
            _ => {}
        }
        let crashes = if is_bad { self.scenario.crashes } else { 0 };
        if !self.invocations.is_empty() && self.rng.u32(..100) < crashes {
            self.crash();
        }
        self.poll_all()?;
        Ok(true)
    }

    fn put(&mut self) {
        let Some((partition_key, data)) = self.to_come.pop_front() else { return };
        // The stream's clock and the producer's have nothing to do with each other.
        let skew =
            self.rng.i64(-3_600_000..3_600_000) * i64::from(self.scenario.maximum_record_age.is_none());
        let name = self.stream.put(&partition_key, data, self.milliseconds + skew);
        self.outcome.records += 1;
        self.note(self.outcome.records as u64, || format!("record {name} is put"));
    }

    /// Somebody sends again what was given up, with the sequence number it had.
    fn redrive_discarded(&mut self) {
        let record = self.discarded.swap_remove(self.rng.usize(..self.discarded.len()));
        self.note(4, || format!("record {} is sent again", record.sequence_number));
        self.stream.redrive([record]);
    }

    /// Whether somebody could send again what was set aside: once what can be mended is mended, only so often.
    fn can_redrive(&mut self) -> bool {
        let objects = self.environment.count_rejected_objects();
        if self.useless_redrives > 0 || objects == self.hopeless {
            return self.useless_redrives > 0 && objects > 0;
        }
        let is_hopeless = self.environment.rejected_objects(|line| self.is_to_be_mended(line)).is_empty();
        self.hopeless = if is_hopeless { objects } else { 0 };
        !is_hopeless
    }

    fn is_to_be_mended(&self, line: &RejectedLine) -> bool {
        self.traffic.mended(&line.data).is_some() && !self.mended.contains(&line.data)
    }

    /// Somebody sends again some of the lines of a rejected object, mended where it is known how.
    fn redrive_rejected(&mut self) {
        let is_useless = self.useless_redrives > 0;
        self.useless_redrives = self.useless_redrives.saturating_sub(1);
        let keys = self.environment.rejected_objects(|line| is_useless || self.is_to_be_mended(line));
        let lines = self.environment.rejected_object(&keys[self.rng.usize(..keys.len())]);
        let mut records = Vec::new();
        for line in lines {
            let is_sent = if is_useless { self.rng.u8(..4) > 0 } else { self.is_to_be_mended(&line) };
            if !is_sent {
                continue;
            }
            let mended = self.traffic.mended(&line.data).cloned();
            if mended.is_some() {
                self.mended.insert(line.data.clone());
            }
            records.push(Record {
                sequence_number: line.sequence_number,
                partition_key: line.partition_key,
                data: mended.unwrap_or_else(|| Bytes::from(line.data)),
                arrival_milliseconds: self.milliseconds,
            });
        }
        self.outcome.redriven += records.len();
        self.note(7, || {
            let numbers: Vec<_> = records.iter().map(|record| record.sequence_number.as_str()).collect();
            format!("set aside {} are sent again", numbers.join(", "))
        });
        self.stream.redrive(records);
    }

    /// The operator's tool tries without end; the event source mapping does not.
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

    /// Begins an invocation on a lane, or gives up what failed too often.
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
                self.note(records as u64, || format!("{lane:?} gives {records} records up"));
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
                        "invocation {id} begins on {lane:?} with {records} records, after {failures} failures"
                    )
                });
                // Most have time enough.
                let seconds = if self.rng.u8(..20) == 0 { self.rng.u64(..4) } else { 60 };
                let stop_at = Instant::now() + Duration::from_secs(seconds);
                let function = self.function.clone();
                let future = Box::pin(async move { function.handle(&event, stop_at).await });
                self.invocations.push(Invocation { id, lane, records, future });
            }
        }
    }

    fn serve(&mut self, request: u64, is_bad: bool) -> Result<(), String> {
        let fate = if is_bad && self.rng.u32(..100) < self.scenario.faults {
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
        let what = self.environment.serve(request, fate, |writes| rng.usize(..=writes))?;
        self.note(request * 8 + fate as u64, || format!("{what}: {fate:?}"));
        Ok(())
    }

    /// An invocation ends where it stands. What it had under way may still arrive.
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
        let mut place = 0;
        while place < self.invocations.len() {
            let invocation = &mut self.invocations[place];
            self.environment.working_for(invocation.id);
            let waker = futures::task::noop_waker();
            match invocation.future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Pending => place += 1,
                Poll::Ready(answer) => {
                    let Invocation { id, lane, records, .. } = self.invocations.swap_remove(place);
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
        // What it gave up at its deadline may still arrive.
        self.environment.abandon(id, || self.rng.bool());
        self.outcome.invocations += 1;
        let response = serde_json::to_vec(response).map_err(|error| error.to_string())?;
        let batch = self.stream.lane(lane).batch().to_vec();
        let progress = progress(&response, &batch, true);
        self.note(id, || format!("invocation {id} of {records} records answers {progress:?}"));
        let Progress::Done(done) = progress else {
            return Err("the answer names no record of its batch".to_owned());
        };
        self.invariants.answered(summary, (&batch, done), &self.traffic, &self.environment)?;
        let rules = self.retries(lane);
        self.stream.lane(lane).answered(progress, &rules);
        self.stream.set_busy(lane, false);
        Ok(())
    }
}
