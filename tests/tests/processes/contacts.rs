//! Contact events from the event bus to the table, and `contact-ledger contacts`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::Duration;

use connect_streams::Timestamp;
use lake_files::files_below;
use lake_parquet::contact_records as glue_table;
use lambda_io::telemetry::now;
use ledger_tests::functions_folder;
use ledger_tests::signed::{Call, Signer};
use local_aws::stack::{Stack, StackSettings};
use serde_json::{Value, json};
use served_stack::{CONTACT_EVENT_DEAD_LETTERS, CONTACT_EVENT_UPSERTER, NORMALIZER, Served, UPSERTER};
use tokio::process::Command;

const INSTANCE: &str = "arn:aws:connect:eu-west-2:111122223333:instance/i-1";

/// The time `seconds` ago.
fn ago(seconds: i64) -> String {
    Timestamp::from_epoch_milliseconds(now().epoch_milliseconds() - seconds * 1000).unwrap().to_string()
}

fn event(contact: &str, kind: &str, at: i64, mut detail: Value) -> Value {
    detail["eventType"] = json!(kind);
    detail["contactId"] = json!(contact);
    detail["instanceArn"] = json!(INSTANCE);
    json!({
        "version": "0", "id": format!("{contact}-{at}"), "detail-type": "Amazon Connect Contact Event",
        "source": "aws.connect", "account": "111122223333", "time": ago(at), "region": "eu-west-2",
        "resources": [INSTANCE], "detail": detail,
    })
}

fn queue(id: &str, since: i64) -> Value {
    json!({"queueArn": format!("{INSTANCE}/queue/{id}"), "enqueueTimestamp": ago(since)})
}

/// Two contacts wait in queue `sales`, one is with an agent, one was lost sight of, one has ended, one is a test.
fn events() -> Vec<Value> {
    let voice = |began: i64, more: Value| {
        let mut detail =
            json!({"channel": "VOICE", "initiationMethod": "INBOUND", "initiationTimestamp": ago(began)});
        detail.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        detail
    };
    let agent = json!({"agentArn": format!("{INSTANCE}/agent/ada"), "connectedToAgentTimestamp": ago(50)});
    let test = json!({"connect:ValidationTestType": {"valueString": "CALL_SIMULATION"}});
    vec![
        event("waits", "QUEUED", 240, voice(300, json!({"queueInfo": queue("sales", 240)}))),
        event("waits-too", "QUEUED", 60, voice(90, json!({"queueInfo": queue("sales", 60)}))),
        event(
            "talks",
            "CONNECTED_TO_AGENT",
            50,
            voice(400, json!({"queueInfo": queue("help", 300), "agentInfo": agent})),
        ),
        event(
            "lost",
            "QUEUED",
            8 * 86_400,
            voice(8 * 86_400, json!({"queueInfo": queue("help", 8 * 86_400)})),
        ),
        event(
            "ended",
            "COMPLETED",
            20,
            voice(500, json!({"queueInfo": queue("help", 400), "disconnectTimestamp": ago(30)})),
        ),
        event(
            "test",
            "QUEUED",
            40,
            voice(45, json!({"queueInfo": queue("help", 40), "segmentAttributes": test})),
        ),
        // Older than what is known of the contact, so it changes nothing.
        event("ended", "QUEUED", 400, voice(500, json!({"queueInfo": queue("help", 400)}))),
    ]
}

struct Center {
    stack: Stack,
    output: tempfile::TempDir,
}

impl Center {
    async fn start(settings: impl FnOnce(StackSettings) -> StackSettings) -> Self {
        let output = tempfile::tempdir().unwrap();
        let of = StackSettings::new(functions_folder(), output.path().to_owned(), glue_table().unwrap());
        let stack = Stack::start(settings(StackSettings { streams_port: Some(0), ..of })).await.unwrap();
        Self { stack, output }
    }

    /// Calls an operation as the AWS CLI and boto3 do.
    fn call(&self, service: &'static str, target: &str, request: &Value) -> Value {
        let served = Served::read(self.output.path()).unwrap();
        let address = served.streams.trim_start_matches("http://");
        let call = Call::operation(target, request).signed(address, &Signer::new(&served.keys, service));
        let reply = call.send(address);
        assert_eq!(reply.status, 200, "{reply:?}");
        serde_json::from_str(&reply.body).unwrap()
    }

