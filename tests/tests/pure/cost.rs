//! The cost model's volumes agree with the generated center and the planner.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use agent_ledger::plan::plan;
use agent_ledger::rules::Rules;
use agent_ledger::{HistoryEntry, Register, Retention};
use clap::Parser;
use connect_streams::StreamKind;
use connect_streams::agent_event::{AgentEvent, EventType};
use connect_streams::parse;
use contact_ledger::commands::cost::volume::{Center as Volumes, Volume};
use contact_ledger::commands::cost::{CostArguments, cost, history_bytes, shards, volume_of, write_units};
use synthetic_center::{Center, CenterSize, DEMO_CENTER};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: CostArguments,
}

fn arguments(line: &str) -> CostArguments {
    Line::parse_from(format!("cost {line}").split_whitespace()).arguments
}

/// The counted volumes of a generated center's day.
#[derive(Default)]
struct Counted {
    contact_records: f64,
    contact_events: f64,
    agent_events: f64,
    heartbeats: f64,
    state_writes: f64,
    /// History entries, for each of `KEPT_EVENTS`.
    history_entries: [f64; KEPT_EVENTS.len()],
    history_bytes: [f64; KEPT_EVENTS.len()],
    agent_event_bytes: f64,
    /// Writes of the state that remain after merging within each of `WINDOWS`.
    merged_writes: [f64; WINDOWS.len()],
}

/// The values of `HistoryEvents`, and of `HistoryHeartbeats`.
const KEPT_EVENTS: [(&str, bool); 4] = [("all", false), ("all", true), ("sessions", false), ("none", false)];

/// Batching windows, in seconds.
const WINDOWS: [i64; 3] = [1, 10, 30];

fn count(agents: usize, contacts_per_hour: u32) -> Counted {
    let mut counted = Counted::default();
    let mut open: [_; WINDOWS.len()] = std::array::from_fn(|_| (0, BTreeSet::new()));
    let rules = Rules::default();
    for sent in Center::new(CenterSize { agents, hours: 8, contacts_per_hour, seed: 7, ..DEMO_CENTER }) {
        match sent.stream {
            StreamKind::ContactRecords => counted.contact_records += 1.0,
            StreamKind::ContactEvents => counted.contact_events += 1.0,
            StreamKind::AgentEvents => {}
        }
        if sent.stream != StreamKind::AgentEvents {
            continue;
        }
        let document = parse(&sent.record).unwrap();
        let event = AgentEvent::from_object(document.as_object().unwrap()).unwrap();
        let plan = plan(&event, &rules).unwrap();
        counted.agent_events += 1.0;
        counted.heartbeats += f64::from(u8::from(event.event_type == EventType::HeartBeat));
        counted.agent_event_bytes += f64::from(u32::try_from(sent.record.len()).unwrap());
        counted.state_writes += f64::from(u32::try_from(plan.registers.len()).unwrap());
        for ((seconds, (number, written)), merged) in
            WINDOWS.iter().zip(&mut open).zip(&mut counted.merged_writes)
        {
            if sent.at / (seconds * 1000) != *number {
                (*number, *written) = (sent.at / (seconds * 1000), BTreeSet::new());
            }
            for write in &plan.registers {
                let is_first =
                    written.insert((event.agent_id.to_owned(), write.register == Register::Snapshot));
                *merged += f64::from(u8::from(is_first));
            }
        }
        let sums = counted.history_entries.iter_mut().zip(&mut counted.history_bytes);
        for ((events, heartbeats), (entries, bytes)) in KEPT_EVENTS.iter().zip(sums) {
            let retention = Retention {
                events: events.parse().unwrap(),
                heartbeats: *heartbeats,
                ..Retention::default()
            };
            let plan = self::plan(&event, &Rules { retention, ..Rules::default() }).unwrap();
            for entry in plan.event.iter().chain(&plan.intervals) {
                *entries += 1.0;
                *bytes += f64::from(u32::try_from(stored_bytes(entry)).unwrap());
            }
        }
    }
    counted
}

/// What DynamoDB stores for an entry: names and values, and an overhead for each item.
/// Source: [DynamoDB Standard table class pricing](https://aws.amazon.com/dynamodb/pricing/on-demand/), data storage.
fn stored_bytes(entry: &HistoryEntry) -> usize {
    const OVERHEAD: usize = 100;
    let keys = "agent_id".len() + entry.agent_id.len() + "entry".len() + entry.entry.len();
    OVERHEAD + keys + tables::bytes(&entry.attributes)
}

fn assert_near(name: &str, model: f64, counted: f64) {
    let off = (model / counted - 1.0).abs();
    assert!(off < 0.08, "{name}: the model has {model:.0}, counted {counted:.0}");
}

