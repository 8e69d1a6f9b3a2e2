//! The template's permissions and metrics against the functions: the binaries run on the local stack, which records
//! the permissions they need.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lake_parquet::contact_records as glue_table;
use ledger_tests::contact_events;
use ledger_tests::template::{Template, repository};
use ledger_tests::{contact_record_fixtures, far_future, functions_folder, upserter};
use local_aws::permission::Permission;
use local_aws::stack::{Stack, StackSettings};
use serde_json::{Value, json};

/// A statement of a role's policy.
#[derive(Debug, Clone)]
struct Statement {
    actions: Vec<String>,
    resources: Vec<String>,
}

impl Statement {
    fn allows(&self, permission: &Permission) -> bool {
        self.actions.contains(&permission.action)
            && self.resources.iter().any(|pattern| matches(pattern, &permission.resource))
    }
}

/// Whether a resource matches a pattern, where `*` matches any text.
fn matches(pattern: &str, resource: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == resource,
        Some((before, after)) => resource.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).any(|cut| rest.is_char_boundary(cut) && matches(after, &rest[cut..]))
        }),
    }
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        _ => {
            value.as_array().into_iter().flatten().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
        }
    }
}

fn documents(template: &Template, role: &str) -> Vec<Value> {
    let role = template.properties(role);
    let policies = role["Policies"].as_array().unwrap().iter();
    policies.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap().clone()).collect()
}

fn statements(template: &Template, role: &str) -> Vec<Statement> {
    let statement = |statement: Value| {
        assert_eq!(statement["Effect"], "Allow");
        Statement { actions: strings(&statement["Action"]), resources: strings(&statement["Resource"]) }
    };
    documents(template, role).into_iter().map(statement).collect()
}

fn agent_event(id: &str, timestamp: &str, status: &str) -> Vec<u8> {
    let available =
        json!({"AgentStatus": {"Name": "Available", "StartTimestamp": "2026-03-02T08:00:00.000Z"}});
    let event = json!({
        "AgentARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a-1",
        "EventId": id, "EventTimestamp": timestamp, "EventType": "STATE_CHANGE",
        "PreviousAgentSnapshot": available,
        "CurrentAgentSnapshot": {"AgentStatus": {"Name": status, "StartTimestamp": timestamp}},
    });
    event.to_string().into_bytes()
}

