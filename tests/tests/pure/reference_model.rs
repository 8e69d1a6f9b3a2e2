//! The agent tables against an independent reference: random agents have random days, their events are delivered with
//! every kind of fault, and the tables must show what happened.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use agent_event_upserter::{Summary, Upserter};
use agent_ledger::Item;
use agent_ledger::agents::Session;
use agent_ledger::memory::{MemoryStore, Tables};
use agent_ledger::store::Store;
use agent_ledger::{AgentKey, Attribute, Register, history_key};
use aws_sdk_dynamodb::Client;
use connect_streams::Timestamp;
use fastrand::Rng;
use lambda_io::kinesis::BatchResponse;
use ledger_tests::agent_days::{Event, INSTANCE, REGION, World, contradictory, truth_in};
use ledger_tests::chaos::Chaos;
use ledger_tests::{MemoryRejectedStore, dynamodb, dynamodb_store, far_future, stream_event, upserter};
use serde_json::Value;
use tables_dynamodb::agents::Reader;

/// Number of worlds, unless `MODEL_WORLDS` is set.
const WORLDS: u64 = 200;
/// Only the first attempts at a record crash, so that every batch finishes.
const ATTEMPTS_WITH_CRASHES: usize = 6;

type Function<S> = Upserter<S, MemoryRejectedStore>;

/// The events that a lane delivers, in its order.
fn lane(world: &World, rng: &mut Rng) -> Vec<Event> {
    let mut events = world.events.clone();
    match rng.u8(..3) {
        // Each agent in order, agents interleaved.
        0 => events.sort_by(|one, other| one.timestamp.cmp(&other.timestamp)),
        // Events change places with others nearby.
        1 => {
            let mut keys: BTreeMap<(usize, usize), Event> = BTreeMap::new();
            for (place, event) in events.into_iter().enumerate() {
                keys.insert((place + rng.usize(..12), place), event);
            }
            events = keys.into_values().collect();
        }
        _ => rng.shuffle(&mut events),
    }
    for _ in 0..rng.usize(..=events.len() / 3) {
        let again = events[rng.usize(..events.len())].clone();
        events.insert(rng.usize(..=events.len()), again);
    }
    events
}

/// Polls a future until it is done, at most `polls` times. Then it is dropped, like an invocation that crashes or
/// times out.
async fn until_crash<F: Future>(future: F, mut polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if polls == 0 => Poll::Ready(None),
        Poll::Pending => {
            polls -= 1;
            Poll::Pending
        }
    })
    .await
}

/// The event source mapping's loop for one lane: batches in order, with retries from the reported record.
async fn deliver<S: Store>(function: &Function<Chaos<S>>, events: &[Event], seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let (mut start, mut attempts) = (0, 0);
    while start < events.len() {
        let end = (start + rng.usize(1..40)).min(events.len());
        let batch = &events[start..end];
        let event = stream_event(start, batch.iter().map(|event| event.record.as_slice()));
        let polls = match rng.u8(..5) {
            0 if attempts < ATTEMPTS_WITH_CRASHES => rng.usize(..30),
            _ => usize::MAX,
        };
        attempts += 1;
        let invocation = function.handle(&event, far_future());
        let Some(answered) = until_crash(invocation, polls).await else { continue };
        let (response, summary) = answered;
        check_counts(&summary, batch.len());
        let done = finished(&response, start, end);
        if done > start {
            attempts = 0;
        }
        assert!(attempts < 100, "record {start} is never done");
        start = done;
    }
}

/// The number of the first unfinished record.
fn finished(response: &BatchResponse, start: usize, end: usize) -> usize {
    let answer = serde_json::to_value(response).unwrap();
    let Some(failure) = answer["batchItemFailures"].get(0) else { return end };
    let reported = failure["itemIdentifier"].as_str().unwrap().parse().unwrap();
    assert!((start..end).contains(&reported), "{reported} is not in the batch {start}..{end}");
    reported
}

fn check_counts(summary: &Summary, records: usize) {
    let done = summary.applied + summary.duplicate + summary.stale + summary.skipped;
    assert_eq!(done + summary.retried, records, "every record is in exactly one count");
    assert!(summary.rejected.is_empty(), "nothing is wrong with the events");
}

