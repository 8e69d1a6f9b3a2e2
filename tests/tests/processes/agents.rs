//! `contact-ledger agents` and `history` show the content of the tables.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use connect_streams::Timestamp;
use lambda_io::telemetry::now;
use ledger_tests::{functions_folder, served_stack};
use local_aws::stack::Stack;
use serde_json::{Value, json};
use tokio::process::Command;

/// The time `seconds` ago.
fn ago(seconds: i64) -> String {
    Timestamp::from_epoch_milliseconds(now().epoch_milliseconds() - seconds * 1000).unwrap().to_string()
}

fn snapshot(name: &str, status: &str, since: i64, contact: Option<(&str, &str, i64)>) -> Value {
    let contact = contact.map(|(state, queue, since)| {
        json!({"ContactId": "c-1", "Channel": "VOICE", "State": state, "StateStartTimestamp": ago(since),
            "Queue": {"ARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/queue/q", "Name": queue}})
    });
    json!({
        "AgentStatus": {"Name": status, "StartTimestamp": ago(since), "Type": "ROUTABLE"},
        "Configuration": {"FirstName": name, "LastName": "Example", "Username": name.to_lowercase()},
        "Contacts": contact.as_slice(),
    })
}

fn event(agent: &str, kind: &str, at: i64, snapshots: [Value; 2]) -> Vec<u8> {
    let [previous, current] = snapshots;
    let event = json!({
        "AgentARN": format!("arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/{agent}"),
        "EventId": format!("e-{agent}-{at}"), "EventType": kind, "EventTimestamp": ago(at),
        "PreviousAgentSnapshot": previous, "CurrentAgentSnapshot": current,
    });
    event.to_string().into_bytes()
}

/// Ada is on a contact, Bob's last event is ten minutes old, and Cy is logged out.
async fn center() -> (Stack, tempfile::TempDir) {
    let (mut stack, output) = served_stack(Duration::from_mins(15)).await;
    let talks = |state, since| snapshot("Ada", "Available", 3600, Some((state, "=Sales", since)));
    let events = [
        event("ada", "STATE_CHANGE", 90, [talks("CONNECTING", 100), talks("CONNECTED", 90)]),
        event(
            "bob",
            "STATE_CHANGE",
            600,
            [snapshot("Bob", "Lunch", 1200, None), snapshot("Bob", "Available", 600, None)],
        ),
        event("cy", "LOGOUT", 30, [Value::Null, Value::Null]),
    ];
    for event in &events {
        stack.put_agent_event("key", event.clone().into()).await.unwrap();
    }
    stack.settle(events.len() as u64).await.unwrap();
    (stack, output)
}

async fn ledger(output: &tempfile::TempDir, arguments: &[&str]) -> String {
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    let output = command.args(arguments).arg("--local").arg(output.path()).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_shown_with_their_current_state() {
    let (_stack, output) = center().await;
    let shown = ledger(&output, &["agents"]).await;
    let line = |name: &str| shown.lines().find(|line| line.starts_with(name)).map(str::to_owned);
    assert!(shown.starts_with("2 agents, 1 contact, 1 ghost, at "), "{shown}");
    let ada = line("Ada Example").unwrap();
    assert!(ada.contains("on_contact") && ada.contains("1:3") && ada.ends_with("1  =Sales"), "{ada}");
    assert!(line("Bob Example").unwrap().contains("available (ghost)"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");

    let named = async |arguments: &[&str]| {
        let shown = ledger(&output, &[&["agents", "--json"], arguments].concat()).await;
        let rows = shown.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        rows.map(|row| row["agent_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(named(&["--sort", "name"]).await, "ada bob");
    assert_eq!(named(&["--sort", "since"]).await, "bob ada");
    assert_eq!(named(&["--sort", "contacts"]).await, "ada bob");
    assert_eq!(named(&["--all", "--name", "cy"]).await, "cy");
    assert_eq!(named(&["--name", "BOB"]).await, "bob");
    assert_eq!(named(&["--activity", "on_contact"]).await, "ada");
    assert_eq!(named(&["--queue", "=Sales"]).await, "ada");
    let mut unknown = Command::new(functions_folder().join("contact-ledger"));
    let unknown = unknown.args(["agents", "--instance", "i-2", "--local"]).arg(output.path());
    let unknown = unknown.output().await.unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no agent of instance i-2 is in the tables"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_history_is_shown_in_every_format() {
    let (_stack, output) = center().await;
    let from = &ago(7200);
    let arguments = |agent: &'static str| ["history", agent, "--from", from.as_str()];
    let shown = ledger(&output, &arguments("bob")).await;
    let status = shown.lines().find(|line| line.contains("  status")).unwrap();
    assert!(status.contains("Lunch") && status.contains("10:00"), "{shown}");

    let lines = ledger(&output, &[&arguments("ada")[..], &["--json", "--kind", "contact"]].concat()).await;
    let contact: Value = serde_json::from_str(lines.trim()).unwrap();
    assert_eq!(
        (&contact["what"], &contact["queue_name"], &contact["kind"]),
        (&json!("CONNECTING"), &json!("=Sales"), &json!("contact"))
    );
    let csv =
        ledger(&output, &[&arguments("ada")[..], &["--format", "csv", "--kind", "contact"]].concat()).await;
    assert!(csv.starts_with("kind,start,end,seconds,what,contact_id,channel,queue_name\n"), "{csv}");
    assert!(csv.lines().nth(1).unwrap().ends_with(",c-1,VOICE,'=Sales"), "{csv}");

    // Numbers are JSON numbers. Without a range, the last day with events is shown.
    assert!(contact["seconds"].is_number(), "{contact}");
    let last = ledger(&output, &["history", "bob", "--json"]).await;
    let same = ledger(&output, &["history", "bob", "--json", "--from", &ago(600)[..10]]).await;
    assert!(!last.is_empty() && last == same, "{last}");

    let nothing = ledger(&output, &["history", "bob", "--from", "2020-01-01"]).await;
    assert!(
        nothing.starts_with("No history of agent bob") && nothing.contains("HistoryRetentionDays"),
        "{nothing}"
    );
    let mut unknown = Command::new(functions_folder().join("contact-ledger"));
    let unknown = unknown.args(["history", "zoe", "--local"]).arg(output.path()).output().await.unwrap();
    let error = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(error.contains("has the username zoe") && error.contains("--name"), "{error}");
}
