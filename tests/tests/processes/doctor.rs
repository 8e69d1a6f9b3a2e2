//! `contact-ledger doctor` on the local stack, alone and behind a stand-in for the services that only a deployed
//! stack has. Each planted misconfiguration is found with its fix, and no longer found after it is undone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::types::{BillingMode, SseSpecification, SseType, TimeToLiveSpecification};
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_lambda::operation::update_event_source_mapping::builders::UpdateEventSourceMappingFluentBuilder as Update;
use aws_sdk_lambda::types::{DestinationConfig, Filter, FilterCriteria, FunctionResponseType, OnFailure};
use lake_parquet::contact_records as glue_table;
use ledger_tests::control_plane::{ControlPlane, INSTANCE, KEY, Responses, STACK, STREAM, storage};
use ledger_tests::{dynamodb_client, functions_folder};
use local_aws::stack::{Stack, StackSettings};
use serde_json::{Value, json};
use served_stack::{
    AGENT_HISTORY_TABLE, AGENT_STATE_TABLE, CONTACT_RECORD_STREAM, NORMALIZER, Served, UPSERTER,
};
use tokio::process::Command;

/// The stack that doctor checks: the local one, directly or as a deployed one.
#[derive(Clone, Copy)]
enum Target<'s> {
    Local(&'s Path),
    Deployed(&'s ControlPlane, &'s Served),
}

impl Target<'_> {
    /// The findings that are not good (severity and check, message and fix), and the exit code.
    async fn doctor(self) -> (Vec<(String, String)>, i32) {
        let mut command = Command::new(functions_folder().join("contact-ledger"));
        command.args(["doctor", "--json"]);
        match self {
            Target::Local(folder) => command.arg("--local").arg(folder),
            Target::Deployed(plane, served) => {
                command.args(["--stack", STACK, "--region", served_stack::REGION]).envs([
                    ("AWS_ACCESS_KEY_ID", &served.keys.access_key_id),
                    ("AWS_SECRET_ACCESS_KEY", &served.keys.secret_access_key),
                    ("AWS_ENDPOINT_URL", &plane.endpoint),
                    ("AWS_ENDPOINT_URL_DYNAMODB", &served.dynamodb),
                    ("AWS_ENDPOINT_URL_S3", &served.s3),
                    ("AWS_ENDPOINT_URL_FIREHOSE", &served.streams),
                    ("AWS_ENDPOINT_URL_LAMBDA", &served.streams),
                ])
            }
        };
        let done = command.output().await.unwrap();
        assert!(done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
        let lines = String::from_utf8(done.stdout).unwrap();
        let findings: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(findings.len() >= 8, "{findings:#?}");
        let bad = findings.iter().filter(|finding| finding["severity"] != "good").map(|finding| {
            let [severity, check, message, fix] =
                ["severity", "check", "says", "fix"].map(|name| finding[name].as_str().unwrap_or_default());
            (format!("{severity} {check}"), format!("{message} → {fix}"))
        });
        (bad.collect(), done.status.code().unwrap())
    }

    /// Asserts that doctor finds exactly this.
    async fn finds(self, expected: &[(&str, &str)]) {
        let (found, code) = self.doctor().await;
        let is_expected = found.len() == expected.len()
            && found
                .iter()
                .zip(expected)
                .all(|((check, message), expected)| check == expected.0 && message.contains(expected.1));
        assert!(is_expected, "expected {expected:?}, found {found:#?}");
        let code_of = |check: &str| match check.split(' ').next() {
            Some("error") => 4,
            Some("unknown") => 5,
            _ => 3,
        };
        // An error (4) takes precedence over an unknown (5), and that over a warning (3).
        let worst =
            [4, 5, 3].into_iter().find(|code| expected.iter().any(|(check, _)| code_of(check) == *code));
        assert_eq!(code, worst.unwrap_or(0));
    }
}

struct Local {
    stack: Stack,
    output: tempfile::TempDir,
    served: Served,
    lambda: aws_sdk_lambda::Client,
}

impl Local {
    async fn start() -> Self {
        Self::with_retries(100).await
    }

    async fn with_retries(maximum_retry_attempts: u32) -> Self {
        let output = tempfile::tempdir().unwrap();
        let settings = StackSettings {
            streams_port: Some(0),
            delivery_interval: Duration::from_millis(100),
            maximum_retry_attempts,
            ..StackSettings::new(functions_folder(), output.path().to_owned(), glue_table().unwrap())
        };
        let stack = Stack::start(settings).await.unwrap();
        let served = Served::read(output.path()).unwrap();
        let config = aws_sdk_lambda::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(&served.streams)
            .region(Region::new(served_stack::REGION))
            .credentials_provider(Credentials::new(
                &served.keys.access_key_id,
                &served.keys.secret_access_key,
                None,
                None,
                "test",
            ));
        let lambda = aws_sdk_lambda::Client::from_conf(config.build());
        Self { stack, output, served, lambda }
    }