/// Runs one record of every kind: two events that close one interval, a bad one, and a contact record.
async fn run(guard: local_aws::permission::Guard) -> (Stack, tempfile::TempDir) {
    let output = tempfile::tempdir().unwrap();
    let settings = StackSettings {
        // One by one, so that no writes are merged.
        batch_size: 1,
        guard: Some(guard),
        ..StackSettings::new(functions_folder(), output.path().to_owned(), glue_table().unwrap())
    };
    let mut stack = Stack::start(settings).await.unwrap();
    for event in [
        agent_event("e-3", "2026-03-02T09:30:00.000Z", "Break"),
        agent_event("e-2", "2026-03-02T09:00:00.000Z", "Lunch"),
        b"not an agent event".to_vec(),
    ] {
        stack.put_agent_event("a-1", event.into()).await.unwrap();
    }
    for event in contact_events::call() {
        assert!(stack.put_contact_event(event.to_string().as_bytes()).await);
    }
    let mut rejected = contact_events::call().remove(0);
    rejected["detail"]["contactId"] = json!(7);
    stack.put_contact_event(rejected.to_string().as_bytes()).await;
    let (_, record) = contact_record_fixtures().into_iter().next().unwrap();
    stack.put_contact_record(record.into()).await;
    // Denied requests are retried for a long time.
    tokio::time::timeout(Duration::from_mins(1), stack.drain()).await.unwrap().unwrap();
    (stack, output)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upserters_roles_allow_exactly_what_the_upserters_do() {
    let template = Template::with(&[("ContactEvents", "true")]);
    let roles = ["AgentEventUpserterRole", "ContactEventUpserterRole"];
    let allowed = roles.map(|role| statements(&template, role)).concat();
    let used = Arc::new(Mutex::new(BTreeSet::new()));
    let recorded = used.clone();
    let guard = move |permission: &Permission| {
        recorded.lock().unwrap().insert(permission.clone());
        true
    };
    let (stack, output) = run(Arc::new(guard)).await;

    let used = used.lock().unwrap().clone();
    let denied: Vec<_> =
        used.iter().filter(|one| !allowed.iter().any(|statement| statement.allows(one))).collect();
    assert!(denied.is_empty(), "the roles lack {denied:?}");
    // Neither role has what only the other one needs.
    let [agents, contacts] = roles.map(|role| statements(&template, role));
    let is_of_contacts =
        |one: &Permission| one.resource.contains("ContactState") || one.resource.contains("contact-events");
    for permission in &used {
        let (own, other) =
            if is_of_contacts(permission) { (&contacts, &agents) } else { (&agents, &contacts) };
        let allow =
            |statements: &[Statement]| statements.iter().any(|statement| statement.allows(permission));
        assert!(allow(own) && !allow(other), "{permission:?}");
    }
    assert_eq!(stack.contact_state().unwrap().len(), 1);
    assert_eq!(stack.agent_state().unwrap().len(), 1);
    assert_eq!(stack.agent_history().unwrap().len(), 3, "two events and one interval");
    let rejected = lake_files::files_below(&output.path().join("lake/rejected")).unwrap();
    assert_eq!(rejected.len(), 2);

    // Other permissions are for Lambda itself: logs, the stream, the on-failure destination, the key, traces.
    let is_ours = |action: &str, resource: &str| {
        action.starts_with("dynamodb:") || (action == "s3:PutObject" && !resource.contains("/aws/lambda/"))
    };
    for statement in &allowed {
        for (action, resource) in statement
            .actions
            .iter()
            .flat_map(|action| statement.resources.iter().map(move |one| (action, one)))
        {
            let is_used = used.iter().any(|one| one.action == *action && matches(resource, &one.resource));
            assert!(
                is_used || !is_ours(action, resource),
                "{action} on {resource} is allowed and never used"
            );
        }
    }
}

/// Checks that a role allows every needed pair of action and resource.
fn check_role<'a>(template: &Template, role: &str, needed: impl IntoIterator<Item = (&'a str, &'a str)>) {
    let allowed = statements(template, role);
    for (action, resource) in needed {
        let permission = Permission { action: action.to_owned(), resource: resource.to_owned() };
        assert!(allowed.iter().any(|one| one.allows(&permission)), "{role} lacks {action} on {resource}");
    }
}

/// Source: Lambda Developer Guide,
/// [Process Amazon Kinesis Data Streams records with Lambda](https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html),
/// execution role permissions;
/// [Retain discarded batch records](https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html);
/// [Visualize Lambda function invocations using AWS X-Ray](https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html).
#[test]
fn lambda_has_every_documented_permission() {
    let template = Template::with(&[("Tracing", "Active"), ("ContactEvents", "true")]);
    let stream = [
        "kinesis:DescribeStream",
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
    ];
    let discarded = "arn:aws:s3:::lake/aws/lambda/id/shardId-000000000000/2026/03/02/x";
    check_role(&template, "AgentEventUpserterRole", stream.map(|action| (action, "AgentEventStream.Arn")));
    check_role(
        &template,
        "AgentEventUpserterRole",
        [
            ("kinesis:ListStreams", "*"),
            ("s3:PutObject", discarded),
            ("s3:ListBucket", "arn:aws:s3:::lake"),
            ("kms:GenerateDataKey", "Key.Arn"),
        ],
    );
    for (role, log) in [
        ("AgentEventUpserterRole", "AgentEventUpserterLog.Arn"),
        ("ContactRecordNormalizerRole", "ContactRecordNormalizerLog.Arn"),
        ("ContactEventUpserterRole", "ContactEventUpserterLog.Arn"),
        ("RedriveRole", "RedriveLog.Arn"),
    ] {
        let own = [("logs:CreateLogStream", log), ("logs:PutLogEvents", log), ("kms:Decrypt", "Key.Arn")];
        let traces = [("xray:PutTraceSegments", "*"), ("xray:PutTelemetryRecords", "*")];
        check_role(&template, role, own.into_iter().chain(traces));
    }
}

