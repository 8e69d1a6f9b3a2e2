//! `contact-ledger redrive`: dead letters of every form are processed, and afterwards the data is as if nothing had
//! failed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use contact_ledger_demo::put::put_record;
use lake_files::files_below;
use lake_parquet::GlueTable;
use lake_parquet::contact_records as glue_table;
use lake_parquet::read_rows;
use ledger_console::records::input::Input;
use ledger_tests::functions_folder;
use local_aws::Gate;
use local_aws::dynamodb::Item;
use local_aws::s3::{Folder, S3Server};
use local_aws::stack::{Stack, StackSettings};
use redrive::{AwsLake, Lake as _};
use serde_json::{Value, json};
use served_stack::{CONTACT_EVENT_UPSERTER, LAKE_BUCKET, NORMALIZER, REGION, UPSERTER};
use tokio::process::Command;

/// Functions that can be broken and repaired.
struct Functions(tempfile::TempDir);

impl Functions {
    fn new() -> Self {
        let functions = Self(tempfile::tempdir().unwrap());
        for name in [NORMALIZER, UPSERTER, CONTACT_EVENT_UPSERTER] {
            functions.repair(name);
        }
        functions
    }

    fn replace(&self, name: &str, make: impl Fn(&Path)) {
        let made = self.0.path().join("made");
        make(&made);
        fs::rename(made, self.0.path().join(name)).unwrap();
    }

    /// Replaces it by a program that exits after it gets an invocation. Exiting earlier would stop the stack.
    fn break_it(&self, name: &str) {
        const SCRIPT: &str = r#"#!/bin/bash
exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: localhost\r\n\r\n' >&3
read -r line <&3
exit 1
"#;
        self.replace(name, |file| {
            fs::write(file, SCRIPT).unwrap();
            fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
        });
    }

    fn repair(&self, name: &str) {
        self.replace(name, |file| symlink(functions_folder().join(name), file).unwrap());
    }
}

fn settings(functions: &Functions, output: &Path) -> StackSettings {
    StackSettings {
        streams_port: Some(0),
        maximum_retry_attempts: 1,
        ..StackSettings::new(functions.0.path().to_owned(), output.to_owned(), glue_table().unwrap())
    }
}

async fn put(stack: &Stack, input: &Input) {
    for sent in input.clone().into_records() {
        put_record(stack, sent).await.unwrap();
    }
}

/// Puts records on a stack with these settings, and waits until they are delivered.
async fn put_on(settings: StackSettings, input: &Input) {
    let mut stack = Stack::start(settings).await.unwrap();
    put(&stack, input).await;
    stack.drain().await.unwrap();
}

/// The distinct rows of the lake with their partition, without their arrival.
fn rows(output: &Path) -> BTreeSet<(String, String)> {
    let of_file = |file: PathBuf| {
        let partition = file.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let rows = read_rows(fs::read(&file).unwrap().into()).unwrap().into_iter();
        rows.map(move |mut row| {
            row.as_object_mut().unwrap().remove("arrival_timestamp");
            (partition.clone(), row.to_string())
        })
    };
    files_below(&output.join("lake/contact_records")).unwrap().into_iter().flat_map(of_file).collect()
}

fn tables(stack: &Stack) -> (Vec<Item>, Vec<Item>) {
    (stack.agent_state().unwrap(), stack.agent_history().unwrap())
}

fn command(output: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    command.args(["redrive", "--json", "--local"]).arg(output).args(more).kill_on_drop(true);
    command
}

async fn redrive(output: &Path, more: &[&str]) -> Value {
    let output = command(output, more).output().await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let is_whole = report["records"]["stay"] == 0 && report["unreadable"] == json!({});
    assert_eq!(output.status.code(), Some(if is_whole { 0 } else { 3 }), "{report}");
    report
}

fn objects(output: &Path, prefix: &str) -> usize {
    files_below(&output.join("lake").join(prefix)).unwrap().len()
}

/// The contact records in three equal parts, one per form of failure.
fn parts(day: &Input) -> [Input; 3] {
    let records = &day.contact_records;
    let third = records.len() / 3;
    [&records[..third], &records[third..2 * third], &records[2 * third..]]
        .map(|part| Input { contact_records: part.to_vec(), ..Input::default() })
}

/// A table that no row fits: a contact's ID is not a number.
fn broken_table() -> GlueTable {
    let table = glue_table().unwrap();
    GlueTable::new(&table.database, &table.name, [("contact_id", "bigint")]).unwrap()
}