    /// Puts events on the default event bus.
    fn put(&self, events: &[Value]) {
        for events in events.chunks(10) {
            let entry = |event: &Value| {
                let time = Timestamp::parse(event["time"].as_str().unwrap()).unwrap();
                json!({
                    "Source": event["source"], "DetailType": event["detail-type"],
                    "Detail": event["detail"].to_string(), "Resources": event["resources"],
                    "Time": time.epoch_milliseconds() / 1000,
                })
            };
            let entries: Vec<_> = events.iter().map(entry).collect();
            let answer = self.call("events", "AWSEvents.PutEvents", &json!({"Entries": entries}));
            assert_eq!(answer["FailedEntryCount"], 0, "{answer}");
            assert_eq!(answer["Entries"].as_array().unwrap().len(), events.len());
        }
    }

    async fn ledger(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(functions_folder().join("contact-ledger"));
        let output = command.args(arguments).arg("--local").arg(self.output.path()).output().await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    async fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let (code, shown, error) = self.ledger(&[&["contacts", "--json"], arguments].concat()).await;
        assert_eq!(code, Some(0), "{error}");
        shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The IDs of the contacts that are shown, in their order.
    async fn ids(&self, arguments: &[&str]) -> String {
        let rows = self.json(arguments).await;
        let ids: Vec<_> = rows.iter().map(|row| row["contact_id"].as_str().unwrap()).collect();
        ids.join(" ")
    }

    /// The contacts of the table.
    fn contacts(&self) -> Vec<String> {
        let items = self.stack.contact_state().unwrap();
        items.iter().map(|item| item["contact_id"].as_str().unwrap().to_owned()).collect()
    }

    async fn until(&self, condition: &str, holds: impl Fn(&Self) -> bool) {
        let waited = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_mins(1), waited).await;
        assert!(waited.is_ok(), "not in time: {condition}");
    }

