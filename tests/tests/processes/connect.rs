//! `contact-ledger connect`, against a stand-in for CloudFormation and Amazon Connect.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Output;

use ledger_tests::control_plane::{ControlPlane, FIREHOSE, Responses, STACK, STREAM, storage};
use ledger_tests::functions_folder;
use tokio::process::Command;

const OTHER: &str = "arn:aws:kinesis:eu-west-2:111122223333:stream/other";

/// An instance that streams agent events elsewhere, and no contact records.
async fn elsewhere(id: &str) -> ControlPlane {
    let streaming = [("AGENT_EVENTS".to_owned(), storage(id, OTHER))].into();
    ControlPlane::start(Responses { streaming, ..Responses::healthy() }).await
}

const SECRET: &str = "nobody-may-see-this";

async fn connect(endpoint: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    command.arg("connect").args(arguments).args([
        "--stack",
        STACK,
        "--endpoint-url",
        endpoint,
        "--region",
        "eu-west-2",
    ]);
    command.envs([("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", SECRET)]);
    let output = command.output().await.unwrap();
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    assert!(!String::from_utf8_lossy(&all).contains(SECRET));
    output
}

async fn shown(endpoint: &str, arguments: &[&str]) -> String {
    let output = connect(endpoint, arguments).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn streaming_is_announced_and_then_switched_on_and_off() {
    let plane = elsewhere("old").await;
    let endpoint = plane.endpoint.clone();
    let targets = || {
        let responses = plane.responses.lock().unwrap();
        let target = |kind: &str| {
            let config = responses.streaming.get(kind)?;
            let arn = config["KinesisStreamConfig"]["StreamArn"].as_str();
            Some(arn.or_else(|| config["KinesisFirehoseConfig"]["FirehoseArn"].as_str())?.to_owned())
        };
        (target("CONTACT_TRACE_RECORDS"), target("AGENT_EVENTS"))
    };

    let status = shown(&endpoint, &["status"]).await;
    assert!(
        status.contains("contact records  are not streamed")
            && status.contains(&format!("elsewhere: {OTHER}")),
        "{status}"
    );
    let planned = shown(&endpoint, &["enable"]).await;
    assert!(
        planned.contains(&format!("would be streamed to {FIREHOSE}")) && planned.contains("--apply"),
        "{planned}"
    );
    assert_eq!(targets(), (None, Some(OTHER.to_owned())), "nothing is changed without --apply");

    // The account, Region, and stack are shown before the change, even if AWS is at a loopback address.
    let applied = connect(&endpoint, &["enable", "--apply"]).await;
    let announced = String::from_utf8_lossy(&applied.stderr).into_owned();
    assert!(
        announced.contains(&format!("Account 111122223333, Region eu-west-2, stack {STACK}")),
        "{announced}"
    );
    assert_eq!(targets(), (Some(FIREHOSE.to_owned()), Some(STREAM.to_owned())));
    let again = shown(&endpoint, &["enable", "--apply"]).await;
    assert_eq!(again.matches("nothing changes").count(), 2, "{again}");
    shown(&endpoint, &["disable", "--apply"]).await;
    assert_eq!(targets(), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_the_missing_permission() {
    let endpoint = elsewhere("odd").await.endpoint;
    let refused = connect(&endpoint, &["enable", "--apply"]).await;
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(error.contains("AccessDeniedException: no") && error.contains("iam:PutRolePolicy"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_of_another_region_is_refused_with_the_reason() {
    let endpoint = elsewhere("old").await.endpoint;
    let far = "arn:aws:connect:us-east-1:111122223333:instance/10000000-0000-4000-8000-000000000001";
    let refused = connect(&endpoint, &["enable", "--apply", "--instance", far]).await;
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(error.contains("the instance is in us-east-1, and the stack is in eu-west-2"), "{error}");
}
