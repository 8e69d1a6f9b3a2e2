//! Data cannot control the terminal that shows it. People type the names of agents, statuses, and queues, and dead
//! letters hold anything that was put on a stream.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use connect_streams::Timestamp;
use lambda_io::telemetry::now;
use ledger_tests::{functions_folder, served_stack};
use local_aws::stack::Stack;
use serde_json::json;
use tokio::process::Command;

/// Sets the window title, clears the screen, and reverses the text after it.
const HOSTILE: &str = "x\u{1b}]0;owned\u{7}\u{9b}2Jy\u{202e}z\r\u{7f}\u{8}\u{2066}\u{61c}\u{200f}";

fn is_unsafe(character: char) -> bool {
    (character.is_control() && character != '\n')
        || "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}"
            .contains(character)
}

async fn shown(output: &Path, arguments: &[&str]) -> (String, String) {
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    command.args(arguments).arg("--local").arg(output);
    let done = command.env("CLICOLOR_FORCE", "1").output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(done.stdout), text(done.stderr))
}

async fn hostile_stack() -> (Stack, tempfile::TempDir) {
    let (mut stack, output) = served_stack(Duration::from_mins(15)).await;
    let at =
        |ago: i64| Timestamp::from_epoch_milliseconds(now().epoch_milliseconds() - ago).unwrap().to_string();
    let snapshot = |state: &str, since: i64| {
        json!({
            "AgentStatus": {"Name": HOSTILE, "StartTimestamp": at(60_000), "Type": "ROUTABLE"},
            "Configuration": {"FirstName": HOSTILE, "LastName": HOSTILE, "Username": HOSTILE},
            "Contacts": [{"ContactId": HOSTILE, "Channel": "VOICE", "State": state, "StateStartTimestamp": at(since),
                "Queue": {"ARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/queue/q", "Name": HOSTILE}}],
        })
    };
    let event = json!({
        "AgentARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a-1",
        "EventId": "e-1", "EventType": "STATE_CHANGE", "EventTimestamp": at(10_000),
        "PreviousAgentSnapshot": snapshot("CONNECTING", 30_000), "CurrentAgentSnapshot": snapshot("CONNECTED", 10_000),
    });
    stack.put_agent_event("a-1", event.to_string().into_bytes().into()).await.unwrap();
    stack.settle(1).await.unwrap();
    let failure = json!({"attemptsMade": 1, "arrivalTimestamp": now().epoch_milliseconds(), "errorCode": HOSTILE,
        "errorMessage": HOSTILE, "attemptEndingTimestamp": now().epoch_milliseconds(),
        "rawData": base64_simd::STANDARD.encode_to_string(HOSTILE)});
    let day = now().date().replace('-', "/");
    let errors = output.path().join(format!("lake/errors/processing-failed/{day}/00"));
    fs::create_dir_all(&errors).unwrap();
    fs::write(errors.join("failed"), failure.to_string()).unwrap();
    // XML cannot represent such a key.
    let keys = &stack.s3.keys;
    let credentials = aws_sdk_s3::config::Credentials::new(
        &keys.access_key_id,
        &keys.secret_access_key,
        None,
        None,
        "test",
    );
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::v2026_01_12())
        .endpoint_url(&stack.s3.endpoint)
        .force_path_style(true)
        .region(aws_sdk_s3::config::Region::new(served_stack::REGION))
        .credentials_provider(credentials);
    let key = format!("errors/processing-failed/{day}/00/evil{HOSTILE}\nFAKE +&");
    let put = aws_sdk_s3::Client::from_conf(config.build()).put_object().bucket("lake").key(key);
    put.body(failure.to_string().into_bytes().into()).send().await.unwrap();
    (stack, output)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_passes_control_characters_from_data_to_the_terminal() {
    let (_stack, output) = hostile_stack().await;
    for arguments in [
        &["agents"][..],
        &["agents", "--json"],
        &["history", "20000000-0000-4000-8000-000000000001"],
        &["history", HOSTILE],
        &["history", HOSTILE, "--json"],
        &["history", "\u{1b}]0;nobody\u{7}"],
        &["agents", "--instance", HOSTILE],
        &["doctor"],
        &["doctor", "--json"],
        &["redrive"],
        &["redrive", "--json"],
        &["tail", "agent-events", "--since", "1d", "--for", "3", "--show-values"],
        &["tail", "agent-events", "--since", "1d", "--for", "3", "--show-values", "--json"],
        &["send", "--wait", "0"],
    ] {
        let (out, error) = shown(output.path(), arguments).await;
        assert!(!out.is_empty() || !error.is_empty());
        // Only our own colors start with an escape: `ESC [ … m`.
        let plain = console::strip_ansi_codes(&out).into_owned();
        for piece in out.split('\u{1b}').skip(1) {
            let is_color = piece.strip_prefix('[').is_some_and(|rest| {
                rest.trim_start_matches(|character: char| character.is_ascii_digit() || character == ';')
                    .starts_with('m')
            });
            assert!(is_color, "{arguments:?}: {piece:?}");
        }
        for text in [plain, error] {
            let found = text.chars().find(|character| is_unsafe(*character));
            assert_eq!(found, None, "{arguments:?}: {text:?}");
        }
    }
    // The data is shown, not left out.
    assert!(shown(output.path(), &["agents"]).await.0.contains('\u{fffd}'));
    let redriven = shown(output.path(), &["redrive"]).await;
    assert!(redriven.0.contains('\u{fffd}') && redriven.0.contains("of 2 objects"), "{redriven:?}");
}
