//! `contact-ledger tail` shows the records of a stream, even while the stream throttles, fails, or is resharded.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use contact_ledger_demo::put::put_record;
use lambda_io::aggregate::{Packed, pack};
use ledger_console::records::input::Input;
use ledger_tests::{functions_folder, served_stack};
use local_aws::stack::Stack;
use serde_json::{Value, json};
use served_stack::Keys;
use served_stack::{Served, ServedFile};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::Instant;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    command.arg("tail").args(arguments).arg("--local").arg(folder).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn tail(folder: &Path, arguments: &[&str]) -> (Vec<Value>, String) {
    let output = command(folder, &[arguments, &["--json"]].concat()).output().await.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{error}");
    let lines = String::from_utf8(output.stdout).unwrap();
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), error)
}

async fn stack() -> (Stack, tempfile::TempDir) {
    served_stack(Duration::from_millis(200)).await
}

fn event(id: &str) -> Value {
    json!({
        "AgentARN": "arn:aws:connect:eu-west-2:111122223333:instance/i/agent/a", "EventId": id,
        "EventTimestamp": "2026-03-02T08:00:00Z", "EventType": "STATE_CHANGE",
        "CurrentAgentSnapshot": {
            "AgentStatus": {"Name": "Available", "StartTimestamp": "2026-03-02T07:00:00Z"},
            "Configuration": {"Username": "ada.lovelace", "FirstName": "Ada", "LastName": "Lovelace"},
            "Contacts": [{"ContactId": "c-1", "Channel": "VOICE", "State": "CONNECTED", "Queue": {"Name": "Sales"}}],
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_of_a_stream_is_shown_without_personal_values() {
    let (stack, output) = stack().await;
    let sent = Input { agent_events: Input::demo_day().agent_events, ..Input::default() };
    let sent: Vec<_> = sent.into_records().take(300).collect();
    for record in sent.clone() {
        put_record(&stack, record).await.unwrap();
    }
    stack.put_agent_event("k", event("named").to_string().into()).await.unwrap();
    let packed =
        pack(&["p-1", "p-2"].map(|id| Packed {
            partition_key: "k".to_owned(),
            data: event(id).to_string().into_bytes().into(),
        }));
    stack.put_agent_event("k", packed.into()).await.unwrap();

    let (shown, _) = tail(output.path(), &["agent-events", "--show-values"]).await;
    let mut expected: Vec<_> = sent
        .iter()
        .filter_map(|sent| serde_json::from_slice::<Value>(&sent.record).ok())
        .map(|event| event.to_string())
        .collect();
    expected.extend(["named", "p-1", "p-2"].map(|id| event(id).to_string()));
    let mut events: Vec<_> = shown
        .iter()
        .filter(|line| line["record"].is_object())
        .map(|line| line["record"].to_string())
        .collect();
    expected.sort();
    events.sort();
    assert_eq!(shown.len(), 303);
    assert!(events == expected, "{} of {}", events.len(), expected.len());
    let parts: Vec<_> = shown.iter().filter_map(|line| line["part"].as_u64()).collect();
    assert_eq!(parts, [0, 1]);
    assert!(shown.iter().any(|line| line["outcome"] == "fails" && line["reason"].is_string()));

    let (hidden, _) = tail(output.path(), &["agent-events", "--limit", "250"]).await;
    assert_eq!(hidden.len(), 250);
    let all = Value::from(hidden).to_string();
    assert!(
        !all.to_lowercase().contains("lovelace")
            && !all.contains("\"agent.0001\"")
            && all.contains("(hidden)")
    );

    let table = command(output.path(), &["agent-events"]).output().await.unwrap();
    let table = String::from_utf8(table.stdout).unwrap();
    let line = table.lines().find(|line| line.contains("Sales c-1")).unwrap();
    let id = "a                                   ";
    assert!(
        line.ends_with(&format!(
            "  agent_event     STATE_CHANGE      {id}  Available; CONNECTED VOICE Sales c-1"
        )),
        "{line}"
    );
    assert!(table.starts_with("ARRIVED ") && !table.contains("lovelace"));
}

#[tokio::test(flavor = "multi_thread")]
async fn contact_records_without_a_stream_are_read_from_their_raw_copies() {
    let (mut stack, output) = stack().await;
    let day = Input { contact_records: Input::demo_day().contact_records, ..Input::default() };
    let records: Vec<_> = day.contact_records.into_iter().take(60).collect();
    for record in &records {
        stack.put_contact_record(record.clone().into()).await;
    }
    stack.settle(60).await.unwrap();
    let (shown, error) = tail(output.path(), &["contact-records", "--show-values", "--since", "1h"]).await;
    assert!(error.replace('\n', " ").contains("there is no stream to read"), "{error}");
    let mut shown: Vec<_> = shown
        .iter()
        .filter(|line| line["record"].is_object())
        .map(|line| line["record"].to_string())
        .collect();
    let mut expected: Vec<_> = records
        .iter()
        .filter_map(|record| serde_json::from_slice::<Value>(record).ok())
        .map(|record| record.to_string())
        .collect();
    shown.sort();
    expected.sort();
    assert!(expected.len() > 50 && shown == expected, "{} of {}", shown.len(), expected.len());
    let table = command(output.path(), &["contact-records"]).output().await.unwrap();
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("contact_record  INBOUND VOICE") && !table.contains("+44"), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn follow_runs_until_interrupted_and_for_runs_for_its_time() {
    let (stack, output) = stack().await;
    let mut running = command(output.path(), &["agent-events", "--json", "--follow"]).spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    for id in ["one", "two"] {
        stack.put_agent_event("k", event(id).to_string().into()).await.unwrap();
        let line =
            tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await.unwrap().unwrap().unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["record"]["EventId"], id);
    }
    // A closed output ends the command at the next record, without a message.
    drop(lines);
    stack.put_agent_event("k", event("three").to_string().into()).await.unwrap();
    let mut error = String::new();
    running.stderr.take().unwrap().read_to_string(&mut error).await.unwrap();
    assert_eq!((running.wait().await.unwrap().code(), error.as_str()), (Some(0), ""));

    let mut interrupted = command(output.path(), &["agent-events", "--follow"]).spawn().unwrap();
    let mut lines = BufReader::new(interrupted.stdout.take().unwrap()).lines();
    assert!(lines.next_line().await.unwrap().unwrap().starts_with("ARRIVED"));
    let id = interrupted.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
    assert_eq!(interrupted.wait().await.unwrap().code(), Some(0));

    let begin = Instant::now();
    let (shown, _) = tail(output.path(), &["agent-events", "--for", "2"]).await;
    assert_eq!(shown.len(), 3);
    assert!((2..8).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    let (later, _) = tail(output.path(), &["agent-events", "--since", "0s", "--for", "2"]).await;
    assert_eq!(later.len(), 0);
}

/// A Kinesis stand-in with scripted answers that records its requests.
#[derive(Default)]
struct Script {
    /// The answers by iterator, in order. The last one is repeated.
    answers: HashMap<String, Vec<(u16, Value)>>,
    shards: Vec<Value>,
    /// Shards that exist from the second `ListShards` on.
    later: Vec<Value>,
    requests: Vec<(Instant, String, Value)>,
}

type Kinesis = Arc<Mutex<Script>>;

async fn answer(
    State(kinesis): State<Kinesis>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, String) {
    let operation = headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap().to_owned();
    let request: Value = serde_json::from_slice(&body).unwrap();
    let mut script = kinesis.lock().unwrap();
    script.requests.push((Instant::now(), operation.clone(), request.clone()));
    let (status, answer) = match operation.as_str() {
        "ListShards" => {
            let shards = script.shards.clone();
            let later = std::mem::take(&mut script.later);
            script.shards.extend(later);
            (200, json!({"Shards": shards}))
        }
        "GetShardIterator" => {
            let after = request["StartingSequenceNumber"].as_str().unwrap_or("start");
            (200, json!({"ShardIterator": format!("{}:{after}", request["ShardId"].as_str().unwrap())}))
        }
        "GetRecords" => {
            let iterator = request["ShardIterator"].as_str().unwrap();
            let answers =
                script.answers.get_mut(iterator).unwrap_or_else(|| panic!("unknown iterator {iterator}"));
            if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
        }
        other => panic!("{other}"),
    };
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/x-amz-json-1.1".parse().unwrap());
    (StatusCode::from_u16(status).unwrap(), headers, answer.to_string())
}

/// Starts the stand-in, and returns a `--local` folder that points to it.
async fn scripted(script: Script) -> (Kinesis, tempfile::TempDir, ServedFile) {
    let kinesis: Kinesis = Arc::new(Mutex::new(script));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(kinesis.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let folder = tempfile::tempdir().unwrap();
    let served = Served {
        keys: Keys::random(),
        dynamodb: url.clone(),
        s3: url.clone(),
        streams: url,
        agent_event_mapping: String::new(),
        history_events: None,
    };
    let file = served.leave(folder.path()).unwrap();
    (kinesis, folder, file)
}

fn shard(id: &str, parents: &[&str]) -> Value {
    let mut shard = json!({"ShardId": id, "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "1"}, "SequenceNumberRange": {"StartingSequenceNumber": "0"}});
    for (name, parent) in ["ParentShardId", "AdjacentParentShardId"].iter().zip(parents) {
        shard[name] = json!(parent);
    }
    shard
}

fn records(ids: &[&str], next: Option<&str>) -> (u16, Value) {
    let record = |id: &&str| json!({"SequenceNumber": *id, "PartitionKey": "k", "ApproximateArrivalTimestamp": 1_772_438_400.123_f64, "Data": base64_simd::STANDARD.encode_to_string(event(id).to_string())});
    let records: Vec<_> = ids.iter().map(record).collect();
    (200, json!({"Records": records, "NextShardIterator": next, "MillisBehindLatest": 0}))
}

fn refusal(code: &str) -> (u16, Value) {
    (400, json!({"__type": code, "message": "scripted by the test"}))
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_expired_iterators_and_resharding_lose_nothing_and_each_shard_is_read_once_per_second() {
    let script = Script {
        shards: vec![shard("a", &[]), shard("b", &[])],
        later: vec![shard("c", &["a", "b"])],
        answers: HashMap::from([
            (
                "a:start".to_owned(),
                vec![refusal("ProvisionedThroughputExceededException"), records(&["1", "2"], Some("a:next"))],
            ),
            ("a:next".to_owned(), vec![refusal("ExpiredIteratorException")]),
            ("a:2".to_owned(), vec![records(&["3"], None)]),
            ("b:start".to_owned(), vec![records(&[], Some("b:next"))]),
            ("b:next".to_owned(), vec![(500, json!({"__type": "InternalFailure"})), records(&["4"], None)]),
            ("c:start".to_owned(), vec![records(&["5"], Some("c:next"))]),
            ("c:next".to_owned(), vec![records(&[], Some("c:next"))]),
        ]),
        ..Script::default()
    };
    let (kinesis, folder, _served) = scripted(script).await;
    let (shown, error) = tail(folder.path(), &["agent-events", "--for", "14"]).await;
    let mut ids: Vec<_> =
        shown.iter().map(|line| line["record"]["EventId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.last().map(String::as_str), Some("5"), "a child shard is read after its parents");
    ids.sort();
    assert_eq!(ids, ["1", "2", "3", "4", "5"]);
    assert_eq!(shown[0]["arrived"], "2026-03-02T08:00:00.123Z");
    assert!(error.contains("Kinesis throttles"), "{error}");

    let mut reads: BTreeMap<String, Vec<Instant>> = BTreeMap::new();
    for (at, operation, request) in &kinesis.lock().unwrap().requests {
        if operation == "GetRecords" {
            let shard = request["ShardIterator"].as_str().unwrap().split(':').next().unwrap();
            reads.entry(shard.to_owned()).or_default().push(*at);
        }
    }
    assert!(reads["c"].len() > 3, "{reads:?}");
    let gaps = reads.values().flat_map(|reads| reads.windows(2).map(|pair| pair[1] - pair[0]));
    assert!(gaps.clone().all(|gap| gap >= Duration::from_millis(900)), "{:?}", gaps.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_reported_with_a_fix() {
    let script = Script {
        shards: vec![shard("a", &[])],
        answers: HashMap::from([("a:start".to_owned(), vec![refusal("KMSAccessDeniedException")])]),
        ..Script::default()
    };
    let (_kinesis, folder, _served) = scripted(script).await;
    let output = command(folder.path(), &["agent-events"]).output().await.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error.starts_with("error: cannot read stream agent-events (KMSAccessDeniedException")
            && error.contains("kms:Decrypt"),
        "{error}"
    );
    let nothing = tempfile::tempdir().unwrap();
    for (arguments, code) in [
        (vec!["agent-events"], 1),
        (vec!["agents"], 2),
        (vec!["agent-events", "--since", "soon"], 2),
        (vec!["agent-events", "--limit", "0"], 2),
    ] {
        let output = command(nothing.path(), &arguments).output().await.unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    }
}
