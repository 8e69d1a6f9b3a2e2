//! The command line as a user sees it: error messages, and that no process or file is left behind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use clap::{Parser as _, ValueEnum as _};
use clap_complete::Shell;
use contact_lake::schema::SCHEMA_VERSION;
use contact_ledger::arguments::{Arguments, completions};
use ledger_tests::signed::{Call, Signer};
use ledger_tests::{functions_folder, processes_with_files_below};
use serde_json::{Value, json};
use served_stack::Keys;

fn demo(output: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    command.arg("demo").arg("--output").arg(output).args(arguments);
    command.output().unwrap()
}

/// Checks that the demo fails with a one-line error and leaves no function process behind.
fn refused(arguments: &[&str], expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(&folder.path().join("out"), arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
    assert!(error.contains(expected) && error.starts_with("error: "), "{arguments:?}: {error}");
    assert_eq!(error.trim_end().lines().count(), 1, "{error}");
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
fn invalid_json_is_named_with_its_position() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.json");
    fs::write(&file, "[{\"ContactId\": \"c\"},\n{\"ContactId\":]\n").unwrap();
    refused(
        &["--contact-records", file.to_str().unwrap()],
        "broken.json is not JSON (in the record that starts on line 2",
    );
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for service in ["--dynamodb-port", "--s3-port"] {
        refused(&[service, &port], &format!("cannot listen on 127.0.0.1:{port}; choose another port"));
    }
}

#[test]
fn a_missing_function_binary_is_named_with_a_fix() {
    let empty = tempfile::tempdir().unwrap();
    refused(
        &["--functions", empty.path().to_str().unwrap()],
        "contact-record-normalizer is missing; build it with `cargo build",
    );
}

#[test]
fn a_folder_that_no_demo_wrote_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("precious"), "data").unwrap();
    let output = demo(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("choose another folder with --output"));
    assert_eq!(fs::read_to_string(folder.path().join("precious")).unwrap(), "data");
}

#[test]
fn a_demo_of_a_users_file_replaces_the_earlier_result() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    let event = r#"{"AgentARN":"arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a-1","EventId":"e","EventTimestamp":"2026-03-02T08:00:00Z","EventType":"LOGIN"}"#;
    fs::write(&file, format!("{event}\n{event}\n")).unwrap();
    let output_folder = folder.path().join("out");
    for _ in 0..2 {
        let output = demo(&output_folder, &["--agent-events", file.to_str().unwrap(), "--times", "2"]);
        assert!(output.status.success(), "{output:?}");
        let summary: Value =
            serde_json::from_slice(&fs::read(output_folder.join("summary.json")).unwrap()).unwrap();
        assert_eq!(
            summary["agent_events"]["outcomes"],
            json!({
                "applied": 1, "duplicate": 3, "stale": 0, "skipped": 0, "rejected": 0, "retried": 0,
            })
        );
        let state: Value =
            serde_json::from_slice(&fs::read(output_folder.join("agent-state.jsonl")).unwrap()).unwrap();
        let key = "a-1#eu-west-2#login";
        assert_eq!((state["agent_id"].as_str(), state["session"].as_str()), (Some(key), Some("in")));
        // A demo deletes its tables at its end, and those that a killed one left.
        for tables in ["tables.sqlite", "tables.sqlite-wal"].map(|name| output_folder.join(name)) {
            assert!(!tables.exists(), "{}", tables.display());
            fs::write(tables, "left").unwrap();
        }
    }
    assert_eq!(processes_with_files_below(folder.path()).len(), 0);
}

/// A demo deletes an earlier result only once it can start.
#[test]
fn a_demo_that_cannot_start_keeps_the_earlier_result() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    assert!(demo(&output, &SMALL).status.success());
    let before = contents(&output);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for wrong in [
        &["--functions", folder.path().to_str().unwrap()][..],
        &["--dynamodb-port", &port],
        &["--s3-port", &port],
        &["--serve", "--streams-port", &port],
    ] {
        let refused = demo(&output, &[&SMALL[..], wrong].concat());
        assert_eq!(refused.status.code(), Some(1), "{wrong:?}: {refused:?}");
        assert!(contents(&output) == before, "{wrong:?} changed the earlier result");
    }
}

