//! Redelivery changes nothing: any order, duplication, or splitting of a day's deliveries, with faults at any write,
//! leaves the same tables. `reference_model` and `simulation` search for more.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use agent_ledger::memory::{MemoryStore, Tables};
use agent_ledger::plan::plan;
use agent_ledger::rules::Rules;
use agent_ledger::{AgentKey, Attribute, Gap, Register, Retention};
use connect_streams::agent_event::AgentEvent;
use fastrand::Rng;
use ledger_console::records::input::Input;
use ledger_tests::{FailingStore, far_future, stream_event, upserter};
use serde_json::Value;
use tables::FaultClass;

/// The instance of the generated center.
const INSTANCE: &str = "10000000-0000-4000-8000-000000000001";
/// Number of random deliveries of the day.
const DELIVERIES: u64 = 10;

async fn deliver(events: &[Vec<u8>], batch_size: impl FnMut() -> usize) -> Tables {
    deliver_keeping(Retention::default(), events, batch_size).await
}

async fn deliver_keeping(
    retention: Retention,
    events: &[Vec<u8>],
    mut batch_size: impl FnMut() -> usize,
) -> Tables {
    let mut function = upserter(MemoryStore::default());
    function.rules.retention = retention;
    let mut start = 0;
    while start < events.len() {
        let end = (start + batch_size()).min(events.len());
        let event = stream_event(start, events[start..end].iter().map(Vec::as_slice));
        let (response, _) = function.handle(&event, far_future()).await;
        assert_eq!(response, lambda_io::kinesis::BatchResponse::default());
        start = end;
    }
    function.store.tables()
}

#[tokio::test]
async fn any_order_duplication_and_splitting_leaves_the_same_tables() {
    let day = Input::demo_day().agent_events;
    let expected = deliver(&day, || 100).await;
    for seed in 0..DELIVERIES {
        let mut rng = Rng::with_seed(seed);
        let mut events = day.clone();
        events.extend((0..500).map(|_| day[rng.usize(..day.len())].clone()));
        rng.shuffle(&mut events);
        let tables = deliver(&events, || rng.usize(1..300)).await;
        assert!(tables == expected, "seed {seed} leaves different tables");
    }
}

/// Whichever events have entries of their own: state and intervals are the same, and the entries are those of the events
/// in question, in any order.
#[tokio::test]
async fn entries_that_are_not_kept_change_nothing_else() {
    let day = Input::demo_day().agent_events;
    let everything = Retention { heartbeats: true, ..Retention::default() };
    let all = deliver_keeping(everything, &day, || 100).await;
    let is_event = |entry: &str| entry.starts_with("event#");
    let kind = |item: &agent_ledger::Item| item["event_type"].as_text().unwrap().to_owned();
    for (events, kinds) in
        [("all", &["LOGIN", "LOGOUT", "STATE_CHANGE"][..]), ("sessions", &["LOGIN", "LOGOUT"]), ("none", &[])]
    {
        let retention = Retention { events: events.parse().unwrap(), ..Retention::default() };
        let mut rng = Rng::with_seed(7);
        let mut shuffled = day.clone();
        shuffled.extend((0..500).map(|_| day[rng.usize(..day.len())].clone()));
        rng.shuffle(&mut shuffled);
        let tables = deliver_keeping(retention, &shuffled, || rng.usize(1..300)).await;
        let mut expected = all.clone();
        expected.history.retain(|(_, entry), item| !is_event(entry) || kinds.contains(&kind(item).as_str()));
        assert!(tables == expected, "{events} leaves other tables");
        let found: BTreeSet<_> = tables
            .history
            .iter()
            .filter(|((_, entry), _)| is_event(entry))
            .map(|(_, item)| kind(item))
            .collect();
        assert_eq!(found, kinds.iter().map(|kind| (*kind).to_owned()).collect(), "{events}");
    }
}

