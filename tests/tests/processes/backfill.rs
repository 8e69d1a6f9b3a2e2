//! `contact-ledger backfill`: the rows rebuilt from the raw copies equal the original rows.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use contact_ledger_demo::put::put_record;
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
    let day = Input { contact_records: Input::demo_day().contact_records, ..Input::default() };
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

/// The rows of the lake written by Firehose or by a backfill, with their partition, without their arrival, sorted.
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
async fn rows_rebuilt_from_the_copies_equal_the_original_rows() {
    let output = lake().await;
    let original = rows(output.path(), false);
    assert!(original.len() > 500);

    // From a bucket and from a folder.
    let s3 = S3Server::start(0, Folder::open(output.path()).unwrap(), Gate::default()).await.unwrap();
    let run = backfill("s3://lake", Some((&s3.endpoint, &s3.keys)), "{}", &[]).await;
    // Some records of the day are broken, and fail again.
    assert_eq!(run.status.code(), Some(3), "{run:?}");
    assert!(
        String::from_utf8_lossy(&run.stdout).contains(&format!("{}   written", original.len())),
        "{run:?}"
    );
    assert_eq!(rows(output.path(), true), original);

    let written = files(output.path());
    let folder = output.path().join("lake").to_string_lossy().into_owned();
    let run = backfill(&folder, None, "{}", &[]).await;
    assert!(String::from_utf8_lossy(&run.stdout).contains("skipped; --again"), "{run:?}");
    assert_eq!(files(output.path()), written, "finished copies are done again");

    // After an interruption between its writes, nothing is duplicated under another name, and nothing is missing.
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
    let run = backfill(&folder, None, "{}", &[]).await;
    assert_eq!(run.status.code(), Some(3), "{run:?}");
    assert_eq!(files(output.path()), written);
    assert_eq!(backfill(&folder, None, "{}", &["--again"]).await.status.code(), Some(3));
    assert_eq!(files(output.path()), written);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_writes_nothing_and_the_policy_is_applied() {
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

/// A truncated object neither stops the backfill nor lets it succeed.
#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_copy_is_reported_and_does_not_stop_the_backfill() {
    let output = lake().await;
    let original = rows(output.path(), false).len();
    let cut = output.path().join("lake/raw/contact-records/arrival_date=2026-03-01/cut.gz");
    fs::create_dir_all(cut.parent().unwrap()).unwrap();
    fs::write(&cut, b"\x1f\x8b\x08 cut short").unwrap();
    let folder = output.path().join("lake").to_string_lossy().into_owned();
    let run = backfill(&folder, None, "{}", &[]).await;
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert_eq!(run.status.code(), Some(3), "{run:?}");
    assert!(text.contains("arrival_date=2026-03-01/cut.gz "), "{text}");
    assert_eq!(rows(output.path(), true).len(), original);
    // It is not marked as done.
    let run = backfill(&folder, None, "{}", &[]).await;
    assert!(String::from_utf8_lossy(&run.stdout).contains("cut.gz"), "{run:?}");
}

/// Rows of a complete copy are not replaced by the rows of a part of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_damaged_later_keeps_its_rows() {
    let output = lake().await;
    let folder = output.path().join("lake").to_string_lossy().into_owned();
    backfill(&folder, None, "{}", &[]).await;
    let made = rows(output.path(), true);
    let copies = files_below(&output.path().join("lake/raw/contact-records")).unwrap();
    assert!(!copies.is_empty());
    let wholes: Vec<_> = copies.iter().map(|copy| fs::read(copy).unwrap()).collect();
    // Truncated in the middle, emptied, and made invalid GZIP.
    for damage in [
        |whole: &[u8]| whole[..whole.len() / 2].to_vec(),
        |_: &[u8]| Vec::new(),
        |whole: &[u8]| [b"no", &whole[2..]].concat(),
    ] {
        for (copy, whole) in copies.iter().zip(&wholes) {
            fs::write(copy, damage(whole)).unwrap();
        }
        let run = backfill(&folder, None, "{}", &["--again"]).await;
        assert_eq!(run.status.code(), Some(3), "{run:?}");
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        let name = copies[0].file_name().unwrap().to_string_lossy().into_owned();
        assert!(text.contains("are kept") && text.contains(&name), "{text}");
        assert_eq!(rows(output.path(), true), made);
    }
    // Once it is restored, it is processed again.
    for (copy, whole) in copies.iter().zip(&wholes) {
        fs::write(copy, whole).unwrap();
    }
    let run = backfill(&folder, None, "{}", &["--again"]).await;
    assert!(!String::from_utf8_lossy(&run.stdout).contains("are kept"), "{run:?}");
    assert_eq!(rows(output.path(), true), made);
}

/// Copies hold raw bytes: a record that looks like the start of another file type is still a record.
#[tokio::test]
async fn an_odd_record_at_the_start_of_a_copy_does_not_hide_the_records_after_it() {
    const CONTACT: &str = r#"{"AWSAccountId":"111122223333","ContactId":"c","InstanceARN":"arn:aws:connect:eu-west-2:111122223333:instance/i","InitiationTimestamp":"2026-03-02T08:00:00Z","LastUpdateTimestamp":"2026-03-02T08:05:00Z"}"#;
    for odd in [&b"a,b\n1,2\n"[..], b"PAR1", b"\xff\xfe{\0", "\u{feff}".as_bytes()] {
        let output = tempfile::tempdir().unwrap();
        let copies = output.path().join("lake/raw/contact-records/arrival_date=2026-03-02");
        fs::create_dir_all(&copies).unwrap();
        let records = [odd, CONTACT.as_bytes(), CONTACT.as_bytes()].concat();
        fs::write(copies.join("copy.gz"), compressed(&records)).unwrap();
        let run = backfill(&output.path().join("lake").to_string_lossy(), None, "{}", &[]).await;
        let rows = rows(output.path(), true).len();
        assert!(run.status.code() == Some(3) && (1..=2).contains(&rows), "{odd:?}: {rows} {run:?}");
    }
}

#[tokio::test]
async fn an_unusable_lake_or_policy_is_refused_with_a_reason() {
    let empty = tempfile::tempdir().unwrap();
    let folder = empty.path().to_string_lossy().into_owned();
    for (lake, policy, expected) in [
        (folder.as_str(), "{}", "is it the stack's bucket"),
        ("no/such/folder", "{}", "is not a folder; pass s3://<bucket>"),
        (&folder, r#"{"agent": "drop"}"#, "is not a column"),
    ] {
        let run = backfill(lake, None, policy, &[]).await;
        let error = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(
            run.status.code() == Some(1) && error.contains(expected) && error.lines().count() == 1,
            "{error}"
        );
    }
    let run = backfill("s3://lake", Some(("http://127.0.0.1:1", &Keys::random())), "{}", &[]).await;
    let error = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(error.contains("s3://lake/raw/contact-records/ cannot be listed: connection refused"), "{error}");
}