/// Two demos in one folder would delete each other's result, even that of a running stack.
#[test]
fn a_folder_belongs_to_one_demo_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    let command = command.args(["demo", "--serve"]).args(SMALL).arg("--output").arg(&output);
    let mut running = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.starts_with("Rows reach the lake")).unwrap();
    let served = fs::read(output.join("stack.json")).unwrap();
    let second = demo(&output, &SMALL);
    assert_eq!(second.status.code(), Some(1));
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(error.contains("a demo is running in") && error.contains("--output"), "{error}");
    assert_eq!(fs::read(output.join("stack.json")).unwrap(), served);

    // A killed demo leaves its file behind. Commands must not use its port, which may belong to another program by
    // now.
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    assert!(output.join("stack.json").is_file());
    let mut agents = Command::new(functions_folder().join("contact-ledger"));
    let agents = agents.args(["agents", "--local"]).arg(&output).output().unwrap();
    let error = String::from_utf8(agents.stderr).unwrap();
    assert_eq!(agents.status.code(), Some(1));
    assert!(error.contains("has ended; start it again"), "{error}");
    assert!(demo(&output, &SMALL).status.success());
}

#[test]
fn only_files_that_a_demo_wrote_are_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    assert!(demo(&output, &SMALL).status.success());
    let notes = output.join("notes.txt");
    fs::write(&notes, "mine").unwrap();
    let rows = || contents(&output.join("lake/contact_records"));
    let before = rows();
    // The log of Firehose is written only if a delivery fails.
    fs::write(output.join("logs/firehose.jsonl"), "{}\n").unwrap();
    let other = [&SMALL[..], &["--seed", "9"]].concat();
    assert!(demo(&output, &other).status.success());
    assert_eq!(fs::read_to_string(&notes).unwrap(), "mine");
    assert!(rows().iter().all(|file| !before.contains(file)), "rows of the earlier demo are still there");

    // A file in the lake would be read as a part of the result.
    let mine = output.join("lake/contact_records/mine.parquet");
    fs::write(&mine, "mine").unwrap();
    let refused = demo(&output, &SMALL);
    assert_eq!(refused.status.code(), Some(1));
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("mine.parquet was not written by a demo"), "{error}");
    assert!(mine.is_file() && !rows().is_empty() && output.join("report.html").is_file());

    // The target of a link does not belong to the demo.
    fs::remove_file(&mine).unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(output.join("logs"), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, output.join("logs")).unwrap();
    let log = fs::read(elsewhere.join("agent-event-upserter.jsonl")).unwrap();
    let refused = demo(&output, &SMALL);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("logs is a symbolic link"));
    assert_eq!(fs::read(elsewhere.join("agent-event-upserter.jsonl")).unwrap(), log);
}

/// The files below a folder, sorted, with their contents.
fn contents(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let files = lake_files::files_below(folder).unwrap();
    files.into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect()
}