/// Source: [Using Lambda with Amazon SQS](https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html), execution
/// role permissions; [Amazon Data Firehose as a target](https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html).
#[test]
fn the_roles_of_contact_events_have_every_documented_permission() {
    let template = Template::with(&[("ContactEvents", "true")]);
    let queue = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
    check_role(&template, "ContactEventUpserterRole", queue.map(|action| (action, "ContactEventQueue.Arn")));
    check_role(
        &template,
        "ContactEventUpserterRole",
        [
            ("kms:Decrypt", "Key.Arn"),
            ("kms:GenerateDataKey", "Key.Arn"),
            ("s3:PutObject", "arn:aws:s3:::lake/rejected/contact-events/2026/03/02/m-1.jsonl"),
        ],
    );
    let put = ["firehose:PutRecord", "firehose:PutRecordBatch"];
    check_role(&template, "ContactEventRuleRole", put.map(|action| (action, "ContactEventFirehose.Arn")));
    check_role(&template, "ContactEventRuleRole", [("kms:GenerateDataKey", "Key.Arn")]);
    for queue in ["ContactEventDeadLetters.Arn", "ContactEventRuleDeadLetters.Arn"] {
        let actions = [
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
        ];
        check_role(&template, "RedriveRole", actions.map(|action| (action, queue)));
    }
    let kept = "arn:aws:s3:::lake/rejected/contact-events/2026/03/02/m-1.jsonl";
    let read = ["s3:GetObject", "s3:GetObjectTagging", "s3:PutObjectTagging"];
    check_role(&template, "RedriveRole", read.map(|action| (action, kept)));
    check_role(&template, "RedriveRole", [("lambda:InvokeFunction", "ContactEventUpserter.Arn")]);
}

/// The calls of `shared/redrive/src/aws.rs`.
#[test]
fn redrive_has_the_permissions_for_its_calls() {
    let with_source = |source: &str| Template::with(&[("ContactRecordSource", source)]);
    let put = [
        ("DirectPut", "firehose:PutRecordBatch", "ContactRecordFirehose.Arn"),
        ("Kinesis", "kinesis:PutRecords", "ContactRecordStream.Arn"),
    ];
    for (source, action, resource) in put {
        check_role(
            &with_source(source),
            "RedriveRole",
            [(action, resource), ("kms:GenerateDataKey", "Key.Arn")],
        );
    }
    let template = with_source("DirectPut");
    for kept in [
        "errors/processing-failed/2026/03/02/08/x",
        "errors/format-conversion-failed/2026/03/02/08/x",
        "rejected/agent-events/shardId-000000000000/2026/03/02/x.jsonl",
        "aws/lambda/id/shardId-000000000000/2026/03/02/x",
    ] {
        let kept = format!("arn:aws:s3:::lake/{kept}");
        let actions = ["s3:GetObject", "s3:GetObjectTagging", "s3:PutObjectTagging"];
        check_role(&template, "RedriveRole", actions.map(|action| (action, kept.as_str())));
        let may = |action: &str| {
            let wanted = Permission { action: action.to_owned(), resource: kept.clone() };
            statements(&template, "RedriveRole").iter().any(|one| one.allows(&wanted))
        };
        assert!(!may("s3:DeleteObject") && !may("s3:PutObject"), "dead letters are never changed");
    }
    let manifest = "arn:aws:s3:::lake/redrive/runs/x.json";
    check_role(
        &template,
        "RedriveRole",
        [
            ("s3:GetObject", manifest),
            ("s3:PutObject", manifest),
            ("s3:ListBucket", "arn:aws:s3:::lake"),
            ("lambda:InvokeFunction", "AgentEventUpserter.Arn"),
            ("kms:Decrypt", "Key.Arn"),
        ],
    );
}

