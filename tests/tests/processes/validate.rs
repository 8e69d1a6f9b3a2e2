//! `contact-ledger validate` predicts what the functions do with records.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use contact_ledger_demo::put::put_record;
use lake_parquet::contact_records as glue_table;
use ledger_console::records::input::Input;
use ledger_tests::functions_folder;
use local_aws::stack::{Stack, StackSettings};
use serde_json::{Value, json};
use tokio::process::Command;

const CONTACT: &str = r#"{"ContactId":"c","InstanceARN":"arn:aws:connect:eu-west-2:111122223333:instance/i","InitiationTimestamp":"2026-03-02T08:00:00Z","LastUpdateTimestamp":"2026-03-02T08:05:00Z"}"#;
const LOGIN: &str = r#"{"AgentARN":"arn:aws:connect:eu-west-2:111122223333:instance/i/agent/a","EventId":"e","EventTimestamp":"2026-03-02T08:00:00Z","EventType":"LOGIN"}"#;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    command.arg("validate").args(arguments).env_remove("PII_POLICY").env_remove("PII_HASH_KEY");
    command
}

async fn validate(arguments: &[&str]) -> Output {
    command(arguments).output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The failing records and the summary.
fn read(output: &Output) -> (Vec<Value>, Value) {
    let mut lines: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.pop().unwrap_or_else(|| panic!("{}", text(&output.stderr)));
    (lines, last["summary"].clone())
}

struct Records(tempfile::TempDir);

impl Records {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("records.jsonl"), text).unwrap();
        Self(folder)
    }

    fn path(&self) -> String {
        self.0.path().join("records.jsonl").to_string_lossy().into_owned()
    }
}

#[tokio::test]
async fn every_failure_has_a_reason_path_line_and_message() {
    let bad_time = CONTACT.replace("2026-03-02T08:00:00Z", "yesterday");
    let no_agent = r#"{"EventType":"LOGIN","EventId":"e"}"#;
    let records = Records::new(
        &[
            CONTACT,
            &bad_time,
            LOGIN,
            no_agent,
            "{\"Conta",
            "[]",
            "{\"Brand\":1}",
            r#"{"ContactId":"c","EventType":"QUEUED"}"#,
        ]
        .join("\n"),
    );
    let output = validate(&[&records.path(), "--json"]).await;
    assert_eq!(output.status.code(), Some(3));
    let (failing, summary) = read(&output);
    let failure = |line: &Value| {
        (
            line["line"].as_u64().unwrap(),
            line["reason"].as_str().unwrap().to_owned(),
            line["path"].as_str().unwrap().to_owned(),
            line["stream"].as_str().unwrap().to_owned(),
        )
    };
    let expected = [
        (2, "bad_field", "InitiationTimestamp", "contact_records"),
        (4, "missing_field", "AgentARN", "agent_events"),
        (5, "not_json", "$", "agent_events"),
        (6, "not_an_object", "$", "agent_events"),
        (7, "unknown_kind", "$", "agent_events"),
    ];
    let expected = expected
        .map(|(line, reason, path, stream)| (line, reason.to_owned(), path.to_owned(), stream.to_owned()));
    assert_eq!(failing.iter().map(failure).collect::<Vec<_>>(), expected);
    assert!(failing.iter().all(|line| line["file"] == records.path().as_str()));
    // An invalid timestamp may be anything, even personal data.
    assert_eq!(failing[0]["value"], "(hidden)");
    let (shown, _) = read(&validate(&[&records.path(), "--json", "--show-values"]).await);
    assert_eq!(shown[0]["value"], "\"yesterday\"");
    assert_eq!(
        failing[0]["message"],
        "InitiationTimestamp is invalid: it must be a time with a time zone, such as 2026-03-02T08:00:00Z"
    );
    assert_eq!(summary["contact_records"], json!({"written": 1, "passed_over": 1, "failed": 1}));
    assert_eq!(summary["agent_events"], json!({"written": 1, "passed_over": 0, "failed": 4}));
    assert_eq!(summary["passed_over"], json!({"contact_event": 1}));
    let group = json!({"reason": "bad_field", "path": "InitiationTimestamp", "records": 1, "first": [format!("{}:2", records.path())]});
    assert!(summary["failures"].as_array().unwrap().contains(&group), "{summary}");

    let shown = text(&validate(&[&records.path()]).await.stdout);
    for part in
        ["records.jsonl:2: bad_field at InitiationTimestamp", "it is (hidden)", "rejected", "FIRST AT"]
    {
        assert!(shown.replace("\n  ", " ").contains(part), "{part}: {shown}");
    }
}

#[tokio::test]
async fn the_exit_code_shows_whether_every_record_is_valid() {
    let good = Records::new(&format!("{CONTACT}\n{LOGIN}\n"));
    assert_eq!(validate(&[&good.path()]).await.status.code(), Some(0));
    assert_eq!(validate(&[&good.path(), "--kind", "agent-events"]).await.status.code(), Some(0));
    assert_eq!(validate(&[&Records::new("{}").path()]).await.status.code(), Some(3));
    assert_eq!(validate(&["/no/such/file"]).await.status.code(), Some(1));
    assert_eq!(validate(&[]).await.status.code(), Some(2));
    assert_eq!(validate(&[&good.path(), "--kind", "others"]).await.status.code(), Some(2));
}

