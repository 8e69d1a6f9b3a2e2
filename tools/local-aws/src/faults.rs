//! Fault injection from a seed: faults of streams, services and function processes. AWS documents all of them as possible.
//!
//! Each kind of fault is injected into each part at least once, if the run has enough requests. The first fault of each
//! kind is guaranteed; the seed decides its order and moment. Later faults are drawn by their shares.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use serde::Serialize;

use crate::function::Crashes;
use crate::gateway::{Interference, Intervention};

/// Where faults are injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The stream of contact records.
    ContactRecords,
    /// The stream of agent events.
    AgentEvents,
    /// Requests from the upserters to DynamoDB.
    DynamoDb,
    /// Requests to S3: from the upserters and Firehose's deliveries.
    S3,
    /// Firehose's deliveries, each of which is also a request to S3.
    FirehoseDelivery,
    /// Invocations of contact-record-normalizer.
    Normalizer,
    /// Invocations of agent-event-upserter.
    Upserter,
    /// The contact events.
    ContactEvents,
    /// Invocations of contact-event-upserter.
    ContactEventUpserter,
}

/// The kind of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A record arrives twice.
    Duplicated,
    /// A record arrives after later ones of its stream.
    Delayed,
    /// A request is throttled.
    Throttled,
    /// A request is refused with a server error.
    ServerError,
    /// A request is served, but its response is lost.
    LostResponse,
    /// A request is served late.
    Slow,
    /// A request is refused as not permitted.
    Denied,
    /// A delivery failed and is retried.
    Retried,
    /// A process is killed during an invocation.
    Crashed,
}

/// The kinds of faults of a service.
const OF_SERVICE: [Kind; 5] =
    [Kind::Throttled, Kind::ServerError, Kind::LostResponse, Kind::Denied, Kind::Slow];

impl Part {
    const ALL: [Self; 9] = [
        Self::ContactRecords,
        Self::AgentEvents,
        Self::DynamoDb,
        Self::S3,
        Self::FirehoseDelivery,
        Self::Normalizer,
        Self::Upserter,
        Self::ContactEvents,
        Self::ContactEventUpserter,
    ];

    fn kinds(self) -> &'static [Kind] {
        match self {
            Self::ContactRecords | Self::AgentEvents | Self::ContactEvents => {
                &[Kind::Duplicated, Kind::Delayed]
            }
            Self::DynamoDb | Self::S3 => &OF_SERVICE,
            Self::FirehoseDelivery => &[Kind::Retried],
            Self::Normalizer | Self::Upserter | Self::ContactEventUpserter => &[Kind::Crashed],
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ContactRecords => "contact records",
            Self::AgentEvents => "agent events",
            Self::DynamoDb => "DynamoDB",
            Self::S3 => "S3",
            Self::FirehoseDelivery => "Firehose delivery",
            Self::Normalizer => "contact-record-normalizer",
            Self::Upserter => "agent-event-upserter",
            Self::ContactEvents => "contact events",
            Self::ContactEventUpserter => "contact-event-upserter",
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Duplicated => "duplicated",
            Self::Delayed => "delayed",
            Self::Throttled => "throttled",
            Self::ServerError => "server errors",
            Self::LostResponse => "lost responses",
            Self::Slow => "slow",
            Self::Denied => "denied",
            Self::Retried => "failed and retried",
            Self::Crashed => "crashes",
        })
    }
}

/// The number of injected faults, by part and kind.
pub type Injected = BTreeMap<Part, BTreeMap<Kind, u64>>;

/// The faults of one run. The same seed gives the same decisions in the same order. Clones share their counts.
#[derive(Debug, Clone)]
pub struct Faults {
    seed: u64,
    injected: Arc<Mutex<Injected>>,
}

/// Faults per 1,000 requests to a service.
const THROTTLED: u32 = 15;
const SERVER_ERRORS: u32 = 15;
const LOST_RESPONSES: u32 = 15;
const SLOW: u32 = 20;
/// Periods in which every request is denied, per 1,000 requests.
const DENIALS_BEGIN: u32 = 4;
/// Crashes per 100 invocations.
const CRASHES: u32 = 4;
/// Fewer than four, after which Firehose stops retrying and its records fail. That is not one of these faults.
const CRASHES_IN_A_ROW: u32 = 2;
/// Faults per 100 records of a stream.
const DUPLICATED: u32 = 3;
const DELAYED: u32 = 5;
/// Maximum delay, in records of the same stream.
const LONGEST_DELAY: usize = 2000;
/// The first duplicate and the first delayed record are among this number of records.
const FIRST_RECORDS: usize = 8;
/// Maximum number of requests that pass between guaranteed faults.
const LONGEST_GAP: u32 = 2;

