//! Consumers read from the tables what the events reported.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use agent_ledger::Item;
use agent_ledger::agents::Session;
use agent_ledger::memory::MemoryStore;
use agent_ledger::store::Store;
use agent_ledger::{Activity, AgentKey, Attribute, EventEntries, Register, history_key};
use connect_streams::Timestamp;
use ledger_console::records::input::Input;
use ledger_tests::{dynamodb, dynamodb_store, far_future, stream_event, upserter};
use serde_json::json;
use tables_dynamodb::agents::Reader;

const GHOST_MINUTES: u32 = 5;
const INSTANCE: &str = "10000000-0000-4000-8000-000000000001";

async fn write_day<S: Store>(store: S) -> S {
    let function = upserter(store);
    for batch in Input::demo_day().agent_events.chunks(500) {
        let event = stream_event(0, batch.iter().map(Vec::as_slice));
        function.handle(&event, far_future()).await;
    }
    function.store
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn text<'i>(item: &'i Item, name: &str) -> &'i str {
    match &item[name] {
        Attribute::Text(text) => text,
        other => panic!("{name} is {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reader_shows_agents_and_their_history_as_the_events_reported_them() {
    let (_server, client) = dynamodb().await;
    write_day(dynamodb_store(client.clone())).await;
    let tables = write_day(MemoryStore::default()).await.tables();
    let reader = Reader::new(client, "State".to_owned(), "History".to_owned());
    let now = at("2026-03-03T00:00:00Z");

    let agents = reader.agents(INSTANCE, now, GHOST_MINUTES).await.unwrap();
    let found: BTreeMap<AgentKey, Item> = agents
        .iter()
        .map(|agent| {
            assert_eq!((agent.session, agent.activity), (Some(Session::Out), Activity::Offline));
            let mut item = agent.snapshot.clone();
            item.retain(|name, _| name != "board" && name != "agent_id");
            let region = agent.region.as_deref().unwrap();
            (AgentKey::new(INSTANCE, region, &agent.agent_id, Register::Snapshot), item)
        })
        .collect();
    let mut snapshots = tables.state.clone();
    snapshots.retain(|_, item| item.contains_key("snapshot_version"));
    assert!(found == snapshots && found.len() > 10, "the agents differ");
    assert_eq!(reader.agents("another-instance", now, GHOST_MINUTES).await.unwrap(), []);

    let one = reader.agent(INSTANCE, &agents[0].agent_id, now, GHOST_MINUTES).await.unwrap();
    assert_eq!(one.as_ref(), Some(&agents[0]));
    // A prefix of an ID finds no agent, although the query uses `begins_with`.
    for nobody in ["nobody", &agents[0].agent_id[..30]] {
        assert_eq!(reader.agent(INSTANCE, nobody, now, GHOST_MINUTES).await.unwrap(), None);
    }

    // A range of time that starts and ends exactly with an entry: the start is included, the end is not.
    let agent_id = agents[0].agent_id.as_str();
    let key = history_key(INSTANCE, agent_id);
    let agents_entries = || tables.history.keys().filter(|(of, _)| *of == key).map(|(_, entry)| entry);
    let status_starts: Vec<_> = agents_entries()
        .filter_map(|entry| entry.strip_prefix("status#")?.strip_suffix("#eu-west-2"))
        .collect();
    let (from, until) = (status_starts[0], status_starts[1]);
    let entries = reader.history(INSTANCE, agent_id, at(from), at(until), now).await.unwrap();
    let mut found: Vec<_> = entries.iter().map(|item| text(item, "entry").to_owned()).collect();
    let is_within = |entry: &&String| {
        let time = entry.split('#').nth(1).unwrap();
        time >= from && time < until
    };
    let expected: Vec<_> = agents_entries().filter(is_within).cloned().collect();
    found.sort();
    assert!(expected.len() > 10 && expected.contains(&format!("status#{from}#eu-west-2")), "{expected:?}");
    assert_eq!(found, expected);

    let keys = reader.entry_keys(INSTANCE, agent_id, at("2026-03-02T00:00:00Z"), now, now).await.unwrap();
    assert_eq!(keys, agents_entries().cloned().collect());
    let last = agents_entries().filter_map(|entry| entry.strip_prefix("event#")?.split('#').next()).max();
    assert_eq!(reader.last_event(INSTANCE, agent_id).await.unwrap(), last.map(at));

    // Expired items are left out, even if they still exist.
    let later = at("2030-01-01T00:00:00Z");
    assert_eq!(reader.agents(INSTANCE, later, GHOST_MINUTES).await.unwrap(), []);
    assert_eq!(reader.agent(INSTANCE, agent_id, later, GHOST_MINUTES).await.unwrap(), None);
    assert_eq!(reader.history(INSTANCE, agent_id, at(from), at(until), later).await.unwrap(), []);
}

/// An event of an agent of `instance` in `region`.
fn event(
    (instance, region): (&str, &str),
    at: &str,
    kind: &str,
    previous: Option<(&str, &str)>,
    current: Option<(&str, &str)>,
) -> Vec<u8> {
    let snapshot = |(name, since): (&str, &str)| json!({"AgentStatus": {"Name": name, "StartTimestamp": format!("2026-03-02T{since}Z")}, "Contacts": []});
    json!({
        "AgentARN": format!("arn:aws:connect:{region}:111122223333:instance/{instance}/agent/same"),
        "EventId": format!("{at}-{kind}"), "EventTimestamp": format!("2026-03-02T{at}Z"), "EventType": kind,
        "PreviousAgentSnapshot": previous.map(snapshot), "CurrentAgentSnapshot": current.map(snapshot),
    })
    .to_string()
    .into_bytes()
}

async fn written(client: &aws_sdk_dynamodb::Client, events: &[Vec<u8>]) -> Reader {
    written_keeping(EventEntries::All, client, events).await
}

async fn written_keeping(
    kept: EventEntries,
    client: &aws_sdk_dynamodb::Client,
    events: &[Vec<u8>],
) -> Reader {
    let mut function = upserter(dynamodb_store(client.clone()));
    function.rules.retention.events = kept;
    function.handle(&stream_event(0, events.iter().map(Vec::as_slice)), far_future()).await;
    Reader::new(client.clone(), "State".to_owned(), "History".to_owned())
}

/// Without entries of events, the history has the statuses, and tells when the last one began.
#[tokio::test(flavor = "multi_thread")]
async fn a_history_without_events_has_the_intervals() {
    let (_server, client) = dynamodb().await;
    let of = ("i", "eu-west-2");
    let (first, second) = (("Available", "08:00:00"), ("Lunch", "12:00:00"));
    let events = [
        event(of, "08:00:00.000", "LOGIN", None, None),
        event(of, "12:00:00.000", "STATE_CHANGE", Some(first), Some(second)),
        event(of, "13:00:00.000", "STATE_CHANGE", Some(second), Some(("Available", "13:00:00"))),
    ];
    let reader = written_keeping(EventEntries::None, &client, &events).await;
    assert_eq!(reader.last_event("i", "nobody").await.unwrap(), None);
    assert_eq!(reader.last_event("i", "same").await.unwrap(), Some(at("2026-03-02T12:00:00Z")));
    let (from, until, now) =
        (at("2026-03-02T00:00:00Z"), at("2026-03-03T00:00:00Z"), at("2026-03-02T14:00:00Z"));
    let keys = reader.entry_keys("i", "same", from, until, now).await.unwrap();
    let expected = ["08:00:00", "12:00:00"].map(|start| format!("status#2026-03-02T{start}.000Z#eu-west-2"));
    assert_eq!(keys, expected.into());
    assert_eq!(reader.history("i", "same", from, until, now).await.unwrap().len(), 2);
}

/// The statuses of an agent's history: name, start, end.
async fn statuses(reader: &Reader, instance: &str) -> Vec<String> {
    let (from, until, now) = ("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z", "2026-03-02T12:00:00Z");
    let entries = reader.history(instance, "same", at(from), at(until), at(now)).await.unwrap();
    let intervals = entries.iter().filter(|item| item.contains_key("end"));
    intervals.map(|item| ["name", "start", "end"].map(|name| text(item, name)).join(" ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_agent_id_in_two_instances_and_two_regions_stays_separate() {
    let (_server, client) = dynamodb().await;
    let (one, other, replica) = (("i-1", "eu-west-2"), ("i-2", "eu-west-2"), ("i-1", "eu-central-1"));
    let first = Some(("Available", "08:00:01.000"));
    let events = [
        event(one, "08:00:00.000", "LOGIN", None, None),
        event(one, "08:00:01.000", "STATE_CHANGE", None, first),
        event(one, "08:10:00.000", "STATE_CHANGE", first, Some(("Lunch", "08:10:00.000"))),
        event(other, "08:00:00.000", "LOGIN", None, None),
        event(other, "08:00:01.000", "STATE_CHANGE", None, Some(("Training", "08:00:01.000"))),
        event(
            other,
            "08:05:00.000",
            "STATE_CHANGE",
            Some(("Training", "08:00:01.000")),
            Some(("Available", "08:05:00.000")),
        ),
        // In the replica's Region, the agent has been offline since midnight.
        event(
            replica,
            "08:11:00.000",
            "HEART_BEAT",
            Some(("Offline", "00:00:00.000")),
            Some(("Offline", "00:00:00.000")),
        ),
    ];
    let reader = written(&client, &events).await;
    assert_eq!(
        statuses(&reader, "i-1").await,
        ["Available 2026-03-02T08:00:01.000Z 2026-03-02T08:10:00.000Z"]
    );
    assert_eq!(
        statuses(&reader, "i-2").await,
        ["Training 2026-03-02T08:00:01.000Z 2026-03-02T08:05:00.000Z"]
    );
    let now = at("2026-03-02T08:12:00Z");
    for (instance, status) in [("i-1", "Lunch"), ("i-2", "Available")] {
        let agents = reader.agents(instance, now, GHOST_MINUTES).await.unwrap();
        let [agent] = &agents[..] else { panic!("{instance} has one agent: {agents:?}") };
        assert_eq!(agent.region.as_deref(), Some("eu-west-2"));
        assert_eq!(agent.snapshot["status_name"], Attribute::Text(status.into()));
        assert_eq!(agent.session, Some(Session::In));
    }
}

/// Tables written by a version without Regions in its keys.
#[tokio::test(flavor = "multi_thread")]
async fn tables_written_by_an_earlier_version_are_read() {
    use aws_sdk_dynamodb::types::AttributeValue;
    let (_server, client) = dynamodb().await;
    let put = async |table: &str, attributes: &[(&str, &str)]| {
        let item = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), AttributeValue::S((*value).to_owned())));
        client.put_item().table_name(table).set_item(Some(item.collect())).send().await.unwrap();
    };
    let board = AgentKey::board("i-1", "same");
    put(
        "State",
        &[
            ("board", &board),
            ("agent_id", "same"),
            ("status_name", "Available"),
            ("snapshot_version", "2026-03-02T08:00:01.000Z#e-2"),
            ("session", "in"),
            ("session_since", "2026-03-02T08:00:00.000Z"),
            ("session_version", "2026-03-02T08:00:00.000Z#e-1"),
        ],
    )
    .await;
    for (entry, name, end) in [
        ("status#2026-03-02T07:00:00.000Z", "Offline", "2026-03-02T08:00:01.000Z"),
        ("status#2026-03-02T08:00:01.000Z", "Available", "2026-03-02T08:10:00.000Z"),
    ] {
        put(
            "History",
            &[("agent_id", "same"), ("entry", entry), ("name", name), ("start", &entry[7..]), ("end", end)],
        )
        .await;
    }
    let reader = written(&client, &[]).await;
    let now = at("2026-03-02T08:12:00Z");
    let shown = async |reader: &Reader| {
        let agent = reader.agent("i-1", "same", now, GHOST_MINUTES).await.unwrap().unwrap();
        assert_eq!(reader.agents("i-1", now, GHOST_MINUTES).await.unwrap(), std::slice::from_ref(&agent));
        (text(&agent.snapshot, "status_name").to_owned(), agent.session, agent.region)
    };
    assert_eq!(shown(&reader).await, ("Available".to_owned(), Some(Session::In), None));

    // The stream continues, and some of it is redelivered: existing entries count once.
    let here = ("i-1", "eu-west-2");
    let events = [
        event(
            here,
            "08:10:00.000",
            "STATE_CHANGE",
            Some(("Available", "08:00:01.000")),
            Some(("Lunch", "08:10:00.000")),
        ),
        event(
            here,
            "08:11:00.000",
            "STATE_CHANGE",
            Some(("Lunch", "08:10:00.000")),
            Some(("Training", "08:11:00.000")),
        ),
    ];
    let reader = written(&client, &events).await;
    let region = Some("eu-west-2".to_owned());
    assert_eq!(shown(&reader).await, ("Training".to_owned(), Some(Session::In), region));
    assert_eq!(
        statuses(&reader, "i-1").await,
        [
            "Offline 2026-03-02T07:00:00.000Z 2026-03-02T08:00:01.000Z",
            "Available 2026-03-02T08:00:01.000Z 2026-03-02T08:10:00.000Z",
            "Lunch 2026-03-02T08:10:00.000Z 2026-03-02T08:11:00.000Z",
        ]
    );
}
