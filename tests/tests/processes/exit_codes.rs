//! Exit codes and outputs of every command: no panic, and a message for every wrong usage.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use ledger_tests::{dynamodb_client, functions_folder, served_stack};
use local_aws::stack::Stack;
use served_stack::{AGENT_STATE_TABLE, Served};
use tokio::process::Command;

fn tool(arguments: &[&str]) -> Command {
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    // The environment of the user who runs the tests has no influence, and no request leaves this machine.
    command.args(arguments).env_clear().env("HOME", "/nonexistent").env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").env("AWS_MAX_ATTEMPTS", "1");
    command.kill_on_drop(true).stdin(Stdio::null());
    command
}

async fn run(arguments: &[&str]) -> (i32, String, String) {
    outcome(&tool(arguments).output().await.unwrap())
}

fn outcome(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert!(!error.contains("panicked"), "{error}");
    (output.status.code().unwrap_or(-1), out, error)
}

/// A stack with one agent event in it.
async fn served() -> (Stack, tempfile::TempDir) {
    let (mut stack, output) = served_stack(Duration::from_mins(15)).await;
    let event = r#"{"AgentARN":"arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a-1","EventId":"e","EventTimestamp":"2026-03-02T08:00:00Z","EventType":"LOGIN","CurrentAgentSnapshot":{"AgentStatus":{"Name":"Available","StartTimestamp":"2026-03-02T08:00:00Z"},"Configuration":{"Username":"ada"},"Contacts":[]}}"#;
    stack.put_agent_event("a-1", event.as_bytes().into()).await.unwrap();
    stack.settle(1).await.unwrap();
    (stack, output)
}

