//! Collects the facts about a stack.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, StateValue};
use connect_streams::{StreamKind, Timestamp};
use lambda_io::metrics::NAMESPACE;
use redrive::{AwsQueues, ContactRecordTarget, Control, Count, Queues as _, Request, run};
use serde_json::{Value, json};
use served_stack::{
    AGENT_EVENT_STREAM, CONTACT_EVENT_UPSERTER, CONTACT_EVENTS, EVENT_SOURCE_MAPPING_LOG, FIREHOSE_LOG,
    UPSERTER, log_file,
};

use super::facts::{
    ContactEvents, Fact, Facts, Firehose, Function, Glue, Key, Mapping, Metrics, Stream, Table, Unavailable,
    Version,
};
use super::oldest::old_event;
use super::unavailable::{unavailable, unavailable_call, unavailable_queue};
use crate::commands::schema::{SchemaFormat, schema};
use crate::stack::DAY_MILLISECONDS;
use crate::stack::connection::Connection;
use crate::stack::signed::{Call, Refusal, call};
use crate::stack::streaming::{association, region_of};

/// How far back to look for dead letters, in days.
const DAYS_OF_FAILURES: i64 = 7;
/// How far back the logs of a local stack's services are read, in milliseconds.
const RECENTLY: i64 = 3_600_000;
const INSTANCE_UNKNOWN: &str = "the stack was deployed without ConnectInstanceArn: pass --instance <ARN>, which `aws connect list-instances` shows";

/// Collects facts about the stack and about the Amazon Connect instance that streams to it.
pub(crate) async fn gather(connection: &Connection, instance: Option<&str>, now: Timestamp) -> Facts {
    let names = &connection.names;
    let mut facts = Facts {
        is_local: connection.is_local(),
        region: connection.region(),
        failed: Some(failed(connection, now).await),
        ..Facts::default()
    };
    facts
        .streams
        .insert(names.agent_event_stream.clone(), stream(connection, &names.agent_event_stream).await);
    for table in [&names.agent_state_table, &names.agent_history_table] {
        facts.tables.insert(table.clone(), self::table(connection, table).await);
    }
    for logical in ["ContactRecordNormalizer", "AgentEventUpserter", "ContactEventUpserter", "Redrive"] {
        if let Some(name) = connection.deployed.resources.get(logical) {
            facts.functions.insert(name.clone(), function(connection, name).await);
        }
    }
    if facts.tables.get(&names.agent_history_table).is_some_and(Result::is_ok) {
        facts.old_event = old_event(connection, now).await;
    }
    if let Some(id) = connection.deployed.outputs.get("AgentEventMappingId") {
        facts.mapping = Some(mapping(connection, id, "the event source mapping for agent events").await);
    }
    if let Some(name) = connection.deployed.resources.get("ContactRecordFirehose") {
        facts.firehose = Some(firehose(connection, name).await);
    }
    if let Some(names) = &names.contact_events {
        let table = table(connection, &names.table).await;
        let others = contact_events(connection, now).await;
        facts.contact_events = Some(ContactEvents { table: Some(table), ..others });
    }
    if let Some(folder) = connection.local_folder() {
        facts.refused = Some(refused(folder, now));
        facts.dropped = Some(dropped(folder, now));
    } else {
        deployed(connection, instance, now, &mut facts).await;
    }
    facts
}

/// What a local stack's services logged since this many milliseconds ago.
fn logged(folder: &Path, service: &str, now: Timestamp, ago: i64) -> Fact<Vec<Value>> {
    let file = log_file(folder, service);
    let lines = match std::fs::read_to_string(&file) {
        Ok(lines) => lines,
        // A log is created with its first line.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("{}: {error}", file.display()).into()),
    };
    let since = now.epoch_milliseconds() - ago;
    let is_recent = |line: &Value| {
        let at = line["timestamp"].as_str().and_then(Timestamp::parse);
        at.is_some_and(|at| at.epoch_milliseconds() >= since)
    };
    let lines = lines.lines().filter_map(|line| serde_json::from_str(line).ok());
    Ok(lines.filter(is_recent).collect())
}

