//! One batch of the upserter: which records are reported, rejected, and counted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use agent_ledger::agents::{Agent, Session, agents};
use agent_ledger::memory::{MemoryStore, Tables};
use agent_ledger::store::{Store, WrittenEntries, WrittenRegisters};
use agent_ledger::{Activity, Attribute, HistoryEntry, NamePolicy, RegisterWrite};
use connect_streams::Timestamp;
use lambda_io::aggregate::{Packed, pack};
use ledger_tests::{MemoryRejectedStore, far_future, fault, stream_event, upserter};
use serde_json::{Value, json};
use tables::{Answer, FaultClass};
use tokio::time::Instant;

const AGENT: &str = "arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a-1";

#[expect(clippy::needless_pass_by_value, reason = "a literal reads better without a reference")]
fn event(id: &str, timestamp: &str, event_type: &str, current: Value, previous: Value) -> Vec<u8> {
    let event = json!({
        "AgentARN": AGENT, "EventId": id, "EventTimestamp": timestamp, "EventType": event_type,
        "CurrentAgentSnapshot": current, "PreviousAgentSnapshot": previous,
    });
    event.to_string().into_bytes()
}

fn status(name: &str, since: &str) -> Value {
    json!({"AgentStatus": {"Name": name, "StartTimestamp": since}, "Configuration": {"Username": "agent.01"}, "Contacts": []})
}

/// A valid event.
fn good_event() -> Vec<u8> {
    let available = status("Available", "2026-03-02T08:00:00.000Z");
    event("e-1", "2026-03-02T08:00:00.000Z", "STATE_CHANGE", available, Value::Null)
}

/// A valid event, an hour later.
fn newer_event() -> Vec<u8> {
    let lunch = status("Lunch", "2026-03-02T09:00:00.000Z");
    event("e-2", "2026-03-02T09:00:00.000Z", "STATE_CHANGE", lunch, Value::Null)
}

async fn handle<S: Store>(
    store: S,
    records: &[Vec<u8>],
) -> (Value, agent_event_upserter::Summary, Vec<(String, Value)>) {
    let function = upserter(store);
    let event = stream_event(100, records.iter().map(Vec::as_slice));
    let (response, summary) = function.handle(&event, far_future()).await;
    (
        serde_json::to_value(response).unwrap()["batchItemFailures"].clone(),
        summary,
        function.rejected_store.lines(),
    )
}

/// The numbers of applied, duplicate, and stale events of the batches.
async fn counts(
    function: &agent_event_upserter::Upserter<MemoryStore, MemoryRejectedStore>,
    batches: Vec<Vec<&Vec<u8>>>,
) -> (usize, usize, usize) {
    let mut counts = (0, 0, 0);
    for batch in batches {
        let event = stream_event(0, batch.into_iter().map(Vec::as_slice));
        let (_, summary) = function.handle(&event, far_future()).await;
        counts = (counts.0 + summary.applied, counts.1 + summary.duplicate, counts.2 + summary.stale);
    }
    counts
}

#[tokio::test]
async fn a_bad_record_is_stored_with_its_bytes_and_the_reason_and_does_not_block_the_shard() {
    let good = good_event();
    let incomplete = br#"{"AgentARN":"arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a-1","EventType":"LOGIN","EventTimestamp":"2026-03-02T08:00:00Z"}"#.to_vec();
    let contact_record = br#"{"ContactId":"c"}"#.to_vec();
    let aggregate = [&[0xf3, 0x89, 0x9a, 0xc2][..], b"rest"].concat();
    let bad = [b"{".to_vec(), b"\xff".to_vec(), b"7".to_vec(), b"{}".to_vec(), incomplete, aggregate];
    let records: Vec<_> =
        [good.clone()].into_iter().chain(bad.clone()).chain([contact_record, good]).collect();

    let (failures, summary, lines) = handle(MemoryStore::default(), &records).await;
    assert_eq!(failures, json!([]));
    assert_eq!((summary.applied, summary.duplicate, summary.skipped, summary.retried), (1, 1, 1, 0));
    let reasons: Vec<_> = lines
        .iter()
        .map(|(_, line)| (line["reason"].as_str().unwrap(), line["path"].as_str().unwrap()))
        .collect();
    assert_eq!(
        reasons,
        [
            ("not_json", "$"),
            ("not_utf8", "$"),
            ("not_an_object", "$"),
            ("unknown_kind", "$"),
            ("missing_field", "EventId"),
            ("aggregated", "$")
        ]
    );
    for ((key, line), bytes) in lines.iter().zip(&bad) {
        assert!(key.starts_with("rejected/agent-events/shardId-000000000000/2026/03/02/100-108-"), "{key}");
        assert_eq!(line["data"], base64_simd::STANDARD.encode_to_string(bytes));
        assert_eq!(line["arrival_timestamp"], "2026-03-02T08:00:00.250Z");
    }
}