/// A trial run with customers' records applies the same policies as the functions, and only its user can read the
/// result.
#[test]
fn a_demo_applies_the_pii_policies_and_only_its_user_can_read_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).to_string_lossy().into_owned()
    };
    let contact = r#"{"ContactId":"c","InstanceARN":"arn:aws:connect:eu-west-2:111122223333:instance/i-1","InitiationTimestamp":"2026-03-02T08:00:00Z","LastUpdateTimestamp":"2026-03-02T08:05:00Z","CustomerEndpoint":{"Address":"+442079460999","Type":"TELEPHONE_NUMBER"}}"#;
    let event = r#"{"AgentARN":"arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a-1","EventId":"e","EventTimestamp":"2026-03-02T08:00:00Z","EventType":"STATE_CHANGE","CurrentAgentSnapshot":{"AgentStatus":{"Name":"Available","StartTimestamp":"2026-03-02T08:00:00Z"},"Configuration":{"Username":"grace.hopper"},"Contacts":[]}}"#;
    let (contacts, events) = (file("c.jsonl", contact), file("e.jsonl", event));
    let records = ["--contact-records", contacts.as_str(), "--agent-events", events.as_str()];
    let output = folder.path().join("out");
    let shown = || {
        let tables = ["agent-state.jsonl", "agent-history.jsonl", "report.html"];
        let tables = tables.map(|name| fs::read(output.join(name)).unwrap()).concat();
        let rows = contents(&output.join("lake/contact_records"));
        let rows = rows.into_iter().map(|(_, bytes)| {
            lake_parquet::read_columns(bytes.into(), &["customer_endpoint_address"]).unwrap()
        });
        let rows = serde_json::to_string(&rows.collect::<Vec<_>>()).unwrap();
        (rows.contains("+442079460999"), String::from_utf8_lossy(&tables).contains("grace.hopper"))
    };
    assert!(demo(&output, &records).status.success());
    assert_eq!(shown(), (true, true));

    let hide = [
        "--pii-policy",
        r#"{"customer_endpoint_address":"mask"}"#,
        "--agent-pii-policy",
        r#"{"username":"drop"}"#,
    ];
    let hidden = demo(&output, &[&records[..], &hide].concat());
    assert!(printed(&hidden).contains(EQUAL), "{hidden:?}");
    assert_eq!(shown(), (false, false));

    let mut command = Command::new(functions_folder().join("contact-ledger"));
    let command = command.arg("demo").arg("--output").arg(&output).args(records);
    let command = command.env("PII_POLICY", hide[1]).env("AGENT_PII_POLICY", hide[3]);
    assert!(printed(&command.output().unwrap()).contains(EQUAL));
    assert_eq!(shown(), (false, false));

    let mode =
        |path: &Path| std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions());
    assert_eq!(mode(&output) & 0o777, 0o700);
    let files = lake_files::files_below(&output).unwrap();
    assert!(files.len() > 5);
    for file in files {
        assert_eq!(mode(&file) & 0o077, 0, "{}", file.display());
    }
}

