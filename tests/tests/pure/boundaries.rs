//! A crate exists for a dependency boundary; this holds the boundaries.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

/// The packages that `package` is built from, itself included, as `<name> v<version>`.
fn dependencies(package: &str) -> Vec<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    let output = cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

fn must_not_need(package: &str, unwanted: &[&str]) {
    let found: Vec<_> = dependencies(package)
        .into_iter()
        .filter(|dependency| unwanted.iter().any(|unwanted| dependency.starts_with(unwanted)))
        .collect();
    assert!(found.is_empty(), "{package} is built from {found:?}");
}

#[test]
fn the_check_sees_what_is_there() {
    assert!(
        dependencies("agent-event-upserter")
            .iter()
            .any(|dependency| dependency.starts_with("aws-sdk-dynamodb v1."))
    );
}

#[test]
fn the_pure_crates_need_no_aws_and_no_runtime() {
    for package in ["connect-streams", "contact-lake", "agent-ledger"] {
        must_not_need(package, &["aws-", "tokio", "lambda_runtime", "reqwest", "hyper"]);
    }
}

#[test]
fn the_normalizer_needs_no_aws_sdk() {
    must_not_need("contact-record-normalizer", &["aws-sdk-", "aws-config", "aws-smithy-"]);
}

#[test]
fn no_function_needs_the_legacy_tls_stack_or_a_test_store() {
    for package in ["contact-record-normalizer", "agent-event-upserter"] {
        must_not_need(package, &["hyper-rustls v0.24", "ring", "dynoxide", "s3s", "rusqlite", "local-aws"]);
    }
}

#[test]
fn only_one_crate_of_ours_names_the_dynamodb_sdk() {
    for package in ["agent-ledger", "lambda-io", "connect-streams", "contact-lake", "local-aws"] {
        must_not_need(package, &["aws-sdk-dynamodb"]);
    }
}