/// Source: Firehose Developer Guide,
/// [Grant Firehose access to an Amazon S3 destination](https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3),
/// [Grant Firehose access to Glue](https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-glue);
/// [Data transformation](https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html), permissions.
#[test]
fn firehose_has_every_documented_permission() {
    const BUCKET: [&str; 3] = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"];
    const OBJECTS: [&str; 3] = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"];
    const STREAM: [&str; 4] =
        ["kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"];
    const LOG: &str = "arn:aws:logs:eu-west-2:111122223333:log-group:FirehoseLog:log-stream:";
    let template = Template::with(&[("ContactRecordSource", "Kinesis"), ("ContactEvents", "true")]);
    for (role, stream, logs, objects) in [
        (
            "ContactRecordFirehoseRole",
            "ContactRecordStream.Arn",
            &["contact-records", "contact-records-backup"][..],
            &[
                "contact_records/contact_date=2026-03-02/x.parquet",
                "raw/contact-records/arrival_date=2026-03-02/x.gz",
                "errors/processing-failed/2026/03/02/08/x",
                "errors/backup-processing-failed/2026/03/02/08/x",
            ][..],
        ),
        (
            "AgentEventFirehoseRole",
            "AgentEventStream.Arn",
            &["agent-events"],
            &["raw/agent-events/arrival_date=2026-03-02/x.gz", "errors/agent-events-failed/2026/03/02/08/x"],
        ),
        (
            "ContactEventFirehoseRole",
            "",
            &["contact-events"],
            &[
                "raw/contact-events/arrival_date=2026-03-02/x.gz",
                "errors/contact-events-failed/2026/03/02/08/x",
            ],
        ),
    ] {
        if !stream.is_empty() {
            check_role(&template, role, STREAM.map(|action| (action, stream)));
        }
        check_role(&template, role, BUCKET.map(|action| (action, "arn:aws:s3:::lake")));
        check_role(&template, role, [("kms:Decrypt", "Key.Arn"), ("kms:GenerateDataKey", "Key.Arn")]);
        for object in objects {
            let object = format!("arn:aws:s3:::lake/{object}");
            check_role(&template, role, OBJECTS.map(|action| (action, object.as_str())));
        }
        for log in logs {
            check_role(&template, role, [("logs:PutLogEvents", format!("{LOG}{log}").as_str())]);
        }
    }
    for function in ["ContactRecordNormalizer.Arn", "ContactRecordNormalizer.Arn:$LATEST"] {
        let invoke = ["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"];
        check_role(&template, "ContactRecordFirehoseRole", invoke.map(|action| (action, function)));
    }
    for part in ["table/contact_ledger/ContactRecordTable", "database/contact_ledger", "catalog"] {
        let part = format!("arn:aws:glue:eu-west-2:111122223333:{part}");
        let read = ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"];
        check_role(&template, "ContactRecordFirehoseRole", read.map(|action| (action, part.as_str())));
    }
}

#[test]
fn no_role_has_a_wildcard_that_aws_does_not_require() {
    // Actions without resource-level permissions.
    const WITHOUT_RESOURCE: [&str; 3] =
        ["kinesis:ListStreams", "xray:PutTraceSegments", "xray:PutTelemetryRecords"];
    let template = Template::with(&[
        ("ContactRecordSource", "Kinesis"),
        ("Tracing", "Active"),
        ("ContactEvents", "true"),
    ]);
    let roles = template.of_type("AWS::IAM::Role");
    assert_eq!(roles.len(), 8, "one for each function, each Firehose, and the rule");
    for (role, properties) in roles {
        assert!(properties["ManagedPolicyArns"].is_null(), "{role} has a policy that AWS may change");
        for statement in statements(&template, &role) {
            for action in &statement.actions {
                assert!(!action.contains('*'), "{role} may {action}");
                let has_all = statement.resources.iter().any(|resource| resource == "*");
                assert!(
                    !has_all || WITHOUT_RESOURCE.contains(&action.as_str()),
                    "{role} may {action} on all"
                );
            }
        }
        for statement in properties["AssumeRolePolicyDocument"]["Statement"].as_array().unwrap() {
            let service = statement["Principal"]["Service"].as_str().unwrap();
            let account = &statement["Condition"]["StringEquals"]["aws:SourceAccount"];
            assert!(
                account == "111122223333" || service == "lambda.amazonaws.com",
                "{role} trusts {service}"
            );
        }
    }
    for (id, policy) in [("Key", "KeyPolicy"), ("AlarmTopicPolicy", "PolicyDocument")] {
        let template = Template::with(&[("AlarmEmail", "operator@example.com"), ("ContactEvents", "true")]);
        for statement in template.properties(id)[policy]["Statement"].as_array().unwrap() {
            let is_deny = statement["Effect"] == "Deny";
            let is_account = statement["Principal"]["AWS"] == "arn:aws:iam::111122223333:root";
            assert!(is_deny || is_account || statement["Condition"].is_object(), "{id}: {statement}");
        }
    }
}

