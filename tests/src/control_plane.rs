//! A stand-in for the services that `contact-ledger` calls to check a deployed stack: the operations it uses of
//! `CloudFormation`, Amazon Connect, KMS, Kinesis, Glue, and `CloudWatch`, in the formats of their SDKs. Tests set
//! the responses.
//!
//! Source: the API References of these services, for the operations named here
//! ([CloudFormation](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html),
//! [Amazon Connect](https://docs.aws.amazon.com/connect/latest/APIReference/API_Operations.html),
//! [KMS](https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html),
//! [Kinesis](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Operations.html),
//! [Glue](https://docs.aws.amazon.com/glue/latest/webapi/API_Operations.html),
//! [CloudWatch](https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Operations.html));
//! [Smithy RPC v2 CBOR](https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html), the protocol that
//! CloudWatch uses; [RFC 8949](https://www.rfc-editor.org/rfc/rfc8949), CBOR.

mod cbor;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use contact_ledger::commands::schema::{SchemaFormat, schema};
use serde_json::{Value, json};
use served_stack::REGION;
use served_stack::{
    AGENT_EVENT_STREAM, AGENT_HISTORY_TABLE, AGENT_STATE_TABLE, CONTACT_RECORD_STREAM, LAKE_BUCKET,
    NORMALIZER, UPSERTER,
};

/// The instance that streams to the stack.
pub const INSTANCE: &str =
    "arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-000000000001";
/// The stack's stream of agent events.
pub const STREAM: &str = "arn:aws:kinesis:eu-west-2:111122223333:stream/agent-events";
/// The stack's Firehose of contact records.
pub const FIREHOSE: &str = "arn:aws:firehose:eu-west-2:111122223333:deliverystream/contact-records";
/// The stack's KMS key.
pub const KEY: &str = "arn:aws:kms:eu-west-2:111122223333:key/20000000-0000-4000-8000-000000000002";
/// The services through which Connect puts records.
const VIA: [&str; 2] = ["kinesis.eu-west-2.amazonaws.com", "firehose.eu-west-2.amazonaws.com"];
/// The stack's name.
pub const STACK: &str = "ledger";