/// Existing files are replaced only with `--force`, and a refused run writes nothing.
#[test]
fn generate_replaces_files_only_with_force_and_writes_text() {
    let folder = tempfile::tempdir().unwrap();
    let generate = |more: &[&str]| {
        let mut command = Command::new(functions_folder().join("contact-ledger"));
        command.arg("generate").args(SMALL).args(["--malformed", "100"]).args(more);
        command.arg("--output").arg(folder.path()).output().unwrap()
    };
    let file = folder.path().join("agent-events.jsonl");
    fs::write(&file, "mine").unwrap();
    let refused = generate(&[]);
    assert_eq!(refused.status.code(), Some(1));
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("agent-events.jsonl already exists; --force"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    assert!(!folder.path().join("contact-records.jsonl").exists());
    let written = generate(&["--force"]);
    assert!(written.status.success() && String::from_utf8_lossy(&written.stdout).contains("records in"));
    for name in ["contact-records.jsonl", "agent-events.jsonl", "contact-events.jsonl"] {
        assert!(fs::read_to_string(folder.path().join(name)).unwrap().lines().count() > 30);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn an_interruption_stops_everything_that_was_started() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    let command = command.arg("demo").arg("--output").arg(&output).args(["--times", "1000"]);
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // The function's first log line means that its process is running.
    let log = output.join("logs/agent-event-upserter.jsonl");
    while fs::metadata(&log).map_or(true, |log| log.len() == 0) {
        assert!(running.try_wait().unwrap().is_none(), "the demo ended early");
        std::thread::yield_now();
    }
    assert!(!processes_with_files_below(folder.path()).is_empty());
    let terminate = Command::new("kill").arg(running.id().to_string()).status().unwrap();
    assert!(terminate.success());
    let ended = running.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    assert!(String::from_utf8(ended.stderr).unwrap().contains("interrupted"));
    // The processes have been killed, but the system may not have removed all of them yet.
    let is_gone = || processes_with_files_below(folder.path()).is_empty();
    assert!((0..2000).any(|_| is_gone()), "a process is still running");
}

const EQUAL: &str = "The tables, rows, and failures match the input records exactly.";

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A small center, for quick tests.
const SMALL: [&str; 4] = ["--agents", "4", "--hours", "2"];

#[test]
fn the_same_seed_generates_the_same_files_and_a_demo_of_them_agrees_with_its_records() {
    let folder = tempfile::tempdir().unwrap();
    let generate = |name: &str, seed: &str| {
        let mut command = Command::new(functions_folder().join("contact-ledger"));
        command.arg("generate").args(SMALL).args(["--seed", seed, "--malformed", "30", "--output"]);
        printed(&command.arg(folder.path().join(name)).output().unwrap());
        let read = |file: &str| fs::read(folder.path().join(name).join(file)).unwrap();
        (read("contact-records.jsonl"), read("agent-events.jsonl"))
    };
    let one = generate("one", "7");
    assert!(one == generate("again", "7") && one != generate("other", "8"));
    let path = |file: &str| folder.path().join("one").join(file).to_string_lossy().into_owned();
    let (contact_records, agent_events) = (path("contact-records.jsonl"), path("agent-events.jsonl"));
    let output_folder = folder.path().join("out");
    let output =
        demo(&output_folder, &["--contact-records", &contact_records, "--agent-events", &agent_events]);
    // They count as the user's own records, and some are broken.
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{shown}");
    assert!(shown.contains(EQUAL) && shown.contains("of your records fail"), "{shown}");
    assert!(shown.contains("contact-records.jsonl") && shown.contains("agent-events.jsonl"), "{shown}");
    let summary: Value =
        serde_json::from_slice(&fs::read(output_folder.join("summary.json")).unwrap()).unwrap();
    assert!(summary["agent_events"]["outcomes"]["rejected"].as_u64() > Some(5), "{summary}");
}

/// Duplicates, delays, throttling, lost responses, denied access, and crashes.
#[test]
fn injected_faults_leave_the_same_tables() {
    let run = |faults: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let output = demo(&folder.path().join("out"), &[&SMALL[..], faults].concat());
        let shown = printed(&output);
        assert!(shown.contains(EQUAL) && !shown.contains("discarded"), "{shown}");
        let summary = fs::read(folder.path().join("out/summary.json")).unwrap();
        serde_json::from_slice::<Value>(&summary).unwrap()
    };
    let without_faults = run(&[]);
    for seed in ["1", "2"] {
        let with_faults = run(&["--chaos", seed]);
        let events = |summary: &Value, name: &str| summary["agent_events"][name].as_u64().unwrap();
        assert!(
            events(&with_faults, "in") > events(&without_faults, "in"),
            "no event was duplicated: {with_faults}"
        );
        for same in ["agents", "history_entries"] {
            assert_eq!(events(&with_faults, same), events(&without_faults, same), "{same}");
        }
    }
}

/// With fewer entries of events, the tables still match the records.
#[test]
fn a_demo_keeps_the_entries_of_the_chosen_events() {
    let folder = tempfile::tempdir().unwrap();
    for (which, kinds) in
        [("all", &["LOGIN", "LOGOUT", "STATE_CHANGE"][..]), ("sessions", &["LOGIN", "LOGOUT"]), ("none", &[])]
    {
        let output = folder.path().join(which);
        let text = printed(&demo(&output, &[&SMALL[..], &["--history-events", which]].concat()));
        assert!(text.contains(EQUAL), "{text}");
        let history = fs::read_to_string(output.join("agent-history.jsonl")).unwrap();
        let entries = history.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let found: BTreeSet<_> =
            entries.filter_map(|entry| entry["event_type"].as_str().map(str::to_owned)).collect();
        assert_eq!(found, kinds.iter().map(|kind| (*kind).to_owned()).collect(), "{which}");
        assert!(history.contains("status#") && history.contains("contact#"), "{which}");
    }
    let output = demo(&folder.path().join("out"), &["--history-events", "some"]);
    assert_eq!(output.status.code(), Some(2));
}

/// The page has the numbers of the summary, and loads nothing. `make test-report` tests it in a browser.
#[test]
fn the_report_is_self_contained_and_has_the_numbers_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    printed(&demo(&folder.path().join("out"), &SMALL));
    let read = |name: &str| fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    let (page, summary) = (read("report.html"), read("summary.json"));
    let summary: Value = serde_json::from_str(&summary).unwrap();
    let policy =
        r#"<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-"#;
    assert!(page.contains(policy) && !page.contains("{{"));
    for loads in [" src=", " href=", "url(", "@import", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(loads), "the page loads something: {loads}");
    }
    let parts: Vec<_> = page.split("id=\"data\">").collect();
    let [_, data] = parts[..] else { panic!("the page has its data {} times", parts.len() - 1) };
    let data: Value = serde_json::from_str(data.split("</script>").next().unwrap()).unwrap();
    assert_eq!(data["summary"], summary);
    assert_eq!(data["verdict"], EQUAL);
    let ended = data["contacts"]["ended"].as_array().unwrap().len();
    assert!(ended > 30 && data["contacts"]["flags"].as_array().unwrap().len() == ended, "{ended} contacts");
    let spans = |agent: &Value| agent[3].as_array().unwrap().len() / 3;
    let drawn: usize = data["timelines"]["agents"].as_array().unwrap().iter().map(spans).sum();
    let history = read("agent-history.jsonl");
    let intervals = history.lines().filter(|line| !line.contains("\"entry\":\"event#")).count();
    assert!(drawn > 100 && drawn <= intervals, "{drawn} of {intervals} intervals are drawn");
    let failed: u64 = data["failures"]["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| reason[3].as_u64().unwrap())
        .sum();
    let kept = [
        &summary["contact_records"]["failed"],
        &summary["agent_events"]["outcomes"]["rejected"],
        &summary["contact_events"]["outcomes"]["rejected"],
    ];
    assert_eq!(failed, kept.iter().map(|count| count.as_u64().unwrap()).sum::<u64>());
}

