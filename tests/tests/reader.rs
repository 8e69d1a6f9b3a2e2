//! What consumers read is what the events say.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use agent_ledger::agents::Session;
use agent_ledger::memory::{Item, MemoryStore};
use agent_ledger::store::Store;
use agent_ledger::{Activity, AgentKey, Attribute, Register, history_key};
use agent_ledger_dynamodb::Reader;
use connect_streams::Timestamp;
use contact_ledger::Input;
use ledger_tests::{dynamodb, dynamodb_store, far_future, stream_event, upserter};

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
async fn agents_and_their_history_are_read_as_the_events_say() {
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
    // A part of an id is no id, though both are asked for by how they begin.
    for nobody in ["nobody", &agents[0].agent_id[..30]] {
        assert_eq!(reader.agent(INSTANCE, nobody, now, GHOST_MINUTES).await.unwrap(), None);
    }

    // An interval of the day that begins and ends exactly with an entry: the beginning counts, the end does not.
    let agent_id = agents[0].agent_id.as_str();
    let key = history_key(INSTANCE, agent_id);
    let of_agent = || tables.history.keys().filter(|(of, _)| *of == key).map(|(_, entry)| entry);
    let status_starts: Vec<_> = of_agent()
        .filter_map(|entry| entry.strip_prefix("status#")?.strip_suffix("#eu-west-2"))
        .collect();
    let (from, until) = (status_starts[0], status_starts[1]);
    let entries = reader.history(INSTANCE, agent_id, at(from), at(until), now).await.unwrap();
    let mut found: Vec<_> = entries.iter().map(|item| text(item, "entry").to_owned()).collect();
    let is_within = |entry: &&String| {
        let time = entry.split('#').nth(1).unwrap();
        time >= from && time < until
    };
    let expected: Vec<_> = of_agent().filter(is_within).cloned().collect();
    found.sort();
    assert!(expected.len() > 10 && expected.contains(&format!("status#{from}#eu-west-2")), "{expected:?}");
    assert_eq!(found, expected);

    // What has expired is left out, even if it is still there.
    let later = at("2030-01-01T00:00:00Z");
    assert_eq!(reader.agents(INSTANCE, later, GHOST_MINUTES).await.unwrap(), []);
    assert_eq!(reader.agent(INSTANCE, agent_id, later, GHOST_MINUTES).await.unwrap(), None);
    assert_eq!(reader.history(INSTANCE, agent_id, at(from), at(until), later).await.unwrap(), []);
}
