//! The contract of the table of contacts in flight, tested on every store: the model's conditions are DynamoDB's.
//!
//! With `DYNAMODB_ENDPOINT` set, the suite also runs there, on its own table.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, LocalSecondaryIndex,
    Projection, ProjectionType, ScalarAttributeType,
};
use connect_streams::Timestamp;
use contact_state::contact::Contact;
use contact_state::memory::MemoryStore;
use contact_state::store::{Condition, ContactStore, Update, Updated};
use contact_state::{ContactKey, LongestLife, Outcome, Rules, read, write};
use ledger_tests::contact_events::{call, event};
use ledger_tests::dynamodb_client;
use local_aws::Gate;
use local_aws::dynamodb::DynamoDb;
use local_aws::stack::create_contact_table;
use serde_json::{Value, json};
use served_stack::{CONTACT_STATE_TABLE, Keys};
use tables::{Attribute, FaultClass, Item};
use tables_dynamodb::contacts::{ContactReader, DynamoDbContacts, INDEX};

fn now() -> Timestamp {
    Timestamp::parse("2026-03-02T08:10:00Z").unwrap()
}

async fn written<S: ContactStore>(store: &S, event: &Value) -> (Outcome, u32) {
    let planned = read(event.to_string().as_bytes(), &Rules::default()).unwrap().unwrap();
    let answer = write(store, &planned, now()).await;
    (answer.value.unwrap(), answer.consumed.requests)
}

fn of_contact(contact_id: &str, event: &Value) -> Value {
    let mut event = event.clone();
    event["detail"]["contactId"] = json!(contact_id);
    event
}

/// Every order of a call's events, each on a contact of its own, with every event twice.
async fn every_order<S: ContactStore>(store: &S) {
    let events = call();
    let mut number = 0;
    let mut orders = vec![Vec::new()];
    for place in 0..events.len() {
        let longer = orders.iter().flat_map(|order: &Vec<usize>| {
            (0..=order.len()).map(move |at| [&order[..at], &[place], &order[at..]].concat())
        });
        orders = longer.collect();
    }
    for order in orders {
        number += 1;
        for event in &order {
            written(store, &of_contact(&format!("order-{number:03}"), &events[*event])).await;
        }
        let (outcome, _) = written(store, &of_contact(&format!("order-{number:03}"), &events[4])).await;
        assert_eq!(outcome, Outcome::Duplicate);
    }
}

async fn an_update_reports_what_it_met<S: ContactStore>(store: &S) {
    let key = ContactKey::new("i-1", "single");
    let update = |condition, set: &[(&'static str, &str)]| Update {
        key: key.clone(),
        set: set.iter().map(|(name, value)| (*name, Attribute::text(value))).collect(),
        set_if_absent: vec![("first_seen", Attribute::text("f"))],
        remove: Vec::new(),
        condition,
    };
    let newer = |version: &str, rank: i64, may_create| Condition::Newer {
        last_event: Attribute::text(version),
        highest_rank: Attribute::number(rank),
        may_create,
    };
    let run = async |update: Update| store.update(&update).await.value.unwrap();
    assert_eq!(run(update(newer("5", 4, false), &[("last_event", "5")])).await, Updated::Refused(None));
    assert_eq!(run(update(newer("5", 4, true), &[("last_event", "5")])).await, Updated::Done);
    let Updated::Refused(Some(item)) = run(update(newer("5", 4, true), &[("last_event", "5")])).await else {
        panic!("an equal version is not newer")
    };
    let expected = [("first_seen", "f"), ("last_event", "5")];
    let expected: Item = expected.map(|(name, value)| (name.to_owned(), Attribute::text(value))).into();
    assert_eq!(item, expected);
    let seen = |name, value: Option<&str>| Condition::AsSeen(vec![(name, value.map(Attribute::text))]);
    assert!(matches!(
        run(update(seen("last_event", Some("4")), &[("a", "b")])).await,
        Updated::Refused(Some(_))
    ));
    assert!(matches!(run(update(seen("first_seen", None), &[("a", "b")])).await, Updated::Refused(Some(_))));
    assert_eq!(run(update(seen("last_event", Some("5")), &[("a", "b")])).await, Updated::Done);
    assert_eq!(run(update(newer("6", 4, false), &[("last_event", "6")])).await, Updated::Done);
}

async fn an_end_is_kept_and_an_old_event_creates_nothing<S: ContactStore>(store: &S) {
    let events = call();
    assert_eq!(written(store, &of_contact("late", &events[4])).await, (Outcome::Applied, 1));
    assert_eq!(written(store, &of_contact("late", &events[1])).await, (Outcome::Stale, 1));
    let old = event("o", "2026-01-01T08:00:00Z", "QUEUED", json!({"contactId": "old"}));
    assert_eq!(written(store, &old).await, (Outcome::TooOld, 1));
    let later = event("z", "2026-03-02T09:00:00Z", "QUEUED", json!({"contactId": "late"}));
    assert_eq!(written(store, &later).await, (Outcome::Applied, 2));
}

/// Invocations that write one contact at the same time.
async fn concurrent_writes_converge<S: ContactStore>(store: &S) {
    for round in 0..10 {
        let events = call().into_iter().map(|event| of_contact(&format!("busy-{round}"), &event));
        let events: Vec<_> = events.collect();
        futures::future::join_all(events.iter().map(|event| written(store, event))).await;
    }
}

async fn suite<S: ContactStore>(store: &S) {
    every_order(store).await;
    an_end_is_kept_and_an_old_event_creates_nothing(store).await;
    concurrent_writes_converge(store).await;
    for number in 0..250 {
        let id = format!("waiting-{number:03}");
        written(store, &of_contact(&id, &call()[1])).await;
    }
}

/// Checks that the table equals the model's after the same writes, and that the reader finds the contacts in flight.
async fn check_table(client: &Client, table: &str) {
    let memory = MemoryStore::default();
    suite(&memory).await;
    let found = client.scan().table_name(table).consistent_read(true).send().await.unwrap().items.unwrap();
    let by_key = |mut item: HashMap<String, AttributeValue>| {
        let key = ["board", "contact_id"].map(|name| item.remove(name).unwrap().as_s().unwrap().clone());
        (key, item)
    };
    let found: BTreeMap<_, _> = found.into_iter().map(by_key).collect();
    let expected = memory.table().into_iter().map(|(key, item)| {
        let attributes = item.into_iter().map(|(name, value)| (name, of_dynamodb(&value)));
        ([key.board, key.contact_id], attributes.collect::<HashMap<_, _>>())
    });
    assert_eq!(found, expected.collect());

    let reader = ContactReader::new(client.clone(), table.to_owned());
    let contacts = reader.in_flight("i-1", &LongestLife::default(), now()).await.unwrap();
    let ids: Vec<_> = contacts.iter().map(|contact| contact.contact_id.clone()).collect();
    assert_eq!(ids, (0..250).map(|number| format!("waiting-{number:03}")).collect::<Vec<_>>());
    assert!(contacts.iter().all(Contact::is_waiting));
    let ended = reader.contact("i-1", "late", &LongestLife::default(), now()).await.unwrap().unwrap();
    assert_eq!(ended.stage.as_str(), "ended");
    assert_eq!(reader.instances().await.unwrap(), ["i-1".to_owned()].into());
    // The index has the contacts in flight alone, with their keys.
    let index = client.scan().table_name(table).index_name(INDEX).send().await.unwrap();
    assert_eq!(index.items().len(), 250);
    assert!(index.items().iter().all(|item| item.len() == 3));
}

fn of_dynamodb(attribute: &Attribute) -> AttributeValue {
    match attribute {
        Attribute::Text(text) => AttributeValue::S(text.to_string()),
        Attribute::Number(digits) => AttributeValue::N(digits.to_string()),
        other => panic!("the table has no {other:?}"),
    }
}

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    let store = MemoryStore::default();
    suite(&store).await;
    assert_eq!(store.table().values().filter(|item| item.contains_key("in_flight")).count(), 250);
}