#[tokio::test]
async fn a_kind_can_be_forced() {
    let records = Records::new(&format!("{CONTACT}\n{LOGIN}\n{{}}\n"));
    for (kind, failed, written) in
        [("contact-records", "contact_records", "1"), ("agent-events", "agent_events", "1")]
    {
        let (failing, summary) = read(&validate(&[&records.path(), "--json", "--kind", kind]).await);
        assert_eq!((failing.len(), &failing[0]["stream"]), (1, &json!(failed)));
        let outcomes = json!({"written": written.parse::<u64>().unwrap(), "passed_over": 1, "failed": 1});
        assert_eq!(summary[failed], outcomes, "{kind}");
    }
}

#[tokio::test]
async fn personal_values_are_shown_only_with_show_values() {
    let event = LOGIN.replace(r#""EventType":"LOGIN""#, r#""EventType":"STATE_CHANGE","CurrentAgentSnapshot":{"Configuration":{"Username":"ada.lovelace"},"Contacts":[{"ContactId":"ada#lovelace"}]}"#);
    let object = CONTACT.replace("\"c\"", r#"{"Name":"Ada Lovelace"}"#);
    // A value without the form of its field is hidden.
    let in_place_of_an_id = CONTACT.replace("\"c\"", "441632960123");
    let in_place_of_an_arn = LOGIN.replace("arn:aws:connect", "Ada Lovelace +441632960123");
    let broken = r#"{"Name":"Ada Lovelace"#;
    let records =
        Records::new(&[&*event, &object, &in_place_of_an_id, &in_place_of_an_arn, broken].join("\n"));
    for more in [&[][..], &["--json"]] {
        let hidden = validate(&[&[&*records.path()], more].concat()).await;
        let hidden = text(&hidden.stdout);
        assert!(hidden.contains("CurrentAgentSnapshot.Contacts") && hidden.contains("(hidden)"), "{hidden}");
        assert!(!hidden.to_lowercase().contains("lovelace") && !hidden.contains("960123"), "{hidden}");
        let shown = validate(&[&[&*records.path(), "--show-values"], more].concat()).await;
        let shown = text(&shown.stdout).replace("\n  ", " ");
        assert!(shown.contains("ada#lovelace") && shown.contains("Ada Lovelace"), "{shown}");
    }
}

#[tokio::test]
async fn an_invalid_policy_is_refused_with_the_reason() {
    let good = Records::new(CONTACT);
    let cases: [(&str, &str, &[&str], &str); 4] = [
        ("PII_POLICY", "keep", &[], "PII_POLICY is not a JSON object"),
        ("PII_POLICY", r#"{"nobody":"mask"}"#, &[], "\"nobody\", which is not a column"),
        (
            "PII_POLICY",
            r#"{"customer_id":"hash"}"#,
            &["--kind", "contact-records"],
            "PII_HASH_KEY is not set",
        ),
        ("AGENT_PII_POLICY", r#"{"customer_id":"mask"}"#, &[], "only username, first_name, and last_name"),
    ];
    for (variable, policy, more, expected) in cases {
        let output =
            command(&[&[&*good.path()], more].concat()).env(variable, policy).output().await.unwrap();
        let error = text(&output.stderr);
        assert!(output.status.code() == Some(1) && error.contains(expected), "{policy}: {error}");
        assert!(error.contains(&format!("correct {variable}")), "{error}");
    }
    let masked =
        command(&[&good.path()]).env("PII_POLICY", r#"{"customer_id":"mask"}"#).output().await.unwrap();
    assert_eq!(masked.status.code(), Some(0));
}

#[tokio::test]
async fn control_characters_in_data_do_not_reach_the_terminal() {
    let evil = CONTACT.replace("2026-03-02T08:00:00Z", "\\u001b[2J\\u009b31m\\u202e\\u007f");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("\u{1b}]0;x\u{7}.jsonl");
    fs::write(&file, format!("{evil}\n{{\"a\":\"\u{1b}[2J\u{9b}\"}}\n")).unwrap();
    let is_unsafe = |char: char| (char.is_control() && char != '\n') || char == '\u{202e}';
    for more in [&[][..], &["--json"], &["--show-values"], &["--show-values", "--json"]] {
        let output = validate(&[&[file.to_str().unwrap()], more].concat()).await;
        let shown = text(&output.stdout);
        assert!(output.status.code() == Some(3) && !shown.contains(is_unsafe), "{shown:?}");
    }
    let (failing, _) = read(&validate(&[file.to_str().unwrap(), "--json", "--show-values"]).await);
    assert_eq!(failing[0]["file"], file.to_str().unwrap());
    assert!(
        failing[0]["value"].as_str().unwrap().contains("\u{202e}"),
        "JSON has the original value, escaped"
    );
}

#[tokio::test]
async fn a_closed_output_ends_the_command_without_an_error() {
    let records = Records::new(&"{}\n".repeat(200_000));
    let mut running =
        command(&[&records.path(), "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(running.stdout.take());
    let ended = running.wait_with_output().await.unwrap();
    assert_eq!((ended.status.code(), text(&ended.stderr).as_str()), (Some(0), ""));
}

/// A generated day with broken records is validated, and then processed by the real functions.
#[tokio::test(flavor = "multi_thread")]
async fn validate_agrees_with_the_functions_and_reads_raw_copies() {
    let output = tempfile::tempdir().unwrap();
    let settings = StackSettings::new(functions_folder(), output.path().to_owned(), glue_table().unwrap());
    let mut stack = Stack::start(settings).await.unwrap();
    let day = Input::demo_day();
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, records: &[Vec<u8>]| {
        let path = files.path().join(name);
        // A line feed inside a record would split it.
        let lines: Vec<_> = records
            .iter()
            .map(|record| record.iter().filter(|byte| **byte != b'\n').copied().collect::<Vec<_>>())
            .collect();
        fs::write(&path, lines.join(&b'\n')).unwrap();
        path.to_string_lossy().into_owned()
    };
    let contact_records = file("contact-records.jsonl", &day.contact_records);
    let agent_events = file("agent-events.jsonl", &day.agent_events);
    let contact_events = file("contact-events.jsonl", &day.contact_events);
    for sent in day.clone().into_records() {
        put_record(&stack, sent).await.unwrap();
    }
    stack.drain().await.unwrap();

    let (failing, summary) =
        read(&validate(&[&contact_records, "--json", "--kind", "contact-records"]).await);
    let failed = failures(output.path(), "errors/processing-failed", "rawData");
    assert_eq!(failing.len(), failed.len());
    assert!(failed.len() > 3, "{failed:?}");
    assert_eq!(summary["records"], day.contact_records.len());

    for (file, kind, at_least) in
        [(&agent_events, "agent-events", 20), (&contact_events, "contact-events", 3)]
    {
        let (failing, _) = read(&validate(&[file, "--json", "--kind", kind]).await);
        let mut predicted: Vec<_> = failing
            .iter()
            .map(|line| (line["reason"].clone().to_string(), line["path"].to_string()))
            .collect();
        let rejected = failures(output.path(), &format!("rejected/{kind}"), "reason");
        let mut actual: Vec<_> =
            rejected.iter().map(|line| (line["reason"].to_string(), line["path"].to_string())).collect();
        predicted.sort();
        actual.sort();
        assert_eq!(predicted, actual);
        assert!(actual.len() > at_least, "{kind}: {}", actual.len());
    }

    // The raw copies in the lake: from the folder, and from S3.
    let copies = output.path().join("lake/raw/contact-records");
    let (_, from_folder) =
        read(&validate(&[copies.to_str().unwrap(), "--json", "--kind", "contact-records"]).await);
    let s3 = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.env("AWS_ENDPOINT_URL_S3", &stack.s3.endpoint).env("AWS_REGION", served_stack::REGION);
        command
            .env("AWS_ACCESS_KEY_ID", &stack.s3.keys.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &stack.s3.keys.secret_access_key);
        command
    };
    let from_s3 = s3(&["s3://lake/raw/contact-records/", "--json", "--kind", "contact-records"])
        .output()
        .await
        .unwrap();
    let (failing, from_s3) = read(&from_s3);
    assert_eq!(from_s3["records"], day.contact_records.len());
    assert_eq!(
        (&from_s3["contact_records"], &from_s3["failures"].as_array().unwrap().len()),
        (&from_folder["contact_records"], &from_folder["failures"].as_array().unwrap().len())
    );
    assert_eq!(from_s3["contact_records"], summary["contact_records"]);
    assert!(
        failing[0]["file"].as_str().unwrap().starts_with("s3://lake/raw/contact-records/arrival_date="),
        "{failing:?}"
    );
    let nothing = s3(&["s3://lake/nothing/"]).output().await.unwrap();
    assert!(
        nothing.status.code() == Some(1) && text(&nothing.stderr).contains("has no objects"),
        "{nothing:?}"
    );
    let rows = s3(&["s3://lake/contact_records/"]).output().await.unwrap();
    assert!(rows.status.code() == Some(1) && text(&rows.stderr).contains("has no records"), "{rows:?}");
}

/// The lines of the objects below a prefix that have this member.
fn failures(output: &Path, prefix: &str, member: &str) -> Vec<Value> {
    let files = lake_files::files_below(&output.join("lake").join(prefix)).unwrap();
    let lines = |file: &std::path::PathBuf| {
        let bytes = fs::read(file).unwrap();
        serde_json::Deserializer::from_slice(&bytes)
            .into_iter::<Value>()
            .map(Result::unwrap)
            .collect::<Vec<_>>()
    };
    files.iter().flat_map(lines).filter(|line| line.get(member).is_some()).collect()
}