/// Computes the tables in a second way: from the set of events, without versions or conditions.
#[tokio::test]
async fn the_tables_are_the_fold_of_the_event_set() {
    let day = Input::demo_day().agent_events;
    let tables = deliver(&day, || 100).await;

    let events: BTreeMap<(String, String), Value> = day
        .iter()
        .filter_map(|event| serde_json::from_slice::<Value>(event).ok())
        .filter(|event| event["AgentARN"].is_string() && event["EventId"].is_string())
        .map(|event| {
            ((event["EventTimestamp"].as_str().unwrap().to_owned(), event["EventId"].to_string()), event)
        })
        .collect();
    let agents: BTreeSet<&str> = events.values().filter_map(|event| event["AgentARN"].as_str()).collect();
    let (profiles, of_agents): (Vec<_>, Vec<_>) =
        tables.state.iter().partition(|(key, _)| key.board == AgentKey::routing_profiles(INSTANCE));
    // Each agent has a snapshot, a login, and a logout.
    assert_eq!(of_agents.len(), 3 * agents.len());
    let of_events: BTreeSet<_> = events
        .values()
        .filter_map(|event| event["CurrentAgentSnapshot"]["Configuration"]["RoutingProfile"]["ARN"].as_str())
        .map(|arn| format!("{}#eu-west-2", arn.rsplit('/').next().unwrap()))
        .collect();
    let stored: BTreeSet<_> = profiles.iter().map(|(key, _)| key.agent_id.clone()).collect();
    assert_eq!(stored, of_events);

    let snapshots = of_agents.into_iter().filter(|(key, _)| key.agent_id.matches('#').count() == 1);
    for (key, item) in snapshots {
        let agent_id = key.agent_id.split('#').next().unwrap();
        let events_of_agent =
            || events.values().filter(|event| event["AgentARN"].as_str().unwrap().ends_with(agent_id));
        let newest = events_of_agent().rfind(|event| event["CurrentAgentSnapshot"].is_object()).unwrap();
        let text = |name: &str| match &item[name] {
            Attribute::Text(text) => text.clone(),
            other => panic!("{name} is {other:?}"),
        };
        assert!(text("snapshot_version").ends_with(newest["EventId"].as_str().unwrap()));
        assert_eq!(
            text("status_name"),
            newest["CurrentAgentSnapshot"]["AgentStatus"]["Name"].as_str().unwrap()
        );
        assert_eq!(text("activity"), "offline");
        // A heartbeat after LOGOUT does not log the agent in.
        let session = |register| {
            let item = &tables.state[&AgentKey::new(INSTANCE, "eu-west-2", agent_id, register)];
            (item["session"].clone(), item["session_version"].as_text().unwrap().to_owned())
        };
        let (login, logout) = (session(Register::Login), session(Register::Logout));
        assert_eq!([login.0, logout.0], ["in", "out"].map(|session| Attribute::Text(session.into())));
        assert!(login.1 < logout.1);
    }

    let kept = events.values().filter(|event| event["EventType"] != "HEART_BEAT").count();
    let of_kind = |kind: &str| tables.history.keys().filter(|(_, entry)| entry.starts_with(kind)).count();
    assert_eq!(of_kind("event#"), kept);
    assert_eq!(of_kind("status#"), status_changes(&events));
    assert_eq!(after_contact_work_milliseconds(&tables), after_contact_work_of_contact_records());
}

fn status_changes(events: &BTreeMap<(String, String), Value>) -> usize {
    let status = |event: &Value, snapshot: &str| {
        event[snapshot]["AgentStatus"]["StartTimestamp"].as_str().map(str::to_owned)
    };
    let changed = |event: &&Value| {
        let (previous, current) =
            (status(event, "PreviousAgentSnapshot"), status(event, "CurrentAgentSnapshot"));
        previous.is_some() && current.is_some() && previous != current
    };
    events.values().filter(changed).count()
}

fn after_contact_work_milliseconds(tables: &Tables) -> i64 {
    let milliseconds = |item: &agent_ledger::Item| {
        let Attribute::Number(digits) = &item["seconds"] else { panic!("seconds is {:?}", item["seconds"]) };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        format!("{whole}{fraction:0<3}").parse::<i64>().unwrap()
    };
    let is_after_contact_work =
        |entry: &str| entry.starts_with("contact#") && entry.split('#').nth(3) == Some("ENDED");
    let intervals = tables.history.iter().filter(|((_, entry), _)| is_after_contact_work(entry));
    intervals.map(|(_, item)| milliseconds(item)).sum()
}