#[test]
fn the_models_volumes_agree_with_the_generated_center() {
    for (agents, contacts_per_hour) in [(30, 60), (100, 100), (100, 600), (400, 2400)] {
        let counted = count(agents, contacts_per_hour);
        let center = Volumes {
            agents: f64::from(u32::try_from(agents).unwrap()),
            contacts_per_day: counted.contact_records,
            hours: 8.0,
        };
        let model = Volume::of_a_day(&center);
        let of = |name: &str| format!("{agents} agents, {contacts_per_hour} contacts per hour: {name}");
        assert_near(&of("agent events"), model.agent_events, counted.agent_events);
        assert_near(&of("heartbeats"), model.heartbeats, counted.heartbeats);
        assert_near(&of("writes of the state"), model.state_writes, counted.state_writes);
        let counts = counted.history_entries.into_iter().zip(counted.history_bytes);
        for ((events, heartbeats), (entries, bytes)) in KEPT_EVENTS.iter().zip(counts) {
            let heartbeats = if *heartbeats { "--history-heartbeats" } else { "" };
            let arguments =
                arguments(&format!("--agents 1 --contacts-per-day 1 --history-events {events} {heartbeats}"));
            let (_, modeled) = write_units(&arguments, &model);
            assert_near(&of(&format!("history entries, {events} {heartbeats}")), modeled, entries);
            let modeled = history_bytes(&arguments, &model);
            assert_near(&of(&format!("bytes of the history, {events} {heartbeats}")), modeled, bytes);
        }
        let per_contact = counted.contact_events / counted.contact_records;
        assert!((4.0..8.0).contains(&per_contact), "{per_contact} contact events per contact");
        // Heartbeats are shorter, and quiet centers have more of them.
        let bytes = f64::from(arguments("--agents 1 --contacts-per-day 1").agent_event_bytes);
        let counted_bytes = counted.agent_event_bytes / counted.agent_events;
        assert!((0.85..1.15).contains(&(bytes / counted_bytes)), "{counted_bytes} bytes per event");
    }
}

#[test]
fn a_longer_window_merges_as_many_writes_as_the_model_says() {
    let counted = count(200, 1200);
    for (window, merged_writes) in WINDOWS.iter().zip(counted.merged_writes) {
        let contacts = counted.contact_records;
        let arguments = arguments(&format!(
            "--agents 200 --contacts-per-day {contacts} --days 1 --batching-window-seconds {window}"
        ));
        let (state, _) = write_units(&arguments, &volume_of(&arguments));
        assert_near(&format!("writes of the state, window of {window} s"), state, merged_writes);
    }
}

#[test]
fn the_bill_lists_every_service_and_the_saving_of_another_setting() {
    let bill = cost(&arguments("--agents 2000 --contacts-per-day 100000")).unwrap();
    for service in ["Kinesis", "Firehose", "Lambda", "DynamoDB", "S3", "CloudWatch", "KMS", "total"] {
        assert!(bill.lines().any(|line| line.starts_with(service)), "{service} is missing:\n{bill}");
    }
    let dollars = |bill: &str, name: &str| -> f64 {
        let line = bill.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let services = ["Kinesis", "Firehose", "Lambda", "DynamoDB", "S3", "CloudWatch", "KMS"];
    let sum: f64 = services.iter().map(|service| dollars(&bill, service)).sum();
    assert!((sum - dollars(&bill, "total")).abs() < 0.1, "{bill}");
    // The saving shown for a setting agrees with the bill for that setting.
    let saving: f64 = bill
        .lines()
        .find(|line| line.ends_with("AgentEventArchive=false"))
        .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
        .unwrap();
    let other = cost(&arguments("--agents 2000 --contacts-per-day 100000 --no-archive")).unwrap();
    assert!((dollars(&other, "total") - dollars(&bill, "total") - saving).abs() < 0.02, "{bill}{other}");
}

/// Contact events are off by default, as in the template.
#[test]
fn contact_events_add_their_queue_and_their_writes() {
    let center = "--agents 2000 --contacts-per-day 100000";
    let without = cost(&arguments(center)).unwrap();
    assert!(!without.contains("SQS") && !without.contains("contact events, "), "{without}");
    let bill = |more: &str| cost(&arguments(&format!("{center} {more}"))).unwrap();
    let dollars = |bill: &str, name: &str| -> f64 {
        let line = bill.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let (four, eight) = (bill("--contact-events 4"), bill("--contact-events 8"));
    for service in ["DynamoDB", "Firehose", "Lambda", "S3", "CloudWatch", "total"] {
        assert!(dollars(&four, service) > dollars(&without, service), "{service}: {four}");
        assert!(dollars(&eight, service) >= dollars(&four, service), "{service}: {eight}");
    }
    // 12 million events: a request to send each one, and 0.2 to receive and delete it in batches of ten, at least.
    let queue = dollars(&four, "SQS");
    assert!((12.0 * 1.2 * 0.40..12.0 * 3.0 * 0.40 + 0.30).contains(&queue), "{four}");
    let saving = |bill: &str, setting: &str| -> f64 {
        let line = bill.lines().find(|line| line.contains(setting)).unwrap().to_owned();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    let added = dollars(&eight, "total") - dollars(&without, "total");
    assert!((saving(&without, "ContactEvents=true, 8 events") - added).abs() < 0.05, "{without}");
    assert!((saving(&eight, "ContactEvents=false") + added).abs() < 0.05, "{eight}");
}

#[test]
fn more_agents_need_more_shards() {
    let shards_of =
        |agents: u32| shards(&arguments(&format!("--agents {agents} --contacts-per-day {}", agents * 50)));
    assert_eq!(shards_of(100), 1);
    assert!(shards_of(10_000) > 1 && shards_of(1_000_000) > 50 * shards_of(10_000) / 2);
}
