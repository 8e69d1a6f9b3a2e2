//! `contact-ledger trace`: where one contact or agent is, and where it stopped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Output;
use std::time::Duration;

use connect_streams::Timestamp;
use lambda_io::telemetry::now;
use ledger_tests::control_plane::{ControlPlane, Responses, STACK};
use ledger_tests::{dynamodb_client, functions_folder, served_stack};
use local_aws::stack::{Stack, StackSettings};
use serde_json::{Value, json};
use served_stack::{AGENT_STATE_TABLE, HISTORY_EVENTS, Served};
use tokio::process::Command;

const INSTANCE: &str = "arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-000000000001";
const CONTACT: &str = "30000000-0000-4000-8000-000000000001";
const AGENT: &str = "20000000-0000-4000-8000-000000000001";

fn contact_record(id: &str, updated: &str) -> Value {
    json!({
        "ContactId": id, "InstanceARN": INSTANCE, "Channel": "VOICE", "InitiationMethod": "INBOUND",
        "InitiationTimestamp": "2026-03-02T08:00:00Z", "LastUpdateTimestamp": updated,
        "Agent": {"ARN": format!("{INSTANCE}/agent/{AGENT}")},
    })
}

fn agent_event(id: &str, kind: &str, contacts: &Value) -> Value {
    json!({
        "AgentARN": format!("{INSTANCE}/agent/{AGENT}"), "EventId": id, "EventTimestamp": now().to_string(),
        "EventType": kind, "CurrentAgentSnapshot": {
            "AgentStatus": {"Name": "Available", "Type": "ROUTABLE", "StartTimestamp": now().to_string()},
            "Configuration": {"Username": "ada"}, "Contacts": contacts,
        },
    })
}

fn contact_event(id: &str, kind: &str) -> Value {
    json!({
        "id": format!("{id}-{kind}"), "time": now().to_string(), "detail-type": "Amazon Connect Contact Event",
        "source": "aws.connect", "region": "eu-west-2", "detail": {
            "eventType": kind, "contactId": id, "instanceArn": INSTANCE, "channel": "VOICE",
            "initiationTimestamp": now().to_string(),
        },
    })
}

async fn stack() -> (Stack, tempfile::TempDir) {
    served_stack(Duration::from_millis(200)).await
}

async fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    command.arg("trace").args(arguments);
    command.envs([("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret")]);
    command.output().await.unwrap()
}

/// The report about an ID, and the exit code.
async fn traced(output: &tempfile::TempDir, id: &str) -> (Value, i32) {
    let folder = output.path().to_string_lossy().into_owned();
    let printed = run(&[id, "--json", "--local", &folder]).await;
    let report = serde_json::from_slice(&printed.stdout);
    let report = report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&printed.stderr)));
    (report, printed.status.code().unwrap())
}

/// The report, once it satisfies a condition.
async fn eventually(
    output: &tempfile::TempDir,
    id: &str,
    is_reached: impl Fn(&Value) -> bool,
) -> (Value, i32) {
    for _ in 0..200 {
        let found = traced(output, id).await;
        if is_reached(&found.0) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{:#}", traced(output, id).await.0)
}

fn found<'r>(report: &'r Value, place: &str) -> &'r Vec<Value> {
    let places = report["places"].as_array().unwrap();
    let place = places.iter().find(|one| one["place"] == place).unwrap_or_else(|| panic!("{report:#}"));
    place["found"].as_array().unwrap_or_else(|| panic!("{place:#}"))
}

fn texts(report: &Value, stopped: bool) -> Vec<&str> {
    let conclusions = report["conclusions"].as_array().unwrap().iter();
    let wanted = conclusions.filter(|conclusion| conclusion["stopped"] == stopped);
    wanted.map(|conclusion| conclusion["text"].as_str().unwrap()).collect()
}

