//! `contact-ledger send`: every sent record is followed to its destination.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use lake_files::files_below;
use ledger_tests::{functions_folder, served_stack};
use local_aws::stack::Stack;
use serde_json::{Value, json};
use tokio::process::Command;

async fn stack() -> (Stack, tempfile::TempDir) {
    served_stack(Duration::from_millis(500)).await
}

fn command(output: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    command.args(["send", "--json", "--local"]).arg(output.path()).args(arguments).kill_on_drop(true);
    command
}

/// The number of records per destination. Exit code 3 means that some did not arrive.
async fn sent(output: &tempfile::TempDir, arguments: &[&str]) -> BTreeMap<String, u64> {
    let output = command(output, arguments).output().await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let all_arrived = report["ended"].as_array().unwrap().iter().all(|group| group["arrived"] == true);
    assert_eq!(output.status.code(), Some(if all_arrived { 0 } else { 3 }), "{report}");
    places(&report)
}

fn places(report: &Value) -> BTreeMap<String, u64> {
    let place = |group: &Value| {
        format!("{}: {}", group["stream"].as_str().unwrap(), group["ended_in"].as_str().unwrap())
    };
    let groups = report["ended"].as_array().unwrap().iter();
    groups.map(|group| (place(group), group["records"].as_u64().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_record_becomes_a_row_that_no_query_sees() {
    let (_stack, output) = stack().await;
    let expected = BTreeMap::from([("contact records: rows of the lake".to_owned(), 1)]);
    assert_eq!(sent(&output, &["--wait", "60"]).await, expected);
    assert!(output.path().join("lake/contact_records/contact_date=demo").is_dir());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_a_generated_center_arrives_completely() {
    let (_stack, output) = stack().await;
    let ended = sent(&output, &["--generated", "3", "--wait", "60"]).await;
    let places: Vec<_> = ended.keys().map(String::as_str).collect();
    let expected = [
        "agent events: history",
        "agent events: state",
        "contact events: contacts in flight",
        "contact records: rows of the lake",
    ];
    assert_eq!(places, expected);
    assert!(ended.values().sum::<u64>() > 100, "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_is_followed_to_its_destination() {
    let (_stack, output) = stack().await;
    let contact = |id: &str, version: &str| {
        json!({"ContactId": id, "InstanceARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1",
            "InitiationTimestamp": "2026-03-02T08:00:00Z", "LastUpdateTimestamp": version})
    };
    let event = |kind: &str, id: &str, snapshot: Value| {
        json!({"AgentARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a", "EventId": id,
            "EventTimestamp": "2999-03-02T08:00:00Z", "EventType": kind, "CurrentAgentSnapshot": snapshot})
    };
    let snapshot = json!({"AgentStatus": {"Name": "Available", "StartTimestamp": "2999-03-02T07:00:00Z"}, "Contacts": []});
    let file = |name: &str, records: &[Value]| {
        let path = output.path().join(name);
        let lines: Vec<_> = records.iter().map(Value::to_string).collect();
        fs::write(&path, lines.join("\n")).unwrap();
        path.to_string_lossy().into_owned()
    };
    let contacts = [
        contact("c-1", "2026-03-02T08:05:00Z"),
        contact("c-1", "2026-03-02T08:06:00.123Z"),
        json!({"ContactId": "c-2"}),
    ];
    let events = [
        event("LOGIN", "e-1", Value::Null),
        event("HEART_BEAT", "e-2", snapshot),
        json!({"EventType": "LOGIN"}),
    ];
    let contact_event = |id: &str, kind: &str, time: &str| {
        json!({"id": id, "time": time, "detail-type": "Amazon Connect Contact Event", "detail": {
            "eventType": kind, "contactId": "c-1",
            "instanceArn": "arn:aws:connect:eu-west-2:111122223333:instance/i-1"}})
    };
    // The second one is older than the first one, and carries nothing that the first one lacks.
    let contact_events = [
        contact_event("1", "DISCONNECTED", "2999-03-02T08:00:02Z"),
        contact_event("2", "INITIATED", "2999-03-02T08:00:01Z"),
        json!({"detail-type": "Amazon Connect Contact Event", "detail": {}}),
        json!({"ticker_symbol": "A"}),
    ];
    let (contacts, events) = (file("contacts.jsonl", &contacts), file("events.jsonl", &events));
    let contact_events = file("contact-events.jsonl", &contact_events);
    let streams = ["--contact-records", &contacts, "--agent-events", &events];
    let arguments = [&streams[..], &["--contact-events", &contact_events, "--wait", "60"]].concat();
    let expected = [
        ("agent events: history", 1),
        ("agent events: rejected: missing_field", 1),
        ("agent events: state", 1),
        ("contact events: contacts in flight", 2),
        ("contact events: rejected: missing_field", 1),
        ("contact events: rejected: unknown_kind", 1),
        ("contact records: errors: Lambda.FunctionError", 1),
        ("contact records: rows of the lake", 2),
    ];
    assert_eq!(
        sent(&output, &arguments).await,
        expected.map(|(place, records)| (place.to_owned(), records)).into()
    );
}

/// Records of an earlier run are not mistaken for those of this run: every run has new IDs and times.
#[tokio::test(flavor = "multi_thread")]
async fn unprocessed_records_are_reported_as_not_seen() {
    let (stack, output) = stack().await;
    let arrived = sent(&output, &["--generated", "3", "--wait", "60"]).await;
    assert!(arrived.keys().all(|place| !place.contains("seen")), "{arrived:?}");
    stack.upserter.reserve_concurrency(Some(0));
    let events = |ended: &BTreeMap<String, u64>| {
        ended.clone().into_iter().filter(|(place, _)| place.starts_with("agent events")).collect::<Vec<_>>()
    };
    let ended = sent(&output, &["--generated", "3", "--wait", "6"]).await;
    assert!(
        matches!(&events(&ended)[..], [(place, 50..)] if place == "agent events: not seen in time"),
        "{ended:?}"
    );

    // An interrupted run reports the results so far.
    let mut waiting = command(&output, &["--generated", "3", "--wait", "600"]);
    let waiting = waiting.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = waiting.id().unwrap().to_string();
    let rows = output.path().join("lake/contact_records");
    let files = || files_below(&rows).unwrap().len();
    let before = files();
    while files() == before {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
    let ended = waiting.wait_with_output().await.unwrap();
    assert_eq!(ended.status.code(), Some(130));
    let shown = places(&serde_json::from_slice(&ended.stdout).unwrap());
    assert!(
        matches!(&events(&shown)[..], [(place, _)] if place == "agent events: not seen when interrupted"),
        "{shown:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_entry_is_not_mistaken_for_the_sent_event() {
    let (_stack, output) = stack().await;
    let event = json!({"AgentARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a", "EventId": "e-1",
        "EventTimestamp": "2026-03-02T08:00:00Z", "EventType": "LOGIN"});
    let path = output.path().join("events.jsonl");
    fs::write(&path, format!("{event}\n{}\n", json!({"ContactId": "c", "InstanceARN": "i"}))).unwrap();
    let arguments = ["--agent-events", path.to_str().unwrap(), "--wait", "30"];
    let nowhere = ("agent events: nowhere: another known kind".to_owned(), 1);
    let first = [("agent events: history".to_owned(), 1), nowhere.clone()].into();
    assert_eq!(sent(&output, &arguments).await, first);
    let again = [("agent events: history (existed before sending)".to_owned(), 1), nowhere].into();
    assert_eq!(sent(&output, &arguments).await, again);
}
