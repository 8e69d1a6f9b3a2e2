//! The command as its user meets it: what it says when it cannot work, and that it leaves nothing behind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ledger_tests::{functions_folder, processes_with_files_below};

fn demo(output: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    command.arg("demo").arg("--output").arg(output).args(arguments);
    command.output().unwrap()
}

/// The command fails, says one sentence, and leaves no function process that works for it.
fn refused(arguments: &[&str], expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(&folder.path().join("out"), arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert!(said.contains(expected) && said.starts_with("error: "), "{arguments:?}: {said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(output.stdout.is_empty());
    assert_eq!(processes_with_files_below(folder.path()).len(), 0);
}

#[test]
fn a_missing_file_is_named() {
    refused(
        &["--contact-records", "/no/such/file.json"],
        "/no/such/file.json cannot be read; check the path",
    );
}

#[test]
fn unreadable_json_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.json");
    fs::write(&file, "{\"ContactId\": \"c\"}\n{\"ContactId\":\n").unwrap();
    refused(&["--contact-records", file.to_str().unwrap()], "broken.json is not JSON");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for service in ["--dynamodb-port", "--s3-port"] {
        refused(&[service, &port], &format!("cannot listen on 127.0.0.1:{port}; choose another port"));
    }
}

#[test]
fn a_missing_function_binary_is_named_with_what_to_do() {
    let empty = tempfile::tempdir().unwrap();
    refused(
        &["--functions", empty.path().to_str().unwrap()],
        "contact-record-normalizer is missing; build it with `cargo build",
    );
}

#[test]
fn a_folder_that_is_not_a_demos_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("precious"), "data").unwrap();
    let output = demo(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("choose another folder with --output"));
    assert_eq!(fs::read_to_string(folder.path().join("precious")).unwrap(), "data");
}

#[test]
fn a_demo_of_ones_own_file_replaces_the_earlier_result() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    let event = r#"{"AgentARN":"arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a-1","EventId":"e","EventTimestamp":"2026-03-02T08:00:00Z","EventType":"LOGIN"}"#;
    fs::write(&file, format!("{event}\n{event}\n")).unwrap();
    let output_folder = folder.path().join("out");
    for _ in 0..2 {
        let output = demo(&output_folder, &["--agent-events", file.to_str().unwrap(), "--times", "2"]);
        assert!(output.status.success(), "{output:?}");
        let summary: serde_json::Value =
            serde_json::from_slice(&fs::read(output_folder.join("summary.json")).unwrap()).unwrap();
        assert_eq!(
            summary["agent_events"]["outcomes"],
            serde_json::json!({
                "applied": 1, "duplicate": 3, "stale": 0, "skipped": 0, "rejected": 0, "retried": 0,
            })
        );
        let state: serde_json::Value =
            serde_json::from_slice(&fs::read(output_folder.join("agent-state.json")).unwrap()).unwrap();
        assert_eq!((state[0]["agent_id"].as_str(), state[0]["session"].as_str()), (Some("a-1"), Some("in")));
    }
    assert_eq!(processes_with_files_below(folder.path()).len(), 0);
}

#[test]
fn an_interruption_stops_everything_that_was_started() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    let command = command.arg("demo").arg("--output").arg(&output).args(["--times", "1000"]);
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // The function's first line means that its process is at work.
    let log = output.join("logs/agent-event-upserter.jsonl");
    while fs::metadata(&log).map_or(true, |log| log.len() == 0) {
        assert!(running.try_wait().unwrap().is_none(), "the demo ended by itself");
        std::thread::yield_now();
    }
    assert!(!processes_with_files_below(folder.path()).is_empty());
    let terminate = Command::new("kill").arg(running.id().to_string()).status().unwrap();
    assert!(terminate.success());
    let ended = running.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    assert!(String::from_utf8(ended.stderr).unwrap().contains("interrupted"));
    assert_eq!(processes_with_files_below(folder.path()).len(), 0);
}