/// The responses of the services.
#[derive(Debug, Clone)]
pub struct Responses {
    /// The stack's status.
    pub status: &'static str,
    /// The stack's parameter `ConnectInstanceArn`.
    pub instance: &'static str,
    /// UUID of the event source mapping of agent events.
    pub mapping: String,
    /// The instance's storage configurations, by kind of record.
    pub streaming: BTreeMap<String, Value>,
    /// The contacts that Connect describes; `None` if it may not be asked.
    pub contacts: Option<BTreeMap<String, Value>>,
    /// Whether the key is enabled.
    pub key_is_enabled: bool,
    /// The services through which Connect's role may use the key.
    pub via: Vec<&'static str>,
    /// The key that encrypts the stream.
    pub stream_key: Option<&'static str>,
    /// Columns of the lake's table.
    pub columns: Value,
    /// Values of the last hours, newest first, by metric and the value of its one dimension.
    pub metrics: BTreeMap<(&'static str, &'static str), Vec<f64>>,
    /// Alarms: name, description, and state.
    pub alarms: Vec<[&'static str; 3]>,
}

impl Responses {
    /// The responses for a healthy stack that Connect streams to.
    ///
    /// # Panics
    /// When the schema is not JSON.
    #[must_use]
    pub fn healthy() -> Self {
        let streams_to = |kind: &str, arn: &str| (kind.to_owned(), storage(kind, arn));
        Self {
            status: "UPDATE_COMPLETE",
            instance: INSTANCE,
            mapping: String::new(),
            streaming: [streams_to("CONTACT_TRACE_RECORDS", FIREHOSE), streams_to("AGENT_EVENTS", STREAM)]
                .into(),
            contacts: None,
            key_is_enabled: true,
            via: VIA.to_vec(),
            stream_key: Some(KEY),
            columns: serde_json::from_str(&schema(SchemaFormat::Glue)).expect("the schema is JSON"),
            metrics: BTreeMap::from([
                (("AWS/Firehose IncomingRecords", CONTACT_RECORD_STREAM), vec![3.0, 4.0]),
                (("AWS/Kinesis IncomingRecords", AGENT_EVENT_STREAM), vec![50.0]),
                (("AWS/Lambda IteratorAge", UPSERTER), vec![20.0, 9_000_000.0]),
            ]),
            alarms: vec![["ledger-agent-events-behind", "…", "OK"], ["other-alarm", "…", "ALARM"]],
        }
    }
}

/// A storage configuration in the form that Connect lists.
#[must_use]
pub fn storage(id: &str, arn: &str) -> Value {
    if arn.contains(":firehose:") {
        json!({"AssociationId": id, "StorageType": "KINESIS_FIREHOSE", "KinesisFirehoseConfig": {"FirehoseArn": arn}})
    } else {
        json!({"AssociationId": id, "StorageType": "KINESIS_STREAM", "KinesisStreamConfig": {"StreamArn": arn}})
    }
}

/// The running services. Their responses can be changed at any time.
#[derive(Debug, Clone)]
pub struct ControlPlane {
    /// Their responses.
    pub responses: Arc<Mutex<Responses>>,
    /// Their URL.
    pub endpoint: String,
}

impl ControlPlane {
    /// Serves on a free port.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(responses: Responses) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        let responses = Arc::new(Mutex::new(responses));
        let router = Router::new().fallback(serve).with_state(responses.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { responses, endpoint: format!("http://{address}") }
    }
}

async fn serve(
    State(responses): State<Arc<Mutex<Responses>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signature = header("authorization");
    let mut scope = signature.strip_prefix("AWS4-HMAC-SHA256 Credential=").expect("it is signed").split('/');
    assert!(scope.next().is_some_and(|key| !key.is_empty()));
    assert_eq!(scope.nth(1), Some(REGION));
    let service = scope.next().expect("a scope names the service");
    let mut responses = responses.lock().expect("no call panics");
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let json =
        |json: Value| ([("content-type", "application/x-amz-json-1.1")], json.to_string()).into_response();
    match service {
        "cloudformation" => {
            ([("content-type", "text/xml")], responses.cloudformation(&String::from_utf8_lossy(&body)))
                .into_response()
        }
        "connect" => responses.connect(&method, &uri, &request),
        "kms" => json(responses.key(header("x-amz-target"))),
        "kinesis" => json(responses.stream()),
        "glue" => json(json!({"Table": {
            "Name": request["Name"], "StorageDescriptor": {"Columns": responses.columns},
        }})),
        "monitoring" => {
            let operation = uri.path().rsplit('/').next().unwrap_or_default();
            let answer = cbor::to_vec(&responses.cloudwatch(operation, &cbor::from_slice(&body)));
            ([("content-type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")], answer)
                .into_response()
        }
        // The data is refused: nothing here holds any.
        "dynamodb" => {
            let refusal = json!({"__type": "AccessDeniedException", "message": "no"}).to_string();
            (StatusCode::BAD_REQUEST, [("content-type", "application/x-amz-json-1.0")], refusal)
                .into_response()
        }
        "s3" => {
            let refusal = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
            (StatusCode::FORBIDDEN, [("content-type", "application/xml")], refusal).into_response()
        }
        other => panic!("there is no stand-in for {other}"),
    }
}

fn member(fields: &[(&str, &str)]) -> String {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("<{name}>{value}</{name}>")).collect();
    format!("<member>{}</member>", fields.concat())
}