async fn send(output: &tempfile::TempDir, kind: &str, records: &[Value]) {
    let file = output.path().join("sent.jsonl");
    let lines: Vec<_> = records.iter().map(Value::to_string).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    command.args(["send", "--wait", "0", "--local"]).arg(output.path()).arg(kind).arg(&file);
    let sent = command.output().await.unwrap();
    assert!(sent.status.code().is_some_and(|code| [0, 3].contains(&code)), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_followed_through_every_place() {
    let (_stack, output) = stack().await;
    let versions = ["2026-03-02T08:05:00Z", "2026-03-02T08:06:00Z"].map(|at| contact_record(CONTACT, at));
    // Another contact that only refers to this one is none of its records.
    let mut other = contact_record("30000000-0000-4000-8000-000000000002", "2026-03-02T08:07:00Z");
    other["InitialContactId"] = json!(CONTACT);
    send(&output, "--contact-records", &[&versions[..], &[other]].concat()).await;
    let events = ["INITIATED", "CONNECTED_TO_AGENT"].map(|kind| contact_event(CONTACT, kind));
    send(&output, "--contact-events", &events).await;
    let connected =
        Timestamp::from_epoch_milliseconds(now().epoch_milliseconds() - 60_000).unwrap().to_string();
    let contact = json!([{
        "ContactId": CONTACT, "Channel": "VOICE", "State": "CONNECTED", "InitiationMethod": "INBOUND",
        "StateStartTimestamp": connected, "ConnectedToAgentTimestamp": connected,
    }]);
    let before = agent_event("e-1", "STATE_CHANGE", &contact);
    let mut after = agent_event("e-2", "STATE_CHANGE", &json!([]));
    after["PreviousAgentSnapshot"] = before["CurrentAgentSnapshot"].clone();
    send(&output, "--agent-events", &[before, after]).await;

    let is_complete = |report: &Value| {
        found(report, "Rows").len() == 2
            && found(report, "Contacts in flight").len() == 1
            && report["places"].as_array().unwrap().iter().any(|place| {
                place["place"] == "Agent history"
                    && place["found"].as_array().is_some_and(|all| !all.is_empty())
            })
    };
    let (report, code) = eventually(&output, CONTACT, is_complete).await;
    assert_eq!(code, 0, "{report:#}");
    assert_eq!((found(&report, "Raw copies").len(), found(&report, "Failed records").len()), (2, 0));
    assert!(texts(&report, false)[0].contains("2 versions"), "{report:#}");
    let text = run(&[CONTACT, "--local", &output.path().to_string_lossy()]).await;
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("contact_records/contact_date=2026-03-02/"), "{text}");
    assert!(text.contains(&format!("agent {AGENT}: CONNECTED")), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stopped_is_named_with_its_bytes() {
    let (stack, output) = stack().await;
    let mut broken = contact_record(CONTACT, "2026-03-02T08:05:00Z");
    broken["InitiationTimestamp"] = json!("yesterday");
    send(&output, "--contact-records", &[broken]).await;
    let has_failed = |report: &Value| found(report, "Failed records").len() == 1;
    let (report, code) = eventually(&output, CONTACT, has_failed).await;
    assert_eq!(code, 3, "{report:#}");
    let stopped = texts(&report, true);
    assert!(stopped.len() == 1 && stopped[0].contains("s3://lake/errors/processing-failed/"), "{stopped:?}");
    assert!(stopped[0].contains("would fail again"), "{stopped:?}");

    // The function does not run: the raw copy says that the event arrived.
    send(&output, "--agent-events", &[agent_event("e-1", "STATE_CHANGE", &json!([]))]).await;
    let is_stored = |report: &Value| report["kind"] == "Agent" && !found(report, "Archive").is_empty();
    let (report, code) = eventually(&output, AGENT, is_stored).await;
    assert_eq!(code, 0, "{report:#}");
    stack.upserter.reserve_concurrency(Some(0));
    send(&output, "--agent-events", &[agent_event("e-2", "STATE_CHANGE", &json!([]))]).await;
    let has_both = |report: &Value| found(report, "Archive")[0]["what"] == "the last of 2 STATE_CHANGE";
    let (report, code) = eventually(&output, "ada", has_both).await;
    assert_eq!((code, report["id"].as_str()), (3, Some(AGENT)), "{report:#}");
    let stopped = texts(&report, true);
    assert!(stopped.len() == 1 && stopped[0].contains("the function is behind"), "{stopped:?}");
    stack.upserter.reserve_concurrency(None);
    let (report, code) = eventually(&output, AGENT, |report| texts(report, true).is_empty()).await;
    assert_eq!(code, 0, "{report:#}");

    // An event that is rejected.
    let mut rejected = agent_event("e-3", "STATE_CHANGE", &json!([]));
    rejected.as_object_mut().unwrap().remove("EventId");
    send(&output, "--agent-events", &[rejected]).await;
    let (report, code) =
        eventually(&output, AGENT, |report| !found(report, "Rejected events").is_empty()).await;
    assert_eq!(code, 3, "{report:#}");
    assert!(texts(&report, true).iter().all(|text| text.contains("missing_field")), "{report:#}");

    let (report, code) = traced(&output, "40000000-0000-4000-8000-000000000009").await;
    assert_eq!(code, 3);
    assert!(texts(&report, true)[0].contains("Check the ID"), "{report:#}");
}

/// Events that are sent again arrive long after they happened.
#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_event_is_found_in_the_history_of_its_own_day() {
    let (_stack, output) = stack().await;
    let mut event = agent_event("e-1", "STATE_CHANGE", &json!([]));
    event["EventTimestamp"] = json!("2026-03-02T08:00:00.000Z");
    send(&output, "--agent-events", &[event]).await;
    let is_there = |report: &Value| report["kind"] == "Agent" && !found(report, "Archive").is_empty();
    eventually(&output, AGENT, is_there).await;
    let today = now().date();
    let folder = output.path().to_string_lossy().into_owned();
    let printed = run(&[AGENT, "--from", &today, "--local", &folder]).await;
    let text = String::from_utf8(printed.stdout).unwrap();
    assert_eq!(printed.status.code(), Some(0), "{text}");
    assert!(text.contains("The one event of the archive is in the tables."), "{text}");
}

/// Without the tables, nothing says that an ID is not that of an agent.
/// A local stack says which events have entries of their own.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_an_entry_is_found_in_a_stack_that_keeps_none() {
    let output = tempfile::tempdir().unwrap();
    let of = StackSettings::new(
        functions_folder(),
        output.path().to_owned(),
        lake_parquet::contact_records().unwrap(),
    );
    let settings = StackSettings {
        streams_port: Some(0),
        delivery_interval: Duration::from_millis(200),
        upserter_environment: [(HISTORY_EVENTS.to_owned(), "none".to_owned())].into(),
        ..of
    };
    let _stack = Stack::start(settings).await.unwrap();
    send(&output, "--agent-events", &[agent_event("e-1", "STATE_CHANGE", &json!([]))]).await;
    let is_there = |report: &Value| report["kind"] == "Agent" && !found(report, "Archive").is_empty();
    let (report, code) = eventually(&output, AGENT, is_there).await;
    assert_eq!((code, texts(&report, true)), (0, vec![]), "{report:#}");
    assert_eq!(found(&report, "Agent history"), &Vec::<Value>::new());
    assert!(texts(&report, false)[0].starts_with("1 event cannot be checked"), "{report:#}");
}

/// A heartbeat has no entry of its own. It is found by the interval that it closes, also if that began long before.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_found_by_an_interval_that_began_long_before() {
    let (_stack, output) = stack().await;
    let status = |name: &str, since: Timestamp| json!({"AgentStatus": {"Name": name, "Type": "ROUTABLE", "StartTimestamp": since.to_string()}, "Contacts": []});
    let before = Timestamp::from_epoch_milliseconds(now().epoch_milliseconds() - 4 * 24 * 3_600_000).unwrap();
    let mut event = agent_event("late", "HEART_BEAT", &json!([]));
    event["PreviousAgentSnapshot"] = status("Offline", before);
    event["CurrentAgentSnapshot"] = status("Available", now());
    send(&output, "--agent-events", &[event]).await;
    let is_there = |report: &Value| report["kind"] == "Agent" && !found(report, "Archive").is_empty();
    eventually(&output, AGENT, is_there).await;
    let folder = output.path().to_string_lossy().into_owned();
    let today = now().date();
    let printed = run(&[AGENT, "--json", "--from", &today, "--local", &folder]).await;
    let report: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(texts(&report, true), Vec::<&str>::new(), "{report:#}");
    assert_eq!(texts(&report, false), ["The one event of the archive is in the tables."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_cannot_be_read_are_named_and_several_instances_are_refused() {
    let (stack, output) = stack().await;
    let folder = output.path().to_string_lossy().into_owned();
    let served = Served::read(output.path()).unwrap();
    let event = agent_event("e-1", "STATE_CHANGE", &json!([]));
    send(&output, "--agent-events", std::slice::from_ref(&event)).await;
    let has_agent = |report: &Value| report["kind"] == "Agent";
    eventually(&output, "ada", has_agent).await;
    let other = event.to_string().replace("10000000-0000-4000-8000-000000000001", "other");
    let other: Value = serde_json::from_str(&other).unwrap();
    send(&output, "--agent-events", &[other]).await;
    let mut refused = run(&["ada", "--local", &folder]).await;
    for _ in 0..200 {
        if refused.status.code() == Some(1) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        refused = run(&["ada", "--local", &folder]).await;
    }
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains("2 instances; pass --instance"), "{why}");

    let tables = dynamodb_client(&stack.dynamodb.endpoint, &served.keys);
    tables.delete_table().table_name(AGENT_STATE_TABLE).send().await.unwrap();
    for id in ["ada", AGENT] {
        let printed = run(&[id, "--local", &folder, "--instance", INSTANCE]).await;
        let text = String::from_utf8(printed.stdout).unwrap();
        assert_eq!(printed.status.code(), Some(5), "{text}");
        assert!(text.contains("? ") && !text.contains("no agent has it"), "{text}");
    }
}

/// An event that reached the archive, but not the table.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_event_that_the_table_lacks_is_named() {
    let (stack, output) = stack().await;
    stack.put_contact_event(contact_event(CONTACT, "INITIATED").to_string().as_bytes()).await;
    let has_one = |report: &Value, name: &str| {
        let mut places = report["places"].as_array().unwrap().iter();
        // While the tables are empty, the instance is unknown, and nothing is looked up in them.
        places.any(|place| {
            place["place"] == name && place["found"].as_array().is_some_and(|all| all.len() == 1)
        })
    };
    let is_known =
        |report: &Value| ["Contacts in flight", "Contact events"].iter().all(|name| has_one(report, name));
    let (report, code) = eventually(&output, CONTACT, is_known).await;
    assert_eq!(code, 0, "{report:#}");
    assert!(
        texts(&report, false).contains(&"The contact event of the archive is in ContactState."),
        "{report:#}"
    );

    stack.contact_event_upserter.reserve_concurrency(Some(0));
    stack.put_contact_event(contact_event(CONTACT, "CONNECTED_TO_AGENT").to_string().as_bytes()).await;
    let (report, code) =
        eventually(&output, CONTACT, |report| found(report, "Contact events").len() == 2).await;
    assert_eq!(code, 3, "{report:#}");
    let stopped = texts(&report, true);
    assert!(
        stopped.len() == 1 && stopped[0].contains("in the archive, but not in ContactState"),
        "{stopped:?}"
    );
    assert!(stopped[0].contains("s3://lake/raw/contact-events/"), "{stopped:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn amazon_connect_is_asked_and_what_may_not_be_looked_at_is_named() {
    let described = json!({
        "Id": CONTACT, "InitiationTimestamp": 1_772_438_400.123, "DisconnectTimestamp": 1_772_438_700.0,
        "LastUpdateTimestamp": 1_772_438_760.0, "AgentInfo": {"Id": AGENT},
        "CustomerEndpoint": {"Address": "+15550100"},
    });
    let contacts = Some([(CONTACT.to_owned(), described)].into());
    for (contacts, expected) in
        [(contacts, "ended 2026-03-02T08:05:00.000Z"), (None, "connect:DescribeContact")]
    {
        let plane = ControlPlane::start(Responses { contacts, ..Responses::healthy() }).await;
        let arguments =
            [CONTACT, "--stack", STACK, "--endpoint-url", &plane.endpoint, "--region", "eu-west-2"];
        let printed = run(&arguments).await;
        let text = String::from_utf8(printed.stdout).unwrap();
        // The stand-in has no S3, so nothing follows.
        assert_eq!(printed.status.code(), Some(5), "{text}");
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("? s3://") && !text.contains("+15550100"), "{text}");
        let period = if expected.starts_with("ended") { "from 2026-03-02 to 2026-03-03" } else { "from 20" };
        assert!(text.contains(period), "{text}");
    }
    let wrong = run(&[CONTACT, "--local", "--from", "2026-03-03", "--to", "2026-03-02"]).await;
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
    assert_eq!(run(&[CONTACT, "--local", "--from", "8 o'clock"]).await.status.code(), Some(2));
}
