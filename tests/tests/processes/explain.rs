//! `contact-ledger explain` explains every form of dead letter.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Output;

use contact_ledger_demo::put::put_record;
use lake_files::files_below;
use lake_parquet::GlueTable;
use lake_parquet::contact_records as glue_table;
use lambda_io::aggregate::{Packed, pack};
use ledger_console::records::input::Input;
use ledger_tests::functions_folder;
use local_aws::stack::{Stack, StackSettings};
use serde_json::{Value, json};
use served_stack::{CONTACT_EVENT_UPSERTER, NORMALIZER, UPSERTER};
use tokio::process::Command;

const CONTACT: &str = r#"{"ContactId":"c","InstanceARN":"arn:aws:connect:eu-west-2:111122223333:instance/i","InitiationTimestamp":"2026-03-02T08:00:00Z","LastUpdateTimestamp":"2026-03-02T08:05:00Z","CustomerEndpoint":{"Address":"+441632960101","Type":"TELEPHONE_NUMBER"}}"#;
const LOGIN: &str = r#"{"AgentARN":"arn:aws:connect:eu-west-2:111122223333:instance/i/agent/a","EventId":"e","EventTimestamp":"2026-03-02T08:00:00Z","EventType":"LOGIN"}"#;

async fn explain(object: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    command.arg("explain").arg(object).args(more).output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The records, and the summary.
async fn read(object: &Path, more: &[&str]) -> (Vec<Value>, Value) {
    let output = explain(object, &[&["--json"], more].concat()).await;
    let mut lines: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.pop().unwrap_or_else(|| panic!("{}", text(&output.stderr)));
    (lines, last["summary"].clone())
}

fn write(content: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("object");
    fs::write(&file, content).unwrap();
    (folder, file)
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

fn firehose_failure(data: &str, code: &str) -> String {
    json!({"attemptsMade": 4, "arrivalTimestamp": 1_772_438_400_123_i64, "errorCode": code,
        "errorMessage": "The function said so.", "rawData": base64(data), "lambdaArn": "arn"})
    .to_string()
}

fn rejected_line(data: &[u8], reason: &str, path: &str) -> String {
    json!({"reason": reason, "path": path, "event_source_arn": "arn:s", "shard_id": "shardId-000000000001",
        "sequence_number": "49", "partition_key": "p", "arrival_timestamp": "2026-03-02T08:00:00.123Z", "data": base64(data)})
    .to_string()
}

#[tokio::test]
async fn a_firehose_failure_is_explained_with_its_time_reason_and_redrive_result() {
    let broken = CONTACT.replace("\"InstanceARN\"", "\"Instance\"");
    let (_folder, file) = write(
        &[
            firehose_failure(CONTACT, "Lambda.FunctionTimedOut"),
            firehose_failure(&broken, "Lambda.FunctionError"),
        ]
        .concat(),
    );
    let output = explain(&file, &["--json"]).await;
    assert_eq!(output.status.code(), Some(0));
    let (records, summary) = read(&file, &[]).await;
    assert_eq!(records[0]["arrived"], "2026-03-02T08:00:00.123Z");
    assert_eq!(
        (&records[0]["reason"], &records[0]["redrive"]["would_pass"]),
        (&json!("Lambda.FunctionTimedOut"), &json!(true))
    );
    assert!(records[0]["means"].as_str().unwrap().contains("timed out four times"));
    assert_eq!(
        records[1]["redrive"],
        json!({"would_pass": false, "reason": "missing_field", "path": "InstanceARN",
        "message": "InstanceARN is missing or null, and a contact record requires it"})
    );
    assert_eq!(
        records[0]["records"][0]["CustomerEndpoint"],
        json!({"Address": "(hidden)", "Type": "TELEPHONE_NUMBER"})
    );
    assert_eq!(summary, json!({"records": 2, "would_pass": 1, "would_fail": 1, "unreadable": 0}));
    let (records, _) = read(&file, &["--show-values"]).await;
    assert_eq!(records[0]["records"][0], serde_json::from_str::<Value>(CONTACT).unwrap());

    let shown = text(&explain(&file, &[]).await.stdout);
    let flat = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "1. A contact record that arrived at 2026-03-02T08:00:00.123Z: Lambda.FunctionTimedOut",
        "Now: a redrive would succeed.",
        "Now: a redrive would fail again, missing_field: InstanceARN is missing or null",
        "What to do: Raise FunctionMemory",
        "2 records: a redrive would succeed for 1 and fail again for 1.",
    ] {
        assert!(flat.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("1632960101"), "{shown}");
}

#[tokio::test]
async fn rejected_and_discarded_events_are_explained() {
    let part = |data: &'static str| Packed { partition_key: "k".to_owned(), data: data.into() };
    let packed = pack(&[part(LOGIN), part("{}")]);
    let lines = [
        rejected_line(b"{\"EventType\":\"LOGIN\"}", "missing_field", "AgentARN"),
        rejected_line(LOGIN.as_bytes(), "unknown_kind", "$"),
        rejected_line(&packed, "unknown_kind", "$"),
    ];
    let (_folder, file) = write(&(lines.join("\n") + "\n"));
    let (records, summary) = read(&file, &[]).await;
    let explained: Vec<_> = records
        .iter()
        .map(|record| {
            (
                record["reason"].as_str().unwrap(),
                record["path"].as_str().unwrap(),
                record["redrive"]["would_pass"].as_bool().unwrap(),
                record["records"].as_array().unwrap().len(),
            )
        })
        .collect();
    assert_eq!(
        explained,
        [
            ("missing_field", "AgentARN", false, 1),
            ("unknown_kind", "$", true, 1),
            ("unknown_kind", "$", true, 2)
        ]
    );
    assert!(
        records
            .iter()
            .all(|record| record["stream"] == "agent_events"
                && record["arrived"] == "2026-03-02T08:00:00.123Z")
    );
    assert_eq!(summary["would_pass"], 2);

    let event = json!({"Records": [{"kinesis": {"kinesisSchemaVersion": "1.0", "partitionKey": "p", "sequenceNumber": "49",
        "data": base64(LOGIN), "approximateArrivalTimestamp": 1_772_438_400.123_f64}, "eventID": "shardId-000000000001:49", "eventSourceARN": "arn:s"}]});
    let context = json!({"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 3});
    for payload in [json!(event.to_string()), event] {
        let (_folder, file) = write(
            &json!({"requestContext": context, "KinesisBatchInfo": {}, "payload": payload}).to_string(),
        );
        let (records, _) = read(&file, &[]).await;
        assert_eq!(
            (&records[0]["reason"], &records[0]["redrive"]["would_pass"]),
            (&json!("RetryAttemptsExhausted"), &json!(true))
        );
        assert_eq!(records[0]["records"][0]["EventType"], "LOGIN");
        assert!(records[0]["means"].as_str().unwrap().contains("MaximumRetryAttempts"));
    }
}

#[tokio::test]
async fn the_exit_code_shows_whether_everything_could_be_read() {
    let good = firehose_failure(CONTACT, "Lambda.FunctionError");
    for (content, code, expected) in [
        (good.clone(), 0, ""),
        (format!("{good}\n{{\"a\":1}}\n{good}\n"), 3, "JSON of an unknown form"),
        (format!("{good}\n{{\"rawData\":\n{good}\n"), 3, "not JSON from here on"),
        (good.replace("\"rawData\":\"", "\"rawData\":\"%"), 3, "not base64"),
        (
            json!({"requestContext": {"condition": "c"}, "KinesisBatchInfo": {}}).to_string(),
            3,
            "without its records",
        ),
        (String::new(), 1, "has no records"),
    ] {
        let (folder, file) = write(&content);
        let output = explain(&file, &[]).await;
        let all = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{all}");
        assert!(all.split_whitespace().collect::<Vec<_>>().join(" ").contains(expected), "{expected}: {all}");
        if code == 3 && content.contains('\n') {
            assert_eq!(
                read(&file, &[]).await.1["would_pass"],
                2,
                "an unreadable record does not affect the others"
            );
        }
        drop(folder);
    }
    for (object, expected) in [
        ("/no/such/object", "check the path"),
        ("/tmp", "is a folder"),
        ("s3://bucket", "is not an object"),
        ("s3://bucket/prefix/", "is not an object"),
    ] {
        let output = explain(Path::new(object), &[]).await;
        assert!(output.status.code() == Some(1) && text(&output.stderr).contains(expected), "{output:?}");
    }
}

#[tokio::test]
async fn a_conversion_error_shows_values_only_with_show_values() {
    let line = json!({"arrivalTimestamp": 1_772_438_400_123_i64, "lastErrorCode": "DataFormatConversion.InvalidInput",
        "lastErrorMessage": "cannot convert +441632960101", "rawData": base64(r#"{"content_hash":"h","schema_version":2,"customer_endpoint_address":"+441632960101","contact_id":"c"}"#)});
    let (_folder, file) = write(&line.to_string());
    for more in [&[][..], &["--json"]] {
        assert!(!text(&explain(&file, more).await.stdout).contains("1632960101"));
        let shown = text(&explain(&file, &[more, &["--show-values"]].concat()).await.stdout);
        assert_eq!(shown.matches("1632960101").count(), 2, "{shown}");
    }
    let evil = json!({"rawData": base64("\u{1b}[2J"), "errorCode": "\u{1b}[31m\u{202e}\u{9b}"});
    let (_folder, file) = write(&evil.to_string());
    for more in [&[][..], &["--json"], &["--show-values"], &["--show-values", "--json"]] {
        let shown = text(&explain(&file, more).await.stdout);
        assert!(
            !shown.contains(|char: char| (char.is_control() && char != '\n') || char == '\u{202e}'),
            "{shown:?}"
        );
    }
}

/// A folder with the functions, some of them broken.
fn functions(broken: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in [NORMALIZER, UPSERTER, CONTACT_EVENT_UPSERTER] {
        let file = folder.path().join(name);
        if broken.contains(&name) {
            // It starts, and exits at every invocation.
            let script = r#"#!/usr/bin/env bash
exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: localhost\r\n\r\n' >&3
read -r <&3
exit 1
"#;
            fs::write(&file, script).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        } else {
            symlink(functions_folder().join(name), file).unwrap();
        }
    }
    folder
}

/// The objects are written by the local stack, and read from the folder and from S3.
#[tokio::test(flavor = "multi_thread")]
async fn objects_written_by_the_services_are_explained() {
    let mut day = Input::demo_day();
    day.contact_records.truncate(40);
    day.agent_events.truncate(40);
    day.contact_events.clear();
    let table = glue_table().unwrap();
    let misfit = GlueTable::new(&table.database, &table.name, [("contact_id", "bigint")]).unwrap();
    for (broken, table, prefix, reason) in [
        (vec![NORMALIZER, UPSERTER], table.clone(), "errors/processing-failed", "Lambda.FunctionError"),
        (vec![NORMALIZER, UPSERTER], table, "aws/lambda", "RetryAttemptsExhausted"),
        (vec![], misfit, "errors/format-conversion-failed", "DataFormatConversion.InvalidInput"),
    ] {
        let functions = functions(&broken);
        let output = tempfile::tempdir().unwrap();
        let settings = StackSettings {
            maximum_retry_attempts: 1,
            ..StackSettings::new(functions.path().to_owned(), output.path().to_owned(), table)
        };
        let mut stack = Stack::start(settings).await.unwrap();
        for sent in day.clone().into_records() {
            put_record(&stack, sent).await.unwrap();
        }
        stack.drain().await.unwrap();
        let lake = output.path().join("lake");
        let objects = files_below(&lake.join(prefix)).unwrap();
        assert!(!objects.is_empty(), "{prefix}");
        let (mut total, mut pass) = (0, 0);
        for object in &objects {
            let (records, summary) = read(object, &[]).await;
            assert!(
                records
                    .iter()
                    .all(|record| record["reason"] == reason || record["reason"] == "Lambda.FunctionError"),
                "{records:?}"
            );
            total += summary["records"].as_u64().unwrap();
            pass += summary["would_pass"].as_u64().unwrap();
            assert_eq!(summary["unreadable"], 0);
            let key = object.strip_prefix(&lake).unwrap().to_string_lossy().into_owned();
            let mut command = Command::new(functions_folder().join("contact-ledger"));
            command.args(["explain", "--json", &format!("s3://lake/{key}")]);
            command.env("AWS_ENDPOINT_URL_S3", &stack.s3.endpoint).env("AWS_REGION", served_stack::REGION);
            command
                .env("AWS_ACCESS_KEY_ID", &stack.s3.keys.access_key_id)
                .env("AWS_SECRET_ACCESS_KEY", &stack.s3.keys.secret_access_key);
            let from_s3 = command.output().await.unwrap();
            assert_eq!(
                text(&from_s3.stdout),
                text(&explain(object, &["--json"]).await.stdout),
                "{from_s3:?}"
            );
        }
        assert!(total > 30 && pass > 30, "{prefix}: {total} {pass}");
    }
}
