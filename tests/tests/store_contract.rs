//! What a store promises, on every store we have: the model's condition is DynamoDB's condition.
//!
//! With `DYNAMODB_ENDPOINT` set, the suite also runs there, on tables it makes for itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use agent_ledger::memory::MemoryStore;
use agent_ledger::plan::{Rules, plan};
use agent_ledger::store::{FaultClass, Held, Insertion, Store};
use agent_ledger::{HistoryEntry, RegisterWrite, Version};
use agent_ledger_dynamodb::DynamoDbStore;
use connect_streams::agent_event::AgentEvent;
use connect_streams::parse;
use ledger_tests::{dynamodb, dynamodb_client, dynamodb_store};
use local_aws::dynamodb::DynamoDb;
use serde_json::json;

/// The writes of an event at `minute`.
fn planned(minute: u32, id: &str, event_type: &str) -> (Vec<RegisterWrite>, Vec<HistoryEntry>) {
    let snapshot = |since: u32| {
        json!({
            "AgentStatus": {"Name": "Available", "StartTimestamp": format!("2026-03-02T08:{since:02}:00Z")},
            "NextAgentStatus": if minute.is_multiple_of(2) { json!({"Name": "Lunch"}) } else { json!(null) },
            "Configuration": {"Username": "agent.01", "RoutingProfile": {"Concurrency": [{"Channel": "VOICE", "AvailableSlots": 1, "MaximumSlots": 1}]}},
            "Contacts": [{"ContactId": "c-1", "State": "CONNECTED", "StateStartTimestamp": "2026-03-02T08:00:00.500Z"}],
        })
    };
    let event = json!({
        "AgentARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a-1",
        "EventId": id, "EventTimestamp": format!("2026-03-02T08:{minute:02}:00.000Z"), "EventType": event_type,
        "CurrentAgentSnapshot": snapshot(minute), "PreviousAgentSnapshot": snapshot(0),
    })
    .to_string();
    let value = parse(event.as_bytes()).unwrap();
    let event = AgentEvent::from_object(value.as_object().unwrap()).unwrap();
    let plan = plan(&event, &Rules::default()).unwrap();
    (plan.registers, plan.event.into_iter().chain(plan.intervals).collect())
}

async fn a_register_moves_only_forward<S: Store>(store: &S) {
    let write = async |minute, id| {
        let held = store.write_register(&planned(minute, id, "STATE_CHANGE").0[0]).await.unwrap();
        held.map(|held| held.version)
    };
    let version =
        |minute: u32, id: &str| Some(Version::from_stored(format!("2026-03-02T08:{minute:02}:00.000Z#{id}")));

    assert_eq!(write(10, "e-1").await, None);
    assert_eq!(write(20, "e-2").await, version(10, "e-1"));
    // The same again, an older one, and one of the same time with a smaller id: nothing moves.
    assert_eq!(write(20, "e-2").await, version(20, "e-2"));
    assert_eq!(write(15, "e-9").await, version(20, "e-2"));
    assert_eq!(write(20, "e-1").await, version(20, "e-2"));
    // The same time with a greater id moves it.
    assert_eq!(write(20, "e-3").await, version(20, "e-2"));
    assert_eq!(write(21, "e-4").await, version(20, "e-3"));
}

/// A version is written once: whoever comes second with it, even with other content, changes nothing.
async fn an_equal_version_writes_nothing<S: Store>(store: &S) {
    let (first, _) = planned(22, "e-7", "STATE_CHANGE");
    store.write_register(&first[0]).await.unwrap();
    let mut second = first[0].clone();
    second.set.push(("written_twice", agent_ledger::Attribute::Text("yes".to_owned())));
    let held = Held { version: first[0].version.clone(), continuity: first[0].leaves };
    assert_eq!(store.write_register(&second).await.unwrap(), Some(held.clone()));
    let third = planned(23, "e-8", "STATE_CHANGE").0.remove(0);
    assert_eq!(store.write_register(&third).await.unwrap(), Some(held));
}

async fn the_registers_are_independent<S: Store>(store: &S) {
    let (registers, _) = planned(30, "e-5", "LOGOUT");
    let [snapshot, session] = &registers[..] else { panic!("LOGOUT sets both registers") };
    assert!(store.write_register(session).await.unwrap().is_none());
    assert!(store.write_register(snapshot).await.unwrap().is_some());
    let (login, _) = planned(25, "e-6", "LOGIN");
    assert_eq!(
        store.write_register(&login[1]).await.unwrap().unwrap().version.as_str(),
        "2026-03-02T08:30:00.000Z#e-5"
    );
}