#[tokio::test]
async fn an_older_event_keeps_the_state_and_adds_its_entry() {
    let newer = newer_event();
    let older = good_event();
    // In one batch or one by one, the counts are the same.
    for batches in [vec![vec![&newer, &older]], vec![vec![&newer], vec![&older]]] {
        let function = upserter(MemoryStore::default());
        assert_eq!(counts(&function, batches).await, (1, 0, 1));
        let tables = function.store.tables();
        assert_eq!(tables.state.values().next().unwrap()["status_name"], Attribute::Text("Lunch".into()));
        assert_eq!(tables.history.len(), 2);
    }
}

/// The first event after a LOGIN has no previous snapshot, so no event shows the end of what the agent did before.
#[tokio::test]
async fn a_second_login_is_a_gap_unless_the_state_is_offline_or_unchanged() {
    const MORNING: &str = "2026-03-02T08:00:00.000Z";
    const NOON: &str = "2026-03-02T12:00:00.000Z";
    let on_contact = |state: &str, since: &str| {
        let mut snapshot = status("Available", MORNING);
        snapshot["Contacts"] = json!([{"ContactId": "c", "State": state, "StateStartTimestamp": since}]);
        snapshot
    };
    for (before, after, expected) in [
        (status("Available", MORNING), status("Lunch", NOON), 1),
        (status("Lunch", MORNING), status("Available", NOON), 1),
        (on_contact("CONNECTED", MORNING), on_contact("ENDED", NOON), 1),
        (on_contact("CONNECTED", MORNING), status("Available", MORNING), 1),
        (status("Offline", MORNING), status("Available", NOON), 0),
        (status("Available", MORNING), status("Available", MORNING), 0),
        (on_contact("CONNECTED", MORNING), on_contact("CONNECTED", MORNING), 0),
    ] {
        let records = [
            event("e-1", MORNING, "STATE_CHANGE", before.clone(), Value::Null),
            event("e-2", "2026-03-02T11:59:59.000Z", "LOGIN", Value::Null, Value::Null),
            event("e-3", NOON, "STATE_CHANGE", after.clone(), Value::Null),
        ];
        // In one batch or one by one, the gap is reported once.
        let (_, together, _) = handle(MemoryStore::default(), &records).await;
        let function = upserter(MemoryStore::default());
        let mut one_by_one = 0;
        for record in &records {
            let (_, summary) = function.handle(&stream_event(0, [record.as_slice()]), far_future()).await;
            one_by_one += summary.gaps.len();
        }
        assert_eq!((together.gaps.len(), one_by_one), (expected, expected), "{before} then {after}");
    }
}

#[tokio::test]
async fn a_login_keeps_name_and_status_and_a_heartbeat_after_logout_keeps_the_agent_logged_out() {
    let available = status("Available", "2026-03-02T08:00:00.000Z");
    let offline = status("Offline", "2026-03-02T16:00:00.000Z");
    let records = [
        event("e-1", "2026-03-02T08:00:00.000Z", "STATE_CHANGE", available, Value::Null),
        event("e-2", "2026-03-02T16:00:01.000Z", "LOGOUT", offline.clone(), offline.clone()),
        event("e-3", "2026-03-02T16:02:01.000Z", "HEART_BEAT", offline.clone(), offline),
        event("e-4", "2026-03-02T07:59:59.000Z", "LOGIN", Value::Null, Value::Null),
    ];
    let function = upserter(MemoryStore::default());
    for record in &records {
        function.handle(&stream_event(0, [record.as_slice()]), far_future()).await;
    }
    let agent = shown(&function.store.tables(), "2026-03-02T16:03:00Z");
    assert_eq!((agent.session, agent.activity), (Some(Session::Out), Activity::Offline));
    assert_eq!(agent.snapshot["status_name"], Attribute::Text("Offline".into()));
    assert_eq!(agent.snapshot["username"], Attribute::Text("agent.01".into()));

    let again = event("e-5", "2026-03-03T08:00:00.000Z", "LOGIN", Value::Null, Value::Null);
    function.handle(&stream_event(0, [again.as_slice()]), far_future()).await;
    let agent = shown(&function.store.tables(), "2026-03-03T08:01:00Z");
    assert_eq!((agent.session, agent.activity), (Some(Session::In), Activity::Offline));
    assert_eq!(agent.snapshot["username"], Attribute::Text("agent.01".into()));
}

