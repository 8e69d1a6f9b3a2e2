use super::*;

const SEEDS: std::ops::Range<u64> = 0..20;

/// Every tenth record is a contact record.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "`of_streams` passes a reference")]
fn part_of(record: &usize) -> Part {
    if record.is_multiple_of(10) { Part::ContactRecords } else { Part::AgentEvents }
}

#[test]
fn every_record_arrives_some_are_duplicated_and_some_are_delayed() {
    for seed in SEEDS {
        for records in [200, 5000] {
            let faults = Faults::new(seed);
            let arrived: Vec<usize> = faults.clone().of_streams(0..records, part_of).collect();
            let mut sorted = arrived.clone();
            sorted.sort_unstable();
            let duplicates = (sorted.len() - records) as u64;
            sorted.dedup();
            assert_eq!(sorted, (0..records).collect::<Vec<_>>());
            let mut counted = 0;
            for part in [Part::ContactRecords, Part::AgentEvents] {
                let of_part = arrived.iter().filter(|record| part_of(record) == part);
                assert!(!of_part.is_sorted(), "no delayed record in {part} with seed {seed}");
                let injected = &faults.injected()[&part];
                assert!(injected.values().all(|count| *count > 0), "seed {seed}, {part}: {injected:?}");
                counted += injected[&Kind::Duplicated];
            }
            assert_eq!(counted, duplicates);
            assert!(duplicates < records as u64 / 10, "{duplicates} duplicates");
            let again: Vec<usize> = Faults::new(seed).of_streams(0..records, part_of).collect();
            assert_eq!(arrived, again);
        }
    }
}

/// The interventions that a client meets if it retries until this number of requests is served.
fn ask(service: &Interference, served: usize) -> Vec<Intervention> {
    let mut met = Vec::new();
    let is_served = |met: &&Intervention| matches!(met, Intervention::Pass | Intervention::Slow(_));
    while met.iter().filter(is_served).count() < served {
        met.push(service(met.len() as u64 + 1));
    }
    met
}

#[test]
fn every_service_meets_every_kind_of_fault_even_with_few_requests() {
    let mut orders = std::collections::HashSet::new();
    for seed in SEEDS {
        for (part, served) in [(Part::DynamoDb, 20), (Part::S3, 1)] {
            let faults = Faults::new(seed);
            let met = ask(&faults.of_service(part), served);
            let injected = &faults.injected()[&part];
            assert!(OF_SERVICE.iter().all(|kind| injected[kind] > 0), "seed {seed}: {injected:?}");
            let counted: u64 = injected.values().sum();
            let passed = met.iter().filter(|met| **met == Intervention::Pass).count();
            assert_eq!(counted, (met.len() - passed) as u64);
            orders.insert(format!("{:?}", met.iter().map(|met| kind_of(*met)).collect::<Vec<_>>()));
        }
    }
    assert!(orders.len() > 20, "the seed should decide the order: {}", orders.len());
}

#[test]
fn later_faults_are_drawn_by_their_shares() {
    let service = Faults::new(1).of_service(Part::DynamoDb);
    let met: Vec<_> = (0..5000).map(|request| service(request)).collect();
    assert!(met.iter().filter(|met| **met == Intervention::Pass).count() > 4000);
    assert!(met[1000..].iter().filter(|met| **met == Intervention::Throttle).count() > 20);
}

#[test]
fn every_function_crashes_at_its_first_invocation_and_sometimes_later() {
    for seed in SEEDS {
        let faults = Faults::new(seed);
        for part in [Part::Normalizer, Part::Upserter] {
            let crashes = faults.of_function(part);
            let crashed: Vec<_> = (0..1000).map(|_| crashes().is_some()).collect();
            let count = crashed.iter().filter(|crashed| **crashed).count();
            assert!(crashed[0] && (10..100).contains(&count), "seed {seed}: {count}");
            assert_eq!(faults.injected()[&part][&Kind::Crashed], count as u64);
            assert!(!crashed.windows(3).any(|three| three == [true; 3]));
        }
    }
}

#[test]
fn a_single_delivery_fails_and_meets_every_fault_of_s3() {
    for seed in SEEDS {
        let faults = Faults::new(seed);
        ask(&faults.of_delivery(faults.of_service(Part::S3)), 1);
        let injected = faults.injected();
        assert!(injected[&Part::FirehoseDelivery][&Kind::Retried] >= 5);
        assert!(injected[&Part::S3].values().all(|count| *count > 0), "seed {seed}: {injected:?}");
    }
}