impl Responses {
    fn cloudformation(&self, body: &str) -> String {
        let answer = |action: &str, result: &str| {
            format!(
                r#"<{action}Response xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><{action}Result>{result}</{action}Result></{action}Response>"#
            )
        };
        if body.contains("Action=ListStackResources") {
            let resources = [
                ("LakeBucket", LAKE_BUCKET),
                ("AgentStateTable", AGENT_STATE_TABLE),
                ("AgentHistoryTable", AGENT_HISTORY_TABLE),
                ("AgentEventStream", AGENT_EVENT_STREAM),
                ("AgentEventUpserter", UPSERTER),
                ("ContactRecordNormalizer", NORMALIZER),
                ("ContactRecordFirehose", CONTACT_RECORD_STREAM),
            ];
            let resource = |(logical, physical): &(&str, &str)| {
                member(&[
                    ("LogicalResourceId", logical),
                    ("PhysicalResourceId", physical),
                    ("ResourceType", "AWS::X::Y"),
                    ("ResourceStatus", "CREATE_COMPLETE"),
                    ("LastUpdatedTimestamp", "2026-03-02T08:00:00Z"),
                ])
            };
            let resources: String = resources.iter().map(resource).collect();
            return answer(
                "ListStackResources",
                &format!("<StackResourceSummaries>{resources}</StackResourceSummaries>"),
            );
        }
        let outputs = [
            ("ContactRecordTarget", FIREHOSE),
            ("AgentEventStreamArn", STREAM),
            ("KeyArn", KEY),
            ("AgentEventMappingId", &self.mapping),
            ("DatabaseName", "ledger_lake"),
            ("Version", env!("CARGO_PKG_VERSION")),
        ];
        let output = |(name, value): &(&str, &str)| member(&[("OutputKey", name), ("OutputValue", value)]);
        let outputs: String = outputs.iter().map(output).collect();
        let parameter = member(&[("ParameterKey", "ConnectInstanceArn"), ("ParameterValue", self.instance)]);
        let status = self.status;
        let stack = format!(
            "<member><StackId>arn:aws:cloudformation:eu-west-2:111122223333:stack/{STACK}/1</StackId><StackName>{STACK}</StackName><CreationTime>2026-03-02T08:00:00Z</CreationTime><StackStatus>{status}</StackStatus><Parameters>{parameter}</Parameters><Outputs>{outputs}</Outputs></member>"
        );
        answer("DescribeStacks", &format!("<Stacks>{stack}</Stacks>"))
    }

    /// `DescribeContact`.
    fn contact(&self, contact_id: &str) -> Response {
        let refused = |code: &str| {
            let status =
                if code.starts_with("Access") { StatusCode::FORBIDDEN } else { StatusCode::NOT_FOUND };
            let refusal = [("x-amzn-errortype", code.to_owned())];
            (status, refusal, json!({"Message": "no"}).to_string()).into_response()
        };
        match &self.contacts {
            None => refused("AccessDeniedException"),
            Some(contacts) => match contacts.get(contact_id) {
                Some(contact) => json!({"Contact": contact}).to_string().into_response(),
                None => refused("ResourceNotFoundException"),
            },
        }
    }

    /// `ListInstanceStorageConfigs` and its relatives.
    fn connect(&mut self, method: &Method, uri: &Uri, request: &Value) -> Response {
        if let Some(contact) = uri.path().strip_prefix("/contacts/10000000-0000-4000-8000-000000000001/") {
            return self.contact(contact);
        }
        let query = uri.query().unwrap_or_default();
        let kind = query.strip_prefix("resourceType=").unwrap_or_default().to_owned();
        let place = "/instance/10000000-0000-4000-8000-000000000001/storage-config";
        let rest = uri.path().strip_prefix(place).expect("the path is the instance's");
        let config = |id: &str| {
            let mut config = request["StorageConfig"].clone();
            config["AssociationId"] = json!(id);
            config
        };
        let answer = match (method.as_str(), rest) {
            ("GET", "s") => {
                let configs: Vec<_> = self.streaming.get(&kind).into_iter().collect();
                json!({"StorageConfigs": configs})
            }
            ("PUT", "") => {
                let kind = request["ResourceType"].as_str().unwrap_or_default();
                self.streaming.insert(kind.to_owned(), config("new"));
                json!({"AssociationId": "new"})
            }
            ("POST", "/old") => {
                self.streaming.insert(kind, config("old"));
                json!({})
            }
            ("DELETE", "/old" | "/new") => {
                self.streaming.remove(&kind);
                json!({})
            }
            _ => {
                let refusal = [("x-amzn-errortype", "AccessDeniedException:http://internal.amazon.com/")];
                return (StatusCode::FORBIDDEN, refusal, json!({"message": "no"}).to_string())
                    .into_response();
            }
        };
        answer.to_string().into_response()
    }