#[tokio::test(flavor = "multi_thread")]
async fn dynoxide_keeps_the_contract() {
    let server = DynamoDb::start(0, Gate::default()).await.unwrap();
    create_contact_table(&server).unwrap();
    let client = dynamodb_client(&server.endpoint, &server.keys);
    let store = DynamoDbContacts::new(client.clone(), CONTACT_STATE_TABLE.to_owned());
    suite(&store).await;
    check_table(&client, CONTACT_STATE_TABLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_reports_what_it_met_on_every_store_here() {
    an_update_reports_what_it_met(&MemoryStore::default()).await;
    let server = DynamoDb::start(0, Gate::default()).await.unwrap();
    create_contact_table(&server).unwrap();
    let client = dynamodb_client(&server.endpoint, &server.keys);
    an_update_reports_what_it_met(&DynamoDbContacts::new(client, CONTACT_STATE_TABLE.to_owned())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table_is_an_environment_fault_and_no_response_is_transient() {
    let server = DynamoDb::start(0, Gate::default()).await.unwrap();
    let class = async |client: Client| {
        let store = DynamoDbContacts::new(client, "Nowhere".to_owned());
        let planned = read(call()[0].to_string().as_bytes(), &Rules::default()).unwrap().unwrap();
        write(&store, &planned, now()).await.value.unwrap_err().class
    };
    assert_eq!(class(dynamodb_client(&server.endpoint, &server.keys)).await, FaultClass::Environment);
    let nobody = dynamodb_client("http://127.0.0.1:9", &Keys::random());
    assert_eq!(class(nobody).await, FaultClass::Transient);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_given_endpoint_keeps_the_contract() {
    const TABLE: &str = "contact-ledger-test-contacts";
    let Ok(endpoint) = std::env::var("DYNAMODB_ENDPOINT") else {
        println!("DYNAMODB_ENDPOINT is not set: no further store was tested");
        return;
    };
    let client = dynamodb_client(&endpoint, &Keys::random());
    let _ = client.delete_table().table_name(TABLE).send().await;
    let attribute = |name| {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        attribute.attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    let key = |name, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let index = LocalSecondaryIndex::builder()
        .index_name(INDEX)
        .key_schema(key("board", KeyType::Hash))
        .key_schema(key("in_flight", KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build());
    client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(["board", "contact_id", "in_flight"].map(attribute).to_vec()))
        .key_schema(key("board", KeyType::Hash))
        .key_schema(key("contact_id", KeyType::Range))
        .local_secondary_indexes(index.build().unwrap())
        .send()
        .await
        .unwrap();
    let store = DynamoDbContacts::new(client.clone(), TABLE.to_owned());
    suite(&store).await;
    check_table(&client, TABLE).await;
    an_update_reports_what_it_met(&store).await;
    client.delete_table().table_name(TABLE).send().await.unwrap();
}
