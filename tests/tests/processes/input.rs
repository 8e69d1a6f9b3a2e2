//! How the commands read a user's own records: every format, and endless files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use ledger_tests::{compressed, contact_record_fixtures, functions_folder};
use serde_json::Value;

const MEMORY: u64 = 256 * 1024 * 1024;
const CONTACT: &str = r#"{"ContactId":"c","InstanceARN":"arn:aws:connect:eu-west-2:111122223333:instance/i","InitiationTimestamp":"2026-03-02T08:00:00Z","LastUpdateTimestamp":"2026-03-02T08:05:00Z"}"#;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The summary of `validate --json`: the number of records, and of those that fail.
fn counted(output: &Output) -> (u64, u64) {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let last = text.lines().last().unwrap_or_else(|| panic!("{output:?}"));
    let summary: Value = serde_json::from_str(last).unwrap();
    let number = |name: &str| summary["summary"][name].as_u64().unwrap();
    (number("records"), number("failed"))
}

fn validated(path: &Path) -> (u64, u64) {
    counted(&command(&["validate", "--json", path.to_str().unwrap()]).output().unwrap())
}

/// The error message of a failed command, which must be a single line.
fn refused(output: &Output) -> String {
    let message = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.starts_with("error: "), "{message}");
    assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    message
}

/// The output and the peak memory of a process. A thread drains the pipes meanwhile.
fn peak_memory(mut child: Child) -> (Output, u64) {
    let status = format!("/proc/{}/status", child.id());
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let drain = std::thread::spawn(move || {
        let mut read = (Vec::new(), Vec::new());
        out.read_to_end(&mut read.0).unwrap();
        err.read_to_end(&mut read.1).unwrap();
        read
    });
    let mut peak = 0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or_default() * 1024);
        if let Some(status) = child.try_wait().unwrap() {
            let (stdout, stderr) = drain.join().unwrap();
            return (Output { status, stdout, stderr }, peak);
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the kernel does not notify about memory; the loop ends with the process"
        )]
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

#[test]
fn every_format_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(CONTACT).unwrap()).unwrap();
    let two = format!("{CONTACT}\n{CONTACT}\n");
    for (name, content, records) in [
        ("one.json", CONTACT.as_bytes().to_vec(), 1),
        ("pretty.json", pretty.as_bytes().to_vec(), 1),
        ("pretty-two.jsonl", format!("{pretty}\n{pretty}\n").into_bytes(), 2),
        ("list.json", format!("[{CONTACT},\n{pretty}\n, {CONTACT}]").into_bytes(), 3),
        ("lists.json", format!("[{CONTACT}][{CONTACT}]\n[]").into_bytes(), 2),
        ("lines.json", two.clone().into_bytes(), 2),
        ("lines.txt", format!("\u{feff}\r\n{CONTACT}\r\n\r\n{CONTACT}").into_bytes(), 2),
        ("together", format!("{CONTACT}{CONTACT} {CONTACT}").into_bytes(), 3),
        ("compressed-by-bytes", [compressed(&two), compressed(CONTACT)].concat(), 3),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, content).unwrap();
        assert_eq!(validated(&file), (records, 0), "{name}");
    }
}

#[test]
fn a_broken_line_does_not_fail_other_lines() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{CONTACT}\n{{\"ContactId\":\n\u{fffd}\n[]\n{CONTACT}");
    for name in ["a.jsonl", "a.ndjson", "a.json", "a"] {
        let file = folder.path().join(name);
        fs::write(&file, &text).unwrap();
        assert_eq!(validated(&file), (5, 3), "{name}");
    }
    // In a file named .jsonl, the first line may be broken, too.
    let file = folder.path().join("b.jsonl");
    fs::write(&file, format!("{{\"ContactId\":\n{CONTACT}\n")).unwrap();
    assert_eq!(validated(&file), (2, 1));
    let mut piped = command(&["validate", "--json", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(counted(&piped.wait_with_output().unwrap()), (2, 1));
}

#[test]
fn a_folder_is_read_once_in_the_order_of_paths_and_skipped_files_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("b")).unwrap();
    symlink(folder.path(), path("b/circle")).unwrap();
    for name in ["c.json", "b/x.json.gz", "a.jsonl"] {
        fs::write(path(name), compressed("{\"ContactId\":\"c\"}")).unwrap();
    }
    fs::write(path("notes.txt"), CONTACT).unwrap();
    let output = command(&["validate", "--json", folder.path().to_str().unwrap()]).output().unwrap();
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let files: Vec<_> = lines.iter().filter_map(|line| line["file"].as_str()).collect();
    let files: Vec<_> = files.iter().map(|file| file.rsplit('/').next().unwrap()).collect();
    assert_eq!(files, ["a.jsonl", "x.json.gz", "c.json"]);
    let left_out = lines.last().unwrap()["summary"]["left_out"].as_str().unwrap();
    assert!(left_out.contains("notes.txt"), "{left_out}");

    let empty = tempfile::tempdir().unwrap();
    fs::write(empty.path().join("notes.txt"), CONTACT).unwrap();
    let error = refused(&command(&["validate", empty.path().to_str().unwrap()]).output().unwrap());
    assert!(error.contains("holds no records") && error.contains("notes.txt"), "{error}");
}