/// The deliveries that a local stack's Firehose could not make, and the writes that were refused to its functions.
fn refused(folder: &Path, now: Timestamp) -> Fact<BTreeMap<String, (String, &'static str)>> {
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let mut refused = BTreeMap::new();
    for line in logged(folder, FIREHOSE_LOG, now, RECENTLY)? {
        let stream = text(&line, "deliveryStreamARN");
        let name = stream.rsplit('/').next().unwrap_or_default();
        let alarm = match name {
            AGENT_EVENT_STREAM => "Agent Event Archive Late",
            CONTACT_EVENTS => "Contact Event Archive Late",
            _ => "Contact Records Undelivered",
        };
        // Not the message: it names an object, and there may be many.
        let what = format!("Firehose {name} could not write to the bucket: {}", text(&line, "errorCode"));
        refused.insert(what, (text(&line, "timestamp"), alarm));
    }
    for (function, alarm) in
        [(UPSERTER, "Agent Event Faults"), (CONTACT_EVENT_UPSERTER, "Contact Event Faults")]
    {
        let lines = logged(folder, function, now, RECENTLY)?;
        for line in lines.iter().filter(|line| line["level"] == "ERROR") {
            let what = format!("{function}: {} {}", text(line, "code"), text(line, "message"));
            refused.insert(what, (text(line, "timestamp"), alarm));
        }
    }
    Ok(refused)
}

/// The agent events that a local stack dropped in the last 24 hours.
fn dropped(folder: &Path, now: Timestamp) -> Fact<usize> {
    let lines = logged(folder, EVENT_SOURCE_MAPPING_LOG, now, DAY_MILLISECONDS)?;
    let count =
        |line: &Value| line["DroppedEventCount"].as_u64().and_then(|count| usize::try_from(count).ok());
    Ok(lines.iter().filter_map(count).sum())
}

/// Collects the facts that only a deployed stack has.
async fn deployed(connection: &Connection, instance: Option<&str>, now: Timestamp, facts: &mut Facts) {
    let deployed = &connection.deployed;
    facts.status = deployed.status.clone().map(Ok);
    let version = deployed.outputs.get("Version").cloned();
    facts.version = Some(Ok(Version { deployed: version, program: env!("CARGO_PKG_VERSION").to_owned() }));
    facts.key_arn = deployed.outputs.get("KeyArn").cloned();
    facts.existing.clone_from(&deployed.existing);
    facts.targets.clone_from(&deployed.targets);
    let instance = instance.ok_or(INSTANCE_UNKNOWN);
    facts.instance_region = Some(instance.map(|arn| region_of(arn).to_owned()).map_err(Unavailable::from));
    if let Ok(arn) = instance
        && region_of(arn) == facts.region
    {
        let id = arn.rsplit('/').next().unwrap_or_default();
        for kind in [StreamKind::ContactRecords, StreamKind::AgentEvents] {
            let association = association(connection.config(), now, id, kind).await;
            facts.associations.insert(kind, association.map_err(|error| unavailable_call(&error)));
        }
    }
    if let Some(arn) = &facts.key_arn {
        facts.key = Some(key(connection, arn).await);
    }
    if let ContactRecordTarget::Stream(name) = &connection.names.contact_records {
        facts.streams.insert(name.clone(), stream(connection, name).await);
    }
    if let Some(database) = deployed.outputs.get("DatabaseName") {
        facts.glue = Some(glue(connection, now, database).await);
    }
    facts.metrics = Some(metrics(connection, now).await);
    facts.alarms = Some(alarms(connection).await);
}

async fn contact_events(connection: &Connection, now: Timestamp) -> ContactEvents {
    let queues = connection.dead_letter_queues();
    let mut facts = ContactEvents::default();
    for name in queues.names() {
        let waiting = queues.waiting(&name).await;
        let waiting = waiting.map_err(|fault| unavailable_queue(&name, &fault));
        facts.dead_letters.insert(name, waiting);
    }
    let resources = &connection.deployed.resources;
    if let Some(id) = resources.get("ContactEventMapping") {
        facts.mapping = Some(mapping(connection, id, "the event source mapping for contact events").await);
    }
    if let Some(name) = resources.get("ContactEventRule") {
        facts.rule = Some(rule(connection, name, now).await);
    }
    facts
}

async fn rule(connection: &Connection, name: &str, now: Timestamp) -> Fact<String> {
    let body = json!({"Name": name});
    let describe = Call {
        service: "events",
        method: "POST",
        path: "/".to_owned(),
        target: Some("AWSEvents.DescribeRule"),
        body: &body,
    };
    let rule = call(&connection.streams(), now, &describe).await.map_err(|error| {
        match error.downcast_ref::<Refusal>() {
            Some(refusal) if refusal.code == "ResourceNotFoundException" => {
                Unavailable::Missing(format!("rule {name}"))
            }
            _ => unavailable_call(&error),
        }
    })?;
    Ok(rule["State"].as_str().unwrap_or_default().to_owned())
}

