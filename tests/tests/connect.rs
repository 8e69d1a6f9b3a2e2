//! `contact-ledger connect`, against a stand-in for the calls of CloudFormation and Amazon Connect that it makes.
//!
//! Source: Amazon Connect API Reference, `ListInstanceStorageConfigs`, `AssociateInstanceStorageConfig`,
//! `UpdateInstanceStorageConfig`, `DisassociateInstanceStorageConfig`; CloudFormation API Reference,
//! `ListStackResources`, `DescribeStacks`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::process::Output;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use ledger_tests::functions_folder;
use serde_json::{Value, json};
use tokio::process::Command;

const INSTANCE: &str = "arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-000000000001";
const STREAM: &str = "arn:aws:kinesis:eu-west-2:111122223333:stream/ours";
const FIREHOSE: &str = "arn:aws:firehose:eu-west-2:111122223333:deliverystream/ours";
const OTHER: &str = "arn:aws:kinesis:eu-west-2:111122223333:stream/other";

/// What the instance streams, by kind.
type Streaming = Arc<Mutex<BTreeMap<String, Value>>>;

fn member(fields: &[(&str, &str)]) -> String {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("<{name}>{value}</{name}>")).collect();
    format!("<member>{}</member>", fields.concat())
}

fn cloudformation(body: &str) -> String {
    let answer = |action: &str, result: &str| {
        format!(
            r#"<{action}Response xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><{action}Result>{result}</{action}Result></{action}Response>"#
        )
    };
    if body.contains("Action=ListStackResources") {
        let names = [
            "LakeBucket",
            "AgentStateTable",
            "AgentHistoryTable",
            "AgentEventStream",
            "AgentEventUpserter",
            "ContactRecordFirehose",
        ];
        let resource = |name: &&str| {
            member(&[
                ("LogicalResourceId", name),
                ("PhysicalResourceId", "ours"),
                ("ResourceType", "AWS::X::Y"),
                ("ResourceStatus", "CREATE_COMPLETE"),
                ("LastUpdatedTimestamp", "2026-03-02T08:00:00Z"),
            ])
        };
        let resources: String = names.iter().map(resource).collect();
        return answer(
            "ListStackResources",
            &format!("<StackResourceSummaries>{resources}</StackResourceSummaries>"),
        );
    }
    let output = |name, value| member(&[("OutputKey", name), ("OutputValue", value)]);
    let outputs = output("ContactRecordTarget", FIREHOSE) + &output("AgentEventStreamArn", STREAM);
    let parameter = member(&[("ParameterKey", "ConnectInstanceArn"), ("ParameterValue", INSTANCE)]);
    let stack = format!(
        "<member><StackName>ledger</StackName><CreationTime>2026-03-02T08:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus><Parameters>{parameter}</Parameters><Outputs>{outputs}</Outputs></member>"
    );
    answer("DescribeStacks", &format!("<Stacks>{stack}</Stacks>"))
}

async fn serve(
    State(streaming): State<Streaming>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    let signature = headers["authorization"].to_str().unwrap();
    assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{signature}");
    if uri.path() == "/" {
        return ([("content-type", "text/xml")], cloudformation(&body)).into_response();
    }
    assert!(signature.contains("/eu-west-2/connect/aws4_request"), "{signature}");
    let mut streaming = streaming.lock().unwrap();
    let query = uri.query().unwrap_or_default().strip_prefix("resourceType=").unwrap_or_default().to_owned();
    let request: Value = serde_json::from_str(&body).unwrap_or_default();
    let place = "/instance/10000000-0000-4000-8000-000000000001/storage-config";
    let rest = uri.path().strip_prefix(place).unwrap();
    let answer = match (method.as_str(), rest) {
        ("GET", "s") => {
            let configs: Vec<_> = streaming.get(&query).into_iter().cloned().collect();
            json!({"StorageConfigs": configs})
        }
        ("PUT", "") => {
            let mut config = request["StorageConfig"].clone();
            config["AssociationId"] = json!("new");
            streaming.insert(request["ResourceType"].as_str().unwrap().to_owned(), config);
            json!({"AssociationId": "new"})
        }
        ("POST", "/old") => {
            let mut config = request["StorageConfig"].clone();
            config["AssociationId"] = json!("old");
            streaming.insert(query, config);
            json!({})
        }
        ("DELETE", "/old" | "/new") => {
            streaming.remove(&query);
            json!({})
        }
        _ => {
            let refusal = [("x-amzn-errortype", "AccessDeniedException:http://internal.amazon.com/")];
            return (StatusCode::FORBIDDEN, refusal, json!({"message": "no"}).to_string()).into_response();
        }
    };
    answer.to_string().into_response()
}

async fn start(streaming: &Streaming) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(serve).with_state(streaming.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    endpoint
}

async fn connect(endpoint: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(functions_folder().join("contact-ledger"));
    command.arg("connect").args(arguments).args([
        "--stack",
        "ledger",
        "--endpoint-url",
        endpoint,
        "--region",
        "eu-west-2",
    ]);
    command.envs([("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "never-printed")]);
    let output = command.output().await.unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    assert!(!String::from_utf8_lossy(&said).contains("never-printed"));
    output
}

async fn said(endpoint: &str, arguments: &[&str]) -> String {
    let output = connect(endpoint, arguments).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn streaming_is_switched_on_and_off_and_said_first() {
    let elsewhere = json!({"AssociationId": "old", "StorageType": "KINESIS_STREAM", "KinesisStreamConfig": {"StreamArn": OTHER}});
    let streaming = Streaming::default();
    streaming.lock().unwrap().insert("AGENT_EVENTS".to_owned(), elsewhere);
    let endpoint = start(&streaming).await;
    let targets = || {
        let streaming = streaming.lock().unwrap();
        let target = |kind: &str| {
            let config = streaming.get(kind)?;
            let arn = config["KinesisStreamConfig"]["StreamArn"].as_str();
            Some(arn.or_else(|| config["KinesisFirehoseConfig"]["FirehoseArn"].as_str())?.to_owned())
        };
        (target("CONTACT_TRACE_RECORDS"), target("AGENT_EVENTS"))
    };

    let status = said(&endpoint, &["status"]).await;
    assert!(
        status.contains("contact records  are not streamed")
            && status.contains(&format!("elsewhere: {OTHER}")),
        "{status}"
    );
    let planned = said(&endpoint, &["enable"]).await;
    assert!(
        planned.contains(&format!("would be streamed to {FIREHOSE}")) && planned.contains("--apply"),
        "{planned}"
    );
    assert_eq!(targets(), (None, Some(OTHER.to_owned())), "nothing is changed without --apply");

    said(&endpoint, &["enable", "--apply"]).await;
    assert_eq!(targets(), (Some(FIREHOSE.to_owned()), Some(STREAM.to_owned())));
    let again = said(&endpoint, &["enable", "--apply"]).await;
    assert_eq!(again.matches("nothing changes").count(), 2, "{again}");
    said(&endpoint, &["disable", "--apply"]).await;
    assert_eq!(targets(), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_which_right_is_missing() {
    let odd = json!({"AssociationId": "odd", "KinesisStreamConfig": {"StreamArn": OTHER}});
    let streaming = Streaming::default();
    streaming.lock().unwrap().insert("AGENT_EVENTS".to_owned(), odd);
    let endpoint = start(&streaming).await;
    let refused = connect(&endpoint, &["enable", "--apply"]).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(said.contains("AccessDeniedException: no") && said.contains("iam:PutRolePolicy"), "{said}");
}