#[test]
fn invalid_json_is_refused_with_its_position_and_a_fix() {
    let folder = tempfile::tempdir().unwrap();
    let utf16: Vec<u8> = CONTACT.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, content, expected) in [
        ("utf16.json", utf16, "is UTF-16; convert it with `iconv"),
        ("table.csv", b"ContactId,Channel\nc,VOICE\n".to_vec(), "looks like CSV"),
        ("broken.json", format!("[{CONTACT},\n{{\"a\"]").into_bytes(), "starts on line 2"),
        ("half.json", b"{\n\"ContactId\":".to_vec(), "is not JSON"),
        ("empty.json", Vec::new(), "holds no records"),
        ("damaged.json.gz", compressed(CONTACT.repeat(50))[..60].to_vec(), "damaged"),
        (
            "long.jsonl",
            format!("{CONTACT}\n{{\"a\":\"{}\"}}\n", "x".repeat(11_000_000)).into_bytes(),
            "long.jsonl:2: the record that starts here is larger than 10 MiB",
        ),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, content).unwrap();
        let refusal = refused(&command(&["validate", file.to_str().unwrap()]).output().unwrap());
        assert!(refusal.contains(expected) && refusal.contains(name), "{refusal}");
    }
}

#[test]
fn a_contact_record_too_large_for_firehose_is_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large.jsonl");
    fs::write(&file, format!("{CONTACT}\n{{\"a\":\"{}\"}}\n", "x".repeat(1_024_000))).unwrap();
    let out = folder.path().join("out");
    let arguments = ["demo", "--output", out.to_str().unwrap(), "--contact-records", file.to_str().unwrap()];
    let error = refused(&command(&arguments).output().unwrap());
    assert!(error.contains("large.jsonl:2: the record that starts here is larger than 1000 KiB"), "{error}");
    assert!(!out.exists());
}

#[test]
fn a_demo_reads_standard_input_once() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let demo = |more: &[&str], input: &str| {
        let mut command = command(&["demo", "--output", out.to_str().unwrap()]);
        let mut running = command.args(more).stdin(Stdio::piped()).spawn().unwrap();
        // A command that refuses its arguments does not read its input.
        let _ = running.stdin.take().unwrap().write_all(input.as_bytes());
        running.wait_with_output().unwrap()
    };
    let done = demo(&["--contact-records", "-"], &format!("{CONTACT}\n{{\n{CONTACT}\n"));
    // One of the user's records fails and is reported with its line and reason.
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    let shown = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        shown.contains("1 of your records fails") && shown.contains("standard input:2: not_json"),
        "{shown}"
    );
    let summary: Value = serde_json::from_slice(&fs::read(out.join("summary.json")).unwrap()).unwrap();
    let failure = &summary["own_failures"]["first"][0];
    assert_eq!(
        (&failure["line"], &failure["reason"]),
        (&serde_json::json!(2), &serde_json::json!("not_json"))
    );
    assert_eq!(
        (&summary["contact_records"]["rows"], &summary["contact_records"]["failed"]),
        (&2.into(), &1.into())
    );
    let error = refused(&demo(&["--contact-records", "-", "--times", "2"], CONTACT));
    assert!(error.contains("standard input can be read only once"), "{error}");
    let error = refused(&demo(&["--contact-records", "-", "--agent-events", "-"], CONTACT));
    assert!(error.contains("give files for the others"), "{error}");
    let error = refused(&demo(&["--contact-records", "-"], "[{\"a\":1},"));
    assert!(error.contains("standard input is not JSON"), "{error}");
}

#[test]
fn an_endless_file_is_refused_and_takes_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").to_string_lossy().into_owned();
    let endless = |name: &str, target: &str| {
        let link = folder.path().join(name);
        symlink(target, &link).unwrap();
        link.to_string_lossy().into_owned()
    };
    let (zero, random) = (endless("zero.jsonl", "/dev/zero"), endless("random.jsonl", "/dev/zero"));
    for arguments in [
        vec!["validate", "/dev/zero"],
        vec!["validate", &zero],
        vec!["explain", "/dev/zero"],
        vec!["demo", "--output", &out, "--contact-records", "/dev/zero"],
        vec!["demo", "--output", &out, "--agent-events", &random],
        vec!["send", "--local", &out, "--contact-records", &zero],
    ] {
        let (output, peak) = peak_memory(command(&arguments).spawn().unwrap());
        let error = refused(&output);
        assert!(error.contains("zero") || error.contains("random"), "{error}");
        assert!(peak < MEMORY, "{arguments:?} took {peak} bytes");
    }
    let zeros = File::open("/dev/zero").unwrap();
    let (output, peak) = peak_memory(command(&["validate", "-"]).stdin(zeros).spawn().unwrap());
    assert!(refused(&output).contains("larger than 10 MiB"));
    assert!(peak < MEMORY, "it took {peak} bytes");
}

