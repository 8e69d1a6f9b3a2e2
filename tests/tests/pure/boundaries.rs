//! The crates keep their dependency boundaries.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use lake_files::files_below;

fn cargo(arguments: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    let output =
        cargo.args(arguments).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The packages that `package` is built from, including itself, as `<name> v<version>`.
fn dependencies(package: &str) -> Vec<String> {
    let lines =
        cargo(&["tree", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
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
fn the_check_sees_existing_dependencies() {
    assert!(
        dependencies("agent-event-upserter")
            .iter()
            .any(|dependency| dependency.starts_with("aws-sdk-dynamodb v1."))
    );
}

#[test]
fn the_pure_crates_need_no_aws_and_no_runtime() {
    for package in [
        "connect-streams",
        "contact-lake",
        "agent-ledger",
        "contact-state",
        "tables",
        "lake-files",
        "lake-parquet",
        "lake-queries",
        "synthetic-center",
    ] {
        must_not_need(package, &["aws-", "tokio", "lambda_runtime", "reqwest", "hyper"]);
    }
}

#[test]
fn the_normalizer_and_the_shared_crates_need_no_aws_sdk() {
    for package in ["contact-record-normalizer", "ledger-console", "lambda-io"] {
        must_not_need(package, &["aws-sdk-", "aws-config", "aws-smithy-"]);
    }
}

#[test]
fn no_function_needs_the_legacy_tls_stack_or_a_test_store() {
    for package in
        ["contact-record-normalizer", "agent-event-upserter", "contact-event-upserter", "redrive-function"]
    {
        must_not_need(package, &["hyper-rustls v0.24", "ring", "dynoxide", "s3s", "rusqlite", "local-aws"]);
    }
}

/// The demo is a separate program, so that neither needs the other's dependencies.
#[test]
fn the_operators_tool_needs_no_emulator_and_the_demo_none_of_its_sdks() {
    must_not_need("contact-ledger", &["local-aws", "dynoxide", "rusqlite", "libsqlite3-sys", "s3s", "axum"]);
    let services = ["cloudformation", "cloudwatch", "firehose", "kinesis", "kms", "lambda", "sqs"];
    let sdks = services.map(|service| format!("aws-sdk-{service}"));
    must_not_need("contact-ledger-demo", &sdks.each_ref().map(String::as_str));
}

/// The demo has the same features as the whole workspace and the tests, so that all of them share one build.
/// `one-build` names the features that would differ.
#[test]
fn the_demo_is_built_with_the_features_of_the_whole_workspace_and_of_the_tests() {
    let features = |edges: &str, selected: &[&str]| {
        let arguments = ["tree", "--edges", edges, "--prefix", "none", "--format", "{p}|{f}"];
        let output = cargo(&[&arguments, selected].concat());
        let lines = output.lines().map(|line| line.trim_end_matches(" (*)").to_owned());
        lines.collect::<std::collections::BTreeSet<_>>()
    };
    let demo = [
        "contact-record-normalizer",
        "agent-event-upserter",
        "contact-event-upserter",
        "contact-ledger-demo",
    ];
    let demo = features("normal,build", &demo.map(|package| ["--package", package]).concat());
    let all = features("normal,build", &["--workspace"]);
    let tests = features("normal,build,dev", &["--workspace"]);
    let differs: Vec<_> = demo.difference(&all).chain(all.difference(&tests)).collect();
    assert!(
        demo.len() > 200 && differs.is_empty(),
        "add the missing features to tools/one-build: {differs:?}"
    );
}

#[test]
fn neither_the_planner_nor_the_emulator_needs_the_dynamodb_sdk() {
    for package in [
        "agent-ledger",
        "contact-state",
        "tables",
        "lambda-io",
        "connect-streams",
        "contact-lake",
        "local-aws",
    ] {
        must_not_need(package, &["aws-sdk-dynamodb"]);
    }
}

/// `make test-rust` builds integration tests and the tests of libraries without `test = false`. Programs have no
/// tests, because each would be linked once more: their code is in libraries.
#[test]
fn every_test_is_run() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let folders =
        ["benches", "functions", "shared", "tools", "tests/src", "tests/fuzz/src", "tests/fuzz/fuzz_targets"];
    let files = folders.iter().flat_map(|folder| files_below(&root.join(folder)).unwrap());
    let sources = files.filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    let with_tests = sources.filter(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        text.lines().any(|line| ["#[test]", "#[tokio::test"].iter().any(|test| line.trim().starts_with(test)))
    });
    let with_tests: Vec<_> = with_tests.collect();
    let is_run = |file: &Path| {
        let is_program = file.ends_with("src/main.rs") || file.parent().unwrap().ends_with("src/bin");
        let package = file.ancestors().find(|folder| folder.join("Cargo.toml").exists()).unwrap();
        let manifest = std::fs::read_to_string(package.join("Cargo.toml")).unwrap();
        !is_program && package.join("src/lib.rs").exists() && !manifest.contains("[lib]\ntest = false")
    };
    let lost: Vec<_> = with_tests.iter().filter(|file| !is_run(file)).collect();
    assert!(
        with_tests.len() > 50 && lost.is_empty(),
        "{} files have tests; not run: {lost:?}",
        with_tests.len()
    );
}