/// The metrics in the functions' logs: name and dimension names, by function.
fn emitted(output: &std::path::Path) -> BTreeMap<String, BTreeSet<(String, Vec<String>)>> {
    let mut emitted: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for function in ["contact-record-normalizer", "agent-event-upserter", "contact-event-upserter"] {
        let log = fs::read_to_string(output.join(format!("logs/{function}.jsonl"))).unwrap();
        for line in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            for definition in line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten() {
                assert_eq!(definition["Namespace"], "ContactLedger");
                let dimensions = strings(&definition["Dimensions"][0]);
                for metric in definition["Metrics"].as_array().unwrap() {
                    let name = metric["Name"].as_str().unwrap().to_owned();
                    emitted.entry(function.to_owned()).or_default().insert((name, dimensions.clone()));
                }
            }
        }
    }
    emitted
}

/// Metrics of the services, each with its dimension.
/// Source: [Types of metrics for Lambda functions](https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html);
/// [Monitor Amazon Data Firehose with CloudWatch metrics](https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html);
/// [Monitor the Amazon Kinesis Data Streams service with Amazon CloudWatch](https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html);
/// [Monitoring Amazon EventBridge](https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html);
/// [Available CloudWatch metrics for Amazon SQS](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html);
/// [DynamoDB metrics and dimensions](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html).
const SERVICE_METRICS: [(&str, &str, &str); 29] = [
    ("AWS/Lambda", "FunctionName", "Duration"),
    ("AWS/Lambda", "FunctionName", "Errors"),
    ("AWS/Lambda", "FunctionName", "Invocations"),
    ("AWS/Lambda", "FunctionName", "IteratorAge"),
    ("AWS/Lambda", "FunctionName", "Throttles"),
    ("AWS/Lambda", "EventSourceMappingUUID", "DroppedEventCount"),
    ("AWS/Lambda", "EventSourceMappingUUID", "OnFailureDestinationDeliveredEventCount"),
    ("AWS/Firehose", "DeliveryStreamName", "BackupToS3.DataFreshness"),
    ("AWS/Firehose", "DeliveryStreamName", "DeliveryToS3.DataFreshness"),
    ("AWS/Firehose", "DeliveryStreamName", "DeliveryToS3.Success"),
    ("AWS/Firehose", "DeliveryStreamName", "FailedConversion.Records"),
    ("AWS/Firehose", "DeliveryStreamName", "IncomingRecords"),
    ("AWS/Firehose", "DeliveryStreamName", "KMSKeyAccessDenied"),
    ("AWS/Firehose", "DeliveryStreamName", "KMSKeyDisabled"),
    ("AWS/Firehose", "DeliveryStreamName", "KMSKeyInvalidState"),
    ("AWS/Firehose", "DeliveryStreamName", "KMSKeyNotFound"),
    ("AWS/Firehose", "DeliveryStreamName", "PartitionCountExceeded"),
    ("AWS/Firehose", "DeliveryStreamName", "ThrottledRecords"),
    ("AWS/Kinesis", "StreamName", "IncomingRecords"),
    ("AWS/Kinesis", "StreamName", "PutRecord.Success"),
    ("AWS/Kinesis", "StreamName", "PutRecords.Success"),
    ("AWS/Kinesis", "StreamName", "WriteProvisionedThroughputExceeded"),
    ("AWS/Events", "RuleName", "FailedInvocations"),
    ("AWS/Events", "RuleName", "InvocationsFailedToBeSentToDlq"),
    ("AWS/Events", "RuleName", "MatchedEvents"),
    ("AWS/SQS", "QueueName", "ApproximateAgeOfOldestMessage"),
    ("AWS/SQS", "QueueName", "ApproximateNumberOfMessagesVisible"),
    ("AWS/DynamoDB", "TableName", "SystemErrors"),
    ("AWS/DynamoDB", "TableName", "WriteThrottleEvents"),
];