    async fn update(&self, change: impl FnOnce(Update) -> Update) {
        let update = self.lambda.update_event_source_mapping().uuid(&self.served.agent_event_mapping);
        change(update).send().await.unwrap();
    }

    /// Deletes a table, and creates it again, encrypted with this key.
    async fn create_again(&self, table: &str, key: Option<&str>) {
        let tables = dynamodb_client(&self.stack.dynamodb.endpoint, &self.served.keys);
        let described = tables.describe_table().table_name(table).send().await.unwrap().table.unwrap();
        tables.delete_table().table_name(table).send().await.unwrap();
        let encryption = key.map(|key| {
            let with = SseSpecification::builder().enabled(true).sse_type(SseType::Kms);
            with.kms_master_key_id(key).build()
        });
        let create = tables.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
        let create = create.set_key_schema(described.key_schema).set_sse_specification(encryption);
        create.set_attribute_definitions(described.attribute_definitions).send().await.unwrap();
        let ttl = TimeToLiveSpecification::builder().attribute_name("expires_at").enabled(true);
        let update = tables.update_time_to_live().table_name(table);
        update.time_to_live_specification(ttl.build().unwrap()).send().await.unwrap();
    }

    /// Waits until doctor has this many findings.
    async fn eventually_has(&self, findings: usize) {
        let found = async {
            while Target::Local(self.output.path()).doctor().await.0.len() < findings {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), found).await.expect("doctor finds it");
    }

    async fn found(&self, expected: &[(&str, &str)]) {
        Target::Local(self.output.path()).finds(expected).await;
    }
}

fn on_failure(destination: &str) -> DestinationConfig {
    let on_failure = OnFailure::builder().destination(destination).build();
    DestinationConfig::builder().on_failure(on_failure).build()
}

fn filters(patterns: &[&str]) -> FilterCriteria {
    let filters = patterns.iter().map(|pattern| Filter::builder().pattern(*pattern).build());
    FilterCriteria::builder().set_filters(Some(filters.collect())).build()
}

/// A change that breaks the mapping, the change that repairs it, and the check and message of the finding.
type MappingFault = (fn(Update) -> Update, fn(Update) -> Update, &'static str, &'static str);

const MAPPING: &str = "error event source mapping";