    fn messages(&self, queue: &str) -> u64 {
        let names = json!(["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]);
        let url = self.call("sqs", "AmazonSQS.GetQueueUrl", &json!({"QueueName": queue}));
        let request = json!({"QueueUrl": url["QueueUrl"], "AttributeNames": names});
        let answer = self.call("sqs", "AmazonSQS.GetQueueAttributes", &request);
        let counts = answer["Attributes"].as_object().unwrap().values();
        counts.map(|count| count.as_str().unwrap().parse::<u64>().unwrap()).sum()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_put_on_the_bus_become_the_contacts_in_flight() {
    let mut center = Center::start(|settings| settings).await;
    center.put(&events());
    // The rule matches neither other sources nor other kinds of events, and a custom source may use Connect's name.
    let mut foreign = events().remove(0);
    foreign["source"] = json!("my.connect");
    let mut other = events().remove(0);
    other["detail-type"] = json!("Amazon Connect Contact Lens Post Call Rules Matched");
    center.put(&[foreign, other]);
    center.stack.settle(7).await.unwrap();
    let mut contacts = center.contacts();
    contacts.sort();
    assert_eq!(contacts, ["ended", "lost", "talks", "test", "waits", "waits-too"]);

    assert_eq!(center.ids(&[]).await, "waits waits-too talks lost");
    assert_eq!(center.ids(&["--simulated"]).await, "waits waits-too test talks lost");
    assert_eq!(center.ids(&["--queue", "sales"]).await, "waits waits-too");
    assert_eq!(center.ids(&["--state", "with_agent", "--state", "unconfirmed"]).await, "talks lost");
    assert_eq!(center.ids(&["--state", "queued"]).await, "waits waits-too");
    assert_eq!(center.ids(&["--instance", "i-2"]).await, "");
    // With a longer life, the lost contact still waits: the longest of all.
    assert_eq!(center.ids(&["--voice-task-hours", "200"]).await, "lost waits waits-too talks");
    let row = &center.json(&["--queue", "help", "--state", "with_agent"]).await[0];
    assert_eq!(
        (&row["state"], &row["channel"], &row["agent_id"], &row["queue_id"]),
        (&json!("with_agent"), &json!("VOICE"), &json!("ada"), &json!("help"))
    );
    let queues = center.json(&["--by-queue"]).await;
    let counts = |queue: &Value| {
        ["queue_id", "contacts_in_queue", "contacts_in_conversation", "contacts_unconfirmed"]
            .map(|name| queue[name].to_string())
            .join(" ")
    };
    let counts: Vec<_> = queues.iter().map(counts).collect();
    assert_eq!(counts, ["\"help\" 0 1 1", "\"sales\" 2 0 0"]);

    let (code, _, hint) = center.ledger(&["contacts", "--instance", "i-2"]).await;
    assert_eq!(code, Some(0));
    assert!(hint.contains("the tables have nothing of instance i-2; they have i-1"), "{hint}");
    let (code, shown, _) = center.ledger(&["contacts"]).await;
    assert_eq!(code, Some(0));
    assert!(shown.starts_with("4 contacts in flight, 2 waiting (longest 4:0"), "{shown}");
    let line =
        |name: &str| shown.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{shown}"));
    assert!(line("lost").contains("queued (unconfirmed)"), "{shown}");
    assert!(line("talks").contains("with_agent") && line("talks").contains("ada"), "{shown}");
    assert!(line("sales").contains("4:0") && !shown.contains("ended"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}

/// A message that never succeeds becomes a dead letter, and `redrive` sends it again.
#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_redriven_to_the_queue() {
    let folder = tempfile::tempdir().unwrap();
    let functions = folder.path().to_owned();
    for name in [NORMALIZER, UPSERTER] {
        symlink(functions_folder().join(name), functions.join(name)).unwrap();
    }
    let of_contact_events = functions.join(CONTACT_EVENT_UPSERTER);
    let replace = |make: &dyn Fn(&std::path::Path)| {
        let made = functions.join("made");
        make(&made);
        fs::rename(made, &of_contact_events).unwrap();
    };
    // It answers that no message is finished.
    replace(&|path| {
        let script = r#"#!/usr/bin/env bash
exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: localhost\r\n\r\n' >&3
read -r <&3
exit 1
"#;
        fs::write(path, script).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    });
    let center = Center::start(|settings| StackSettings {
        functions: functions.clone(),
        maximum_retry_attempts: 1,
        ..settings
    })
    .await;
    center.put(&events());
    center
        .until("every event is a dead letter", |center| center.messages(CONTACT_EVENT_DEAD_LETTERS) == 7)
        .await;
    assert_eq!(center.contacts(), [""; 0]);
    let (_, _, found) = center.ledger(&["doctor"]).await;
    assert!(!found.contains("panicked"), "{found}");

    let redrive = async |center: &Center, more: &[&str]| {
        let (code, report, error) = center.ledger(&[&["redrive", "--json"], more].concat()).await;
        let report: Value = serde_json::from_str(&report).unwrap_or_else(|_| panic!("{error}"));
        (code, report)
    };
    let (_, counted) = redrive(&center, &[]).await;
    assert_eq!(counted["queued"][CONTACT_EVENT_DEAD_LETTERS], 7, "{counted}");
    assert_eq!(center.messages(CONTACT_EVENT_DEAD_LETTERS), 7, "a dry run takes nothing");
    replace(&|path| symlink(functions_folder().join(CONTACT_EVENT_UPSERTER), path).unwrap());
    let (code, sent) = redrive(&center, &["--send"]).await;
    assert_eq!((code, &sent["finished"]), (Some(0), &json!(true)), "{sent}");
    assert_eq!(center.messages(CONTACT_EVENT_DEAD_LETTERS), 0);
    assert_eq!(center.ids(&[]).await, "waits waits-too talks lost");
    let (_, again) = redrive(&center, &["--send"]).await;
    assert_eq!(again["records"]["sent"], 0, "{again}");
}

/// One message that is no contact event fails no other, and is stored with its bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_poison_message_is_rejected_and_redriven_only_if_it_becomes_valid() {
    let mut center = Center::start(|settings| settings).await;
    let url = center.call("sqs", "AmazonSQS.GetQueueUrl", &json!({"QueueName": "contact-events"}));
    let good = events().remove(0);
    let mut bad = events().remove(1);
    bad["detail"]["contactId"] = Value::Null;
    let entries: Vec<_> = [json!("{"), bad, good]
        .iter()
        .enumerate()
        .map(|(id, body)| {
            let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
            json!({"Id": id.to_string(), "MessageBody": body})
        })
        .collect();
    let request = json!({"QueueUrl": url["QueueUrl"], "Entries": entries});
    let answer = center.call("sqs", "AmazonSQS.SendMessageBatch", &request);
    assert_eq!(answer["Successful"].as_array().unwrap().len(), 3, "{answer}");
    center.stack.settle(3).await.unwrap();
    assert_eq!(center.contacts(), ["waits"]);
    let files = files_below(&center.output.path().join("lake/rejected/contact-events")).unwrap();
    let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let mut reasons: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["reason"].as_str().unwrap().to_owned())
        .collect();
    reasons.sort();
    assert_eq!(reasons, ["missing_field", "not_json"]);
    let file = files[0].to_string_lossy().into_owned();
    let mut explain = Command::new(functions_folder().join("contact-ledger"));
    let explained = explain.args(["explain", &file]).output().await.unwrap();
    let explained = String::from_utf8(explained.stdout).unwrap();
    assert!(explained.contains("contactId") || explained.contains("JSON"), "{explained}");
    let (code, report, _) = center.ledger(&["redrive", "--json", "--send"]).await;
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((code, &report["records"]["sent"]), (Some(3), &json!(0)), "{report}");
    assert_eq!(report["records"]["stay"], 2, "{report}");
    let items = center.stack.contact_state().unwrap();
    assert_eq!(items[0]["queue_id"], "sales");
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_shows_the_raw_copies_of_contact_events_without_personal_values() {
    let delivery_interval = Duration::from_millis(200);
    let mut center = Center::start(|settings| StackSettings { delivery_interval, ..settings }).await;
    let mut sent = events();
    sent[0]["detail"]["systemEndpoint"] = json!({"type": "TELEPHONE_NUMBER", "address": "+15550100"});
    center.put(&sent);
    center.stack.settle(7).await.unwrap();
    let copies = center.output.path().join("lake/raw/contact-events");
    let is_there = |_: &Center| files_below(&copies).is_ok_and(|files| !files.is_empty());
    center.until("the copies are delivered", is_there).await;
    let tail = ["tail", "contact-events", "--since", "1h"];
    let [hidden, values] =
        [&["--json"][..], &["--json", "--show-values"]].map(|more| [&tail[..], more].concat());
    let ((code, shown, error), (_, values, _), (_, table, _)) =
        tokio::join!(center.ledger(&hidden), center.ledger(&values), center.ledger(&tail));
    assert_eq!(code, Some(0), "{error}");
    let lines: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut ids: Vec<_> =
        lines.iter().map(|line| line["record"]["detail"]["contactId"].as_str().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["ended", "ended", "lost", "talks", "test", "waits", "waits-too"]);
    assert!(!shown.contains("+15550100"), "{shown}");
    assert!(values.contains("+15550100"), "{values}");
    assert!(table.lines().any(|line| line.contains("CONNECTED_TO_AG") && line.contains("talks")), "{table}");
}

/// An event bus has only text: another line is listed, and the rest is sent.
#[tokio::test]
async fn a_line_that_is_not_text_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    let line =
        |id: &str| event(id, "QUEUED", 60, json!({"queueInfo": queue("sales", 60)})).to_string() + "\n";
    let mut lines = line("first").into_bytes();
    lines.extend_from_slice(b"{\"id\": \"\xff\"}\n");
    // No rule matches it, so the event bus would drop it silently.
    lines.extend_from_slice(b"{}\n");
    lines.extend_from_slice(line("last").as_bytes());
    fs::write(&file, lines).unwrap();
    let output = folder.path().join("out");
    let mut demo = Command::new(functions_folder().join("contact-ledger"));
    demo.args(["demo", "--contact-events"]).arg(&file).arg("--output").arg(&output);
    let done = demo.output().await.unwrap();
    let shown = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(3), "{shown}");
    for part in
        ["events.jsonl:2: not_utf8", "events.jsonl:3: unknown_kind", "match the input records exactly"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let summary: Value = serde_json::from_slice(&fs::read(output.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["contact_events"]["in"], 3);
    assert_eq!(summary["contact_events"]["contacts"], 2);
}