/// Invalid command lines, each with a part of the message.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_exits_with_2_a_message_and_no_output() {
    let unknown = ["--stack", "s", "--local"];
    let cases: Vec<(Vec<&str>, &str)> = vec![
        (vec![], "Usage"),
        (vec!["frobnicate"], "unrecognized subcommand"),
        (vec!["--frobnicate"], "unexpected argument"),
        (vec!["demo", "extra"], "unexpected argument"),
        (vec!["demo", "--agents", "0"], "not a number from 1 to 100000"),
        (vec!["demo", "--agents", "99999999999"], "not a number from 1 to 100000"),
        (vec!["demo", "--agents", "-1"], "unexpected argument"),
        (vec!["demo", "--agents", "many"], "not a number from 1 to 100000"),
        (vec!["demo", "--hours", "25"], "1..=24"),
        (vec!["demo", "--times", "0"], "1.."),
        (vec!["demo", "--chaos"], "a value is required"),
        (vec!["demo", "--chaos", "x"], "invalid"),
        (vec!["demo", "--dynamodb-port", "70000"], "70000"),
        (vec!["generate", "--agents", "0"], "not a number from 1 to 100000"),
        (vec!["generate", "--duplicated", "1001"], "0..=1000"),
        (vec!["doctor"], "required"),
        ([&["doctor"], &unknown[..]].concat(), "cannot be used with"),
        (vec!["doctor", "--local", "x", "--profile", "p"], "cannot be used with"),
        (vec!["agents", "--local", "x", "--region", "eu-west-2"], "cannot be used with"),
        (vec!["send", "--local", "x", "--endpoint-url", "http://127.0.0.1:1"], "cannot be used with"),
        (vec!["redrive", "--local", "x", "--read-timeout", "1"], "cannot be used with"),
        (vec!["connect"], "Usage"),
        (vec!["connect", "status", "--local"], "unexpected argument"),
        (vec!["connect", "enable"], "required"),
        (vec!["agents", "--stack", "s", "--activity", "zzz"], "possible values: error, missed"),
        (vec!["agents", "--stack", "s", "--sort", "zzz"], "possible values"),
        (vec!["agents", "--stack", "s", "--refresh", "0"], "1.."),
        (vec!["history", "--stack", "s"], "required"),
        (vec!["history", "a", "--stack", "s", "--kind", "zzz"], "possible values"),
        (vec!["history", "a", "--stack", "s", "--json", "--format", "csv"], "cannot be used with"),
        (vec!["redrive", "--stack", "s", "--send", "--dry-run"], "cannot be used with"),
        (vec!["redrive", "--stack", "s", "--rate", "0"], "1.."),
        (vec!["send", "--stack", "s", "--generated", "0"], "not a number from 1 to 100000"),
        (vec!["send", "--stack", "s", "--generated", "3", "--agent-events", "x"], "cannot be used with"),
        (vec!["backfill"], "required"),
        (vec!["backfill", "--lake", ""], "a value is required"),
        (vec!["backfill", "--lake", "x", "--since", "yesterday"], "not a day"),
        (vec!["agents", "--stack", ""], "a value is required"),
        (vec!["agents", "--stack", "s", "--endpoint-url", "foo"], "not a URL"),
        (vec!["agents", "--stack", "s", "--region", "eu west;1"], "not a Region"),
        (vec!["demo", "--streams-port", "5"], "--serve"),
        (vec!["cost", "--agents", "x", "--contacts-per-day", "1"], "invalid"),
        (vec!["schema", "zzz"], "possible values"),
        (vec!["completions", "zzz"], "possible values"),
        (vec!["demo", "--pii-policy", "{bad"], "correct --pii-policy"),
        (vec!["demo", "--agent-pii-policy", r#"{"x":"drop"}"#], "correct --agent-pii-policy"),
        (vec!["validate", "s3:///x"], "has no bucket name"),
    ];
    for (arguments, expected) in &cases {
        let (code, out, error) = run(arguments).await;
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {error}");
        assert!(error.contains(expected), "{arguments:?}: {expected:?} is not in {error}");
    }
}

/// Errors that the argument parser does not see are wrong usage, too.
#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_time_or_prefix_is_wrong_usage() {
    let (_stack, served) = served().await;
    let local = served.path().to_string_lossy().into_owned();
    for (arguments, expected) in [
        (vec!["history", "ada", "--from", "2030-13-01"], "use a date"),
        (vec!["history", "ada", "--from", "2026-03-03", "--to", "2026-03-01"], "--to is not after --from"),
        (vec!["redrive", "--since", "2026-13-01"], "since is"),
        (vec!["redrive", "--since", "2026-03-02", "--until", "2026-03-01"], "until is before since"),
        (vec!["redrive", "--prefix", "contact_records/"], "has no dead letters"),
    ] {
        let (code, out, error) = run(&[&arguments[..], &["--local", &local]].concat()).await;
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {error}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_cannot_work_exits_with_1_and_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    };
    let plain = file("plain", "text");
    let out = folder.path().join("out").to_string_lossy().into_owned();
    let cases: Vec<(Vec<&str>, &str)> = vec![
        (vec!["agents", "--local", "/nonexistent"], "no stack is running in /nonexistent"),
        (vec!["history", "a", "--local", "/nonexistent"], "no stack is running in /nonexistent"),
        (vec!["send", "--local", "/nonexistent"], "no stack is running in /nonexistent"),
        (vec!["redrive", "--local", "/nonexistent"], "no stack is running in /nonexistent"),
        (vec!["agents", "--stack", "s", "--region", "eu-west-2"], "no AWS credentials were found"),
        (vec!["connect", "status", "--stack", "s"], "no AWS credentials were found"),
        (vec!["backfill", "--lake", "/nonexistent"], "PII_POLICY is not set"),
        (vec!["generate", "--output", &plain], "choose another with --output"),
        (vec!["demo", "--functions", "/nonexistent", "--output", &out], "is missing"),
        (vec!["demo", "--output", &plain], "choose another"),
    ];
    for (arguments, expected) in &cases {
        let (code, out, error) = run(arguments).await;
        assert_eq!((code, out.as_str()), (1, ""), "{arguments:?}: {error}");
        assert!(error.starts_with("error: ") && error.contains(expected), "{arguments:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{arguments:?}: {error}");
    }
}

/// A line that starts with a part of a name could look like a message of ours.
#[tokio::test]
async fn a_name_with_a_line_break_starts_no_line_of_an_error() {
    let (code, _, error) = run(&["explain", "none\nerror: fake\u{1b}[2K"]).await;
    assert_eq!(code, 1);
    assert!(error.lines().skip(1).all(|line| line.starts_with("  ")), "{error}");
    assert!(error.lines().count() > 1 && !error.contains('\u{1b}'), "{error}");
}