    /// `DescribeKey` and `GetKeyPolicy`.
    fn key(&self, target: &str) -> Value {
        if target.ends_with("DescribeKey") {
            return json!({"KeyMetadata": {"KeyId": KEY, "Arn": KEY, "Enabled": self.key_is_enabled}});
        }
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Account", "Effect": "Allow", "Action": "kms:*", "Resource": "*",
                "Principal": {"AWS": "arn:aws:iam::111122223333:root"}},
            // A statement for another role does not help Connect.
            {"Sid": "Another", "Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": "*",
                "Principal": {"AWS": "*"},
                "Condition": {
                    "StringEquals": {"kms:ViaService": VIA},
                    "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/another"},
                }},
            {"Sid": "AmazonConnectPutsRecords", "Effect": "Allow", "Resource": "*", "Principal": {"AWS": "*"},
                "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
                "Condition": {
                    "StringEquals": {"kms:ViaService": self.via},
                    "ArnLike": {"aws:PrincipalArn":
                        "arn:aws:iam::111122223333:role/aws-service-role/connect.amazonaws.com/AWSServiceRoleForAmazonConnect_*"},
                }},
        ]});
        json!({"PolicyName": "default", "Policy": policy.to_string()})
    }

    /// `DescribeStreamSummary`
    fn stream(&self) -> Value {
        let mut stream = json!({
            "StreamName": AGENT_EVENT_STREAM, "StreamARN": STREAM, "StreamStatus": "ACTIVE", "OpenShardCount": 1,
            "RetentionPeriodHours": 24, "StreamCreationTimestamp": 0, "EnhancedMonitoring": [],
            "EncryptionType": if self.stream_key.is_some() { "KMS" } else { "NONE" },
        });
        if let Some(key) = self.stream_key {
            stream["KeyId"] = json!(key);
        }
        json!({"StreamDescriptionSummary": stream})
    }

    /// `GetMetricData` and `DescribeAlarms`. As in the service, a metric with another dimension has no values.
    fn cloudwatch(&self, operation: &str, request: &Value) -> Value {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        if operation == "DescribeAlarms" {
            let prefix = request["AlarmNamePrefix"].as_str().unwrap_or_default();
            let alarms = self.alarms.iter().filter(|[name, _, state]| {
                name.starts_with(prefix) && request["StateValue"].as_str().is_none_or(|asked| asked == *state)
            });
            let alarm = |[name, description, state]: &[&str; 3]| json!({"AlarmName": name, "AlarmDescription": description, "StateValue": state});
            return json!({"MetricAlarms": alarms.map(alarm).collect::<Vec<_>>()});
        }
        let results = list(&request["MetricDataQueries"]).into_iter().map(|query| {
            let metric = &query["MetricStat"]["Metric"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let name = format!("{} {}", text(&metric["Namespace"]), text(&metric["MetricName"]));
            let dimensions = list(&metric["Dimensions"]);
            let [dimension] = &dimensions[..] else { panic!("a metric has one dimension: {metric}") };
            let value = text(&dimension["Value"]);
            let values = self.metrics.get(&(name.as_str(), value.as_str()));
            json!({"Id": query["Id"], "Label": name, "StatusCode": "Complete", "Values": values})
        });
        json!({"MetricDataResults": results.collect::<Vec<_>>()})
    }
}