/// Delivers the world in two concurrent lanes, like a stream and its redrive.
async fn deliver_twice<S: Store>(store: S, world: &World, rng: &mut Rng) -> Function<Chaos<S>> {
    let function = upserter(Chaos::new(store, rng.u8(..30), rng.u64(..)));
    let lanes = [lane(world, rng), lane(world, rng)];
    let (one, other) = (rng.u64(..), rng.u64(..));
    futures::join!(deliver(&function, &lanes[0], one), deliver(&function, &lanes[1], other));
    function.store.apply_delayed().await;
    assert!(function.rejected_store.lines().is_empty(), "faults are never blamed on the data");
    function
}

fn world(seed: u64) -> (World, Rng) {
    let mut rng = Rng::with_seed(seed);
    let world = World::of(rng.usize(1..5), rng.usize(1..80), &mut rng);
    (world, rng)
}

#[tokio::test]
async fn the_tables_show_what_happened_for_any_delivery() {
    let worlds = std::env::var("MODEL_WORLDS").map_or(WORLDS, |number| number.parse().unwrap());
    let mut events = 0;
    for seed in 0..worlds {
        let (world, mut rng) = world(seed);
        let function = deliver_twice(MemoryStore::default(), &world, &mut rng).await;
        assert_eq!(truth_in(&function.store.store.tables()), world.truth, "world {seed}");
        events += 2 * world.events.len();
    }
    println!("{events} deliveries of events in {worlds} worlds");
}

#[tokio::test]
async fn dynoxide_shows_what_happened_for_any_delivery() {
    for seed in 0..8 {
        let (_server, client) = dynamodb().await;
        let (world, mut rng) = world(seed);
        deliver_twice(dynamodb_store(client.clone()), &world, &mut rng).await;
        assert_eq!(truth_in(&read(client, &world).await), world.truth, "world {seed}");
    }
}

/// Both tables, read through the consumer's API.
async fn read(client: Client, world: &World) -> Tables {
    let reader = Reader::new(client, "State".to_owned(), "History".to_owned());
    let at = |text: &str| Timestamp::parse(text).unwrap();
    let now = at("2026-03-03T00:00:00Z");
    let mut tables = Tables::default();
    for (agent_id, truth) in &world.truth.agents {
        let agent = reader.agent(INSTANCE, agent_id, now, u32::MAX).await.unwrap().unwrap();
        assert_eq!(agent.region.as_deref(), Some(REGION));
        let mut put = |register, item: Item| {
            tables.state.insert(AgentKey::new(INSTANCE, REGION, agent_id, register), item);
        };
        if truth.snapshot.is_some() {
            put(Register::Snapshot, agent.snapshot);
        }
        // The session is the later of login and logout. It is unknown if both are in the same millisecond.
        let is_in = truth.login > truth.logout;
        let shown = (agent.session, agent.session_since.as_ref());
        if truth.login == truth.logout {
            assert_eq!(shown.1, truth.login.as_ref());
        } else if is_in {
            assert_eq!(shown, (Some(Session::In), truth.login.as_ref()));
        } else {
            assert_eq!(shown, (Some(Session::Out), truth.logout.as_ref()));
        }
        for (register, since) in [(Register::Login, &truth.login), (Register::Logout, &truth.logout)] {
            if let Some(since) = since {
                let since = Attribute::Text(since.as_str().into());
                put(register, [("session_since".to_owned(), since)].into());
            }
        }
        let from_to = (at("2025-01-01T00:00:00Z"), at("2028-01-01T00:00:00Z"));
        for item in reader.history(INSTANCE, agent_id, from_to.0, from_to.1, now).await.unwrap() {
            let entry = item["entry"].as_text().unwrap().to_owned();
            tables.history.insert((history_key(INSTANCE, agent_id), entry), item);
        }
    }
    tables
}

/// One invocation crashes at each point where it can, and the batch is retried.
#[tokio::test]
async fn a_retry_completes_an_invocation_that_crashed_at_any_point() {
    for seed in 0..30 {
        let mut rng = Rng::with_seed(seed);
        let world = World::of(3, 40, &mut rng);
        let mut points = 0;
        loop {
            let mut function = upserter(Chaos::new(MemoryStore::default(), 0, seed));
            function.write_concurrency = 1;
            let event = stream_event(0, world.events.iter().map(|event| event.record.as_slice()));
            let was_done = until_crash(function.handle(&event, far_future()), points).await.is_some();
            function.handle(&event, far_future()).await;
            assert_eq!(truth_in(&function.store.store.tables()), world.truth, "world {seed}, point {points}");
            points += 1;
            if was_done {
                break;
            }
        }
        assert!(points > 5, "world {seed} crashed at only {points} points");
    }
}