async fn failed(connection: &Connection, now: Timestamp) -> Fact<BTreeMap<String, Count>> {
    let since = now.epoch_milliseconds() - DAYS_OF_FAILURES * DAY_MILLISECONDS;
    let since = Timestamp::from_epoch_milliseconds(since).map(|since| since.to_string());
    let request = Request { since, ..Request::default() };
    let control = Control { now: &|| now, stop: &|| false, progress: &|_| () };
    // The dead-letter queues have findings of their own.
    let queues = AwsQueues { urls: Vec::new(), ..connection.dead_letter_queues() };
    let report = run(&connection.lake(), &connection.destination(), &queues, &request, &control).await;
    let report = report.map_err(|error| error.to_string())?;
    Ok(report.reasons)
}

async fn stream(connection: &Connection, name: &str) -> Fact<Stream> {
    let client = aws_sdk_kinesis::Client::new(&connection.streams());
    let described =
        client.describe_stream_summary().stream_name(name).send().await.map_err(unavailable(name))?;
    let summary = described.stream_description_summary.ok_or("Kinesis returned no description")?;
    Ok(Stream {
        status: summary.stream_status.as_str().to_owned(),
        is_encrypted: summary.encryption_type.is_some_and(|kind| kind.as_str() == "KMS"),
        key: summary.key_id,
    })
}

async fn table(connection: &Connection, name: &str) -> Fact<Table> {
    let client = connection.tables();
    let described = client.describe_table().table_name(name).send().await.map_err(unavailable(name))?;
    let described = described.table.ok_or_else(|| format!("table {name} has no description"))?;
    let key = described.sse_description().and_then(|sse| sse.kms_master_key_arn());
    let ttl = client.describe_time_to_live().table_name(name).send().await.map_err(unavailable(name))?;
    let ttl = ttl
        .time_to_live_description
        .filter(|ttl| ttl.time_to_live_status().is_some_and(|status| status.as_str().starts_with("ENABL")));
    Ok(Table {
        status: described.table_status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
        key: key.map(str::to_owned),
        ttl_attribute: ttl.and_then(|ttl| ttl.attribute_name),
    })
}

async fn key(connection: &Connection, arn: &str) -> Fact<Key> {
    let client = aws_sdk_kms::Client::new(connection.config());
    let described = client.describe_key().key_id(arn).send().await.map_err(unavailable("the KMS key"))?;
    let is_enabled = described.key_metadata.is_some_and(|key| key.enabled);
    let policy = client
        .get_key_policy()
        .key_id(arn)
        .policy_name("default")
        .send()
        .await
        .map_err(unavailable("the KMS key"))?;
    let policy: Value =
        serde_json::from_str(&policy.policy.unwrap_or_default()).map_err(|error| error.to_string())?;
    let statements = policy["Statement"].as_array().cloned().unwrap_or_default();
    let services = statements
        .iter()
        .filter(|statement| grants_connect(statement))
        .flat_map(|statement| texts(&statement["Condition"]["StringEquals"]["kms:ViaService"]));
    let event_bridge_may_use_it = statements.iter().any(|statement| {
        texts(&statement["Principal"]["Service"]).any(|service| service == "events.amazonaws.com")
            && statement["Effect"] == "Allow"
    });
    Ok(Key { is_enabled, connect_may_use_it_via: services.collect(), event_bridge_may_use_it })
}

/// Whether a key policy statement grants access to Amazon Connect's service-linked role.
fn grants_connect(statement: &Value) -> bool {
    let actions: BTreeSet<_> = texts(&statement["Action"]).collect();
    let roles: Vec<_> = texts(&statement["Condition"]["ArnLike"]["aws:PrincipalArn"]).collect();
    statement["Effect"] == "Allow"
        && actions.iter().any(|action| action == "kms:GenerateDataKey" || action == "kms:*")
        && roles.iter().any(|role| role.contains("AWSServiceRoleForAmazonConnect"))
}

/// The strings in a string or an array of strings.
fn texts(value: &Value) -> impl Iterator<Item = String> {
    let one = value.as_str().map(str::to_owned);
    let many = value.as_array().cloned().unwrap_or_default();
    one.into_iter().chain(many.into_iter().filter_map(|value| value.as_str().map(str::to_owned)))
}