/// An object may expire between reading and marking it.
#[tokio::test(flavor = "multi_thread")]
async fn marking_an_object_that_has_expired_is_no_error() {
    let output = tempfile::tempdir().unwrap();
    fs::create_dir(output.path().join(LAKE_BUCKET)).unwrap();
    let gate = Gate::default();
    let keys = gate.keys.clone();
    let s3 = S3Server::start(0, Folder::open(output.path()).unwrap(), gate).await.unwrap();
    let credentials = Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "test");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(&s3.endpoint)
        .force_path_style(true)
        .region(Region::new(REGION))
        .credentials_provider(credentials);
    let client = aws_sdk_s3::Client::from_conf(config.build());
    let lake = AwsLake { client, bucket: LAKE_BUCKET.to_owned() };
    let tags = || vec![("contact-ledger-left".to_owned(), "0".to_owned())];
    lake.put("errors/there", b"{}".to_vec()).await.unwrap();
    lake.set_tags("errors/there", tags()).await.unwrap();
    assert_eq!(lake.tags("errors/there").await.unwrap(), tags());
    lake.set_tags("errors/expired", tags()).await.unwrap();
    let elsewhere = AwsLake { bucket: "elsewhere".to_owned(), ..lake };
    let error = elsewhere.set_tags("errors/there", tags()).await.unwrap_err().to_string();
    assert!(error.contains("cannot be tagged"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_contact_records_of_every_form_are_redriven() {
    let day = Input { contact_records: Input::demo_day().contact_records, ..Input::default() };
    let baseline = tempfile::tempdir().unwrap();
    put_on(settings(&Functions::new(), baseline.path()), &day).await;

    let output = tempfile::tempdir().unwrap();
    let output = output.path();
    let functions = Functions::new();
    let [failed, misfits, without_partition] = parts(&day);
    functions.break_it(NORMALIZER);
    put_on(settings(&functions, output), &failed).await;
    functions.repair(NORMALIZER);
    put_on(StackSettings { table: broken_table(), ..settings(&functions, output) }, &misfits).await;
    put_on(StackSettings { active_partitions: 0, ..settings(&functions, output) }, &without_partition).await;
    assert_eq!(rows(output).len(), 0);
    for kind in ["processing-failed", "format-conversion-failed", "activePartitionExceeded"] {
        assert!(objects(output, &format!("errors/{kind}")) > 0, "{kind}");
    }

    let mut stack = Stack::start(settings(&functions, output)).await.unwrap();
    let counted = redrive(output, &[]).await;
    assert_eq!((&counted["dry_run"], &counted["finished"]), (&json!(true), &json!(true)));
    assert_eq!(objects(output, "redrive"), 0, "a dry run writes nothing");
    let sent = redrive(output, &["--send"]).await;
    assert_eq!(sent["records"], counted["records"], "the run agrees with the dry run");
    let again = redrive(output, &["--send"]).await;
    assert_eq!(again["records"]["sent"], 0);
    assert_eq!(
        again["records"]["stay"], sent["records"]["stay"],
        "a record that fails again is reported again"
    );
    stack.drain().await.unwrap();
    assert_eq!(rows(output), rows(baseline.path()));
}

/// Writes objects with rejected records, as an older version of the function would, which did not know their kind.
fn reject(output: &Path, events: &[Vec<u8>]) {
    let line = |(place, event): (usize, &Vec<u8>)| {
        json!({
            "reason": "unknown_kind", "path": "$", "shard_id": "shardId-000000000000",
            "event_source_arn": "arn:aws:kinesis:eu-west-2:111122223333:stream/agent-events",
            "sequence_number": format!("48{place:054}"), "partition_key": "key",
            "arrival_timestamp": "2026-03-02T08:00:00.123Z",
            "data": base64_simd::STANDARD.encode_to_string(event),
        })
    };
    let folder = output.join("lake/rejected/agent-events/shardId-000000000000/2026/03/02");
    fs::create_dir_all(&folder).unwrap();
    for (number, events) in events.chunks(7).enumerate() {
        let lines: Vec<_> = events.iter().enumerate().map(|event| line(event).to_string()).collect();
        fs::write(folder.join(format!("{number}.jsonl")), lines.join("\n") + "\n").unwrap();
    }
}

/// Waits until a condition holds.
async fn until(condition: &str, holds: impl Fn() -> bool) {
    let waited = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waited)
        .await
        .unwrap_or_else(|_| panic!("not in time: {condition}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn agent_events_of_every_form_are_redriven_even_if_a_run_is_killed() {
    let mut day = Input { agent_events: Input::demo_day().agent_events, ..Input::default() };
    day.agent_events.truncate(150);
    let (discarded, rejected) = day.agent_events.split_at(100);
    let baseline = tempfile::tempdir().unwrap();
    let functions = Functions::new();
    let mut stack = Stack::start(settings(&functions, baseline.path())).await.unwrap();
    put(&stack, &day).await;
    stack.drain().await.unwrap();
    let expected = tables(&stack);

    let output = tempfile::tempdir().unwrap();
    let output = output.path();
    functions.break_it(UPSERTER);
    let mut stack = Stack::start(settings(&functions, output)).await.unwrap();
    put(&stack, &Input { agent_events: discarded.to_vec(), ..Input::default() }).await;
    stack.settle(discarded.len() as u64).await.unwrap();
    reject(output, rejected);
    assert!(objects(output, "aws/lambda") > 1 && objects(output, "rejected") > 1);
    assert_eq!(tables(&stack), (Vec::new(), Vec::new()));

    // While the function is broken, no record is blamed, and the next run tries the same object again.
    let refused = command(output, &["--send"]).output().await.unwrap();
    let sentence = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && sentence.contains("its log says why"), "{sentence}");
    functions.repair(UPSERTER);

    let mut killed = command(output, &["--send", "--rate", "200"]).spawn().unwrap();
    until("some events are sent", || stack.agent_history().unwrap().len() > 20).await;
    killed.start_kill().unwrap();
    killed.wait().await.unwrap();
    assert_ne!(tables(&stack), expected, "the run was killed before its end");

    let resumed = redrive(output, &["--send"]).await;
    assert_eq!(resumed["finished"], true);
    assert_eq!(objects(output, "redrive/runs"), 1, "{resumed}: the killed run was resumed");
    assert_eq!(tables(&stack), expected);
    let again = redrive(output, &["--send"]).await;
    assert_eq!(again["records"]["sent"], 0);
    assert!(again["objects_done_before"].as_u64().unwrap() > 1);
    let once_more = redrive(output, &["--send", "--again"]).await;
    assert_eq!(once_more["records"], resumed["records"], "the counts are those of the whole run");
    assert_eq!(tables(&stack), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_selected_records_are_sent_and_the_rest_can_follow() {
    let mut day = Input { agent_events: Input::demo_day().agent_events, ..Input::default() };
    day.agent_events.retain(|event| event.starts_with(b"{\"AWSAccountId\""));
    day.agent_events.truncate(20);
    let output = tempfile::tempdir().unwrap();
    let output = output.path();
    let functions = Functions::new();
    let stack = Stack::start(settings(&functions, output)).await.unwrap();
    reject(output, &day.agent_events);
    let file = output.join("lake/rejected/agent-events/shardId-000000000000/2026/03/02/0.jsonl");
    let lines = fs::read_to_string(&file).unwrap();
    let (first, rest) = lines.split_once('\n').unwrap();
    let first = first.replace("unknown_kind", "bad_field").replace("03-02T", "03-05T");
    fs::write(&file, format!("{first}\n{rest}")).unwrap();

    let counts = |report: &Value| (report["records"]["sent"].clone(), report["not_wanted"].clone());
    let none = redrive(output, &["--prefix", "rejected/agent-events/shardId-000000000009/"]).await;
    assert_eq!(counts(&none), (json!(0), json!(0)));
    let one = redrive(output, &["--reason", "bad_field"]).await;
    assert_eq!(counts(&one), (json!(1), json!(19)));
    let one = redrive(output, &["--since", "2026-03-03", "--send"]).await;
    assert_eq!(counts(&one), (json!(1), json!(19)));
    assert_eq!(one["days"], json!({"2026-03-05": {"sent": 1, "stay": 0}}));
    let rest = redrive(output, &["--send"]).await;
    assert_eq!(counts(&rest), (json!(19), json!(0)), "{rest}: without the record already sent");
    assert_eq!(stack.agent_events.counters.over(), 0, "no record went through the stream");
    assert!(!tables(&stack).1.is_empty());

    let wrong = command(output, &["--since", "yesterday"]).output().await.unwrap();
    let sentence = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(sentence.contains("since is \"yesterday\"; use a date such as 2026-03-02"), "{sentence}");
}

#[tokio::test]
async fn a_missing_stack_is_refused_with_how_to_start_one() {
    let nothing = tempfile::tempdir().unwrap();
    for (arguments, sentence) in [
        (vec!["redrive"], "--stack <NAME>|--local [<FOLDER>]"),
        (
            vec!["redrive", "--local", nothing.path().to_str().unwrap()],
            "start one with `contact-ledger demo --serve`",
        ),
    ] {
        let output =
            Command::new(functions_folder().join("contact-ledger")).args(arguments).output().await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(sentence), "{error}");
    }
}
