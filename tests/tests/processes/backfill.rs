//! `contact-ledger backfill`: the rows that it makes from the copies are those that were made from the records.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use contact_ledger_demo::demo::put_record;
use lake_files::files_below;
use lake_parquet::contact_records as glue_table;
use lake_parquet::read_rows;
use ledger_console::records::input::Input;
use ledger_tests::{compressed, functions_folder};
use local_aws::Gate;
use local_aws::s3::{Folder, S3Server};
use local_aws::stack::{Stack, StackSettings};
use serde_json::Value;
use served_stack::Keys;

const POLICY: &str = r#"{"customer_endpoint_address": "mask", "agent_username": "drop"}"#;

/// A day of contact records in the lake.
async fn lake() -> tempfile::TempDir {
    let output = tempfile::tempdir().unwrap();
    let settings = StackSettings::new(functions_folder(), output.path().to_owned(), glue_table().unwrap());
    let mut stack = Stack::start(settings).await.unwrap();
    let day = Input { agent_events: Vec::new(), ..Input::demo_day() };
    for sent in day.into_records() {
        put_record(&stack, sent).await.unwrap();
    }
    stack.drain().await.unwrap();
    output
}

async fn backfill(lake: &str, s3: Option<(&str, &Keys)>, policy: &str, more: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(functions_folder().join("contact-ledger"));
    command.args(["backfill", "--lake", lake]).args(more).env("PII_POLICY", policy);
    if let Some((endpoint, keys)) = s3 {
        command.envs([
            ("AWS_ENDPOINT_URL_S3", endpoint),
            ("AWS_ACCESS_KEY_ID", &keys.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key),
            ("AWS_REGION", served_stack::REGION),
        ]);
    }
    command.output().await.unwrap()
}

/// Rows of the lake's files by name: those of Firehose, or those of a backfill. Each without its arrival, in order.
fn rows(output: &Path, of_backfill: bool) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for file in files_below(&output.join("lake/contact_records")).unwrap() {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("backfill-") == of_backfill {
            let partition = file.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
            for mut row in read_rows(fs::read(&file).unwrap().into()).unwrap() {
                for of_arrival in ["arrival_timestamp", "arrival_place"] {
                    row.as_object_mut().unwrap().remove(of_arrival);
                }
                rows.push((partition.clone(), row.to_string()));
            }
        }
    }
    rows.sort();
    rows
}