/// Every attribute that a demo writes is in the data dictionary, including those in lists and maps.
#[test]
fn the_data_dictionary_has_every_attribute_of_the_tables() {
    fn names(table: &str, value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    // The keys of these maps are channels and contacts.
                    let name = match path {
                        "slots." => "<channel>",
                        "contacts." => "<contact id>",
                        _ if table == "ContactState" && name.ends_with("_by") => "<field>_by",
                        _ => name,
                    };
                    found.insert(format!("{path}{name}"));
                    names(table, member, &format!("{path}{name}."), found);
                }
            }
            Value::Array(elements) => {
                let path = format!("{}[].", path.trim_end_matches('.'));
                for element in elements {
                    names(table, element, &path, found);
                }
                if elements.iter().any(|element| !element.is_object()) {
                    found.insert(path.trim_end_matches('.').to_owned());
                }
            }
            _ => {}
        }
    }
    let folder = tempfile::tempdir().unwrap();
    printed(&demo(&folder.path().join("out"), &SMALL));
    let dictionary: toml::Table = include_str!("../../../queries/columns.toml").parse().unwrap();
    let tables = [
        ("AgentState", "agent-state.jsonl"),
        ("AgentHistory", "agent-history.jsonl"),
        ("ContactState", "contact-state.jsonl"),
    ];
    for (table, file) in tables {
        let mut found = BTreeSet::new();
        for line in fs::read_to_string(folder.path().join("out").join(file)).unwrap().lines() {
            names(table, &serde_json::from_str(line).unwrap(), "", &mut found);
        }
        let declared = dictionary["table"][table].as_table().unwrap();
        let missing: Vec<_> = found.iter().filter(|name| !declared.contains_key(name.as_str())).collect();
        assert!(missing.is_empty() && found.len() > 12, "{table} lacks {missing:?}; it has {found:?}");
    }
}

/// A process that ends with its test, however the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
    }
}