/// The arguments of every command.
fn commands<'a>(local: &'a str, folder: &'a str) -> Vec<Vec<&'a str>> {
    vec![
        vec!["--help"],
        vec!["--version"],
        vec!["demo", "--help"],
        vec!["demo", "--agents", "2", "--hours", "1", "--output", folder],
        vec!["generate", "--agents", "2", "--hours", "1", "--force", "--output", folder],
        vec!["cost", "--agents", "10", "--contacts-per-day", "100"],
        vec!["schema", "glue"],
        vec!["schema", "markdown"],
        vec!["completions", "bash"],
        vec!["doctor", "--local", local],
        vec!["doctor", "--local", local, "--json"],
        vec!["agents", "--all", "--local", local],
        vec!["agents", "--all", "--json", "--local", local],
        vec!["history", "ada", "--instance", "i-1", "--local", local],
        vec!["history", "ada", "--instance", "i-1", "--json", "--local", local],
        vec!["redrive", "--local", local],
        vec!["send", "--wait", "0", "--local", local],
        vec!["backfill", "--dry-run", "--lake", local],
        vec!["connect", "--help"],
        vec!["validate", "FILE"],
        vec!["validate", "FILE", "--json"],
        vec!["explain", "FAILURE"],
        vec!["explain", "FAILURE", "--json"],
        vec!["tail", "agent-events", "--since", "1d", "--for", "5", "--local", local],
        vec!["tail", "agent-events", "--since", "1d", "--for", "5", "--json", "--local", local],
    ]
}

/// Writes a raw copy for a backfill, and returns the lake's folder.
fn with_a_copy(output: &Path) -> String {
    let lake = output.join("lake");
    let copies = lake.join("raw/contact-records/arrival_date=2026-03-02");
    fs::create_dir_all(&copies).unwrap();
    fs::write(copies.join("copy"), r#"{"hello":"world"}"#).unwrap();
    lake.to_string_lossy().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pipe_is_not_an_error_and_a_full_disk_is() {
    let (_stack, output) = served().await;
    let local = output.path().to_string_lossy().into_owned();
    let lake = with_a_copy(output.path());
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").to_string_lossy().into_owned();
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).to_string_lossy().into_owned()
    };
    let file = write("file.jsonl", "{\n");
    let failure = write(
        "failure",
        r#"{"arrivalTimestamp":1772438400000,"errorCode":"Lambda.FunctionError","errorMessage":"m","rawData":"e30="}"#,
    );
    for arguments in commands(&local, &out) {
        let replaced = |argument: &&str| match (arguments[0], *argument) {
            ("backfill", given) if given == local => lake.clone(),
            (_, "FILE") => file.clone(),
            (_, "FAILURE") => failure.clone(),
            (_, given) => given.to_owned(),
        };
        let arguments: Vec<_> = arguments.iter().map(replaced).collect();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let with = |stdout: Stdio| {
            let mut command = tool(&arguments);
            command.env("PII_POLICY", "{}").stdout(stdout).stderr(Stdio::piped());
            command
        };
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let left = outcome(&with(writer.into()).output_as_set().await);
        // Messages about the run itself, such as its destination, go to standard error.
        let is_silent = left.2.lines().all(|line| line.starts_with("The local stack on this machine"));
        assert!(left.0 == 0 && is_silent, "{arguments:?} into a closed pipe: {left:?}");
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let (code, _, error) = outcome(&with(full.into()).output_as_set().await);
        assert!(
            code == 1 && error.contains("error: the output cannot be written"),
            "{arguments:?} onto a full disk: {code} {error}"
        );
    }
}

trait OutputAsSet {
    async fn output_as_set(self) -> Output;
}

impl OutputAsSet for Command {
    /// Like `output`, which would replace the standard output.
    async fn output_as_set(mut self) -> Output {
        self.spawn().unwrap().wait_with_output().await.unwrap()
    }
}