/// The only agent of these tables, as a reader shows it.
fn shown(tables: &Tables, now: &str) -> Agent {
    let items = tables.state.iter().map(|(key, item)| {
        let mut item = item.clone();
        item.insert("agent_id".to_owned(), Attribute::Text(key.agent_id.as_str().into()));
        item
    });
    let shown = agents(items, Timestamp::parse(now).unwrap(), 5);
    assert_eq!(shown.len(), 1);
    shown.into_iter().next().unwrap()
}

/// LOGOUT sets two registers. If it is late for the snapshot but new for the logout, it counts as applied.
#[tokio::test]
async fn a_logout_is_applied_if_either_of_its_registers_changed() {
    let available = status("Available", "2026-03-02T08:00:00.000Z");
    let offline = status("Offline", "2026-03-02T16:00:00.000Z");
    let logout = event("e-2", "2026-03-02T16:00:01.000Z", "LOGOUT", offline.clone(), offline);
    let later = event("e-3", "2026-03-02T16:10:00.000Z", "STATE_CHANGE", available, Value::Null);
    // In one batch and one by one, in both orders.
    for batches in [
        vec![vec![&later, &logout]],
        vec![vec![&later], vec![&logout]],
        vec![vec![&logout, &later]],
        vec![vec![&logout], vec![&later]],
    ] {
        let function = upserter(MemoryStore::default());
        assert_eq!(counts(&function, batches).await, (2, 0, 0));
        // The second time it changes nothing, and is a duplicate.
        let (_, summary) = function.handle(&stream_event(0, [logout.as_slice()]), far_future()).await;
        assert_eq!((summary.applied, summary.duplicate, summary.stale), (0, 1, 0));
    }
}

#[tokio::test]
async fn an_attribute_that_the_newest_snapshot_lacks_is_removed() {
    let mut with_next = status("Available", "2026-03-02T08:00:00.000Z");
    with_next["NextAgentStatus"] = json!({"Name": "Lunch"});
    let records = [
        event("e-1", "2026-03-02T08:00:00.000Z", "STATE_CHANGE", with_next, Value::Null),
        event(
            "e-2",
            "2026-03-02T08:10:00.000Z",
            "STATE_CHANGE",
            status("Lunch", "2026-03-02T08:10:00.000Z"),
            Value::Null,
        ),
    ];
    let function = upserter(MemoryStore::default());
    for record in &records {
        function.handle(&stream_event(0, [record.as_slice()]), far_future()).await;
    }
    assert!(!function.store.tables().state.values().next().unwrap().contains_key("next_status_name"));
}

#[tokio::test]
async fn rejected_records_are_reported_for_retry_if_they_cannot_be_stored() {
    let good = good_event();
    let mut function = upserter(MemoryStore::default());
    function.rejected_store = MemoryRejectedStore { refuses: true, ..MemoryRejectedStore::default() };
    let event = stream_event(100, [good.as_slice(), b"{", b"{}"]);
    let (response, summary) = function.handle(&event, far_future()).await;
    let failures = serde_json::to_value(response).unwrap()["batchItemFailures"].clone();
    assert_eq!(failures, json!([{"itemIdentifier": "101"}]));
    assert_eq!((summary.applied, summary.rejected.len(), summary.retried), (1, 0, 2));
}

/// A store that denies access.
struct DeniedStore;

impl Store for DeniedStore {
    async fn write_registers(&self, writes: &[&RegisterWrite]) -> WrittenRegisters {
        Answer::free(writes.iter().map(|_| Err(fault(FaultClass::Environment))).collect())
    }

    async fn insert_entries(&self, entries: &[&HistoryEntry]) -> WrittenEntries {
        Answer::free(entries.iter().map(|_| Err(fault(FaultClass::Environment))).collect())
    }
}

