//! `contact-ledger board`: who may see it, and how it answers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lambda_io::telemetry::now;
use ledger_tests::signed::{Call, Reply};
use ledger_tests::{functions_folder, served_stack};
use local_aws::stack::Stack;
use serde_json::{Value, json};

/// A running board. It ends with this value.
struct Board {
    process: Child,
    /// `127.0.0.1:<port>`
    host: String,
    /// `/<secret>/`
    path: String,
}

impl Drop for Board {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Board {
    fn start(output: &tempfile::TempDir, arguments: &[&str]) -> Self {
        Self::with(output, arguments, |_| {})
    }

    fn with(output: &tempfile::TempDir, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(functions_folder().join("contact-ledger"));
        command.arg("board").args(arguments).arg("--local").arg(output.path()).stdout(Stdio::piped());
        change(&mut command);
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address =
            lines.map(|line| line.trim().to_owned()).find(|line| line.starts_with("http://")).unwrap();
        let (host, secret) = address.trim_start_matches("http://").split_once('/').unwrap();
        Self { process, host: host.to_owned(), path: format!("/{secret}") }
    }

    fn ask(&self, method: &'static str, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut call = Call::rest(method, path, "");
        if !headers.iter().any(|(name, _)| *name == "host") {
            call = call.with("host", &self.host);
        }
        for (name, value) in headers {
            call = call.with(name, value);
        }
        call.send(&self.host)
    }