/// Checked after every response, not only at the end.
#[tokio::test]
async fn everything_reported_as_done_is_in_the_tables() {
    for seed in 0..100 {
        let (world, mut rng) = world(seed);
        let function = upserter(Chaos::new(MemoryStore::default(), 40, seed));
        let events = lane(&world, &mut rng);
        let mut start = 0;
        while start < events.len() {
            let end = (start + rng.usize(1..40)).min(events.len());
            let event = stream_event(start, events[start..end].iter().map(|event| event.record.as_slice()));
            let (response, _) = function.handle(&event, far_future()).await;
            start = finished(&response, start, end);
            let tables = truth_in(&function.store.store.tables());
            for Event { agent_id, timestamp, event_id, .. } in
                events[..start].iter().filter(|event| event.is_kept)
            {
                let key = (agent_id.clone(), format!("event#{timestamp}#{event_id}#{REGION}"));
                assert!(tables.events.contains(&key), "world {seed}: {key:?} was done");
            }
        }
    }
}

#[tokio::test]
async fn contradictory_events_give_the_same_tables_in_any_order() {
    for seed in 0..60 {
        let mut rng = Rng::with_seed(seed);
        let events: Vec<_> = (0..rng.usize(2..40)).map(|number| contradictory(number, &mut rng)).collect();
        let mut tables: Option<Tables> = None;
        for delivery in 0..6 {
            let mut events = events.clone();
            rng.shuffle(&mut events);
            let function = upserter(Chaos::new(MemoryStore::default(), 20, seed + delivery));
            deliver(&function, &events, seed + delivery).await;
            function.store.apply_delayed().await;
            let found = function.store.store.tables();
            assert!(
                tables.get_or_insert_with(|| found.clone()) == &found,
                "seed {seed}, delivery {delivery}"
            );
        }
    }
}

/// Only the event after a lost one shows a gap.
#[tokio::test]
async fn a_lost_event_is_reported_by_its_successor() {
    let mut lost = 0;
    for seed in 0..500 {
        let events = World::of(1, 25, &mut Rng::with_seed(seed)).events;
        // Events in one millisecond have no order, so a successor shows no gap.
        if events.windows(2).any(|pair| pair[0].timestamp == pair[1].timestamp) {
            continue;
        }
        assert_eq!(gaps(&events, None).await, Vec::<String>::new(), "seed {seed}");
        for (place, pair) in events.windows(2).enumerate() {
            let [event, successor] = pair else { continue };
            let event: Value = serde_json::from_slice(&event.record).unwrap();
            let next: Value = serde_json::from_slice(&successor.record).unwrap();
            let changed =
                |part: &str| event["PreviousAgentSnapshot"][part] != event["CurrentAgentSnapshot"][part];
            let is_visible =
                !event["PreviousAgentSnapshot"].is_null() && !next["PreviousAgentSnapshot"].is_null();
            if is_visible && (changed("AgentStatus") || changed("Contacts")) {
                let expected = format!("{}#{}", successor.timestamp, successor.event_id);
                assert_eq!(gaps(&events, Some(place)).await, [expected], "seed {seed}, event {place} lost");
                lost += 1;
            }
        }
    }
    assert!(lost > 100, "only {lost} events were lost");
}

/// The versions of events that show a gap when all events except `lost` are delivered in order.
async fn gaps(events: &[Event], lost: Option<usize>) -> Vec<String> {
    let function = upserter(MemoryStore::default());
    let mut gaps = Vec::new();
    let delivered: Vec<_> = (0..events.len()).filter(|place| Some(*place) != lost).collect();
    for batch in delivered.chunks(7) {
        let event = stream_event(0, batch.iter().map(|place| events[*place].record.as_slice()));
        let (_, summary) = function.handle(&event, far_future()).await;
        gaps.extend(summary.gaps.into_iter().map(|gap| gap.event.to_string()));
    }
    gaps
}
