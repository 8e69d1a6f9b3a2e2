//! Fault injection, by seed: what a stream, a service and a sandbox do to a pipeline now and then. Everything here is
//! something that AWS documents as possible.
//!
//! Each kind of fault comes to each part at least once, if the run is long enough to have the requests for it: the first
//! ones are owed, in an order and at moments that the seed decides, and later ones come by their shares.

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
    /// Requests of agent-event-upserter.
    DynamoDb,
    /// Requests of agent-event-upserter and deliveries of Firehose.
    S3,
    /// Firehose's deliveries, each of which is also a request to S3.
    FirehoseDelivery,
    /// contact-record-normalizer.
    Normalizer,
    /// agent-event-upserter.
    Upserter,
}

/// What is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A record comes twice.
    Duplicated,
    /// A record comes after later ones of its stream.
    Delayed,
    /// A request is refused: too many.
    Throttled,
    /// A request is refused: the service has a problem.
    ServerError,
    /// A request is served, and its response lost.
    LostResponse,
    /// A request is served late.
    Slow,
    /// A request is refused: no permission.
    Denied,
    /// A delivery failed, and is tried again.
    Retried,
    /// A process is killed in an invocation.
    Crashed,
}

/// Every kind that comes to a service.
const OF_SERVICE: [Kind; 5] =
    [Kind::Throttled, Kind::ServerError, Kind::LostResponse, Kind::Denied, Kind::Slow];

impl Part {
    const ALL: [Self; 7] = [
        Self::ContactRecords,
        Self::AgentEvents,
        Self::DynamoDb,
        Self::S3,
        Self::FirehoseDelivery,
        Self::Normalizer,
        Self::Upserter,
    ];