fn files(output: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = files_below(&output.join("lake")).unwrap();
    files.into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_made_from_the_copies_are_the_rows() {
    let output = lake().await;
    let original = rows(output.path(), false);
    assert!(original.len() > 500);

    // From a bucket and from a folder alike.
    let s3 = S3Server::start(0, Folder::open(output.path()).unwrap(), Gate::default()).await.unwrap();
    let told = backfill("s3://lake", Some((&s3.endpoint, &s3.keys)), "{}", &[]).await;
    // Some records of the day are broken, and fail as they did when they came.
    assert_eq!(told.status.code(), Some(3), "{told:?}");
    assert!(
        String::from_utf8_lossy(&told.stdout).contains(&format!("{}   written", original.len())),
        "{told:?}"
    );
    assert_eq!(rows(output.path(), true), original);

    let written = files(output.path());
    let folder = output.path().join("lake").to_string_lossy().into_owned();
    let told = backfill(&folder, None, "{}", &[]).await;
    assert!(String::from_utf8_lossy(&told.stdout).contains("skipped; --again"), "{told:?}");
    assert_eq!(files(output.path()), written, "what was done is done again");

    // Interrupted between its writes: nothing is done twice under another name, and nothing is missing.
    let removed: Vec<_> = written
        .keys()
        .filter(|file| file.to_string_lossy().contains("backfill"))
        .enumerate()
        .filter(|(place, _)| place % 2 == 0)
        .map(|(_, file)| file)
        .collect();
    let markers = written.keys().filter(|file| file.to_string_lossy().contains("lake/backfill/"));
    for file in markers.chain(removed) {
        let _ = fs::remove_file(file);
    }
    assert!(files(output.path()).len() < written.len());
    let told = backfill(&folder, None, "{}", &[]).await;
    assert_eq!(told.status.code(), Some(3), "{told:?}");
    assert_eq!(files(output.path()), written);
    assert_eq!(backfill(&folder, None, "{}", &["--again"]).await.status.code(), Some(3));
    assert_eq!(files(output.path()), written);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_writes_nothing_and_a_policy_is_obeyed() {
    let output = lake().await;
    let before = files(output.path());
    let folder = output.path().join("lake").to_string_lossy().into_owned();
    assert_eq!(backfill(&folder, None, "{}", &["--dry-run"]).await.status.code(), Some(3));
    assert_eq!(files(output.path()), before);

    assert_eq!(backfill(&folder, None, POLICY, &[]).await.status.code(), Some(3));
    let made = rows(output.path(), true);
    assert!(made.len() > 500);
    for (_, row) in made {
        let row: Value = serde_json::from_str(&row).unwrap();
        assert!(row["agent_username"].is_null());
        let address = row["customer_endpoint_address"].as_str();
        assert!(address.is_none_or(|address| address.starts_with("***")), "{address:?}");
    }
}

/// An object that a network has cut short is no reason to leave the others undone, nor one to call the backfill well.
#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_copy_is_named_and_stops_nothing() {
    let output = lake().await;
    let original = rows(output.path(), false).len();
    let cut = output.path().join("lake/raw/contact-records/arrival_date=2026-03-01/cut.gz");
    fs::create_dir_all(cut.parent().unwrap()).unwrap();
    fs::write(&cut, b"\x1f\x8b\x08 cut short").unwrap();
    let folder = output.path().join("lake").to_string_lossy().into_owned();
    let told = backfill(&folder, None, "{}", &[]).await;
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert_eq!(told.status.code(), Some(3), "{told:?}");
    assert!(text.contains("arrival_date=2026-03-01/cut.gz "), "{text}");
    assert_eq!(rows(output.path(), true).len(), original);
    // It is not marked as done.
    let told = backfill(&folder, None, "{}", &[]).await;
    assert!(String::from_utf8_lossy(&told.stdout).contains("cut.gz"), "{told:?}");
}

/// What was made of a whole copy is not replaced by what can be made of a part of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_damaged_since_keeps_its_rows() {
    let output = lake().await;
    let folder = output.path().join("lake").to_string_lossy().into_owned();
    backfill(&folder, None, "{}", &[]).await;
    let made = rows(output.path(), true);
    let copies = files_below(&output.path().join("lake/raw/contact-records")).unwrap();
    assert!(!copies.is_empty());
    let wholes: Vec<_> = copies.iter().map(|copy| fs::read(copy).unwrap()).collect();
    // In the middle, before anything, and so that it is no GZIP any more.
    for damage in [
        |whole: &[u8]| whole[..whole.len() / 2].to_vec(),
        |_: &[u8]| Vec::new(),
        |whole: &[u8]| [b"no", &whole[2..]].concat(),
    ] {
        for (copy, whole) in copies.iter().zip(&wholes) {
            fs::write(copy, damage(whole)).unwrap();
        }
        let told = backfill(&folder, None, "{}", &["--again"]).await;
        assert_eq!(told.status.code(), Some(3), "{told:?}");
        let text = String::from_utf8_lossy(&told.stdout).into_owned();
        let name = copies[0].file_name().unwrap().to_string_lossy().into_owned();
        assert!(text.contains("are kept") && text.contains(&name), "{text}");
        assert_eq!(rows(output.path(), true), made);
    }
    // Whole again, it is done again.
    for (copy, whole) in copies.iter().zip(&wholes) {
        fs::write(copy, whole).unwrap();
    }
    let told = backfill(&folder, None, "{}", &["--again"]).await;
    assert!(!String::from_utf8_lossy(&told.stdout).contains("are kept"), "{told:?}");
    assert_eq!(rows(output.path(), true), made);
}

/// Copies hold the bytes as they came: a record that looks like the beginning of another kind of file is a record.
#[tokio::test]
async fn an_odd_record_at_the_beginning_of_a_copy_hides_none_behind_it() {
    const CONTACT: &str = r#"{"AWSAccountId":"111122223333","ContactId":"c","InstanceARN":"arn:aws:connect:eu-west-2:111122223333:instance/i","InitiationTimestamp":"2026-03-02T08:00:00Z","LastUpdateTimestamp":"2026-03-02T08:05:00Z"}"#;
    for odd in [&b"a,b\n1,2\n"[..], b"PAR1", b"\xff\xfe{\0", "\u{feff}".as_bytes()] {
        let output = tempfile::tempdir().unwrap();
        let copies = output.path().join("lake/raw/contact-records/arrival_date=2026-03-02");
        fs::create_dir_all(&copies).unwrap();
        let records = [odd, CONTACT.as_bytes(), CONTACT.as_bytes()].concat();
        fs::write(copies.join("copy.gz"), compressed(&records)).unwrap();
        let told = backfill(&output.path().join("lake").to_string_lossy(), None, "{}", &[]).await;
        let rows = rows(output.path(), true).len();
        assert!(told.status.code() == Some(3) && (1..=2).contains(&rows), "{odd:?}: {rows} {told:?}");
    }
}

#[tokio::test]
async fn what_it_cannot_do_it_says() {
    let empty = tempfile::tempdir().unwrap();
    let folder = empty.path().to_string_lossy().into_owned();
    for (lake, policy, said) in [
        (folder.as_str(), "{}", "is it the stack's bucket"),
        ("no/such/folder", "{}", "is not a folder; pass s3://<bucket>"),
        (&folder, r#"{"agent": "drop"}"#, "no column"),
    ] {
        let told = backfill(lake, None, policy, &[]).await;
        let error = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(
            told.status.code() == Some(1) && error.contains(said) && error.lines().count() == 1,
            "{error}"
        );
    }
    let told = backfill("s3://lake", Some(("http://127.0.0.1:1", &Keys::random())), "{}", &[]).await;
    let error = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(error.contains("s3://lake/raw/contact-records/ cannot be listed: connection refused"), "{error}");
}
