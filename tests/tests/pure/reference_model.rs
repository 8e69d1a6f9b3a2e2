//! The agent tables against a second opinion: random agents live random days, their events are delivered in every
//! bad way, and the tables must say what happened.

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
use agent_ledger_dynamodb::Reader;
use aws_sdk_dynamodb::Client;
use connect_streams::Timestamp;
use fastrand::Rng;
use lambda_io::kinesis::BatchResponse;
use ledger_tests::chaos::Chaos;
use ledger_tests::lives::{Event, INSTANCE, REGION, World, contradictory, told_by};
use ledger_tests::{MemoryRejectedStore, dynamodb, dynamodb_store, far_future, stream_event, upserter};
use serde_json::Value;

/// How many worlds are tried, unless `MODEL_WORLDS` says another number.
const WORLDS: u64 = 200;
/// After so many attempts the weather clears, so that every batch is done one day.
const ATTEMPTS_IN_BAD_WEATHER: usize = 6;

type Function<S> = Upserter<S, MemoryRejectedStore>;

/// The way a lane of the stream delivers its events: what it sends, in this order.
fn lane(world: &World, rng: &mut Rng) -> Vec<Event> {
    let mut events = world.events.clone();
    match rng.u8(..3) {
        // Each agent in order, agents interleaved.
        0 => events.sort_by(|one, other| one.timestamp.cmp(&other.timestamp)),
        // Neighbours change places.
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

/// Drives a future until it is done, or for so many polls: then it is given up where it stands, as an invocation that
/// crashes or is timed out.
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

/// The event source mapping's loop for one lane: batches in order, and again from the reported record on.
async fn deliver<S: Store>(function: &Function<Chaos<S>>, events: &[Event], seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let (mut start, mut attempts) = (0, 0);
    while start < events.len() {
        let end = (start + rng.usize(1..40)).min(events.len());
        let batch = &events[start..end];
        let event = stream_event(start, batch.iter().map(|event| event.record.as_slice()));
        let polls = match rng.u8(..5) {
            0 if attempts < ATTEMPTS_IN_BAD_WEATHER => rng.usize(..30),
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

/// The first record that is not done.
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

/// Two lanes deliver the same world at the same time, as a stream and a redrive of it would.
async fn live_through<S: Store>(store: S, world: &World, rng: &mut Rng) -> Function<Chaos<S>> {
    let function = upserter(Chaos::new(store, rng.u8(..30), rng.u64(..)));
    let lanes = [lane(world, rng), lane(world, rng)];
    let (one, other) = (rng.u64(..), rng.u64(..));
    futures::join!(deliver(&function, &lanes[0], one), deliver(&function, &lanes[1], other));
    function.store.clear_up().await;
    assert!(function.rejected_store.lines().is_empty(), "weather is never blamed on the data");
    function
}

fn world(seed: u64) -> (World, Rng) {
    let mut rng = Rng::with_seed(seed);
    let world = World::of(rng.usize(1..5), rng.usize(1..80), &mut rng);
    (world, rng)
}

#[tokio::test]
async fn the_tables_say_what_happened_however_it_is_delivered() {
    let worlds = std::env::var("MODEL_WORLDS").map_or(WORLDS, |number| number.parse().unwrap());
    let mut events = 0;
    for seed in 0..worlds {
        let (world, mut rng) = world(seed);
        let function = live_through(MemoryStore::default(), &world, &mut rng).await;
        assert_eq!(told_by(&function.store.store.tables()), world.truth, "world {seed}");
        events += 2 * world.events.len();
    }
    println!("{events} deliveries of events in {worlds} worlds");
}

#[tokio::test]
async fn dynoxide_says_what_happened_however_it_is_delivered() {
    for seed in 0..8 {
        let (_server, client) = dynamodb().await;
        let (world, mut rng) = world(seed);
        live_through(dynamodb_store(client.clone()), &world, &mut rng).await;
        assert_eq!(told_by(&read(client, &world).await), world.truth, "world {seed}");
    }
}

/// Both tables as a consumer reads them.
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
        // The agent has the later of login and logout, or says that they were in one millisecond.
        let is_in = truth.login > truth.logout;
        let said = (agent.session, agent.session_since.as_ref());
        if truth.login == truth.logout {
            assert_eq!(said.1, truth.login.as_ref());
        } else if is_in {
            assert_eq!(said, (Some(Session::In), truth.login.as_ref()));
        } else {
            assert_eq!(said, (Some(Session::Out), truth.logout.as_ref()));
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

/// One invocation is given up at every point where it can be, and the batch comes again.
#[tokio::test]
async fn an_invocation_given_up_at_any_point_leaves_nothing_behind() {
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
            assert_eq!(told_by(&function.store.store.tables()), world.truth, "world {seed}, point {points}");
            points += 1;
            if was_done {
                break;
            }
        }
        assert!(points > 5, "world {seed} was given up at {points} points only");
    }
}

/// What is reported as done is there, at every moment and not only in the end.
#[tokio::test]
async fn nothing_that_was_reported_as_done_is_missing() {
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
            let tables = told_by(&function.store.store.tables());
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
            function.store.clear_up().await;
            let found = function.store.store.tables();
            assert!(
                tables.get_or_insert_with(|| found.clone()) == &found,
                "seed {seed}, delivery {delivery}"
            );
        }
    }
}

/// An event that never came is told by the one after it, and by no other.
#[tokio::test]
async fn a_lost_event_is_told_by_its_successor() {
    let mut lost = 0;
    for seed in 0..500 {
        let events = World::of(1, 25, &mut Rng::with_seed(seed)).events;
        // Events of one millisecond have no order that a successor could miss one in.
        if events.windows(2).any(|pair| pair[0].timestamp == pair[1].timestamp) {
            continue;
        }
        assert_eq!(gaps(&events, None).await, Vec::<String>::new(), "seed {seed}");
        for (place, pair) in events.windows(2).enumerate() {
            let [event, successor] = pair else { continue };
            let event: Value = serde_json::from_slice(&event.record).unwrap();
            let next: Value = serde_json::from_slice(&successor.record).unwrap();
            let moved =
                |part: &str| event["PreviousAgentSnapshot"][part] != event["CurrentAgentSnapshot"][part];
            let is_told =
                !event["PreviousAgentSnapshot"].is_null() && !next["PreviousAgentSnapshot"].is_null();
            if is_told && (moved("AgentStatus") || moved("Contacts")) {
                let expected = format!("{}#{}", successor.timestamp, successor.event_id);
                assert_eq!(gaps(&events, Some(place)).await, [expected], "seed {seed}, event {place} lost");
                lost += 1;
            }
        }
    }
    assert!(lost > 100, "only {lost} events were lost");
}

/// The versions that tell of a gap when all events but one are delivered in order.
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