/// The after-contact work of all contacts according to the contact records, which must agree with the agent events.
fn after_contact_work_of_contact_records() -> i64 {
    let records = Input::demo_day().contact_records;
    let by_contact: BTreeMap<String, i64> = records
        .iter()
        .filter_map(|record| serde_json::from_slice::<Value>(record).ok())
        .filter_map(|record| {
            Some((
                record["ContactId"].as_str()?.to_owned(),
                record["Agent"]["AfterContactWorkDuration"].as_i64()?,
            ))
        })
        .collect();
    by_contact.values().sum::<i64>() * 1000
}

/// One write unit of DynamoDB.
const WRITE_UNIT: usize = 1024;

/// An agent's item with up to one contact. Items with several contacts take two units.
#[test]
fn a_typical_state_takes_one_write_unit() {
    let rules = Rules::default();
    let (mut items, mut fit) = (0, 0);
    for record in Input::demo_day().agent_events {
        let Ok(value) = connect_streams::parse(&record) else { continue };
        let Some(event) = value.as_object().and_then(|object| AgentEvent::from_object(object).ok()) else {
            continue;
        };
        if event.current.as_ref().is_some_and(|current| current.contacts.len() > 1) {
            continue;
        }
        let plan = plan(&event, &rules).unwrap();
        for write in plan.registers.iter().filter(|write| write.register == Register::Snapshot) {
            let attributes = write.set.iter().map(|(name, value)| name.len() + bytes(value)).sum::<usize>();
            let key = "boardagent_id".len() + write.key.board.len() + write.key.agent_id.len();
            items += 1;
            fit += usize::from(key + attributes <= WRITE_UNIT);
        }
    }
    println!("{fit} of {items} states fit");
    assert!(items > 3000 && fit * 100 >= items * 99, "{fit} of {items} states fit");
}

#[tokio::test]
async fn a_history_entry_takes_one_write_unit() {
    let tables = deliver(&Input::demo_day().agent_events, || 100).await;
    let history = tables.history.iter().map(|((agent_id, entry), item)| {
        "agent_identry".len()
            + agent_id.len()
            + entry.len()
            + item.iter().map(|(name, value)| name.len() + bytes(value)).sum::<usize>()
    });
    let largest = history.max().unwrap();
    println!("largest history entry: {largest} bytes");
    assert!(largest <= WRITE_UNIT, "{largest}");
}

/// The size of a value according to
/// [DynamoDB item sizes and formats](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html).
fn bytes(value: &Attribute) -> usize {
    match value {
        Attribute::Text(text) => text.len(),
        Attribute::Number(digits) => digits.len() / 2 + 2,
        Attribute::List(elements) => 3 + elements.iter().map(|element| 1 + bytes(element)).sum::<usize>(),
        Attribute::Map(members) => {
            3 + members.iter().map(|(name, value)| 1 + name.len() + bytes(value)).sum::<usize>()
        }
    }
}

/// A day's events in order have no gap, whatever the batch size. If one is missing, the next event of its agent
/// shows a gap. Other agents do not matter, so a single one is included.
#[tokio::test]
async fn a_missing_event_is_reported_and_a_complete_day_has_no_gap() {
    let events: BTreeMap<String, (Value, Vec<u8>)> = Input::demo_day()
        .agent_events
        .into_iter()
        .filter_map(|bytes| Some((serde_json::from_slice::<Value>(&bytes).ok()?, bytes)))
        .filter(|(event, _)| event["AgentARN"].is_string() && event["EventId"].is_string())
        .map(|(event, bytes)| (format!("{}#{}", event["EventTimestamp"], event["EventId"]), (event, bytes)))
        .collect();
    let agents: BTreeSet<_> = events.values().map(|(event, _)| event["AgentARN"].as_str().unwrap()).collect();
    let agents: Vec<_> = agents.into_iter().collect();
    let gaps = async |skip: &str, agents: &[&str], batch_size: usize| {
        let function = upserter(MemoryStore::default());
        let day = events.iter().filter(|(key, (event, _))| {
            *key != skip && agents.contains(&event["AgentARN"].as_str().unwrap())
        });
        let day: Vec<_> = day.map(|(_, (_, bytes))| bytes.as_slice()).collect();
        let mut gaps = Vec::new();
        for batch in day.chunks(batch_size) {
            let event = stream_event(0, batch.iter().copied());
            gaps.extend(function.handle(&event, far_future()).await.1.gaps);
        }
        gaps
    };
    let mut reported = 0;
    for batch_size in [1, 7, 1000] {
        assert_eq!(gaps("", &agents, batch_size).await, []);
        for (key, (event, _)) in
            events.iter().filter(|(_, (event, _))| event["EventType"] == "STATE_CHANGE").step_by(97)
        {
            let agent = event["AgentARN"].as_str().unwrap();
            let other = agents.iter().copied().find(|other| *other != agent).unwrap();
            let found = gaps(key, &[agent, other], batch_size).await;
            let [previous, current] =
                ["PreviousAgentSnapshot", "CurrentAgentSnapshot"].map(|name| &event[name]);
            // A next status does not change the state yet.
            let has_changed = ["AgentStatus", "Contacts"].iter().any(|part| previous[part] != current[part]);
            let is_visible = has_changed && !previous.is_null();
            assert_eq!(found.len(), usize::from(is_visible), "{key}: {found:?}");
            reported += found.len();
            let is_agents = |gap: &Gap| agent.ends_with(gap.agent_id.strip_suffix("#eu-west-2").unwrap());
            assert!(found.iter().all(is_agents));
        }
    }
    assert!(reported > 60, "only {reported} missing events were reported");
}