/// `doctor` must not report success if it could not check anything.
#[tokio::test(flavor = "multi_thread")]
async fn doctor_exits_with_5_if_it_cannot_check_and_with_4_on_data_loss() {
    let (code, _, error) = run(&["doctor", "--local", "/nonexistent"]).await;
    assert_eq!(code, 5, "{error}");
    assert!(error.contains("nothing could be checked: no stack is running"), "{error}");
    let (code, _, error) = run(&["doctor", "--stack", "s", "--region", "eu-west-2"]).await;
    assert_eq!(code, 5, "{error}");
    assert!(error.contains("no AWS credentials were found"), "{error}");

    // A deployed stack that does not respond.
    let mut dead = tool(&["doctor", "--stack", "s", "--region", "eu-west-2"]);
    dead.envs([("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "secret")]);
    let (code, _, error) = outcome(&dead.output().await.unwrap());
    assert_eq!(code, 5, "{error}");
    assert!(error.contains("connection refused; check the endpoint"), "{error}");
    assert!(!error.contains("permissions") && !error.contains("can read"), "{error}");

    let (stack, output) = served().await;
    let local = output.path().to_string_lossy().into_owned();
    assert_eq!(run(&["doctor", "--local", &local]).await.0, 0);
    // The stack has ended, and its file is still there.
    let gone = tempfile::tempdir().unwrap();
    fs::copy(output.path().join("stack.json"), gone.path().join("stack.json")).unwrap();
    let (code, _, error) = run(&["doctor", "--local", gone.path().to_str().unwrap()]).await;
    assert_eq!(code, 5, "{error}");
    assert!(error.contains("has ended"), "{error}");
    // The tables of a running stack do not respond.
    let half = tempfile::tempdir().unwrap();
    let served = Served { dynamodb: "http://127.0.0.1:1".to_owned(), ..Served::read(output.path()).unwrap() };
    let _served = served.leave(half.path()).unwrap();
    let (code, out, _) = run(&["doctor", "--local", half.path().to_str().unwrap()]).await;
    assert_eq!(code, 5, "{out}");
    assert!(out.contains("connection refused") && !out.contains(" 0 not checked"), "{out}");
    // Exit code 4 takes precedence: nothing is processed.
    stack.upserter.reserve_concurrency(Some(0));
    let (code, out, _) = run(&["doctor", "--local", half.path().to_str().unwrap()]).await;
    assert_eq!(code, 4, "{out}");
    stack.upserter.reserve_concurrency(None);
    // Without a table, events are lost.
    let client = dynamodb_client(&stack.dynamodb.endpoint, &stack.dynamodb.keys);
    client.delete_table().table_name(AGENT_STATE_TABLE).send().await.unwrap();
    assert_eq!(run(&["doctor", "--local", &local]).await.0, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_never_responds_times_out() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let connections = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((socket, _)) = silent.accept().await {
            held.push(socket);
        }
    });
    let mut command = tool(&["agents", "--stack", "s", "--region", "eu-west-2", "--read-timeout", "1"]);
    command.args(["--endpoint-url", &url]);
    command.envs([("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "secret")]);
    let ended = tokio::time::timeout(Duration::from_secs(30), command.output()).await;
    let (code, _, error) = outcome(&ended.expect("the command waits forever").unwrap());
    assert_eq!(code, 1, "{error}");
    assert!(error.contains("no answer in time"), "{error}");
    connections.abort();
}

/// Whether a process has installed a handler for this signal.
fn handles(process: u32, signal: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0");
    u64::from_str_radix(caught.trim(), 16).is_ok_and(|caught| caught & (1 << (signal - 1)) != 0)
}

/// A command can be interrupted while it waits for input or for a service.
#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_waits_can_be_interrupted() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let (_stack, output) = served().await;
    let local = output.path().to_string_lossy().into_owned();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").to_string_lossy().into_owned();
    let deployed = ["--stack", "s", "--region", "eu-west-2", "--endpoint-url", url.as_str()];
    let cases: Vec<Vec<&str>> = vec![
        vec!["validate", "-"],
        vec!["explain", "-"],
        vec!["demo", "--contact-records", "-", "--output", &out],
        vec!["send", "--contact-records", "-", "--local", &local],
        vec!["backfill", "--lake", "s3://lake", "--region", "eu-west-2", "--endpoint-url", &url],
        [&["agents"], &deployed[..]].concat(),
        [&["history", "ada"], &deployed[..]].concat(),
        [&["doctor"], &deployed[..]].concat(),
        [&["redrive"], &deployed[..]].concat(),
        [&["send"], &deployed[..]].concat(),
        [&["tail", "agent-events"], &deployed[..]].concat(),
        [&["connect", "status"], &deployed[..]].concat(),
    ];
    for arguments in cases {
        for (name, signal) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
            let mut command = tool(&arguments);
            command.envs([
                ("AWS_ACCESS_KEY_ID", "AKIA"),
                ("AWS_SECRET_ACCESS_KEY", "secret"),
                ("PII_POLICY", "{}"),
            ]);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut running = command.spawn().unwrap();
            // The input stays open without data.
            let _input = running.stdin.take();
            let id = running.id().unwrap();
            while !handles(id, signal) {
                tokio::task::yield_now().await;
            }
            // A command that first finishes running work may need a second signal.
            let signal_it =
                async || Command::new("kill").args([&format!("-{name}"), &id.to_string()]).status().await;
            signal_it().await.unwrap();
            let waited = tokio::time::timeout(Duration::from_secs(20), async {
                let mut ended = std::pin::pin!(running.wait_with_output());
                loop {
                    tokio::select! {
                        ended = &mut ended => return ended.unwrap(),
                        () = tokio::time::sleep(Duration::from_secs(2)) => drop(signal_it().await),
                    }
                }
            });
            let ended =
                waited.await.unwrap_or_else(|_| panic!("{arguments:?} keeps running after SIG{name}"));
            assert_eq!(outcome(&ended).0, 130, "{arguments:?} SIG{name}: {ended:?}");
        }
    }
}