    fn kinds(self) -> &'static [Kind] {
        match self {
            Self::ContactRecords | Self::AgentEvents => &[Kind::Duplicated, Kind::Delayed],
            Self::DynamoDb | Self::S3 => &OF_SERVICE,
            Self::FirehoseDelivery => &[Kind::Retried],
            Self::Normalizer | Self::Upserter => &[Kind::Crashed],
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

/// How many faults of each kind were injected, by part.
pub type Injected = BTreeMap<Part, BTreeMap<Kind, u64>>;

/// Faults of one run; the same seed gives the same decisions in the same order. Clones count together.
#[derive(Debug, Clone)]
pub struct Faults {
    seed: u64,
    injected: Arc<Mutex<Injected>>,
}

/// Of a thousand requests to a service.
const THROTTLED: u32 = 15;
const SERVER_ERRORS: u32 = 15;
const LOST_RESPONSES: u32 = 15;
const SLOW: u32 = 20;
/// Of a thousand requests, how many begin a time when all are denied.
const DENIALS_BEGIN: u32 = 4;
/// Of a hundred invocations.
const CRASHES: u32 = 4;
/// Firehose gives up after four failed invocations in a row: that is a fault in itself, and none of these.
const CRASHES_IN_A_ROW: u32 = 2;
/// Of a hundred records on a stream.
const DUPLICATED: u32 = 3;
const DELAYED: u32 = 5;
/// How many records of its stream later a delayed one comes, at most.
const LONGEST_DELAY: usize = 2000;
/// The first duplicate and the first delay are among as many records.
const OWED_RECORDS: usize = 8;
/// How many requests pass between faults that are owed, at most.
const OWED_GAP: u32 = 2;

impl Faults {
    /// The faults of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let none = |part: Part| (part, part.kinds().iter().map(|kind| (*kind, 0)).collect());
        Self { seed, injected: Arc::new(Mutex::new(Part::ALL.into_iter().map(none).collect())) }
    }

    /// How many were injected so far; every kind of every part is there.
    #[must_use]
    pub fn injected(&self) -> Injected {
        lock(&self.injected).clone()
    }

    fn count(&self, part: Part, kind: Kind) {
        *lock(&self.injected).entry(part).or_default().entry(kind).or_default() += 1;
    }

    /// What becomes of requests to a service.
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

    /// What becomes of Firehose's deliveries, which are requests to this S3: the first one fails.
    #[must_use]
    pub fn of_delivery(&self, s3: Interference) -> Interference {
        let mut rng = self.rng(Part::FirehoseDelivery);
        let failures = [
            Intervention::Throttle,
            Intervention::ServerError,
            Intervention::DropResponse,
            Intervention::Deny,
        ];
        let owed = Mutex::new(rng.choice(failures));
        let faults = self.clone();
        Arc::new(move |number| {
            let owed = lock(&owed).take();
            if let Some(kind) = owed.and_then(kind_of) {
                faults.count(Part::S3, kind);
            }
            let intervention = owed.unwrap_or_else(|| s3(number));
            if !matches!(intervention, Intervention::Pass | Intervention::Slow(_)) {
                faults.count(Part::FirehoseDelivery, Kind::Retried);
            }
            intervention
        })
    }

    /// When the process of an invocation is killed; the first one's is.
    #[must_use]
    pub fn of_function(&self, part: Part) -> Crashes {
        struct Crashing {
            rng: Rng,
            is_owed: bool,
            in_a_row: u32,
        }
        let crashing = Mutex::new(Crashing { rng: self.rng(part), is_owed: true, in_a_row: 0 });
        let faults = self.clone();
        Arc::new(move || {
            let mut crashing = lock(&crashing);
            let is_due = crashing.rng.u32(..100) < CRASHES && crashing.in_a_row < CRASHES_IN_A_ROW;
            if !std::mem::take(&mut crashing.is_owed) && !is_due {
                crashing.in_a_row = 0;
                return None;
            }
            crashing.in_a_row += 1;
            faults.count(part, Kind::Crashed);
            Some(Duration::from_micros(crashing.rng.u64(..30_000)))
        })
    }

    /// Records of several streams, with some of each twice and some late.
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
                let late = due.or_else(|| {
                    // Whoever waits comes when nothing else does.
                    let next = records.next();
                    let Some(record) = next else {
                        return lanes.iter_mut().find_map(|(part, lane)| Some((*part, lane.first()?)));
                    };
                    let part = part_of(&record);
                    let lane = lanes.entry(part).or_insert_with(|| Lane::new(self.rng(part)));
                    Some((part, lane.take(record)))
                })?;
                let (part, Passed { record, kind }) = late;
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

/// What becomes of one service's requests.
struct Plan {
    rng: Rng,
    owed: VecDeque<Kind>,
    /// Requests that pass before the next one that is owed.
    gap: u32,
    /// Requests that are still denied.
    denied: u32,
    longest_gap: u32,
}

impl Plan {
    fn new(mut rng: Rng, part: Part) -> Self {
        let mut owed = OF_SERVICE;
        // A run may have one request to S3: it fails in every way before it is served, slowly.
        let (last, longest_gap) = if part == Part::S3 { (4, 0) } else { (5, OWED_GAP) };
        rng.shuffle(&mut owed[..last]);
        let gap = rng.u32(0..=longest_gap);
        Self { rng, owed: owed.into(), gap, denied: 0, longest_gap }
    }

    fn next(&mut self) -> Intervention {
        if self.denied > 0 {
            self.denied -= 1;
            return Intervention::Deny;
        }
        let kind = match self.owed.front() {
            None => self.by_share(),
            Some(_) if self.gap > 0 => {
                self.gap -= 1;
                None
            }
            Some(_) => {
                self.gap = self.rng.u32(0..=self.longest_gap);
                self.owed.pop_front()
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

/// One stream's records.
struct Lane<T> {
    rng: Rng,
    /// How many came so far.
    seen: usize,
    /// The latest that was handed on.
    latest: Option<usize>,
    /// Which one is the first to come twice, and which to come late.
    owed: [usize; 2],
    /// By how many must have come before them, and their own numbers.
    held_back: BTreeMap<(usize, usize), (T, Kind)>,
}

/// A record that comes now, if any does, and the fault that was injected with it.
struct Passed<T> {
    record: Option<T>,
    kind: Option<Kind>,
}

impl<T: Clone> Lane<T> {
    fn new(mut rng: Rng) -> Self {
        let mut places: Vec<_> = (0..OWED_RECORDS).collect();
        rng.shuffle(&mut places);
        Self { rng, seen: 0, latest: None, owed: [places[0], places[1]], held_back: BTreeMap::new() }
    }

    /// A record that was held back long enough.
    fn due(&mut self) -> Option<Passed<T>> {
        let ((due, number), (_, kind)) = self.held_back.first_key_value()?;
        let is_due = *due <= self.seen && (*kind == Kind::Duplicated || self.is_overtaken(*number));
        if is_due { self.first() } else { None }
    }

    /// The record that was held back and is due first.
    fn first(&mut self) -> Option<Passed<T>> {
        let ((_, number), (record, kind)) = self.held_back.pop_first()?;
        // What nothing overtook came in its order.
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
        let [twice, late] = self.owed;
        if number == late || (number != twice && dice < DELAYED) {
            self.held_back.insert((due, number), (record, Kind::Delayed));
            return Passed { record: None, kind: None };
        }
        if number == twice || (DELAYED..DELAYED + DUPLICATED).contains(&dice) {
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