async fn function(connection: &Connection, name: &str) -> Fact<Function> {
    let client = aws_sdk_lambda::Client::new(&connection.streams());
    let got = client.get_function().function_name(name).send().await.map_err(unavailable(name))?;
    let configuration = got.configuration.ok_or("Lambda returned no configuration")?;
    let reasons = [configuration.state_reason, configuration.last_update_status_reason];
    Ok(Function {
        // Emulators leave this out.
        state: configuration.state.map_or_else(|| "Active".to_owned(), |state| state.as_str().to_owned()),
        last_update: configuration
            .last_update_status
            .map(|status| status.as_str().to_owned())
            .unwrap_or_default(),
        reason: reasons.into_iter().flatten().collect::<Vec<_>>().join("; "),
        reserved_concurrency: got
            .concurrency
            .and_then(|concurrency| concurrency.reserved_concurrent_executions),
    })
}

async fn mapping(connection: &Connection, id: &str, what: &str) -> Fact<Mapping> {
    let client = aws_sdk_lambda::Client::new(&connection.streams());
    let mapping = client.get_event_source_mapping().uuid(id).send().await.map_err(unavailable(what))?;
    let reports =
        mapping.function_response_types().iter().any(|kind| kind.as_str() == "ReportBatchItemFailures");
    let on_failure = mapping.destination_config().and_then(|destination| destination.on_failure());
    Ok(Mapping {
        reports_failures: reports,
        has_on_failure: on_failure
            .and_then(|on_failure| on_failure.destination())
            .is_some_and(|destination| !destination.is_empty()),
        has_filter: mapping.filter_criteria().is_some_and(|criteria| !criteria.filters().is_empty()),
        bisects: mapping.bisect_batch_on_function_error.unwrap_or_default(),
        maximum_record_age: mapping.maximum_record_age_in_seconds,
        maximum_retries: mapping.maximum_retry_attempts,
        state: mapping.state.unwrap_or_default(),
        last_result: mapping.last_processing_result.unwrap_or_else(|| "none yet".to_owned()),
    })
}

async fn firehose(connection: &Connection, name: &str) -> Fact<Firehose> {
    let client = aws_sdk_firehose::Client::new(&connection.streams());
    let described = client
        .describe_delivery_stream()
        .delivery_stream_name(name)
        .send()
        .await
        .map_err(unavailable(name))?;
    let description = described.delivery_stream_description.ok_or("Firehose returned no description")?;
    let destinations = description.destinations.iter();
    let s3 = destinations.filter_map(|destination| destination.extended_s3_destination_description());
    let processing = s3.filter_map(|s3| s3.processing_configuration());
    let is_transformed = processing.into_iter().any(|processing| {
        let is_lambda =
            |processor: &aws_sdk_firehose::types::Processor| processor.r#type().as_str() == "Lambda";
        processing.enabled() == Some(true) && processing.processors().iter().any(is_lambda)
    });
    Ok(Firehose { status: description.delivery_stream_status.as_str().to_owned(), is_transformed })
}

async fn glue(connection: &Connection, now: Timestamp, database: &str) -> Fact<Glue> {
    let body = json!({"DatabaseName": database, "Name": "contact_records"});
    let get = Call {
        service: "glue",
        method: "POST",
        path: "/".to_owned(),
        target: Some("AWSGlue.GetTable"),
        body: &body,
    };
    let table = call(connection.config(), now, &get).await.map_err(|error| {
        match error.downcast_ref::<Refusal>() {
            Some(refusal) if refusal.code == "EntityNotFoundException" => {
                Unavailable::Missing(format!("table contact_records in database {database}"))
            }
            _ => unavailable_call(&error),
        }
    })?;
    let columns = |columns: &Value| -> BTreeMap<String, String> {
        let text = |column: &Value, name: &str| column[name].as_str().unwrap_or_default().to_owned();
        let columns = columns.as_array().cloned().unwrap_or_default();
        columns.iter().map(|column| (text(column, "Name"), text(column, "Type"))).collect()
    };
    let expected = serde_json::from_str(&schema(SchemaFormat::Glue)).map_err(|error| error.to_string())?;
    Ok(Glue { is: columns(&table["Table"]["StorageDescriptor"]["Columns"]), expected: columns(&expected) })
}

