//! What the live board reads from DynamoDB.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use agent_ledger::store::Store;
use agent_ledger::{AgentKey, read};
use connect_streams::Timestamp;
use contact_state::{LongestLife, Rules};
use ledger_tests::contact_events::event;
use ledger_tests::{dynamodb_client, stream_event, upserter};
use live_board::{Board, Reading, Settings, Source};
use local_aws::dynamodb::DynamoDb;
use local_aws::stack::{create_agent_tables, create_contact_table};
use local_aws::{Gate, Intervention};
use serde_json::{Value, json};
use served_stack::{ACCOUNT, AGENT_HISTORY_TABLE, AGENT_STATE_TABLE, CONTACT_STATE_TABLE, REGION};
use tables::FaultClass;
use tables_dynamodb::agents::DynamoDbStore;
use tables_dynamodb::board::BoardSource;
use tables_dynamodb::contacts::DynamoDbContacts;

const INSTANCE: &str = "i-1";

fn agent_event(agent: usize, profile: &str) -> Vec<u8> {
    let arn = |resource: &str| format!("arn:aws:connect:{REGION}:{ACCOUNT}:instance/{INSTANCE}/{resource}");
    json!({
        "AgentARN": arn(&format!("agent/a-{agent:04}")), "EventId": "e", "EventType": "STATE_CHANGE",
        "EventTimestamp": "2026-03-02T08:00:00.000Z",
        "CurrentAgentSnapshot": {
            "AgentStatus": {"Name": "Available", "Type": "ROUTABLE", "StartTimestamp": "2026-03-02T08:00:00.000Z"},
            "Configuration": {
                // Long names, so that a partition has several pages of 1 MB.
                "Username": "u".repeat(20_000),
                "RoutingProfile": {"ARN": arn(&format!("routing-profile/{profile}")), "InboundQueues": [{"ARN": arn("queue/q-1")}]},
            },
            "Contacts": [],
        },
    })
    .to_string()
    .into_bytes()
}

/// A table with this many agents and contacts in flight, and one that ended.
async fn center(gate: Gate, agents: usize, contacts: usize) -> (DynamoDb, BoardSource) {
    let server = DynamoDb::start(0, gate).await.unwrap();
    create_agent_tables(&server).unwrap();
    create_contact_table(&server).unwrap();
    let client = dynamodb_client(&server.endpoint, &server.keys);
    let tables = [AGENT_STATE_TABLE, AGENT_HISTORY_TABLE].map(str::to_owned);
    let [state, history] = tables;
    let function = upserter(DynamoDbStore::new(client.clone(), state.clone(), history));
    for chunk in (0..agents).collect::<Vec<_>>().chunks(200) {
        let records: Vec<_> =
            chunk.iter().map(|agent| agent_event(*agent, &format!("p-{}", agent % 3))).collect();
        let event = stream_event(0, records.iter().map(Vec::as_slice));
        let (_, summary) = function.handle(&event, ledger_tests::far_future()).await;
        assert_eq!(summary.applied, chunk.len());
    }
    let store = DynamoDbContacts::new(client.clone(), CONTACT_STATE_TABLE.to_owned());
    let now = Timestamp::parse("2026-03-02T09:00:00Z").unwrap();
    for number in 0..=contacts {
        let kind = if number == contacts { "COMPLETED" } else { "QUEUED" };
        let event = event("e", "2026-03-02T08:00:00Z", kind, json!({"contactId": format!("c-{number:04}")}));
        let write = contact_state::read(event.to_string().as_bytes(), &Rules::default()).unwrap().unwrap();
        contact_state::write(&store, &write, now).await.value.unwrap();
    }
    let source = BoardSource::new(client, state, Some(CONTACT_STATE_TABLE.to_owned()), INSTANCE.to_owned());
    (server, source)
}

fn document(reading: Reading) -> Value {
    let settings = Settings {
        instance_id: INSTANCE.to_owned(),
        ghost_minutes: 5,
        longest_life: LongestLife::default(),
        lists_everyone: false,
    };
    serde_json::to_value(Board::of(reading, &settings, Timestamp::parse("2026-03-02T08:01:00Z").unwrap()))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_pages_of_all_boards_are_read() {
    let (_server, source) = center(Gate::default(), 1500, 1700).await;
    let reading = source.read().await.unwrap();
    // 1,500 items of 20,000 bytes at one unit per 4 KB of a page, and 1,700 contacts at one unit each.
    assert!(reading.read_units > 1500.0 * 20_000.0 / 4096.0 + 1700.0, "{}", reading.read_units);
    let board = document(reading);
    let length = |name: &str| board[name].as_array().unwrap().len();
    assert_eq!((length("agents"), length("contacts"), length("routing_profiles")), (1500, 1700, 3));
    assert_eq!(board["totals"]["contacts_in_queue"], 1700);
    assert_eq!(board["queues"][0]["agents_available"], 1500);
}

/// Whichever request is throttled, denied, or cut off: the reading fails as a whole.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_reading_is_none() {
    let number = Arc::new(AtomicU64::new(0));
    let fault = Arc::new(Mutex::new((u64::MAX, Intervention::Pass)));
    let interference = {
        let (number, fault) = (number.clone(), fault.clone());
        move |_| {
            let (at, intervention) = *fault.lock().unwrap();
            // The client tries again, so every later request fails, too.
            if number.fetch_add(1, Ordering::Relaxed) >= at { intervention } else { Intervention::Pass }
        }
    };
    let gate = Gate { interference: Some(Arc::new(interference)), ..Gate::default() };
    let (_server, source) = center(gate, 40, 40).await;
    number.store(0, Ordering::Relaxed);
    source.read().await.unwrap();
    let requests = number.load(Ordering::Relaxed);
    // Sixteen boards of each table, the routing profiles, and the items of the contacts.
    assert!(requests > 16 + 1 + 16, "{requests}");
    let faults = [
        (Intervention::Throttle, FaultClass::Transient),
        (Intervention::ServerError, FaultClass::Transient),
        (Intervention::Deny, FaultClass::Environment),
    ];
    for (intervention, class) in faults {
        for at in [0, 16, requests - 1] {
            number.store(0, Ordering::Relaxed);
            *fault.lock().unwrap() = (at, intervention);
            assert_eq!(source.read().await.unwrap_err().class, class, "{intervention:?} at {at}");
        }
    }
}

