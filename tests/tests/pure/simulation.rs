//! The deterministic simulation: every invariant must hold for every seed.
//!
//! `SIMULATE_SEEDS=1000..2000 cargo test -p ledger-tests --test pure simulation::` runs those seeds.
//! `make simulate SEEDS=n` runs n seeds.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::iter::Sum;
use std::ops::Range;

use fastrand::Rng;
use ledger_tests::agent_days::{World, contradictory};
use ledger_tests::queue_simulation;
use ledger_tests::simulation::exhaustive::{Case, Explored, explore};
use ledger_tests::simulation::{Outcome, Scenario, simulate};

/// Seeds that `make test` runs.
const SEEDS: Range<u64> = 0..150;

fn seeds() -> Range<u64> {
    let Ok(range) = std::env::var("SIMULATE_SEEDS") else { return SEEDS };
    let (first, end) = range.split_once("..").expect("SIMULATE_SEEDS is a range such as 0..1000");
    first.parse().unwrap()..end.parse().unwrap()
}

/// Applies `work` to all items on all cores, and sums the results.
fn on_every_core<T: Sync, S: Sum + Send>(all: &[T], work: impl Fn(&T) -> S + Sync) -> S {
    let threads = std::thread::available_parallelism().unwrap().get();
    let (all, work) = (&all, &work);
    std::thread::scope(|scope| {
        let start =
            |thread| scope.spawn(move || all.iter().skip(thread).step_by(threads).map(work).sum::<S>());
        let started: Vec<_> = (0..threads).map(start).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

#[test]
fn every_invariant_holds_for_every_seed() {
    let outcome = |seed: &u64| {
        simulate(&Scenario::of(*seed)).unwrap_or_else(|violation| panic!("seed {seed}: {violation}"))
    };
    let total: Outcome = on_every_core(&seeds().collect::<Vec<_>>(), outcome);
    println!(
        "{} seeds: {} records, {} invocations, {} crashes, {} faults, {} late writes, {} discarded records redriven, {} rejected records redriven",
        seeds().count(),
        total.records,
        total.invocations,
        total.crashes,
        total.faults,
        total.late_writes,
        total.discarded,
        total.redriven
    );
    // Without faults, nothing was tested.
    assert!(
        total.crashes > 0
            && total.faults > 0
            && total.late_writes > 0
            && total.discarded > 0
            && total.redriven > 0,
        "{total:?}"
    );
}

/// The same for contact events and their queue.
#[test]
fn every_invariant_holds_for_every_seed_of_contact_events() {
    let outcome = |seed: &u64| {
        let scenario = queue_simulation::Scenario::of(*seed);
        queue_simulation::simulate(&scenario).unwrap_or_else(|violation| panic!("{scenario:?}: {violation}"))
    };
    let total: queue_simulation::Outcome = on_every_core(&seeds().collect::<Vec<_>>(), outcome);
    println!("{} seeds of contact events: {total:?}", seeds().count());
    let counts =
        [total.lost, total.crashes, total.faults, total.late_writes, total.early, total.dead_letters];
    assert!(counts.iter().all(|count| *count > 0), "{total:?}");
}

#[test]
fn a_seed_gives_the_same_outcome_every_time() {
    for seed in 0..40 {
        let scenario = queue_simulation::Scenario::of(seed);
        let outcome = || queue_simulation::simulate(&scenario).unwrap();
        assert_eq!(outcome(), outcome(), "seed {seed} of contact events");
        let scenario = Scenario::of(seed);
        assert_eq!(simulate(&scenario).unwrap(), simulate(&scenario).unwrap(), "seed {seed}");
    }
}

/// Overlapping invocations for one agent with `events` events. Two invocations have the same batch, all but the last
/// and all but the first event, or one half each. Three invocations have overlapping batches and one write in flight
/// each.
fn small_cases(events: usize, seed: u64) -> Vec<Case> {
    let mut rng = Rng::with_seed(seed);
    let lived = World::of(1, events, &mut rng).events;
    let contradictory: Vec<_> = (0..events).map(|number| contradictory(number, &mut rng)).collect();
    let all = || (0..events).collect::<Vec<_>>();
    let two = [
        vec![all(), all()],
        vec![all()[..events - 1].to_vec(), all()[1..].to_vec()],
        vec![all()[..events / 2].to_vec(), all()[events / 2..].to_vec()],
    ];
    let three = vec![
        all()[..events.div_ceil(2)].to_vec(),
        all()[events / 3..].to_vec(),
        all()[events / 2..].to_vec(),
    ];
    let mut cases = Vec::new();
    for agent in [lived, contradictory] {
        let events: Vec<_> = agent.into_iter().map(|event| event.record).collect();
        let mut add = |batches, write_concurrency| {
            cases.push(Case { events: events.clone(), batches, write_concurrency });
        };
        for batches in &two {
            add(batches.clone(), 8);
        }
        add(three.clone(), 1);
    }
    // With two events, two of the cases are equal.
    cases.dedup_by(|one, other| one.batches == other.batches && one.events == other.events);
    cases
}

/// `SMALL_CASES=4` explores all cases with four events, which takes minutes. `make test` explores the smallest.
#[test]
fn every_invariant_holds_for_every_order_of_overlapping_invocations() {
    let events = std::env::var("SMALL_CASES").ok();
    let size = events.as_deref().map_or(2, |events| events.parse().unwrap());
    let cases = (0..2).flat_map(|seed| small_cases(size, seed));
    let cases: Vec<_> = cases.filter(|case| events.is_some() || case.batches == [[0], [1]]).collect();
    let try_case = |case: &Case| {
        let explored = explore(case).unwrap_or_else(|violation| panic!("{violation}"));
        println!("{:?}, {} concurrent writes: {explored}", case.batches, case.write_concurrency);
        explored
    };
    let total: Explored = on_every_core(&cases, try_case);
    println!("overlapping invocations: {total}");
    assert!(total.states > 1000, "{total}");
}