    fn get(&self, file: &str, headers: &[(&str, &str)]) -> Reply {
        self.ask("GET", &format!("{}{file}", self.path), headers)
    }
}

fn header(reply: &Reply, name: &str) -> Option<String> {
    let line = reply.head.lines().find(|line| line.starts_with(&format!("{name}:")))?;
    Some(line.split_once(':').unwrap().1.trim().to_owned())
}

async fn stack() -> (Stack, tempfile::TempDir) {
    let (mut stack, output) = served_stack(Duration::from_mins(15)).await;
    let event = json!({
        "AgentARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/ada", "EventId": "e",
        "EventTimestamp": now().to_string(), "EventType": "STATE_CHANGE",
        "CurrentAgentSnapshot": {
            "AgentStatus": {"Name": "Available", "Type": "ROUTABLE", "StartTimestamp": now().to_string()},
            "Configuration": {"FirstName": "<script>alert(1)</script>"}, "Contacts": [],
        },
    });
    stack.put_agent_event("key", event.to_string().into()).await.unwrap();
    stack.settle(1).await.unwrap();
    (stack, output)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_read_once_and_compressed_and_revalidated() {
    let (_stack, output) = stack().await;
    let board = Board::start(&output, &["--refresh", "10"]);
    let reply = board.get("board.json", &[]);
    assert_eq!(reply.status, 200, "{reply:?}");
    let document: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(document["agents"][0]["activity"], "available");
    assert_eq!((&document["instance_id"], &document["contact_events"]), (&json!("i-1"), &json!(true)));
    let etag = header(&reply, "etag").unwrap();
    let age: u32 = header(&reply, "age").unwrap().parse().unwrap();
    assert!(age < 5, "{reply:?}");
    assert_eq!(header(&reply, "cache-control").as_deref(), Some("no-cache"));

    // The head of a reply is in lower case here.
    let sent = etag.replacen("w/", "W/", 1);
    for known in [sent.clone(), format!("\"other\", {sent}")] {
        let same = board.get("board.json", &[("if-none-match", &known)]);
        assert_eq!((same.status, same.body.as_str()), (304, ""), "{known}");
        assert_eq!(header(&same, "etag").as_ref(), Some(&etag));
    }
    let again = board.get("board.json", &[("if-none-match", "\"other\"")]);
    assert_eq!(again.status, 200);
    let again: Value = serde_json::from_str(&again.body).unwrap();
    assert_eq!(
        again["generated_at"], document["generated_at"],
        "the tables were read again within ten seconds"
    );
    // Compressed bytes are not text, so only the head and the size are looked at here.
    let compressed = board.get("board.json", &[("accept-encoding", "br, gzip;q=0.8")]);
    assert_eq!(header(&compressed, "content-encoding").as_deref(), Some("gzip"));
    assert_eq!(header(&compressed, "vary").as_deref(), Some("accept-encoding"));
    let length: usize = header(&compressed, "content-length").unwrap().parse().unwrap();
    assert!(length < reply.body.len(), "{length}");
    assert_eq!(board.ask("HEAD", &format!("{}board.json", board.path), &[]).status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_knows_the_address_sees_the_board() {
    let (_stack, output) = stack().await;
    let board = Board::start(&output, &[]);
    for path in ["/", "/board.json", "/0123456789abcdef0123456789abcdef/", "//board.json", &board.path[..20]]
    {
        let reply = board.ask("GET", path, &[]);
        assert_eq!(reply.status, 404, "{path}: {reply:?}");
        assert!(
            !reply.body.contains("ada") && !reply.body.contains(board.path.trim_matches('/')),
            "{reply:?}"
        );
    }
    for file in ["../board.json", "missing.js", "..%2f..%2fetc/passwd", "board.json/x"] {
        assert_eq!(board.get(file, &[]).status, 404, "{file}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let reply = board.ask(method, &format!("{}board.json", board.path), &[]);
        assert_eq!((reply.status, header(&reply, "allow").as_deref()), (405, Some("get, head")), "{method}");
    }
    // A page of another site, under any name, and a request for another host.
    for headers in [
        vec![("origin", "https://example.com")],
        vec![("origin", "null")],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("host", "rebound.test")],
        vec![("host", "0.0.0.0")],
    ] {
        let reply = board.get("board.json", &headers);
        assert_eq!(reply.status, 403, "{headers:?}: {reply:?}");
        assert!(!reply.body.contains("ada"), "{reply:?}");
    }
    assert_eq!(board.ask("OPTIONS", &format!("{}board.json", board.path), &[]).status, 403);
    // The page's own requests.
    let own = format!("http://{}", board.host);
    for headers in [
        vec![("sec-fetch-site", "same-origin")],
        vec![("sec-fetch-site", "none")],
        vec![("origin", own.as_str())],
    ] {
        assert_eq!(board.get("board.json", &headers).status, 200, "{headers:?}");
    }
}

/// Nothing is loaded from elsewhere, nothing runs that is not a file of the page, and no other page embeds it.
#[tokio::test(flavor = "multi_thread")]
async fn every_response_has_the_headers_that_protect_it() {
    let (_stack, output) = stack().await;
    let board = Board::start(&output, &["--port", "0"]);
    let page = board.get("", &[]);
    assert_eq!(header(&page, "content-type").as_deref(), Some("text/html; charset=utf-8"));
    assert!(page.body.contains("<title>Live board</title>") && !page.body.contains("http"), "{}", page.body);
    assert!(!page.body.contains("style=") && !page.body.contains("onclick"), "{}", page.body);
    for file in ["", "board.json", "board.js", "board.css", "icon.svg", "missing"] {
        let reply = board.get(file, &[]);
        let policy = header(&reply, "content-security-policy").unwrap();
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{file}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "deny"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header(&reply, name).as_deref(), Some(value), "{file}");
        }
        assert!(!reply.head.contains("access-control-"), "{}", reply.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_ends_leaves_the_last_document_with_the_problem() {
    let (stack, output) = stack().await;
    let board = Board::start(&output, &[]);
    let good: Value = serde_json::from_str(&board.get("board.json", &[]).body).unwrap();
    drop(stack);
    let mut document = Value::Null;
    for _ in 0..100 {
        document = serde_json::from_str(&board.get("board.json", &[]).body).unwrap();
        if document.get("problem").is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(document["problem"]["code"], "unavailable", "{document}");
    assert_eq!((&document["agents"], &document["instance_id"]), (&good["agents"], &good["instance_id"]));
}

/// A wall keeps its address when the command is started again.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_keeps_the_address() {
    let (_stack, output) = stack().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let arguments = ["--key-file", file.to_str().unwrap()];
    let first = Board::start(&output, &arguments).path.clone();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(Board::start(&output, &arguments).path, first);
    let refused = |reason: &str| {
        let mut command = Command::new(functions_folder().join("contact-ledger"));
        let refused =
            command.arg("board").args(arguments).arg("--local").arg(output.path()).output().unwrap();
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(1) && error.contains(reason), "{error}");
    };
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    refused("other users can read");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&file, "../../etc\n").unwrap();
    refused("has no key of 32 hexadecimal digits");
}

/// Other users can see the arguments of the browser, so what they contain works once.
#[tokio::test(flavor = "multi_thread")]
async fn the_browser_is_opened_with_an_address_that_works_once() {
    let (_stack, output) = stack().await;
    let folder = tempfile::tempdir().unwrap();
    let (program, opened) = (folder.path().join("xdg-open"), folder.path().join("opened"));
    fs::write(
        &program,
        format!("#!/bin/sh\nprintf %s \"$1\" > {0}.new && mv {0}.new {0}\n", opened.display()),
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::join_paths(
        [folder.path().to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    )
    .unwrap();
    let board = Board::with(&output, &["--open"], |command| {
        command.env("PATH", path);
    });
    let mut address = String::new();
    for _ in 0..200 {
        if let Ok(found) = fs::read_to_string(&opened) {
            address = found;
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let ticket =
        address.strip_prefix(&format!("http://{}", board.host)).unwrap_or_else(|| panic!("{address}"));
    assert!(ticket.len() > 30 && !board.path.contains(ticket.trim_matches('/')), "{ticket}");
    assert_eq!(board.ask("GET", ticket, &[("sec-fetch-site", "cross-site")]).status, 403);
    let first = board.ask("GET", ticket, &[("sec-fetch-site", "none")]);
    assert_eq!((first.status, header(&first, "location")), (303, Some(board.path.clone())), "{first:?}");
    let second = board.ask("GET", ticket, &[]);
    assert_eq!(second.status, 404, "{second:?}");
    assert_eq!(header(&second, "location"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_ends_the_command() {
    let (_stack, output) = stack().await;
    let board = Board::start(&output, &[]);
    let port = board.host.split(':').nth(1).unwrap();
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    let other = command.args(["board", "--port", port, "--local"]).arg(output.path()).output().unwrap();
    assert_eq!(other.status.code(), Some(1));
    let error = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(error.contains("cannot listen on") && error.contains("choose another port"), "{error}");
}
