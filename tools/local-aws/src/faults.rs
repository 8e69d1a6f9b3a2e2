//! Bad weather, by seed: what a stream, a service and a sandbox do to a pipeline now and then. Everything here is
//! something that AWS documents as possible.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;

use crate::function::Crashes;
use crate::gateway::{Interference, Intervention};

/// A kind of weather; the same seed gives the same decisions in the same order.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    seed: u64,
}

/// Of a thousand requests to a service.
const THROTTLED: u32 = 15;
const SERVER_ERRORS: u32 = 15;
const DROPPED_RESPONSES: u32 = 15;
const SLOW: u32 = 20;
/// Of a thousand requests, so many begin a time when all are denied.
const DENIALS_BEGIN: u32 = 4;
/// Of a hundred invocations.
const CRASHES: u32 = 4;
/// Of a hundred records on a stream.
const DUPLICATED: u32 = 3;
const DELAYED: u32 = 5;
/// How many records later a delayed one comes, at most.
const LONGEST_DELAY: usize = 2000;

impl Faults {
    /// The weather of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// What becomes of requests to a service: the number tells services apart.
    #[must_use]
    pub fn of_service(self, number: u64) -> Interference {
        struct Sky {
            rng: Rng,
            denied: u32,
        }
        let sky = Mutex::new(Sky { rng: self.rng(number), denied: 0 });
        Arc::new(move |_| {
            let mut sky = sky.lock().unwrap_or_else(PoisonError::into_inner);
            if sky.denied > 0 {
                sky.denied -= 1;
                return Intervention::Deny;
            }
            let mut dice = sky.rng.u32(..1000);
            let mut is = |share: u32| {
                let hit = dice < share;
                dice = dice.wrapping_sub(share);
                hit
            };
            if is(THROTTLED) {
                Intervention::Throttle
            } else if is(SERVER_ERRORS) {
                Intervention::ServerError
            } else if is(DROPPED_RESPONSES) {
                Intervention::DropResponse
            } else if is(SLOW) {
                Intervention::Slow(Duration::from_millis(sky.rng.u64(1..30)))
            } else if is(DENIALS_BEGIN) {
                sky.denied = sky.rng.u32(1..10);
                Intervention::Deny
            } else {
                Intervention::Pass
            }
        })
    }

    /// When the process of an invocation is killed.
    #[must_use]
    pub fn of_function(self, number: u64) -> Crashes {
        let rng = Mutex::new(self.rng(number));
        Arc::new(move || {
            let mut rng = rng.lock().unwrap_or_else(PoisonError::into_inner);
            (rng.u32(..100) < CRASHES).then(|| Duration::from_micros(rng.u64(..30_000)))
        })
    }

    /// A stream's records with some twice and some late.
    pub fn of_stream<T: Clone>(
        self,
        number: u64,
        records: impl Iterator<Item = T>,
    ) -> impl Iterator<Item = T> {
        let mut rng = self.rng(number);
        let mut records = records.enumerate();
        // By the place after which they come, and the order in which they were held back.
        let mut held_back: BTreeMap<(usize, usize), T> = BTreeMap::new();
        let mut place = 0;
        std::iter::from_fn(move || {
            loop {
                if held_back.first_key_value().is_some_and(|((due, _), _)| *due <= place) {
                    return held_back.pop_first().map(|(_, record)| record);
                }
                let Some((number, record)) = records.next() else {
                    return held_back.pop_first().map(|(_, record)| record);
                };
                place = number;
                let due = number + rng.usize(1..=LONGEST_DELAY);
                let dice = rng.u32(..100);
                if dice < DELAYED {
                    held_back.insert((due, number), record);
                    continue;
                }
                if dice < DELAYED + DUPLICATED {
                    held_back.insert((due, number), record.clone());
                }
                return Some(record);
            }
        })
    }

    fn rng(self, number: u64) -> Rng {
        Rng::with_seed(self.seed.wrapping_mul(1000).wrapping_add(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disturbed_stream_has_every_record_some_twice_and_some_late() {
        for seed in 0..20 {
            let disturbed: Vec<usize> = Faults::new(seed).of_stream(0, 0..5000).collect();
            let mut sorted = disturbed.clone();
            sorted.sort_unstable();
            let duplicates = sorted.len() - 5000;
            sorted.dedup();
            assert_eq!(sorted, (0..5000).collect::<Vec<_>>());
            assert!((80..250).contains(&duplicates), "{duplicates} duplicates");
            assert!(!disturbed.is_sorted());
            let again: Vec<usize> = Faults::new(seed).of_stream(0, 0..5000).collect();
            assert_eq!(disturbed, again);
        }
    }

    #[test]
    fn every_kind_of_weather_comes() {
        let service = Faults::new(1).of_service(0);
        let met: Vec<_> = (0..5000).map(|request| service(request)).collect();
        for kind in [
            Intervention::Pass,
            Intervention::Throttle,
            Intervention::ServerError,
            Intervention::DropResponse,
            Intervention::Deny,
        ] {
            assert!(met.contains(&kind), "{kind:?}");
        }
        assert!(met.iter().any(|met| matches!(met, Intervention::Slow(_))));
        assert!(met.iter().filter(|met| **met == Intervention::Pass).count() > 4000);
        let crashes = Faults::new(1).of_function(0);
        assert!((10..100).contains(&(0..1000).filter(|_| crashes().is_some()).count()));
    }
}