/// The policy in docs/board.md has what the board needs, and nothing else of DynamoDB.
#[tokio::test(flavor = "multi_thread")]
async fn the_documented_policy_is_what_the_board_needs() {
    let page = include_str!("../../../docs/board.md");
    let blocks = page.split("```json").skip(1).map(|block| block.split("```").next().unwrap());
    let policy = blocks.filter(|block| block.contains("Statement")).last().unwrap();
    let policy: Value = serde_json::from_str(policy).unwrap();
    let list = |value: &Value| match value {
        Value::Array(all) => all.iter().map(|one| one.as_str().unwrap().to_owned()).collect::<Vec<_>>(),
        one => vec![one.as_str().unwrap().to_owned()],
    };
    let mut allowed = BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        for action in list(&statement["Action"]) {
            for resource in list(&statement["Resource"]) {
                let resource = resource
                    .replace("<Region>", REGION)
                    .replace("<account>", ACCOUNT)
                    .replace("<AgentStateTableName>", AGENT_STATE_TABLE)
                    .replace("<ContactStateTableName>", CONTACT_STATE_TABLE);
                allowed.insert((action.clone(), resource));
            }
        }
    }
    let used = Arc::new(Mutex::new(None));
    let guard = {
        let (used, allowed) = (used.clone(), allowed.clone());
        move |permission: &local_aws::permission::Permission| {
            let asked = (permission.action.clone(), permission.resource.clone());
            let mut used = used.lock().unwrap();
            // Before the board reads, everything is allowed.
            let Some(used) = &mut *used else { return true };
            BTreeSet::insert(used, asked.clone());
            allowed.contains(&asked)
        }
    };
    let gate = Gate { guard: Some(Arc::new(guard)), ..Gate::default() };
    let (_server, source) = center(gate, 5, 5).await;
    *used.lock().unwrap() = Some(BTreeSet::new());
    source.read().await.unwrap();
    let used = used.lock().unwrap().clone().unwrap();
    let of_dynamodb = allowed.into_iter().filter(|(action, _)| action.starts_with("dynamodb:"));
    assert_eq!(used, of_dynamodb.collect());
}

/// Routing profiles are in a partition of their own, so that readers of the boards see only agents.
#[tokio::test(flavor = "multi_thread")]
async fn the_boards_of_agents_have_no_routing_profiles() {
    let (server, _) = center(Gate::default(), 20, 0).await;
    let client = dynamodb_client(&server.endpoint, &server.keys);
    let store =
        DynamoDbStore::new(client.clone(), AGENT_STATE_TABLE.to_owned(), AGENT_HISTORY_TABLE.to_owned());
    let record = agent_event(0, "p-9");
    let agent_ledger::Read::Event { plan, .. } =
        read(&record, &agent_ledger::rules::Rules::default()).unwrap()
    else {
        panic!("it is an event")
    };
    let write = plan.routing_profile.unwrap();
    assert_eq!(write.key, AgentKey::of_routing_profile(INSTANCE, REGION, "p-9"));
    store.write_registers(&[&write]).await.value.remove(0).unwrap();
    let scan =
        client.scan().table_name(AGENT_STATE_TABLE).projection_expression("board, agent_id").send().await;
    let scanned = scan.unwrap().items.unwrap();
    let text = |item: &std::collections::HashMap<_, aws_sdk_dynamodb::types::AttributeValue>, name: &str| {
        item[name].as_s().unwrap().clone()
    };
    let boards: BTreeSet<_> = AgentKey::boards(INSTANCE).collect();
    let (agents, profiles): (Vec<_>, Vec<_>) =
        scanned.iter().partition(|item| boards.contains(&text(item, "board")));
    assert!(agents.iter().all(|item| text(item, "agent_id").starts_with("a-")) && agents.len() == 20);
    let ids: BTreeSet<_> = profiles.iter().map(|item| text(item, "agent_id")).collect();
    assert_eq!(ids, ["p-0", "p-1", "p-2", "p-9"].map(|id| format!("{id}#{REGION}")).into());
}
