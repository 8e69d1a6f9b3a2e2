//! The deterministic simulation: every seed must keep every promise.
//!
//! `SIMULATE_SEEDS=1000..2000 cargo test -p ledger-tests --test simulation` tries those; `make simulate SEEDS=n` tries n.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::Range;

use ledger_tests::simulation::{Outcome, Scenario, simulate};

/// Seeds that are tried with every change.
const SEEDS: Range<u64> = 0..150;

fn seeds() -> Range<u64> {
    let Ok(range) = std::env::var("SIMULATE_SEEDS") else { return SEEDS };
    let (first, end) = range.split_once("..").expect("SIMULATE_SEEDS is a range such as 0..1000");
    first.parse().unwrap()..end.parse().unwrap()
}

#[test]
fn every_seed_keeps_every_promise() {
    let mut total = Outcome::default();
    for seed in seeds() {
        match simulate(&Scenario::of(seed)) {
            Ok(outcome) => {
                total.records += outcome.records;
                total.invocations += outcome.invocations;
                total.crashes += outcome.crashes;
                total.faults += outcome.faults;
                total.late_writes += outcome.late_writes;
                total.given_up += outcome.given_up;
                total.redriven += outcome.redriven;
            }
            Err(violation) => panic!("seed {seed}: {violation}"),
        }
    }
    println!(
        "{} seeds: {} records, {} invocations, {} crashes, {} faults, {} late writes, {} records given up and sent again, {} set aside and sent again",
        seeds().count(),
        total.records,
        total.invocations,
        total.crashes,
        total.faults,
        total.late_writes,
        total.given_up,
        total.redriven
    );
    // The weather must have been bad, or nothing was tried.
    assert!(
        total.crashes > 0
            && total.faults > 0
            && total.late_writes > 0
            && total.given_up > 0
            && total.redriven > 0,
        "{total:?}"
    );
}

#[test]
fn a_seed_is_the_same_every_time() {
    for seed in 0..40 {
        let scenario = Scenario::of(seed);
        assert_eq!(simulate(&scenario).unwrap(), simulate(&scenario).unwrap(), "seed {seed}");
    }
}