async fn an_entry_is_inserted_once<S: Store>(store: &S) {
    let entries: Vec<_> =
        (0..25).map(|number| planned(40, &format!("e-{number}"), "STATE_CHANGE").1.remove(0)).collect();
    let outcome = async |entries: &[HistoryEntry]| {
        store.insert_entries(entries).await.into_iter().map(Result::unwrap).collect::<Vec<_>>()
    };
    assert_eq!(outcome(&entries[..10]).await, [Insertion::New; 10]);
    let mixed = outcome(&entries).await;
    assert_eq!(mixed[..10], [Insertion::Existed; 10]);
    assert_eq!(mixed[10..], [Insertion::New; 15]);

    let (_, of_one_event) = planned(50, "e-50", "STATE_CHANGE");
    assert_eq!(of_one_event.len(), 2, "the event and the status interval it closes");
    assert_eq!(outcome(&of_one_event).await, [Insertion::New; 2]);
}

async fn suite<S: Store>(store: &S) {
    a_register_moves_only_forward(store).await;
    an_equal_version_writes_nothing(store).await;
    the_registers_are_independent(store).await;
    an_entry_is_inserted_once(store).await;
}

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    suite(&MemoryStore::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dynoxide_keeps_the_contract() {
    let (_server, client) = dynamodb().await;
    suite(&dynamodb_store(client)).await;
}

/// Both stores hold the same items after the same writes.
#[tokio::test(flavor = "multi_thread")]
async fn memory_and_dynoxide_hold_the_same_items() {
    let (server, client) = dynamodb().await;
    let dynoxide = dynamodb_store(client);
    let memory = MemoryStore::default();
    suite(&memory).await;
    suite(&dynoxide).await;

    let tables = memory.tables();
    let was_written_twice = |item: &local_aws::dynamodb::Item| item.contains_key("written_twice");
    assert!(!server.items("State", "board", "agent_id").unwrap().iter().any(was_written_twice));
    for (items, model) in [
        (
            server.items("State", "board", "agent_id").unwrap(),
            tables
                .state
                .iter()
                .map(|(key, item)| {
                    (vec![("board", key.board.clone()), ("agent_id", key.agent_id.clone())], item)
                })
                .collect::<Vec<_>>(),
        ),
        (
            server.items("History", "agent_id", "entry").unwrap(),
            tables
                .history
                .iter()
                .map(|((agent, entry), item)| {
                    (vec![("agent_id", agent.clone()), ("entry", entry.clone())], item)
                })
                .collect::<Vec<_>>(),
        ),
    ] {
        assert_eq!(items.len(), model.len());
        for (item, (key, model)) in items.iter().zip(model) {
            let mut expected: local_aws::dynamodb::Item =
                model.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
            expected.extend(key.into_iter().map(|(name, value)| (name.to_owned(), json!(value))));
            assert_eq!(item, &expected);
        }
    }
}

fn plain(attribute: &agent_ledger::Attribute) -> serde_json::Value {
    use agent_ledger::Attribute::{List, Map, Number, Text};
    match attribute {
        Text(text) => json!(text),
        Number(digits) => serde_json::from_str(digits).unwrap(),
        List(elements) => elements.iter().map(plain).collect(),
        Map(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table_is_the_deployments_fault_and_silence_is_weather() {
    let server = DynamoDb::start(0, None).await.unwrap();
    let (registers, entries) = planned(1, "e", "STATE_CHANGE");
    let store =
        DynamoDbStore::new(dynamodb_client(&server.endpoint), "Nowhere".to_owned(), "Nowhere".to_owned());
    assert_eq!(store.write_register(&registers[0]).await.unwrap_err().class, FaultClass::Environment);
    for result in store.insert_entries(&entries).await {
        assert_eq!(result.unwrap_err().class, FaultClass::Environment);
    }
    let nobody =
        DynamoDbStore::new(dynamodb_client("http://127.0.0.1:9"), "State".to_owned(), "History".to_owned());
    assert_eq!(nobody.write_register(&registers[0]).await.unwrap_err().class, FaultClass::Transient);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_given_endpoint_keeps_the_contract() {
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    };
    let Ok(endpoint) = std::env::var("DYNAMODB_ENDPOINT") else {
        println!("DYNAMODB_ENDPOINT is not set: no further store was checked");
        return;
    };
    let client = dynamodb_client(&endpoint);
    let names = [
        ("contact-ledger-test-state", "board", "agent_id"),
        ("contact-ledger-test-history", "agent_id", "entry"),
    ];
    for (table, partition_key, sort_key) in names {
        let attribute = |name| {
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S)
                .build()
                .unwrap()
        };
        let key =
            |name, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
        let _ = client.delete_table().table_name(table).send().await;
        client
            .create_table()
            .table_name(table)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute(partition_key))
            .attribute_definitions(attribute(sort_key))
            .key_schema(key(partition_key, KeyType::Hash))
            .key_schema(key(sort_key, KeyType::Range))
            .send()
            .await
            .unwrap();
    }
    suite(&DynamoDbStore::new(client.clone(), names[0].0.to_owned(), names[1].0.to_owned())).await;
    for (table, _, _) in names {
        client.delete_table().table_name(table).send().await.unwrap();
    }
}