/// With `--serve`, the streams accept records from outside, and the stores show the results.
#[test]
fn a_served_stack_accepts_records_and_shows_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    let command =
        command.args(["demo", "--serve"]).args(SMALL).arg("--output").arg(folder.path().join("out"));
    let mut running = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let verdict = lines.find(|line| line.contains("match the input records exactly")).unwrap();
    assert_eq!(verdict, EQUAL);
    let mut printed: Vec<_> =
        lines.by_ref().take_while(|line| !line.starts_with("Rows reach the lake")).collect();
    let endpoint = |variable: &str| {
        let export = format!("  export {variable}=http://");
        printed.iter().find_map(|line| line.strip_prefix(&export)).unwrap().to_owned()
    };
    let (dynamodb, streams) = (endpoint("AWS_ENDPOINT_URL_DYNAMODB"), endpoint("AWS_ENDPOINT_URL"));
    let export = |variable: &str| {
        let export = format!("  export {variable}=");
        printed.iter().find_map(|line| line.strip_prefix(&export)).unwrap().to_owned()
    };
    let keys = Keys {
        access_key_id: export("AWS_ACCESS_KEY_ID"),
        secret_access_key: export("AWS_SECRET_ACCESS_KEY"),
    };
    // Lines with the folder's path may be longer.
    printed.retain(|line| !line.contains(folder.path().to_str().unwrap()));
    assert_eq!(printed.iter().find(|line| line.chars().count() > 80), None, "a terminal has 80 columns");

    // The demo's day is in the past, but has not expired.
    let mut history = Command::new(functions_folder().join("contact-ledger"));
    let history = history.args(["history", "agent.0001", "--from", "2026-03-02", "--json", "--local"]);
    let history = history.arg(folder.path().join("out")).output().unwrap();
    assert!(history.stdout.len() > 100, "{}", String::from_utf8_lossy(&history.stderr));

    let event = json!({
        "AgentARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/from-outside",
        "EventId": "e", "EventTimestamp": "2026-03-02T08:00:00Z", "EventType": "LOGIN",
    });
    let data = base64_simd::STANDARD.encode_to_string(event.to_string());
    let record = json!({"StreamName": "agent-events", "PartitionKey": "k", "Data": data});
    let put = call(&keys, &streams, "Kinesis_20131202.PutRecord", &record);
    let read_back = json!({
        "StreamName": "agent-events", "ShardId": put["ShardId"],
        "ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": put["SequenceNumber"],
    });
    let iterator = call(&keys, &streams, "Kinesis_20131202.GetShardIterator", &read_back);
    let records = call(&keys, &streams, "Kinesis_20131202.GetRecords", &iterator);
    assert_eq!(records["Records"][0]["Data"], data);
    let batch = json!({"DeliveryStreamName": "contact-records", "Records": [{"Data": data}, {"Data": data}]});
    assert_eq!(call(&keys, &streams, "Firehose_20150804.PutRecordBatch", &batch)["FailedPutCount"], 0);
    let refused = call(&keys, &streams, "Kinesis_20131202.PutRecord", &json!({"StreamName": "another"}));
    assert_eq!(refused["__type"], "ResourceNotFoundException");

    let key = json!({"TableName": "AgentHistory", "Key": {
        "agent_id": {"S": "i-1#from-outside"}, "entry": {"S": "event#2026-03-02T08:00:00.000Z#e#eu-west-2"},
    }});
    let is_there = || !call(&keys, &dynamodb, "DynamoDB_20120810.GetItem", &key)["Item"].is_null();
    for _ in 0..600 {
        if is_there() {
            break;
        }
        assert!(running.0.try_wait().unwrap().is_none(), "the demo ended early");
        #[expect(
            clippy::disallowed_methods,
            reason = "polling, for a minute at most: another process does not notify"
        )]
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(is_there(), "the event is not in the table after a minute");
    Command::new("kill").arg(running.0.id().to_string()).status().unwrap();
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
}

/// One operation of an AWS service's JSON protocol.
fn call(keys: &Keys, endpoint: &str, target: &str, request: &Value) -> Value {
    let service = match target.split('_').next() {
        Some("Kinesis") => "kinesis",
        Some("Firehose") => "firehose",
        _ => "dynamodb",
    };
    let reply = Call::operation(target, request).signed(endpoint, &Signer::new(keys, service)).send(endpoint);
    serde_json::from_str(&reply.body).unwrap_or_else(|error| panic!("{target}: {error}: {reply:?}"))
}

#[test]
fn the_version_includes_the_schema_version() {
    let version = Arguments::try_parse_from(["contact-ledger", "--version"]).unwrap_err().to_string();
    assert!(version.contains(&format!("(schema version {SCHEMA_VERSION})")), "{version}");
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in Shell::value_variants() {
        assert!(completions(*shell).contains("redrive"), "{shell}");
    }
}