/// Every write of a batch fails once or several times, before or after it takes effect, with a transient or an
/// environment fault. The stream then retries from the reported record until the batch is done.
#[tokio::test]
async fn a_fault_at_any_write_leaves_the_same_tables() {
    let is_whole = |event: &Vec<u8>| {
        let event = serde_json::from_slice::<Value>(event).unwrap_or_default();
        event["AgentARN"].is_string() && event["EventId"].is_string()
    };
    let mut day: Vec<_> = Input::demo_day().agent_events.into_iter().filter(is_whole).take(400).collect();
    for place in [0, 70, 151] {
        day.insert(place, b"no event".to_vec());
    }
    let expected = deliver(&day, || 403).await;
    let (_, writes, _) = redeliver(FailingStore::new(0..0, FaultClass::Transient, false), &day).await;
    assert!(writes > 10, "a batch of {} events took only {writes} writes", day.len());
    for fails_at in 0..writes {
        for (fails_for, class, loses_answer) in [
            (1, FaultClass::Transient, false),
            (1, FaultClass::Transient, true),
            (3, FaultClass::Environment, false),
            (writes, FaultClass::Transient, true),
        ] {
            let store = FailingStore::new(fails_at..fails_at + fails_for, class, loses_answer);
            let (tables, _, attempts) = redeliver(store, &day).await;
            assert!(attempts > 1, "write {fails_at} did not fail");
            assert!(
                tables == expected,
                "a fault at write {fails_at} for {fails_for} leaves different tables"
            );
        }
    }
}

/// Sends the day, and retries from the reported record until nothing is reported. Returns the tables and the number
/// of writes and attempts.
async fn redeliver(store: FailingStore, day: &[Vec<u8>]) -> (Tables, usize, usize) {
    let function = upserter(store);
    let (mut start, mut attempts) = (0, 0);
    loop {
        attempts += 1;
        assert!(attempts < 20, "the batch never finishes");
        let event = stream_event(start, day[start..].iter().map(Vec::as_slice));
        let (response, summary) = function.handle(&event, far_future()).await;
        let answer = serde_json::to_value(&response).unwrap();
        let Some(failure) = answer["batchItemFailures"].get(0) else { break };
        assert!(summary.retried > 0 && !summary.faults.is_empty());
        start = failure["itemIdentifier"].as_str().unwrap().parse().unwrap();
    }
    // A fault is never blamed on the data: only bad records are rejected, each of them once.
    let rejected: Vec<_> = function
        .rejected_store
        .lines()
        .into_iter()
        .map(|(_, line)| line["sequence_number"].clone())
        .collect();
    assert_eq!(
        rejected.iter().filter_map(Value::as_str).collect::<BTreeSet<_>>(),
        BTreeSet::from(["0", "70", "151"])
    );
    assert_eq!(rejected.len(), 3);
    (function.store.store.tables(), function.store.writes(), attempts)
}