async fn metrics(connection: &Connection, now: Timestamp) -> Fact<Metrics> {
    const HOUR: i64 = 3600;
    let resource = |name: &str| connection.deployed.resources.get(name).cloned().unwrap_or_default();
    let (firehose, upserter) = (resource("ContactRecordFirehose"), resource("AgentEventUpserter"));
    let normalizer = resource("ContactRecordNormalizer");
    let (state, history) = (resource("AgentStateTable"), resource("AgentHistoryTable"));
    let agent_event_stream = &connection.names.agent_event_stream;
    let of = |namespace: &str, name: &str, dimension: (&str, &str), stat: &str| {
        let dimension = Dimension::builder().name(dimension.0).value(dimension.1).build();
        let metric = Metric::builder().namespace(namespace).metric_name(name).dimensions(dimension).build();
        MetricStat::builder().metric(metric).period(3600).stat(stat).build()
    };
    let incoming = match &connection.names.contact_records {
        ContactRecordTarget::Firehose(_) => {
            of("AWS/Firehose", "IncomingRecords", ("DeliveryStreamName", &firehose), "Sum")
        }
        ContactRecordTarget::Stream(stream) => {
            of("AWS/Kinesis", "IncomingRecords", ("StreamName", stream), "Sum")
        }
    };
    let contact_events = resource("ContactEventUpserter");
    let rule = resource("ContactEventRule");
    let stats = [
        incoming,
        of("AWS/Kinesis", "IncomingRecords", ("StreamName", agent_event_stream), "Sum"),
        of("AWS/Lambda", "IteratorAge", ("FunctionName", &upserter), "Maximum"),
        of("AWS/Firehose", "DeliveryToS3.DataFreshness", ("DeliveryStreamName", &firehose), "Maximum"),
        of(NAMESPACE, "RecordsRejected", ("FunctionName", &upserter), "Sum"),
        of(NAMESPACE, "RecordsFailed", ("FunctionName", &normalizer), "Sum"),
        of("AWS/Firehose", "FailedConversion.Records", ("DeliveryStreamName", &firehose), "Sum"),
        of(NAMESPACE, "EnvironmentFaults", ("FunctionName", &upserter), "Sum"),
        of("AWS/DynamoDB", "WriteThrottleEvents", ("TableName", &state), "Sum"),
        of("AWS/DynamoDB", "WriteThrottleEvents", ("TableName", &history), "Sum"),
        of(NAMESPACE, "RecordsRejected", ("FunctionName", &contact_events), "Sum"),
        of(NAMESPACE, "EnvironmentFaults", ("FunctionName", &contact_events), "Sum"),
        of("AWS/Events", "FailedInvocations", ("RuleName", &rule), "Sum"),
        of("AWS/Lambda", "DroppedEventCount", ("FunctionName", &upserter), "Sum"),
    ];
    let queries = stats
        .into_iter()
        .enumerate()
        .map(|(index, stat)| MetricDataQuery::builder().id(format!("m{index}")).metric_stat(stat).build());
    let end = now.epoch_milliseconds() / 1000;
    let client = aws_sdk_cloudwatch::Client::new(connection.config());
    let got = client
        .get_metric_data()
        .set_metric_data_queries(Some(queries.collect()))
        .start_time(DateTime::from_secs(end - 24 * HOUR))
        .end_time(DateTime::from_secs(end))
        .send()
        .await
        .map_err(unavailable("CloudWatch"))?;
    let results: BTreeMap<_, _> = got
        .metric_data_results()
        .iter()
        .filter_map(|result| Some((result.id()?.to_owned(), result.values().to_vec())))
        .collect();
    let values = |index: usize| results.get(&format!("m{index}")).map(Vec::as_slice).unwrap_or_default();
    let sum = |index: usize| values(index).iter().sum::<f64>();
    // Newest first.
    let last = |index: usize| values(index).first().copied().unwrap_or_default();
    Ok(Metrics {
        contact_records: sum(0),
        agent_events: sum(1),
        iterator_age_milliseconds: last(2),
        freshness_seconds: last(3),
        rejected: sum(4),
        failed: sum(5),
        unconverted: sum(6),
        environment_faults: sum(7),
        contact_events_rejected: sum(10),
        contact_event_faults: sum(11),
        undelivered_events: sum(12),
        throttled: sum(8) + sum(9),
        dropped: sum(13),
    })
}

async fn alarms(connection: &Connection) -> Fact<Vec<(String, String)>> {
    let client = aws_sdk_cloudwatch::Client::new(connection.config());
    let prefix = format!("{}-", connection.deployed.stack);
    let described = client.describe_alarms().alarm_name_prefix(prefix).state_value(StateValue::Alarm);
    let alarms = described
        .send()
        .await
        .map_err(unavailable("CloudWatch"))?
        .metric_alarms
        .unwrap_or_default()
        .into_iter();
    Ok(alarms
        .map(|alarm| (alarm.alarm_name.unwrap_or_default(), alarm.alarm_description.unwrap_or_default()))
        .collect())
}