fn mapping_faults() -> [MappingFault; 6] {
    [
        (|it| it.enabled(false), |it| it.enabled(true), MAPPING, "update-event-source-mapping --enabled"),
        (
            |it| it.set_function_response_types(Some(Vec::new())),
            |it| it.function_response_types(FunctionResponseType::ReportBatchItemFailures),
            MAPPING,
            "ReportBatchItemFailures",
        ),
        (
            |it| it.destination_config(on_failure("")),
            |it| it.destination_config(on_failure("arn:aws:s3:::lake")),
            MAPPING,
            "no on-failure destination",
        ),
        (
            |it| it.filter_criteria(filters(&[r#"{"data":{"EventType":["LOGIN"]}}"#])),
            |it| it.filter_criteria(filters(&[])),
            MAPPING,
            "remove the filter",
        ),
        (
            |it| it.bisect_batch_on_function_error(false),
            |it| it.bisect_batch_on_function_error(true),
            "warning event source mapping",
            "does not bisect",
        ),
        (
            |it| it.maximum_retry_attempts(-1).maximum_record_age_in_seconds(-1),
            |it| it.maximum_retry_attempts(100),
            MAPPING,
            "retries forever",
        ),
    ]
}

/// Which events have entries of their own may have been set otherwise when an event was written, so an interval decides.
#[tokio::test(flavor = "multi_thread")]
async fn a_history_without_entries_of_events_is_not_taken_for_an_empty_one() {
    let mut local = Local::start().await;
    let snapshot =
        |since: &str| json!({"AgentStatus": {"Name": "A", "StartTimestamp": since}, "Contacts": []});
    let (eight, nine) = ("2026-03-02T08:00:00.000Z", "2026-03-02T09:00:00.000Z");
    let event = json!({
        "AgentARN": format!("{INSTANCE}/agent/ada"), "EventId": "e", "EventTimestamp": nine, "EventType": "STATE_CHANGE",
        "PreviousAgentSnapshot": snapshot(eight), "CurrentAgentSnapshot": snapshot(nine),
    });
    local.stack.put_agent_event("ada", event.to_string().into()).await.unwrap();
    local.stack.settle(1).await.unwrap();
    local.found(&[]).await;

    let tables = dynamodb_client(&local.stack.dynamodb.endpoint, &local.served.keys);
    let entries = tables.scan().table_name(AGENT_HISTORY_TABLE).send().await.unwrap().items.unwrap();
    let delete = async |kind: &str| {
        let of_kind = entries.iter().find(|item| item["entry"].as_s().unwrap().starts_with(kind)).unwrap();
        let delete = tables.delete_item().table_name(AGENT_HISTORY_TABLE);
        let delete = delete.key("agent_id", of_kind["agent_id"].clone());
        delete.key("entry", of_kind["entry"].clone()).send().await.unwrap();
    };
    delete("event#").await;
    local.found(&[]).await;
    delete("status#").await;
    local.found(&[("error history", eight)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_the_local_stack_is_found_until_it_is_undone() {
    let mut local = Local::start().await;
    local.found(&[]).await;

    for (break_it, repair, check, message) in mapping_faults() {
        local.update(break_it).await;
        local.found(&[(check, message)]).await;
        local.update(repair).await;
        local.found(&[]).await;
    }

    for function in [NORMALIZER, UPSERTER] {
        let put = local.lambda.put_function_concurrency().function_name(function);
        put.reserved_concurrent_executions(0).send().await.unwrap();
        local.found(&[("error function", "delete-function-concurrency")]).await;
        local.lambda.delete_function_concurrency().function_name(function).send().await.unwrap();
    }

    let tables = dynamodb_client(&local.stack.dynamodb.endpoint, &local.served.keys);
    let expire = async |is_on: bool| {
        let ttl = TimeToLiveSpecification::builder().attribute_name("expires_at").enabled(is_on);
        let update = tables.update_time_to_live().table_name(AGENT_HISTORY_TABLE);
        update.time_to_live_specification(ttl.build().unwrap()).send().await.unwrap();
    };
    expire(false).await;
    local.found(&[("warning agent table", "TTL")]).await;
    expire(true).await;
    local.found(&[]).await;

    // A table that was created again is active, but lacks what the archive has.
    let event = json!({
        "AgentARN": format!("{INSTANCE}/agent/ada"), "EventId": "e", "EventTimestamp": "2026-03-02T08:00:00Z",
        "EventType": "LOGIN", "CurrentAgentSnapshot": null, "PreviousAgentSnapshot": null,
    });
    let event = event.to_string();
    local.stack.put_agent_event("ada", event.clone().into()).await.unwrap();
    local.stack.settle(1).await.unwrap();
    local.found(&[]).await;
    local.create_again(AGENT_HISTORY_TABLE, None).await;
    local.eventually_has(1).await;
    local.found(&[("error history", "2026-03-02T08:00:00.000Z")]).await;
    local.stack.put_agent_event("ada", event.into()).await.unwrap();
    local.stack.settle(2).await.unwrap();
    local.found(&[]).await;

    local.stack.put_contact_record("not a record".into()).await;
    local.stack.settle(3).await.unwrap();
    local.found(&[("warning failed records", "would fail again")]).await;

    tables.delete_table().table_name(AGENT_HISTORY_TABLE).send().await.unwrap();
    let missing = ("error agent table", "AgentHistory does not exist");
    local.found(&[missing, ("warning failed records", "explain")]).await;
}

/// Reserved concurrency 0 delays events but loses none, as the finding says and as in Lambda.
#[tokio::test(flavor = "multi_thread")]
async fn delayed_events_arrive_once_the_function_and_the_mapping_are_enabled() {
    // Waiting for concurrency does not count as an attempt.
    let mut local = Local::with_retries(1).await;
    let few = ("warning event source mapping", "MaximumRetryAttempts is 1");
    let put = local.lambda.put_function_concurrency().function_name(UPSERTER);
    put.reserved_concurrent_executions(0).send().await.unwrap();
    local.stack.put_agent_event("key", "not an event".into()).await.unwrap();
    let expected = [("error function", "cannot run"), (MAPPING, "Upserter Errors"), few];
    local.eventually_has(expected.len()).await;
    local.found(&expected).await;
    local.update(|it| it.enabled(false)).await;
    local.lambda.delete_function_concurrency().function_name(UPSERTER).send().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(local.stack.agent_events.counters.over(), 0, "a disabled mapping invokes nothing");

    local.update(|it| it.enabled(true)).await;
    local.stack.settle(1).await.unwrap();
    local.found(&[few, ("warning failed records", "not_json")]).await;
}

/// A planted fault, with the severity and check of its finding, and a part of its message or fix.
type ServiceFault = (fn(&mut Responses), &'static str, &'static str);

const FAR: &str = "arn:aws:connect:us-east-1:111122223333:instance/10000000-0000-4000-8000-000000000001";

fn measured(services: &mut Responses, metric: &'static str, dimension: &'static str, values: &[f64]) {
    services.metrics.insert((metric, dimension), values.to_vec());
}

fn service_faults() -> [ServiceFault; 21] {
    [
        (|it| it.status = "UPDATE_ROLLBACK_FAILED", "error stack", "describe-stack-events"),
        (|it| it.instance = FAR, "error instance of Connect", "deploy the stack in the instance's"),
        (|it| it.instance = "", "unknown instance of Connect", "--instance"),
        (
            |it| _ = it.streaming.remove("CONTACT_TRACE_RECORDS"),
            "error streaming of contact records",
            "does not stream contact records → turn it on: `contact-ledger connect enable`",
        ),
        (
            |it| {
                let other = storage("a", &STREAM.replace("agent-events", "other"));
                it.streaming.insert("AGENT_EVENTS".to_owned(), other);
            },
            "error streaming of agent events",
            "stream/other, which does not belong to this stack",
        ),
        (|it| it.key_is_enabled = false, "error key", "aws kms enable-key"),
        (
            |it| it.via.retain(|service| service.starts_with("kinesis")),
            "error key",
            "via firehose.eu-west-2.amazonaws.com",
        ),
        (|it| it.stream_key = None, "warning stream", "not encrypted"),
        (|it| it.stream_key = Some("alias/aws/kinesis"), "warning stream", "the AWS managed key"),
        (
            |it| it.columns.as_array_mut().unwrap().retain(|column| column["Name"] != "channel"),
            "error lake table",
            "lacks channel",
        ),
        (|it| it.columns[0]["Type"] = json!("bigint"), "error lake table", "is bigint, not string"),
        (
            |it| {
                let more = json!({"Name": "more", "Type": "string"});
                it.columns.as_array_mut().unwrap().push(more);
            },
            "warning lake table",
            "also has more",
        ),
        (
            |it| it.metrics.retain(|(metric, _), _| !metric.ends_with("IncomingRecords")),
            "warning last 24 hours",
            "nothing arrived",
        ),
        (
            |it| measured(it, "AWS/Lambda IteratorAge", UPSERTER, &[600_000.0, 0.0]),
            "error last 24 hours",
            "delayed by 10 minutes",
        ),
        (
            |it| {
                measured(it, "AWS/Firehose DeliveryToS3.DataFreshness", CONTACT_RECORD_STREAM, &[3600.0]);
            },
            "error last 24 hours",
            "rows are delayed by 60 minutes",
        ),
        (
            |it| measured(it, "ContactLedger RecordsRejected", UPSERTER, &[2.0, 5.0]),
            "warning last 24 hours",
            "7 agent events were rejected",
        ),
        (
            |it| measured(it, "ContactLedger RecordsFailed", NORMALIZER, &[4.0]),
            "warning last 24 hours",
            "4 contact records failed",
        ),
        (
            |it| measured(it, "ContactLedger EnvironmentFaults", UPSERTER, &[1.0]),
            "warning last 24 hours",
            "Agent Event Faults",
        ),
        (
            |it| measured(it, "AWS/Firehose FailedConversion.Records", CONTACT_RECORD_STREAM, &[1.0]),
            "warning last 24 hours",
            "Contact Records Unconverted",
        ),
        (
            |it| measured(it, "AWS/DynamoDB WriteThrottleEvents", AGENT_HISTORY_TABLE, &[9.0]),
            "warning last 24 hours",
            "9 writes to the agent tables were throttled",
        ),
        (
            |it| it.alarms.push(["ledger-upserter-errors", "look at its log", "ALARM"]),
            "warning alarms",
            "ledger-upserter-errors is in alarm → look at its log",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_deployed_stack_is_found_until_it_is_undone() {
    let local = Local::start().await;
    let healthy = Responses { mapping: local.served.agent_event_mapping.clone(), ..Responses::healthy() };
    let plane = ControlPlane::start(healthy.clone()).await;
    let target = Target::Deployed(&plane, &local.served);
    // The tables as the template creates them, with the stack's key.
    for table in [AGENT_STATE_TABLE, AGENT_HISTORY_TABLE] {
        local.create_again(table, Some(KEY)).await;
    }
    target.finds(&[]).await;

    // Created again by hand.
    local.create_again(AGENT_HISTORY_TABLE, None).await;
    target.finds(&[("error agent table", "Restoring a table")]).await;
    local.create_again(AGENT_HISTORY_TABLE, Some(KEY)).await;

    for (plant, check, message) in service_faults() {
        plant(&mut plane.responses.lock().unwrap());
        target.finds(&[(check, message)]).await;
        *plane.responses.lock().unwrap() = healthy.clone();
    }

    for (break_it, repair, check, message) in mapping_faults() {
        local.update(break_it).await;
        target.finds(&[(check, message)]).await;
        local.update(repair).await;
    }
    target.finds(&[]).await;
}