#[test]
fn a_line_of_300_megabytes_is_refused_and_takes_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("line.jsonl");
    let mut writer = BufWriter::new(File::create(&file).unwrap());
    writer.write_all(b"{\"ContactId\":\"").unwrap();
    let megabyte = vec![b'x'; 1_000_000];
    (0..300).for_each(|_| writer.write_all(&megabyte).unwrap());
    writer.write_all(b"\"}\n").unwrap();
    drop(writer);
    let file = file.to_str().unwrap();
    let out = folder.path().join("out").to_string_lossy().into_owned();
    for arguments in [vec!["validate", file], vec!["demo", "--output", &out, "--contact-records", file]] {
        let (output, peak) = peak_memory(command(&arguments).spawn().unwrap());
        assert!(refused(&output).contains("line.jsonl:1: the record that starts here is larger than"));
        assert!((1..MEMORY).contains(&peak), "{arguments:?} took {peak} bytes");
    }
}

#[test]
fn a_file_of_600_megabytes_takes_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("many.jsonl");
    let fixture: Value = serde_json::from_slice(&contact_record_fixtures()["every-field-set"]).unwrap();
    let line = fixture.to_string() + "\n";
    let times = 600_000_000_usize.div_ceil(line.len());
    let mut writer = BufWriter::with_capacity(1 << 20, File::create(&file).unwrap());
    (0..times).for_each(|_| writer.write_all(line.as_bytes()).unwrap());
    writer.write_all(b"{\"ContactId\":\n").unwrap();
    drop(writer);
    let child = command(&["validate", "--json", file.to_str().unwrap()]).spawn().unwrap();
    let (output, peak) = peak_memory(child);
    assert_eq!(counted(&output), (times as u64 + 1, 1));
    assert!((1..MEMORY).contains(&peak), "it took {peak} bytes");
    println!("{times} records, {} MB at most", peak / 1_000_000);
}

/// A small compressed copy may be very large when decompressed, by accident or on purpose.
#[test]
fn a_backfill_of_a_copy_of_hundreds_of_megabytes_takes_little_memory() {
    const DAY: &str = "raw/contact-records/arrival_date=2026-03-02";
    let contact = |number: usize| CONTACT.replace("\"c\"", &format!("\"c-{number}\""));
    let few: String = (0..3).map(contact).collect();
    let mut record: Value = serde_json::from_slice(&contact_record_fixtures()["every-field-set"]).unwrap();
    record["InitiationTimestamp"] = "2026-03-02T08:00:00Z".into();
    for (filling, code, expected) in [
        ("\0", 3, "larger than 10 MiB"),
        (" ", 3, "10 MiB of white space without a record"),
        (&record.to_string(), 0, ""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let copies = folder.path().join(DAY);
        fs::create_dir_all(&copies).unwrap();
        let mut gzip = GzEncoder::new(
            BufWriter::new(File::create(copies.join("copy.gz")).unwrap()),
            Compression::fast(),
        );
        gzip.write_all(few.as_bytes()).unwrap();
        let chunk = filling.repeat(1_000_000 / filling.len());
        (0..300).for_each(|_| gzip.write_all(chunk.as_bytes()).unwrap());
        gzip.finish().unwrap().flush().unwrap();
        let mut command = command(&["backfill", "--lake", folder.path().to_str().unwrap()]);
        let (output, peak) = peak_memory(command.env("PII_POLICY", "{}").spawn().unwrap());
        let out = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{out}");
        assert!(out.contains(expected), "{out}");
        assert!((1..MEMORY).contains(&peak), "{filling:.50?} took {peak} bytes");
        // The records before it still become rows.
        let rows = lake_files::files_below(&folder.path().join("contact_records")).unwrap();
        assert_eq!(rows.len(), 1, "{out}");
        println!("{filling:.50?}: {} MB at most", peak / 1_000_000);
    }
}

/// Only the extension of a name must be text.
#[test]
fn a_file_whose_name_is_not_utf_8_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let name = std::os::unix::ffi::OsStrExt::from_bytes(b"bad\xff.jsonl");
    fs::write(folder.path().join(Path::new::<std::ffi::OsStr>(name)), format!("{CONTACT}\n{{}}\n")).unwrap();
    assert_eq!(validated(folder.path()), (2, 1));
}
