//! The contract of a store, tested on every store: the model's condition is DynamoDB's condition.
//!
//! With `DYNAMODB_ENDPOINT` set, the suite also runs there, on its own tables.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use agent_ledger::Item;
use agent_ledger::memory::MemoryStore;
use agent_ledger::plan::plan;
use agent_ledger::rules::Rules;
use agent_ledger::store::{Before, Held, Insertion, Store};
use agent_ledger::{Attribute, CLOSED_BY, HistoryEntry, RegisterWrite, Version};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use connect_streams::agent_event::AgentEvent;
use connect_streams::parse;
use ledger_tests::{dynamodb, dynamodb_client, dynamodb_store};
use local_aws::Gate;
use local_aws::dynamodb::DynamoDb;
use serde_json::json;
use served_stack::Keys;
use tables::{Consumed, FaultClass, StoreError};
use tables_dynamodb::agents::DynamoDbStore;

/// The writes of an event at `minute`.
fn planned(minute: u32, id: &str, event_type: &str) -> (Vec<RegisterWrite>, Vec<HistoryEntry>) {
    let is_even = minute.is_multiple_of(2);
    let snapshot = |since: u32| {
        json!({
            "AgentStatus": {
                "Name": if is_even { "Available" } else { "Training" },
                "Type": if is_even { json!("ROUTABLE") } else { json!(null) },
                "StartTimestamp": format!("2026-03-02T08:{since:02}:00Z"),
            },
            "NextAgentStatus": if is_even { json!({"Name": "Lunch"}) } else { json!(null) },
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

/// Writes one register and returns what it held before.
async fn write_register<S: Store>(store: &S, write: &RegisterWrite) -> Result<Before, StoreError> {
    store.write_registers(&[write]).await.value.remove(0)
}

async fn a_register_takes_only_newer_versions<S: Store>(store: &S) {
    let write = async |minute, id| match write_register(store, &planned(minute, id, "STATE_CHANGE").0[0])
        .await
        .unwrap()
    {
        Before::Nothing => None,
        Before::Held(held) => Some(held.version),
        Before::NotOlder => panic!("every store here returns what it held"),
    };
    let version = |minute: u32, id: &str| {
        Some(Version::from_stored(&format!("2026-03-02T08:{minute:02}:00.000Z#{id}")))
    };

    assert_eq!(write(10, "e-1").await, None);
    assert_eq!(write(20, "e-2").await, version(10, "e-1"));
    // A duplicate, an older event, and one of the same time with a smaller ID change nothing.
    assert_eq!(write(20, "e-2").await, version(20, "e-2"));
    assert_eq!(write(15, "e-9").await, version(20, "e-2"));
    assert_eq!(write(20, "e-1").await, version(20, "e-2"));
    // An event of the same time with a greater ID is newer.
    assert_eq!(write(20, "e-3").await, version(20, "e-2"));
    assert_eq!(write(21, "e-4").await, version(20, "e-3"));
}

/// A version is written once. A second write with the same version changes nothing, even with different content.
async fn an_equal_version_writes_nothing<S: Store>(store: &S) {
    let (first, _) = planned(22, "e-7", "STATE_CHANGE");
    write_register(store, &first[0]).await.unwrap();
    let mut second = first[0].clone();
    second.set.push(("written_twice", Attribute::Text("yes".into())));
    let held = Held { version: first[0].version.clone(), continuity: first[0].leaves };
    assert_eq!(write_register(store, &second).await.unwrap(), Before::Held(held.clone()));
    let third = planned(23, "e-8", "STATE_CHANGE").0.remove(0);
    assert_eq!(write_register(store, &third).await.unwrap(), Before::Held(held));
}

async fn the_registers_are_independent<S: Store>(store: &S) {
    let (registers, _) = planned(30, "e-5", "LOGOUT");
    let [snapshot, logout] = &registers[..] else { panic!("LOGOUT sets two registers") };
    assert_eq!(write_register(store, logout).await.unwrap(), Before::Nothing);
    assert!(matches!(write_register(store, snapshot).await.unwrap(), Before::Held(_)));
    // An older login is new for its own register.
    let (login, _) = planned(25, "e-6", "LOGIN");
    assert_eq!(write_register(store, &login[1]).await.unwrap(), Before::Nothing);
    let (earlier, _) = planned(24, "e-4", "LOGIN");
    let held = Held { version: login[1].version.clone(), continuity: None };
    assert_eq!(write_register(store, &earlier[1]).await.unwrap(), Before::Held(held));
}

async fn an_entry_is_inserted_once<S: Store>(store: &S) {
    let entries: Vec<_> =
        (0..25).map(|number| planned(40, &format!("e-{number}"), "STATE_CHANGE").1.remove(0)).collect();
    let outcome = async |entries: &[HistoryEntry]| {
        store
            .insert_entries(&entries.iter().collect::<Vec<_>>())
            .await
            .value
            .into_iter()
            .map(Result::unwrap)
            .collect::<Vec<_>>()
    };
    assert_eq!(outcome(&entries[..10]).await, [Insertion::New; 10]);
    let mixed = outcome(&entries).await;
    assert_eq!(mixed[..10], [Insertion::Existed; 10]);
    assert_eq!(mixed[10..], [Insertion::New; 15]);

    let (_, entries) = planned(50, "e-50", "STATE_CHANGE");
    assert_eq!(entries.len(), 2, "the event and the status interval it closes");
    assert_eq!(outcome(&entries).await, [Insertion::New; 2]);
}

/// Of two events that close the same interval, the earlier wins in either order. [`check_tables`] checks the result.
async fn the_earliest_event_closes_an_interval<S: Store>(store: &S) {
    let close = async |minute, id| {
        let (_, entries) = planned(minute, id, "HEART_BEAT");
        let [interval] = &entries[..] else { panic!("the status interval is the only entry of a heartbeat") };
        store.insert_entries(&[interval]).await.value.remove(0).unwrap()
    };
    // The previous part of the suite inserted the interval, closed at minute 50.
    assert_eq!(close(55, "e-55").await, Insertion::Existed);
    assert_eq!(close(43, "e-43").await, Insertion::Existed);
    assert_eq!(close(45, "e-45").await, Insertion::Existed);
    assert_eq!(close(43, "e-43").await, Insertion::Existed);
}

/// Routing profiles are registers, too. Events of the same content and period have the same version.
async fn a_routing_profile_is_a_register<S: Store>(store: &S) {
    let event = |time: &str, id: &str, queues: &[&str]| {
        let arn = |resource: &str| format!("arn:aws:connect:eu-west-2:111122223333:instance/i-1/{resource}");
        let queue = |id: &&str| json!({"ARN": arn(&format!("queue/{id}")), "Name": id.to_uppercase()});
        let profile = json!({
            "ARN": arn("routing-profile/p-1"), "Name": "General", "DefaultOutboundQueue": queue(&"q-9"),
            "InboundQueues": queues.iter().map(queue).collect::<Vec<_>>(),
        });
        let event = json!({
            "AgentARN": arn("agent/a-1"), "EventId": id, "EventTimestamp": format!("2026-03-02T{time}Z"),
            "EventType": "STATE_CHANGE", "CurrentAgentSnapshot": {"Configuration": {"RoutingProfile": profile}},
        })
        .to_string();
        let value = parse(event.as_bytes()).unwrap();
        let event = AgentEvent::from_object(value.as_object().unwrap()).unwrap();
        *plan(&event, &Rules::default()).unwrap().routing_profile.unwrap()
    };
    let first = event("08:01:00", "e-1", &["q-1", "q-2"]);
    let same = event("08:09:59", "e-2", &["q-2", "q-1"]);
    assert_eq!(first, same);
    assert_eq!(write_register(store, &first).await.unwrap(), Before::Nothing);
    let held = Before::Held(Held { version: first.version.clone(), continuity: None });
    assert_eq!(write_register(store, &same).await.unwrap(), held);
    let later = event("08:10:00", "e-3", &["q-1"]);
    assert!(later.version > first.version);
    assert_eq!(write_register(store, &later).await.unwrap(), held);
    let held = Before::Held(Held { version: later.version, continuity: None });
    assert_eq!(write_register(store, &first).await.unwrap(), held);
}

async fn suite<S: Store>(store: &S) {
    a_routing_profile_is_a_register(store).await;
    a_register_takes_only_newer_versions(store).await;
    an_equal_version_writes_nothing(store).await;
    the_registers_are_independent(store).await;
    an_entry_is_inserted_once(store).await;
    the_earliest_event_closes_an_interval(store).await;
}

/// A heartbeat that changes nothing costs one request and one write unit, the least that DynamoDB bills for a write: the
/// time of the agent's last event, by which readers recognize a lost connection. It adds nothing to the history.
async fn a_heartbeat_costs_one_write_unit<S: Store>(store: &S, least_units: u32) {
    let snapshot = json!({
        "AgentStatus": {"Name": "Available", "Type": "ROUTABLE", "StartTimestamp": "2026-03-02T08:00:00Z"},
        "Configuration": {"Username": "agent.01", "RoutingProfile": {"Concurrency": [{"Channel": "VOICE", "AvailableSlots": 1, "MaximumSlots": 1}]}},
        "Contacts": [{"ContactId": "c-1", "State": "CONNECTED", "StateStartTimestamp": "2026-03-02T08:00:00.500Z"}],
    });
    for minute in [1, 3, 5] {
        let event = json!({
            "AgentARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a-idle",
            "EventId": format!("h-{minute}"), "EventTimestamp": format!("2026-03-02T08:{minute:02}:00.000Z"),
            "EventType": "HEART_BEAT", "CurrentAgentSnapshot": snapshot, "PreviousAgentSnapshot": snapshot,
        })
        .to_string();
        let value = parse(event.as_bytes()).unwrap();
        let event = AgentEvent::from_object(value.as_object().unwrap()).unwrap();
        let plan = plan(&event, &Rules::default()).unwrap();
        assert!(
            plan.event.is_none() && plan.intervals.is_empty() && plan.routing_profile.is_none(),
            "{plan:?}"
        );
        let [write] = &plan.registers[..] else { panic!("{plan:?}") };
        let written = store.write_registers(&[write]).await;
        assert!(written.value[0].is_ok(), "{written:?}");
        if minute > 1 {
            let Consumed { requests, write_units } = written.consumed;
            let is_least = requests == 1 && (least_units..=1).contains(&write_units);
            assert!(is_least, "minute {minute}: {requests} requests, {write_units} write units");
        }
    }
}

/// Checks that the tables equal the model's tables after the same writes.
async fn check_tables(client: &Client, [state, history]: [&str; 2]) {
    let memory = MemoryStore::default();
    suite(&memory).await;
    let tables = memory.tables();
    let items = async |table: &str, key: [&str; 2]| {
        let found =
            client.scan().table_name(table).consistent_read(true).send().await.unwrap().items.unwrap();
        let by_key = |mut item: HashMap<String, AttributeValue>| {
            let key = key.map(|name| item.remove(name).unwrap().as_s().unwrap().clone());
            (key, item)
        };
        found.into_iter().map(by_key).collect::<BTreeMap<_, _>>()
    };
    let expected = |key: [&String; 2], item: &Item| {
        let attributes = item.iter().map(|(name, value)| (name.to_owned(), of_dynamodb(value)));
        (key.map(String::clone), attributes.collect::<HashMap<_, _>>())
    };
    let states = tables.state.iter().map(|(key, item)| expected([&key.board, &key.agent_id], item));
    assert_eq!(items(state, ["board", "agent_id"]).await, states.collect());
    let entries = tables.history.iter().map(|((agent_id, entry), item)| expected([agent_id, entry], item));
    assert_eq!(items(history, ["agent_id", "entry"]).await, entries.collect());

    let key = ("i-1#a-1".to_owned(), "status#2026-03-02T08:00:00.000Z#eu-west-2".to_owned());
    let interval = &tables.history[&key];
    assert_eq!(interval[CLOSED_BY], Attribute::Text("2026-03-02T08:43:00.000Z#e-43".into()));
    assert_eq!(interval.get("status_type"), None);
    assert!(tables.state.values().all(|item| !item.contains_key("written_twice")));
}

fn of_dynamodb(attribute: &Attribute) -> AttributeValue {
    match attribute {
        Attribute::Text(text) => AttributeValue::S(text.to_string()),
        Attribute::Number(digits) => AttributeValue::N(digits.to_string()),
        Attribute::List(elements) => AttributeValue::L(elements.iter().map(of_dynamodb).collect()),
        Attribute::Map(members) => AttributeValue::M(
            members.iter().map(|(name, value)| (name.to_owned(), of_dynamodb(value))).collect(),
        ),
    }
}

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    suite(&MemoryStore::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dynoxide_keeps_the_contract() {
    let (_server, client) = dynamodb().await;
    suite(&dynamodb_store(client.clone())).await;
    check_tables(&client, ["State", "History"]).await;
    a_heartbeat_costs_one_write_unit(&dynamodb_store(client), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table_is_an_environment_fault_and_no_response_is_transient() {
    let server = DynamoDb::start(0, Gate::default()).await.unwrap();
    let (registers, entries) = planned(1, "e", "STATE_CHANGE");
    let store = DynamoDbStore::new(
        dynamodb_client(&server.endpoint, &server.keys),
        "Nowhere".to_owned(),
        "Nowhere".to_owned(),
    );
    assert_eq!(write_register(&store, &registers[0]).await.unwrap_err().class, FaultClass::Environment);
    for result in store.insert_entries(&entries.iter().collect::<Vec<_>>()).await.value {
        assert_eq!(result.unwrap_err().class, FaultClass::Environment);
    }
    let nobody = DynamoDbStore::new(
        dynamodb_client("http://127.0.0.1:9", &Keys::random()),
        "State".to_owned(),
        "History".to_owned(),
    );
    assert_eq!(write_register(&nobody, &registers[0]).await.unwrap_err().class, FaultClass::Transient);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_given_endpoint_keeps_the_contract() {
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    };
    let Ok(endpoint) = std::env::var("DYNAMODB_ENDPOINT") else {
        println!("DYNAMODB_ENDPOINT is not set: no further store was tested");
        return;
    };
    let client = dynamodb_client(&endpoint, &Keys::random());
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
    let store = DynamoDbStore::new(client.clone(), names[0].0.to_owned(), names[1].0.to_owned());
    suite(&store).await;
    check_tables(&client, [names[0].0, names[1].0]).await;
    // DynamoDB Local reports no write units of batches of statements.
    a_heartbeat_costs_one_write_unit(&store, 0).await;
    for (table, _, _) in names {
        client.delete_table().table_name(table).send().await.unwrap();
    }
}

/// An endpoint that answers every request with `answer`, and counts requests.
async fn endpoint(
    answer: impl Fn(&[&str]) -> serde_json::Value + Clone + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    let handler = move |body: String| {
        let (answer, counted) = (answer.clone(), counted.clone());
        async move {
            counted.fetch_add(1, Ordering::Relaxed);
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            let statements: Vec<_> = body["Statements"]
                .as_array()
                .unwrap()
                .iter()
                .map(|statement| statement["Statement"].as_str().unwrap())
                .collect();
            ([("content-type", "application/x-amz-json-1.0")], answer(&statements).to_string())
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(handler)).await });
    (endpoint, requests)
}

/// The response of the service in some captures: the item exists, its condition fails, and the response does not
/// return it.
fn without_items(statements: &[&str]) -> serde_json::Value {
    let code = |statement: &&str| {
        if statement.starts_with("INSERT") { "DuplicateItem" } else { "ConditionalCheckFailed" }
    };
    let error = |statement: &&str| json!({"Error": {"Code": code(statement), "Message": "m"}});
    json!({"Responses": statements.iter().map(error).collect::<Vec<_>>()})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_condition_without_an_item_does_not_block_the_shard() {
    let (endpoint, requests) = endpoint(without_items).await;
    let store = dynamodb_store(dynamodb_client(&endpoint, &Keys::random()));
    let (registers, _) = planned(1, "e", "STATE_CHANGE");
    assert_eq!(write_register(&store, &registers[0]).await.unwrap(), Before::NotOlder);
    assert_eq!(requests.load(Ordering::Relaxed), 3);

    // So a redelivered event is a duplicate, a late heartbeat is stale, and the batch finishes.
    let event = |kind: &str, minute: u32| {
        json!({
            "AgentARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a-1", "EventId": "e",
            "EventTimestamp": format!("2026-03-02T08:{minute:02}:00.000Z"), "EventType": kind,
            "CurrentAgentSnapshot": {"Contacts": []}, "PreviousAgentSnapshot": null,
        })
        .to_string()
        .into_bytes()
    };
    let function = ledger_tests::upserter(store);
    let records = [event("STATE_CHANGE", 1), event("LOGOUT", 2), event("HEART_BEAT", 3)];
    let batch = ledger_tests::stream_event(0, records.iter().map(Vec::as_slice));
    let (response, summary) = function.handle(&batch, ledger_tests::far_future()).await;
    assert_eq!(response, lambda_io::kinesis::BatchResponse::default());
    assert_eq!((summary.duplicate, summary.stale, summary.applied, summary.retried), (2, 1, 0, 0));
    assert!(summary.faults.is_empty());
}

/// Another writer creates the item between the update, which found none, and the insertion.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_created_between_update_and_insertion_is_updated() {
    let answer = |statements: &[&str]| {
        static UPDATES: AtomicUsize = AtomicUsize::new(0);
        if statements[0].starts_with("UPDATE") && UPDATES.fetch_add(1, Ordering::Relaxed) > 0 {
            return json!({"Responses": [{"Item": {"snapshot_version": {"S": "2026-03-02T07:00:00.000Z#d"}}}]});
        }
        without_items(statements)
    };
    let (endpoint, requests) = endpoint(answer).await;
    let store = dynamodb_store(dynamodb_client(&endpoint, &Keys::random()));
    let (registers, _) = planned(1, "e", "STATE_CHANGE");
    let Before::Held(held) = write_register(&store, &registers[0]).await.unwrap() else {
        panic!("the third request was done")
    };
    assert_eq!(held.version.as_str(), "2026-03-02T07:00:00.000Z#d");
    assert_eq!(requests.load(Ordering::Relaxed), 3);
}