/// The type of resource that a dimension's value names.
fn type_of(dimension: &str) -> &'static str {
    match dimension {
        "FunctionName" => "AWS::Serverless::Function",
        "EventSourceMappingUUID" => "AWS::Lambda::EventSourceMapping",
        "DeliveryStreamName" => "AWS::KinesisFirehose::DeliveryStream",
        "StreamName" => "AWS::Kinesis::Stream",
        "TableName" => "AWS::DynamoDB::Table",
        "RuleName" => "AWS::Events::Rule",
        "QueueName" => "AWS::SQS::Queue",
        _ => panic!("no alarm can use the dimension {dimension}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_and_dashboard_use_metrics_that_exist() {
    let (_stack, output) = run(Arc::new(|_: &Permission| true)).await;
    let emitted = emitted(output.path());
    let mut watched = BTreeSet::new();
    let mut check = |template: &Template, user: &str, metric: &Value| {
        let (namespace, name) =
            (metric["Namespace"].as_str().unwrap(), metric["MetricName"].as_str().unwrap());
        let [dimension] = &metric["Dimensions"].as_array().unwrap()[..] else { panic!("{user}: {metric}") };
        let (key, value) = (dimension["Name"].as_str().unwrap(), dimension["Value"].as_str().unwrap());
        let resources = template.resources();
        let value = value.trim_end_matches(".QueueName");
        let resource = resources.get(value).unwrap_or_else(|| panic!("{user}: {value} is not created"));
        assert_eq!(resource["Type"], type_of(key), "{user}: {value}");
        if namespace == "ContactLedger" {
            let function = resource["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap();
            assert!(
                emitted[function].contains(&(name.to_owned(), vec![key.to_owned()])),
                "{user}: {function} has no metric {name} by {key}"
            );
            watched.insert((function.to_owned(), name.to_owned()));
        } else {
            assert!(SERVICE_METRICS.contains(&(namespace, key, name)), "{user}: {namespace} {name} by {key}");
        }
    };
    let contact_events = Template::with(&[("ContactEvents", "true")]);
    for template in
        [Template::with_defaults(), Template::with(&[("ContactRecordSource", "Kinesis")]), contact_events]
    {
        for (id, alarm) in template.of_type("AWS::CloudWatch::Alarm") {
            if alarm["MetricName"].is_string() {
                check(&template, &id, &alarm);
            }
            for query in alarm["Metrics"].as_array().into_iter().flatten() {
                if query["MetricStat"].is_object() {
                    check(&template, &id, &query["MetricStat"]["Metric"]);
                }
            }
        }
        for (id, dashboard) in template.of_type("AWS::CloudWatch::Dashboard") {
            let body: Value = serde_json::from_str(dashboard["DashboardBody"].as_str().unwrap()).unwrap();
            for widget in body["widgets"].as_array().unwrap() {
                for line in widget["properties"]["metrics"].as_array().into_iter().flatten() {
                    let metric = json!({
                        "Namespace": line[0], "MetricName": line[1],
                        "Dimensions": [{"Name": line[2], "Value": line[3]}],
                    });
                    check(&template, &id, &metric);
                }
            }
        }
    }
    // Every emitted metric is watched, except those with a second dimension, which are parts of others.
    let by_function = emitted.iter().flat_map(|(function, metrics)| {
        let whole = metrics.iter().filter(|(_, dimensions)| dimensions.len() == 1);
        whole.map(|(name, _)| (function.clone(), name.clone()))
    });
    assert_eq!(watched, by_function.collect());
}

#[test]
fn every_alarm_says_what_to_do_and_has_a_section_in_the_docs() {
    let docs = fs::read_to_string(repository().join("docs/operations.md")).unwrap();
    let headings = docs.lines().filter_map(|line| line.strip_prefix("### "));
    let anchors: BTreeSet<_> = headings.map(|heading| heading.to_lowercase().replace(' ', "-")).collect();
    let mut linked = BTreeSet::new();
    let contact_events = Template::with(&[("ContactEvents", "true")]);
    for template in
        [Template::with_defaults(), Template::with(&[("ContactRecordSource", "Kinesis")]), contact_events]
    {
        for (id, alarm) in template.of_type("AWS::CloudWatch::Alarm") {
            let description = alarm["AlarmDescription"].as_str().unwrap();
            let (text, link) = description.rsplit_once(" (docs/operations.md#").unwrap();
            let anchor = link.strip_suffix(')').unwrap();
            assert!(anchors.contains(anchor), "{id}: docs/operations.md has no section {anchor}");
            assert!(
                text.ends_with('.') && text.matches(". ").count() >= 1 || text.contains(": "),
                "{id}: {text}"
            );
            assert!(description.len() <= 1024);
            linked.insert(anchor.to_owned());
        }
    }
    let alarms = docs.split("\n## ").find(|section| section.starts_with("Alarms")).unwrap();
    let sections = alarms.lines().filter_map(|line| line.strip_prefix("### "));
    let sections: BTreeSet<_> = sections.map(|heading| heading.to_lowercase().replace(' ', "-")).collect();
    assert_eq!(sections, linked, "a section without an alarm");
    for section in alarms.split("\n### ").skip(1) {
        assert!(
            section.lines().skip(1).flat_map(str::split_whitespace).count() >= 8,
            "says too little: {section}"
        );
    }
}

#[test]
fn alarms_go_to_the_given_or_the_created_topic() {
    let topic = "arn:aws:sns:eu-west-2:111122223333:operators";
    for (parameters, target) in [
        (&[][..], Value::Null),
        (&[("AlarmTopicArn", topic)], json!([topic])),
        (&[("AlarmEmail", "operator@example.com")], json!(["AlarmTopic"])),
    ] {
        let template = Template::with(parameters);
        let alarms = template.of_type("AWS::CloudWatch::Alarm");
        assert!(alarms.len() > 25);
        assert!(
            alarms.iter().all(|(_, alarm)| alarm["AlarmActions"] == target && alarm["OKActions"] == target)
        );
    }
    assert!(Template::with(&[("Alarms", "false")]).of_type("AWS::CloudWatch::Alarm").is_empty());
}

/// The payloads in events/ have the outcomes that docs/deploy.md describes.
#[tokio::test]
async fn the_example_events_work() {
    let event = |name: &str| fs::read(repository().join("events").join(name)).unwrap();
    let records = serde_json::from_slice(&event("contact-records.json")).unwrap();
    let (response, _) = contact_record_normalizer::transform(records, &contact_lake::Policy::default());
    let response = serde_json::to_value(response).unwrap();
    let results: Vec<_> = response["records"].as_array().unwrap().iter().map(|one| &one["result"]).collect();
    assert_eq!(results, ["Ok", "Dropped", "ProcessingFailed"]);

    let function = upserter(agent_ledger::memory::MemoryStore::default());
    let events = serde_json::from_slice(&event("agent-events.json")).unwrap();
    let (response, summary) = function.handle(&events, far_future()).await;
    assert_eq!(serde_json::to_value(response).unwrap(), json!({"batchItemFailures": []}));
    assert_eq!((summary.applied, summary.rejected.total()), (3, 1));
}