impl Faults {
    /// The faults of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let zeros = |part: Part| (part, part.kinds().iter().map(|kind| (*kind, 0)).collect());
        Self { seed, injected: Arc::new(Mutex::new(Part::ALL.into_iter().map(zeros).collect())) }
    }

    /// The number of faults injected so far, with an entry for every kind of every part.
    #[must_use]
    pub fn injected(&self) -> Injected {
        lock(&self.injected).clone()
    }

    fn count(&self, part: Part, kind: Kind) {
        *lock(&self.injected).entry(part).or_default().entry(kind).or_default() += 1;
    }

    /// Faults for the requests to a service.
    #[must_use]
    pub fn of_service(&self, part: Part) -> Interference {
        let plan = Mutex::new(Plan::new(self.rng(part), part));
        let faults = self.clone();
        Arc::new(move |_| {
            let intervention = lock(&plan).next();
            if let Some(kind) = kind_of(intervention) {
                faults.count(part, kind);
            }
            intervention
        })
    }

    /// Faults for Firehose's deliveries, which are requests to this S3. The first delivery always fails.
    #[must_use]
    pub fn of_delivery(&self, s3: Interference) -> Interference {
        let mut rng = self.rng(Part::FirehoseDelivery);
        let failures = [
            Intervention::Throttle,
            Intervention::ServerError,
            Intervention::DropResponse,
            Intervention::Deny,
        ];
        let guaranteed = Mutex::new(rng.choice(failures));
        let faults = self.clone();
        Arc::new(move |number| {
            let guaranteed = lock(&guaranteed).take();
            if let Some(kind) = guaranteed.and_then(kind_of) {
                faults.count(Part::S3, kind);
            }
            let intervention = guaranteed.unwrap_or_else(|| s3(number));
            if !matches!(intervention, Intervention::Pass | Intervention::Slow(_)) {
                faults.count(Part::FirehoseDelivery, Kind::Retried);
            }
            intervention
        })
    }

    /// Decides which invocations' processes are killed, and when. The first one always is.
    #[must_use]
    pub fn of_function(&self, part: Part) -> Crashes {
        struct Crashing {
            rng: Rng,
            is_first: bool,
            in_a_row: u32,
        }
        let crashing = Mutex::new(Crashing { rng: self.rng(part), is_first: true, in_a_row: 0 });
        let faults = self.clone();
        Arc::new(move || {
            let mut crashing = lock(&crashing);
            let is_due = crashing.rng.u32(..100) < CRASHES && crashing.in_a_row < CRASHES_IN_A_ROW;
            if !std::mem::take(&mut crashing.is_first) && !is_due {
                crashing.in_a_row = 0;
                return None;
            }
            crashing.in_a_row += 1;
            faults.count(part, Kind::Crashed);
            Some(Duration::from_micros(crashing.rng.u64(..30_000)))
        })
    }

    /// The records of several streams, with some of each stream duplicated and some delayed.
    pub fn of_streams<T: Clone>(
        self,
        records: impl Iterator<Item = T>,
        part_of: impl Fn(&T) -> Part,
    ) -> impl Iterator<Item = T> {
        let mut records = records.fuse();
        let mut lanes: BTreeMap<Part, Lane<T>> = BTreeMap::new();
        std::iter::from_fn(move || {
            loop {
                let due = lanes.iter_mut().find_map(|(part, lane)| Some((*part, lane.due()?)));
                let passed = due.or_else(|| {
                    // At the end of the input, the records that are still held back follow.
                    let next = records.next();
                    let Some(record) = next else {
                        return lanes.iter_mut().find_map(|(part, lane)| Some((*part, lane.first()?)));
                    };
                    let part = part_of(&record);
                    let lane = lanes.entry(part).or_insert_with(|| Lane::new(self.rng(part)));
                    Some((part, lane.take(record)))
                })?;
                let (part, Passed { record, kind }) = passed;
                if let Some(kind) = kind {
                    self.count(part, kind);
                }
                if record.is_some() {
                    return record;
                }
            }
        })
    }

    fn rng(&self, part: Part) -> Rng {
        Rng::with_seed(self.seed.wrapping_mul(1000).wrapping_add(part as u64))
    }
}

/// The faults of one service's requests.
struct Plan {
    rng: Rng,
    guaranteed: VecDeque<Kind>,
    /// Requests that pass before the next guaranteed fault.
    gap: u32,
    /// Requests that will still be denied.
    denied: u32,
    longest_gap: u32,
}

impl Plan {
    fn new(mut rng: Rng, part: Part) -> Self {
        let mut guaranteed = OF_SERVICE;
        // A run may send only one request to S3. It fails in every way before it is served, slowly.
        let (last, longest_gap) = if part == Part::S3 { (4, 0) } else { (5, LONGEST_GAP) };
        rng.shuffle(&mut guaranteed[..last]);
        let gap = rng.u32(0..=longest_gap);
        Self { rng, guaranteed: guaranteed.into(), gap, denied: 0, longest_gap }
    }