#[tokio::test]
async fn a_denied_table_is_never_blamed_on_the_data() {
    let good = good_event();
    let (failures, summary, lines) = handle(DeniedStore, &[b"{".to_vec(), good, b"{}".to_vec()]).await;
    assert_eq!(failures, json!([{"itemIdentifier": "101"}]));
    assert_eq!(summary.retried, 2);
    // The bad record before it is finished. The one after it is retried, and must not be rejected twice.
    assert_eq!(lines.len(), 1);
    assert!(lines[0].0.contains("/100-100-"), "{}", lines[0].0);
}

#[tokio::test]
async fn an_event_that_is_not_written_in_time_is_reported() {
    let good = good_event();
    let function = upserter(NeverStore);
    let event = stream_event(100, [b"{".as_slice(), good.as_slice()]);
    let (response, summary) = function.handle(&event, Instant::now() + Duration::from_millis(20)).await;
    assert_eq!(
        serde_json::to_value(response).unwrap()["batchItemFailures"],
        json!([{"itemIdentifier": "101"}])
    );
    assert_eq!((summary.retried, summary.faults.len(), function.rejected_store.lines().len()), (1, 0, 1));
}

/// A store that never responds.
struct NeverStore;

impl Store for NeverStore {
    async fn write_registers(&self, _: &[&RegisterWrite]) -> WrittenRegisters {
        std::future::pending().await
    }

    async fn insert_entries(&self, _: &[&HistoryEntry]) -> WrittenEntries {
        std::future::pending().await
    }
}

#[tokio::test]
async fn the_pii_policy_applies_to_an_agents_names() {
    let mut current = status("Available", "2026-03-02T08:00:00.000Z");
    current["Configuration"] = json!({"Username": "agent.01", "FirstName": "Agent", "LastName": "Number 1"});
    let record = event("e-1", "2026-03-02T08:00:00.000Z", "STATE_CHANGE", current, Value::Null);
    let mut function = upserter(MemoryStore::default());
    let policy = r#"{"username": "hash", "first_name": "drop", "last_name": "mask"}"#;
    function.rules.names = NamePolicy::read(policy, Some(b"a key of thirty-two random bytes")).unwrap();
    function.handle(&stream_event(0, [record.as_slice()]), far_future()).await;
    let tables = function.store.tables();
    let item = tables.state.values().next().unwrap();
    let text = |name: &str| item.get(name).cloned();
    // From `openssl dgst -sha256 -hmac 'a key of thirty-two random bytes'`.
    let hash = "5bf7829323e60b8bc5faa98e81aa115e2604d7d6de9a6cd1e8e5d80a4e4b0397";
    assert_eq!(text("username"), Some(Attribute::Text(hash.into())));
    assert_eq!(text("first_name"), None);
    assert_eq!(text("last_name"), Some(Attribute::Text("****er 1".into())));
}

/// A producer that republishes the stream may aggregate its records. Each is counted separately, but for the stream
/// they are one record.
#[tokio::test]
async fn the_records_of_an_aggregate_are_counted_separately() {
    let newer = newer_event();
    let part = |partition_key: &str, data: &[u8]| Packed {
        partition_key: partition_key.to_owned(),
        data: data.to_vec().into(),
    };
    let packed = pack(&[
        part("a-1", &newer),
        part("a-2", b"{"),
        part("a-1", &good_event()),
        part("a-3", br#"{"ContactId":"c"}"#),
        part("a-1", &newer),
    ]);
    let records = [good_event(), packed];
    let (failures, summary, lines) = handle(MemoryStore::default(), &records).await;
    assert_eq!(failures, json!([]));
    let counts = (summary.applied, summary.duplicate, summary.skipped, summary.rejected.total());
    assert_eq!(counts, (2, 2, 1, 1));
    let [(key, line)] = &lines[..] else { panic!("one record is rejected: {lines:?}") };
    assert!(key.starts_with("rejected/agent-events/shardId-000000000000/2026/03/02/100-101-"), "{key}");
    assert_eq!(line["reason"], "not_json");
    assert_eq!((&line["sequence_number"], &line["subsequence_number"]), (&json!("101"), &json!(1)));
    assert_eq!((&line["partition_key"], &line["data"]), (&json!("a-2"), &json!("ew==")));

    // An aggregate that cannot be written is reported by its sequence number, and its bad part waits with it.
    let (failures, summary, lines) = handle(DeniedStore, &records[1..]).await;
    assert_eq!(failures, json!([{"itemIdentifier": "100"}]));
    assert_eq!((summary.retried, summary.rejected.total(), lines.len()), (5, 0, 0));
}