    fn next(&mut self) -> Intervention {
        if self.denied > 0 {
            self.denied -= 1;
            return Intervention::Deny;
        }
        let kind = match self.guaranteed.front() {
            None => self.by_share(),
            Some(_) if self.gap > 0 => {
                self.gap -= 1;
                None
            }
            Some(_) => {
                self.gap = self.rng.u32(0..=self.longest_gap);
                self.guaranteed.pop_front()
            }
        };
        match kind {
            Some(Kind::Throttled) => Intervention::Throttle,
            Some(Kind::ServerError) => Intervention::ServerError,
            Some(Kind::LostResponse) => Intervention::DropResponse,
            Some(Kind::Slow) => Intervention::Slow(Duration::from_millis(self.rng.u64(1..30))),
            Some(Kind::Denied) => {
                self.denied = self.rng.u32(0..9);
                Intervention::Deny
            }
            _ => Intervention::Pass,
        }
    }

    fn by_share(&mut self) -> Option<Kind> {
        let mut dice = self.rng.u32(..1000);
        let shares = [
            (Kind::Throttled, THROTTLED),
            (Kind::ServerError, SERVER_ERRORS),
            (Kind::LostResponse, LOST_RESPONSES),
            (Kind::Slow, SLOW),
            (Kind::Denied, DENIALS_BEGIN),
        ];
        for (kind, share) in shares {
            if dice < share {
                return Some(kind);
            }
            dice -= share;
        }
        None
    }
}

fn kind_of(intervention: Intervention) -> Option<Kind> {
    match intervention {
        Intervention::Pass => None,
        Intervention::Slow(_) => Some(Kind::Slow),
        Intervention::DropResponse => Some(Kind::LostResponse),
        Intervention::Throttle => Some(Kind::Throttled),
        Intervention::ServerError => Some(Kind::ServerError),
        Intervention::Deny => Some(Kind::Denied),
    }
}

/// The records of one stream.
struct Lane<T> {
    rng: Rng,
    /// The number of records seen so far.
    seen: usize,
    /// The number of the latest record that was passed on.
    latest: Option<usize>,
    /// The numbers of the first record to be duplicated, and of the first to be delayed.
    guaranteed: [usize; 2],
    /// Records by the value of `seen` at which they are due, and their own numbers.
    held_back: BTreeMap<(usize, usize), (T, Kind)>,
}

/// A record to pass on now, if any, and the fault that was injected with it.
struct Passed<T> {
    record: Option<T>,
    kind: Option<Kind>,
}

impl<T: Clone> Lane<T> {
    fn new(mut rng: Rng) -> Self {
        let mut numbers: Vec<_> = (0..FIRST_RECORDS).collect();
        rng.shuffle(&mut numbers);
        let guaranteed = [numbers[0], numbers[1]];
        Self { rng, seen: 0, latest: None, guaranteed, held_back: BTreeMap::new() }
    }

    /// Removes a record that has been held back long enough.
    fn due(&mut self) -> Option<Passed<T>> {
        let ((due, number), (_, kind)) = self.held_back.first_key_value()?;
        let is_due = *due <= self.seen && (*kind == Kind::Duplicated || self.is_overtaken(*number));
        if is_due { self.first() } else { None }
    }

    /// Removes the held-back record that is due first.
    fn first(&mut self) -> Option<Passed<T>> {
        let ((_, number), (record, kind)) = self.held_back.pop_first()?;
        // A delayed record that nothing overtook is still in order.
        let is_fault = kind != Kind::Delayed || self.is_overtaken(number);
        Some(Passed { record: Some(record), kind: is_fault.then_some(kind) })
    }

    fn is_overtaken(&self, number: usize) -> bool {
        self.latest.is_some_and(|latest| latest > number)
    }

    fn take(&mut self, record: T) -> Passed<T> {
        let number = self.seen;
        self.seen += 1;
        let due = self.seen + self.rng.usize(1..=LONGEST_DELAY);
        let dice = self.rng.u32(..100);
        let [duplicated, delayed] = self.guaranteed;
        if number == delayed || (number != duplicated && dice < DELAYED) {
            self.held_back.insert((due, number), (record, Kind::Delayed));
            return Passed { record: None, kind: None };
        }
        if number == duplicated || (DELAYED..DELAYED + DUPLICATED).contains(&dice) {
            self.held_back.insert((due, number), (record.clone(), Kind::Duplicated));
        }
        self.latest = Some(number);
        Passed { record: Some(record), kind: None }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
