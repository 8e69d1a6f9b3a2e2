//! The template and the code agree.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use agent_event_upserter::settings::UpserterSettings;
use contact_event_upserter::settings::UpserterSettings as ContactEventSettings;
use contact_record_normalizer::settings::read_policy;
use lake_files::layout::{COPIES_PREFIX, FAILED_PREFIX, ROWS_PREFIX};
use lake_parquet::GlueTable;
use lake_parquet::contact_records as glue_table;
use lambda_io::settings::Settings;
use ledger_tests::template::{self, EXISTING, Template, repository, text};
use ledger_tests::{contact_record_fixtures, functions_folder, transform_event};
use redrive_function::settings::RedriveSettings;
use serde_json::{Value, json};

fn variants() -> [Template; 5] {
    template::variants().map(|(_, parameters)| Template::with(&parameters))
}

/// `CloudFormation` replaces a resource whose logical ID or type changes. A replaced bucket, table, stream, or key
/// loses its data. `tests/fixtures/logical-ids.txt` is written by hand: changing it means that a deployed stack may
/// lose the resource.
#[test]
fn every_resource_keeps_its_logical_id_and_its_type() {
    let list = fs::read_to_string(repository().join("tests/fixtures/logical-ids.txt")).unwrap();
    let lines = list.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let kept: BTreeMap<_, _> = lines.map(|line| line.split_once(' ').unwrap()).collect();
    let types = Template::with_defaults().types();
    let types: BTreeMap<_, _> = types.iter().map(|(id, kind)| (id.as_str(), kind.as_str())).collect();
    let lost: Vec<_> = kept.iter().filter(|(id, kind)| types.get(*id) != Some(kind)).collect();
    assert!(lost.is_empty(), "the next update of a stack would replace or delete {lost:?}");
    let new: Vec<_> = types.iter().filter(|(id, _)| !kept.contains_key(*id)).collect();
    assert!(new.is_empty(), "add to tests/fixtures/logical-ids.txt: {new:?}");
}

#[test]
fn every_part_of_the_template_has_at_most_400_lines() {
    for part in fs::read_dir(repository().join("template")).unwrap() {
        let path = part.unwrap().path();
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines", path.display());
    }
}

/// CloudFormation accepts templates of up to 1 MB from S3.
#[test]
fn the_template_is_not_larger_than_cloudformation_accepts() {
    let size = fs::metadata(repository().join("template.yaml")).unwrap().len();
    assert!(size < 900_000, "{size} bytes");
}

#[test]
fn every_function_has_one_name_for_its_folder_package_and_binary() {
    let template = Template::with(&[("ContactEvents", "true")]);
    let (functions, resources) = (template.of_type("AWS::Serverless::Function"), template.resources());
    let mut deployed = BTreeSet::new();
    for (id, properties) in &functions {
        let folder = properties["CodeUri"].as_str().unwrap();
        let name = folder.strip_prefix("functions/").unwrap();
        let manifest = fs::read_to_string(repository().join(folder).join("Cargo.toml")).unwrap();
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{folder}");
        assert!(manifest.contains("[package.metadata.lambda."), "{folder} has no settings for cargo lambda");
        let metadata = &resources[id]["Metadata"];
        assert_eq!(metadata["BuildMethod"], "rust-cargolambda");
        assert_eq!(metadata["BuildProperties"]["Binary"], name);
        assert!(functions_folder().join(name).is_file(), "{name} has no binary");
        deployed.insert(name.to_owned());
    }
    let folders = fs::read_dir(repository().join("functions")).unwrap();
    let folders: BTreeSet<_> =
        folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(deployed, folders);

    let text = text();
    assert!(text.contains("\n    Runtime: provided.al2023\n    Handler: bootstrap\n"), "{text}");
}

fn environment(template: &Template, function: &str) -> BTreeMap<String, String> {
    let properties = template.properties(function);
    let variables = properties["Environment"]["Variables"].as_object().unwrap().iter();
    variables.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

/// Reads a function's settings from its environment in the template, and returns the names of the variables that it
/// read.
fn variables_read<T, E: std::fmt::Display>(
    environment: &BTreeMap<String, String>,
    read: impl Fn(&Settings<'_>) -> Result<T, E>,
) -> BTreeSet<String> {
    let names = RefCell::new(BTreeSet::new());
    let lookup = |name: &str| {
        names.borrow_mut().insert(name.to_owned());
        environment.get(name).cloned()
    };
    read(&Settings::from_lookup(&lookup)).map_err(|error| error.to_string()).unwrap();
    names.into_inner()
}

#[test]
fn functions_get_exactly_the_variables_that_they_read() {
    for template in variants() {
        let given = environment(&template, "ContactRecordNormalizer");
        assert_eq!(variables_read(&given, read_policy), given.into_keys().collect());
        let given = environment(&template, "AgentEventUpserter");
        assert_eq!(variables_read(&given, UpserterSettings::read), given.into_keys().collect());
        // Without contact events, redrive has nothing to send them to.
        let given = environment(&template, "Redrive");
        let mut read = variables_read(&given, RedriveSettings::read);
        let has_contact_events = template.parameter("ContactEvents") == "true";
        read.retain(|name| has_contact_events || !name.starts_with("CONTACT_EVENT_"));
        assert_eq!(read, given.into_keys().collect());
        if has_contact_events {
            let given = environment(&template, "ContactEventUpserter");
            let read = variables_read(&given, ContactEventSettings::read);
            assert_eq!(given["CONNECT_INSTANCE_ID"], template::INSTANCE.rsplit('/').next().unwrap());
            assert_eq!(read, given.into_keys().collect());
        }
    }
    let given = environment(&Template::with_defaults(), "AgentEventUpserter");
    for (variable, resource) in [
        ("AGENT_STATE_TABLE", "AgentStateTable"),
        ("AGENT_HISTORY_TABLE", "AgentHistoryTable"),
        ("REJECTED_BUCKET", "LakeBucket"),
    ] {
        assert_eq!(given[variable], resource);
    }
}

#[test]
fn the_templates_defaults_are_the_codes_defaults() {
    let given = environment(&Template::with_defaults(), "AgentEventUpserter");
    let lookup = |name: &str| given.get(name).cloned();
    let deployed = UpserterSettings::read(&Settings::from_lookup(&lookup)).unwrap();
    let names = ["AGENT_STATE_TABLE", "AGENT_HISTORY_TABLE", "REJECTED_BUCKET"];
    let lookup = |name: &str| names.contains(&name).then(|| given[name].clone());
    let default = UpserterSettings::read(&Settings::from_lookup(&lookup)).unwrap();
    assert_eq!(deployed.rules.retention, default.rules.retention);
    assert_eq!(deployed.write_concurrency, default.write_concurrency);
}

#[test]
fn the_templates_defaults_of_contact_events_are_the_codes_defaults() {
    let template = Template::with(&[("ContactEvents", "true")]);
    let given = environment(&template, "ContactEventUpserter");
    let lookup = |name: &str| given.get(name).cloned();
    let deployed = ContactEventSettings::read(&Settings::from_lookup(&lookup)).unwrap();
    assert_eq!(deployed.rules.instance_id, None, "without an instance, none is foreign");
    assert_eq!(deployed.rules.retention, contact_state::Retention::default());
    assert_eq!(deployed.write_concurrency.get(), 64);
    let hours = |name: &str| template.parameter(name).parse::<u32>().unwrap();
    let longest = contact_state::LongestLife {
        voice_task_hours: hours("UnconfirmedVoiceTaskHours"),
        chat_hours: hours("UnconfirmedChatHours"),
        other_hours: hours("UnconfirmedOtherHours"),
    };
    assert_eq!(longest, contact_state::LongestLife::default());
    // Contacts without an end are kept at least as long as ended ones, whatever the parameters.
    let limit = |name: &str, limit: &str| template.declared_parameters()[name][limit].as_u64().unwrap();
    assert!(limit("EndedContactDays", "MaxValue") <= limit("UnendedContactDays", "MinValue"));
    assert!(limit("EndedContactDays", "MinValue") >= 30);
}

/// The settings of the rule, the queues, and the mapping on which the delivery of contact events depends.
#[test]
fn the_queue_of_contact_events_loses_nothing() {
    let template = Template::with(&[("ContactEvents", "true")]);
    let rule = template.properties("ContactEventRule");
    let types = connect_streams::contact_event::DETAIL_TYPES;
    assert_eq!(rule["EventPattern"], json!({"source": ["aws.connect"], "detail-type": types}));
    let targets = rule["Targets"].as_array().unwrap();
    let arns: Vec<_> = targets.iter().map(|target| target["Arn"].as_str().unwrap()).collect();
    assert_eq!(arns, ["ContactEventQueue.Arn", "ContactEventFirehose.Arn"]);
    for target in targets {
        assert_eq!(target["DeadLetterConfig"]["Arn"], "ContactEventRuleDeadLetters.Arn");
        assert!(target["RetryPolicy"].is_null() && target["InputTransformer"].is_null());
    }
    let (mapping, function) =
        (template.properties("ContactEventMapping"), template.properties("ContactEventUpserter"));
    assert_eq!(mapping["EventSourceArn"], "ContactEventQueue.Arn");
    assert_eq!(mapping["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    assert!(mapping["FilterCriteria"].is_null(), "Lambda deletes messages that do not match a filter");
    assert!(
        mapping["BatchSize"].as_u64() <= Some(10)
            || mapping["MaximumBatchingWindowInSeconds"].as_u64() >= Some(1)
    );
    assert!(mapping["ScalingConfig"]["MaximumConcurrency"].as_u64() >= Some(2));
    let queue = template.properties("ContactEventQueue");
    let window = mapping["MaximumBatchingWindowInSeconds"].as_u64().unwrap();
    assert!(
        queue["VisibilityTimeout"].as_u64().unwrap() >= 6 * function["Timeout"].as_u64().unwrap() + window
    );
    assert_eq!(queue["RedrivePolicy"]["deadLetterTargetArn"], "ContactEventDeadLetters.Arn");
    assert!(queue["RedrivePolicy"]["maxReceiveCount"].as_u64().unwrap() >= 5);
    for (id, queue) in template.of_type("AWS::SQS::Queue") {
        assert_eq!(queue["MessageRetentionPeriod"], 14 * 86_400, "{id}");
        assert_eq!(queue["KmsMasterKeyId"], "Key", "{id}");
        let policies = template.of_type("AWS::SQS::QueuePolicy");
        let policy = policies.iter().find(|(_, policy)| policy["Queues"] == json!([id]));
        let (_, policy) = policy.unwrap_or_else(|| panic!("{id} has no policy"));
        let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap();
        assert!(statements.iter().any(|one| one["Sid"] == "TlsOnly" && one["Effect"] == "Deny"), "{id}");
        let allowed: Vec<_> = statements.iter().filter(|one| one["Effect"] == "Allow").collect();
        // SQS moves messages to the dead-letter queue of a queue without a statement.
        assert_eq!(allowed.len(), usize::from(id != "ContactEventDeadLetters"), "{id}");
        for statement in allowed {
            assert_eq!(statement["Principal"]["Service"], "events.amazonaws.com");
            assert_eq!(
                (&statement["Action"], &statement["Resource"]),
                (&json!("sqs:SendMessage"), &json!(format!("{id}.Arn")))
            );
            assert_eq!(
                statement["Condition"],
                json!({"ArnEquals": {"aws:SourceArn": "ContactEventRule.Arn"}})
            );
        }
    }
    // The service needs both actions to send to an encrypted queue.
    let key = template.properties("Key");
    let statements = key["KeyPolicy"]["Statement"].as_array().unwrap();
    let statement = statements.iter().find(|one| one["Sid"] == "EventBridgeSendsContactEvents").unwrap();
    assert_eq!(statement["Action"], json!(["kms:Decrypt", "kms:GenerateDataKey"]));
    let without = Template::with_defaults().properties("Key");
    assert!(!without.to_string().contains("EventBridge"));
    let archive = &template.properties("ContactEventFirehose")["ExtendedS3DestinationConfiguration"];
    assert_eq!(archive["Prefix"], lake_files::layout::CONTACT_EVENT_COPIES_PREFIX);
    assert!(
        archive["ErrorOutputPrefix"]
            .as_str()
            .unwrap()
            .starts_with(lake_files::layout::FAILED_CONTACT_EVENT_COPIES)
    );
    assert_eq!(archive["ProcessingConfiguration"]["Processors"][0]["Type"], "AppendDelimiterToRecord");
}

/// A stack without contact events has nothing of them.
#[test]
fn without_contact_events_nothing_of_them_is_created() {
    for template in variants().into_iter().filter(|one| one.parameter("ContactEvents") == "false") {
        let resources = serde_json::to_string(&template.resources()).unwrap();
        for word in ["ContactEvent", "ContactState", "contact-event", "AWS::SQS", "AWS::Events"] {
            assert!(!resources.contains(word), "{word}");
        }
    }
}

/// The settings of the event source mapping on which the delivery guarantees depend.
#[test]
fn the_event_source_mapping_loses_nothing() {
    for template in variants() {
        let mapping = template.properties("AgentEventMapping");
        let existing = template.parameter("ExistingAgentEventStreamArn");
        let stream = if existing.is_empty() { "AgentEventStream.Arn" } else { existing };
        assert_eq!(mapping["EventSourceArn"], stream);
        assert_eq!(mapping["FunctionName"], "AgentEventUpserter");
        assert_eq!(
            mapping["FunctionResponseTypes"],
            json!(["ReportBatchItemFailures"]),
            "unfinished records would count as done"
        );
        assert_eq!(
            mapping["StartingPosition"], "TRIM_HORIZON",
            "records put during its creation would be missed"
        );
        assert_eq!(
            mapping["BisectBatchOnFunctionError"], true,
            "one bad record would send its whole batch to the bucket"
        );
        assert_eq!(
            mapping["DestinationConfig"]["OnFailure"]["Destination"],
            local_aws::permission::bucket_arn("lake"),
            "discarded records would be lost"
        );
        assert_eq!(mapping["MetricsConfig"]["Metrics"], json!(["EventCount"]), "two alarms use them");
        assert!(mapping["FilterCriteria"].is_null(), "a filter drops malformed records without a trace");
        let number = |name: &str| template.parameter(name).parse::<u64>().unwrap();
        assert!(
            (1..=10_000).contains(&number("MaximumRetryAttempts")),
            "a batch that crashes would block its shard"
        );
        let age = number("MaximumRecordAgeSeconds");
        assert!(
            age < number("StreamRetentionHours") * 3600,
            "records would expire from the stream before they are discarded"
        );
        assert!(
            number("BatchSize") <= 10 || number("BatchingWindowSeconds") >= 1,
            "the service requires a window"
        );
        for (property, parameter) in [
            ("BatchSize", "BatchSize"),
            ("MaximumBatchingWindowInSeconds", "BatchingWindowSeconds"),
            ("ParallelizationFactor", "ParallelizationFactor"),
            ("MaximumRetryAttempts", "MaximumRetryAttempts"),
            ("MaximumRecordAgeInSeconds", "MaximumRecordAgeSeconds"),
        ] {
            assert_eq!(mapping[property], template.parameter(parameter), "{property}");
        }
        let function = template.properties("AgentEventUpserter");
        assert!(function["Timeout"].as_u64().unwrap() >= 30);
    }
}

#[test]
fn firehose_delivers_as_the_local_stack_does() {
    for template in variants() {
        let firehose = template.properties("ContactRecordFirehose");
        let destination = &firehose["ExtendedS3DestinationConfiguration"];
        assert_eq!(destination["Prefix"], ROWS_PREFIX);
        assert_eq!(destination["ErrorOutputPrefix"], FAILED_PREFIX);
        assert_eq!(destination["S3BackupMode"], "Enabled", "rows could not be rebuilt");
        assert_eq!(destination["S3BackupConfiguration"]["Prefix"], COPIES_PREFIX);
        assert_eq!(destination["DynamicPartitioningConfiguration"]["Enabled"], true);

        let processor = &destination["ProcessingConfiguration"]["Processors"][0];
        let parameters = processor["Parameters"].as_array().unwrap().iter();
        let parameters: BTreeMap<_, _> = parameters
            .map(|one| (one["ParameterName"].as_str().unwrap(), one["ParameterValue"].as_str().unwrap()))
            .collect();
        assert_eq!(processor["Type"], "Lambda");
        assert_eq!(parameters["LambdaArn"], "ContactRecordNormalizer.Arn");
        // With 6 MB each way, rows in the response may be five times as large as their records.
        assert!(parameters["BufferSizeInMBs"].parse::<f64>().unwrap() <= 1.0);

        let has_tables = template.parameter("LakeTables") == "true";
        let conversion = &destination["DataFormatConversionConfiguration"];
        assert_eq!(conversion["Enabled"] == true, has_tables);
        assert_eq!(destination["CompressionFormat"], if has_tables { "UNCOMPRESSED" } else { "GZIP" });
        if has_tables {
            let input = &conversion["InputFormatConfiguration"]["Deserializer"]["OpenXJsonSerDe"];
            assert_eq!(input["CaseInsensitive"], false, "attribute keys would collide");
            assert_eq!(conversion["SchemaConfiguration"]["TableName"], "ContactRecordTable");
        }
    }
    for (id, firehose) in
        variants().iter().flat_map(|one| one.of_type("AWS::KinesisFirehose::DeliveryStream"))
    {
        let logging = &firehose["ExtendedS3DestinationConfiguration"]["CloudWatchLoggingOptions"];
        assert_eq!(logging["Enabled"], true, "{id} has no error log");
    }
}

/// Rows, the prefix, and the table have the same partition keys.
#[test]
fn rows_are_stored_where_the_table_expects_them() {
    let (_, fixture) = contact_record_fixtures().into_iter().next().unwrap();
    let policy = contact_lake::Policy::default();
    let (response, _) = contact_record_normalizer::transform(transform_event([fixture.as_slice()]), &policy);
    let response = serde_json::to_value(response).unwrap();
    let keys = response["records"][0]["metadata"]["partitionKeys"].as_object().unwrap();
    let keys: Vec<_> = keys.keys().map(String::as_str).collect();

    let table = &Template::with_defaults().properties("ContactRecordTable")["TableInput"];
    let partitions: Vec<_> =
        table["PartitionKeys"].as_array().unwrap().iter().map(|key| key["Name"].as_str().unwrap()).collect();
    assert_eq!(partitions, keys);
    let placed = keys.iter().fold(ROWS_PREFIX.to_owned(), |prefix, key| {
        prefix.replace(&format!("!{{partitionKeyFromLambda:{key}}}"), &format!("${{{key}}}"))
    });
    assert_eq!(table["Parameters"]["storage.location.template"], format!("s3://LakeBucket/{placed}"));
    for key in keys {
        assert_eq!(table["Parameters"][format!("projection.{key}.format")], "yyyy-MM-dd");
    }

    let columns = table["StorageDescriptor"]["Columns"].as_array().unwrap().iter();
    let columns = columns.map(|column| (column["Name"].as_str().unwrap(), column["Type"].as_str().unwrap()));
    let deployed = GlueTable::new("contact_ledger", "contact_records", columns).unwrap();
    assert_eq!(deployed.schema, glue_table().unwrap().schema);
}

#[test]
fn the_tables_have_the_keys_that_the_code_writes() {
    let template = Template::with(&[("ContactEvents", "true")]);
    for (id, keys) in [
        ("AgentStateTable", ["board", "agent_id"]),
        ("AgentHistoryTable", ["agent_id", "entry"]),
        ("ContactStateTable", ["board", "contact_id"]),
    ] {
        let table = template.properties(id);
        assert_eq!(
            table["KeySchema"],
            json!([
                {"AttributeName": keys[0], "KeyType": "HASH"}, {"AttributeName": keys[1], "KeyType": "RANGE"}
            ])
        );
        assert_eq!(table["TimeToLiveSpecification"], json!({"AttributeName": "expires_at", "Enabled": true}));
        assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
        assert_eq!(table["SSESpecification"]["KMSMasterKeyId"], "Key.Arn");
        assert_eq!(table["DeletionProtectionEnabled"], template.parameter("DeletionProtection"));
    }
    let index = &template.properties("ContactStateTable")["LocalSecondaryIndexes"];
    let key = [("board", "HASH"), ("in_flight", "RANGE")];
    let key = key.map(|(name, kind)| json!({"AttributeName": name, "KeyType": kind}));
    assert_eq!(
        *index,
        json!([{
            "IndexName": tables_dynamodb::contacts::INDEX, "KeySchema": key,
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }])
    );
}

#[test]
fn resources_with_data_outlive_the_stack_and_are_encrypted() {
    let text = text();
    for id in ["Key", "LakeBucket", "AgentStateTable", "AgentHistoryTable", "ContactStateTable"] {
        let place = text.find(&format!("\n  {id}:\n")).unwrap();
        let head: Vec<_> = text[place + 1..].lines().take(5).collect();
        // A rollback of the first deployment cannot delete a protected table, so it retains the table.
        let policy = if id.ends_with("Table") { "Retain" } else { "RetainExceptOnCreate" };
        assert!(
            head.contains(&format!("    DeletionPolicy: {policy}").as_str()),
            "{id} is deleted with the stack"
        );
        assert!(head.contains(&"    UpdateReplacePolicy: Retain"), "{id} is deleted when it is replaced");
    }
    for template in variants() {
        for (id, stream) in template.of_type("AWS::Kinesis::Stream") {
            assert_eq!(
                stream["StreamEncryption"],
                json!({"EncryptionType": "KMS", "KeyId": "Key.Arn"}),
                "{id}"
            );
        }
        for (id, group) in template.of_type("AWS::Logs::LogGroup") {
            assert_eq!(group["KmsKeyId"], "Key.Arn", "{id}");
            assert_eq!(group["RetentionInDays"], template.parameter("LogRetentionDays"), "{id}");
        }
        let bucket = template.properties("LakeBucket");
        assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled");
        let block = bucket["PublicAccessBlockConfiguration"].as_object().unwrap();
        assert!(block.len() == 4 && block.values().all(|value| value == true));
    }
}

#[test]
fn connect_sends_both_kinds_of_records_to_the_stack() {
    let config = |template: &Template| -> BTreeMap<String, (String, String)> {
        let configs = template.of_type("AWS::Connect::InstanceStorageConfig").into_iter();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        configs
            .map(|(_, config)| {
                let target = text(&config["KinesisStreamConfig"]["StreamArn"])
                    + &text(&config["KinesisFirehoseConfig"]["FirehoseArn"]);
                (text(&config["ResourceType"]), (text(&config["StorageType"]), target))
            })
            .collect()
    };
    let [defaults, kinesis, .., existing] = variants();
    assert_eq!(config(&defaults), BTreeMap::new());
    assert_eq!(config(&existing), BTreeMap::new(), "the owner of the streams configures Connect");
    let pair = |kind: &str, target: &str| (kind.to_owned(), target.to_owned());
    let agent_events = ("AGENT_EVENTS".to_owned(), pair("KINESIS_STREAM", "AgentEventStream.Arn"));
    let records = |kind, target| ("CONTACT_TRACE_RECORDS".to_owned(), pair(kind, target));
    assert_eq!(
        config(&kinesis),
        BTreeMap::from([agent_events.clone(), records("KINESIS_STREAM", "ContactRecordStream.Arn")])
    );
    let direct = Template::with(&[("ConnectInstanceArn", kinesis.parameter("ConnectInstanceArn"))]);
    assert_eq!(
        config(&direct),
        BTreeMap::from([agent_events, records("KINESIS_FIREHOSE", "ContactRecordFirehose.Arn")])
    );

    // The statement lets only Connect's role use the key.
    let policy = &direct.properties("Key")["KeyPolicy"];
    let statements = policy["Statement"].as_array().unwrap();
    let open: Vec<_> = statements.iter().filter(|one| one["Principal"]["AWS"] == "*").collect();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0]["Action"], "kms:GenerateDataKey");
    assert_eq!(open[0]["Condition"]["StringEquals"]["kms:CallerAccount"], "111122223333");
    assert_eq!(
        open[0]["Condition"]["ArnLike"]["aws:PrincipalArn"],
        "arn:aws:iam::111122223333:role/aws-service-role/connect.amazonaws.com/AWSServiceRoleForAmazonConnect*"
    );
}

/// Checks the table of parameters in docs/deploy.md.
#[test]
fn every_parameter_is_documented_with_its_default() {
    let docs = fs::read_to_string(repository().join("docs/deploy.md")).unwrap();
    let rows = docs.lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("| `")?.split('|').map(str::trim).collect();
        let name = cells[0].strip_suffix('`')?;
        (cells.len() == 5).then(|| (name.to_owned(), cells[1].trim_matches('`').to_owned()))
    });
    let documented: BTreeMap<_, _> = rows.collect();
    let template = Template::with_defaults();
    let declared = template.declared_parameters();
    let default = |name: &String| match template.parameter(name) {
        "" => "–".to_owned(),
        value => value.to_owned(),
    };
    assert_eq!(documented, declared.keys().map(|name| (name.clone(), default(name))).collect());
    for (name, parameter) in declared {
        assert!(parameter["Description"].as_str().is_some_and(|text| text.ends_with('.')), "{name}");
        let has_pattern = parameter["AllowedPattern"].is_string();
        assert_eq!(has_pattern, parameter["ConstraintDescription"].is_string(), "{name}");
    }
}

mod documented_rules {
    //! Rules that AWS documents and no emulator checks. Each test names the page.

    use super::*;

    fn read(file: &str) -> String {
        fs::read_to_string(repository().join(file)).unwrap()
    }

    fn expressions(alarm: &Value) -> (String, Vec<(String, String)>) {
        let queries = alarm["Metrics"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let expression = queries.iter().find(|query| query["Expression"].is_string()).unwrap();
        let metrics = queries.iter().filter(|query| query["MetricStat"].is_object());
        let metrics = metrics.map(|query| {
            assert_eq!(query["ReturnData"], false, "an alarm watches one expression");
            (text(&query["Id"]), text(&query["MetricStat"]["Metric"]["MetricName"]))
        });
        (text(&expression["Expression"]), metrics.collect())
    }

    /// SAM CLI, guided deployment: the prompt for a `NoEcho` parameter repeats until something is typed, and a
    /// parameter without a default cannot be left empty.
    #[test]
    fn every_question_of_a_guided_deployment_can_be_answered_with_enter() {
        for (name, parameter) in Template::with_defaults().declared_parameters() {
            assert!(parameter["NoEcho"].is_null(), "{name}");
            assert!(!parameter["Default"].is_null(), "{name} has no default");
        }
        let example = read("samconfig.example.toml");
        assert!(!example.contains("\nconfirm_changeset"), "Enter means No at SAM's last question");
        assert!(read(".gitignore").lines().any(|line| line.trim_start_matches('/') == "samconfig.toml"));
        assert!(read("Makefile").contains("samconfig.example.toml"));
    }

    /// [Get values stored in other services using dynamic references](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html)
    /// (CloudFormation User Guide): any property can refer to Secrets Manager. Only a few can refer to `ssm-secure`, and
    /// Lambda's environment variables are not among them.
    #[test]
    fn the_hash_key_is_a_reference_to_a_secret() {
        let declared = Template::with_defaults();
        let pattern = declared.declared_parameters()["PiiHashKeySecret"]["AllowedPattern"].as_str().unwrap();
        assert!(!pattern.contains("ssm"), "{pattern}");
        let template = Template::with(&[("PiiHashKeySecret", "contact-ledger-hash-key")]);
        for function in ["ContactRecordNormalizer", "AgentEventUpserter"] {
            assert_eq!(
                environment(&template, function)["PII_HASH_KEY"],
                "{{resolve:secretsmanager:contact-ledger-hash-key}}"
            );
            assert_eq!(environment(&declared, function)["PII_HASH_KEY"], "");
        }
    }

    /// [Writing with Kinesis Data Streams](https://docs.aws.amazon.com/firehose/latest/dev/writing-with-kinesis-streams.html)
    /// (Firehose Developer Guide): Firehose reads a stream from LATEST, so records put before it is active are never
    /// read.
    #[test]
    fn streaming_starts_after_firehose_is_active() {
        let [_, kinesis, ..] = variants();
        let resources = kinesis.resources();
        assert_eq!(resources["ContactRecordStreaming"]["DependsOn"], "ContactRecordFirehose");
        assert_eq!(resources["AgentEventStreaming"]["Metadata"]["After"], "AgentEventFirehose");
        let instance = kinesis.parameter("ConnectInstanceArn");
        let without = Template::with(&[("ConnectInstanceArn", instance), ("AgentEventArchive", "false")]);
        assert_eq!(without.resources()["AgentEventStreaming"]["Metadata"]["After"], "");
    }

    /// [`DeletionPolicy` attribute](https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html)
    /// (CloudFormation Template Reference),
    /// [Using deletion protection](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html#WorkingWithTables.Basics.DeletionProtection)
    /// (DynamoDB Developer Guide): a rollback deletes resources with `RetainExceptOnCreate`, and DynamoDB refuses to
    /// delete a protected table. So the step that Connect may refuse comes first.
    #[test]
    fn the_tables_are_created_after_streaming() {
        let [_, kinesis, ..] = variants();
        for table in ["AgentStateTable", "AgentHistoryTable"] {
            let resource = &kinesis.resources()[table];
            assert_eq!(resource["DeletionPolicy"], "Retain");
            let after: BTreeSet<_> =
                resource["Metadata"]["After"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert_eq!(after, BTreeSet::from(["AgentEventStreaming", "ContactRecordStreaming"]), "{table}");
        }
    }

    /// [Controlling access](https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html) (Firehose Developer
    /// Guide): no page guarantees that `aws:SourceArn` is sent whenever the role is assumed, and generated names are
    /// truncated.
    #[test]
    fn firehoses_roles_trust_only_the_account() {
        for role in ["ContactRecordFirehoseRole", "AgentEventFirehoseRole"] {
            let role = Template::with_defaults().properties(role);
            let statement = &role["AssumeRolePolicyDocument"]["Statement"][0];
            assert_eq!(
                statement["Condition"],
                json!({"StringEquals": {"aws:SourceAccount": "111122223333"}})
            );
        }
    }

    /// [`Column`](https://docs.aws.amazon.com/glue/latest/webapi/API_Column.html) (AWS Glue API Reference): a comment has at
    /// most 255 characters. The stricter reading is bytes.
    #[test]
    fn every_comment_has_at_most_255_bytes() {
        for template in variants() {
            for (id, table) in template.of_type("AWS::Glue::Table") {
                let input = &table["TableInput"];
                let columns = [&input["StorageDescriptor"]["Columns"], &input["PartitionKeys"]];
                for column in columns.into_iter().filter_map(Value::as_array).flatten() {
                    let comment = column["Comment"].as_str().unwrap_or_default();
                    assert!(comment.len() <= 255, "{id}: {comment}");
                }
            }
        }
    }

    /// [`PutMetricAlarm`](https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html): an
    /// alarm on a metric in AWS/DynamoDB always ignores missing data, regardless of `TreatMissingData`, so it never
    /// returns to OK.
    #[test]
    fn throttling_alarms_return_to_ok() {
        for (id, alarm) in Template::with_defaults().of_type("AWS::CloudWatch::Alarm") {
            assert_ne!(alarm["Namespace"], "AWS/DynamoDB", "{id}");
        }
        for alarm in ["AgentStateThrottled", "AgentHistoryThrottled"] {
            let (expression, metrics) = expressions(&Template::with_defaults().properties(alarm));
            let [(id, metric)] = &metrics[..] else { panic!("{metrics:?}") };
            assert_eq!((expression, metric.as_str()), (format!("FILL({id}, 0)"), "WriteThrottleEvents"));
        }
    }

    /// [Server-side encryption CloudWatch metrics](https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html)
    /// (Firehose Developer Guide): four metrics show that a key is unusable.
    #[test]
    fn a_denied_disabled_or_deleted_key_sets_off_an_alarm() {
        for alarm in ["ContactRecordsKeyDenied", "AgentEventArchiveKeyDenied"] {
            let (expression, metrics) = expressions(&Template::with_defaults().properties(alarm));
            let names: BTreeSet<_> = metrics.iter().map(|(_, name)| name.as_str()).collect();
            let expected = ["KMSKeyAccessDenied", "KMSKeyDisabled", "KMSKeyInvalidState", "KMSKeyNotFound"];
            assert_eq!(names, expected.into());
            let parts: BTreeSet<_> = expression.split(" + ").map(str::to_owned).collect();
            assert_eq!(
                parts,
                metrics.iter().map(|(id, _)| format!("FILL({id}, 0)")).collect(),
                "{expression}"
            );
        }
    }

    /// [Stream-level metrics](https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html) (Kinesis
    /// Data Streams Developer Guide): `PutRecord` and `PutRecords` have separate metrics.
    #[test]
    fn failed_puts_of_either_kind_set_off_an_alarm() {
        let (expression, metrics) =
            expressions(&Template::with_defaults().properties("AgentEventStreamFailing"));
        let names: BTreeSet<_> = metrics.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, BTreeSet::from(["PutRecord.Success", "PutRecords.Success"]));
        let filled: Vec<_> = metrics.iter().map(|(id, _)| format!("FILL({id}, 1)")).collect();
        assert_eq!(expression, format!("MIN([{}])", filled.join(", ")));
    }

    /// [Configuring how CloudWatch alarms treat missing data](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html)
    /// (CloudWatch User Guide): missing data is breaching, so a stream without any record is in alarm from the first
    /// evaluation.
    #[test]
    fn silence_alarms_mention_that_a_new_stack_sets_them_off() {
        let [defaults, kinesis, ..] = variants();
        for (template, alarm) in [
            (&defaults, "ContactRecordsSilent"),
            (&kinesis, "ContactRecordStreamSilent"),
            (&defaults, "AgentEventsSilent"),
        ] {
            let alarm = template.properties(alarm);
            assert_eq!(alarm["TreatMissingData"], "breaching");
            assert!(alarm["AlarmDescription"].as_str().unwrap().contains("since the stack was deployed"));
        }
    }

    /// [`LifecycleExpiration`](https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleExpiration.html) (S3 API
    /// Reference): `ExpiredObjectDeleteMarker` needs a rule without days.
    #[test]
    fn expired_delete_markers_are_removed() {
        let rules = &Template::with_defaults().properties("LakeBucket")["LifecycleConfiguration"]["Rules"];
        let rules = rules.as_array().unwrap();
        let marked: Vec<_> = rules.iter().filter(|rule| rule["ExpiredObjectDeleteMarker"] == true).collect();
        assert_eq!(marked.len(), 1);
        assert!(marked[0]["ExpirationInDays"].is_null() && marked[0]["Status"] == "Enabled");
    }

    /// [Encrypt log data using AWS KMS](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html)
    /// (CloudWatch Logs User Guide),
    /// [Key management](https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html) (SNS Developer Guide): both need
    /// `kms:GenerateDataKey*`. Connect needs only `kms:GenerateDataKey` to put on a Kinesis stream.
    #[test]
    fn the_key_policy_allows_the_actions_that_services_document() {
        let policy = &Template::with_defaults().properties("Key")["KeyPolicy"];
        let actions = |sid: &str| {
            let statements = policy["Statement"].as_array().unwrap();
            let statement = statements.iter().find(|statement| statement["Sid"] == sid).unwrap();
            statement["Action"].to_string()
        };
        for sid in ["CloudWatchLogs", "AlarmsPublish"] {
            assert!(actions(sid).contains(r#""kms:GenerateDataKey*""#), "{}", actions(sid));
        }
        assert_eq!(actions("AmazonConnectPutsRecords"), r#""kms:GenerateDataKey""#);
    }

    /// Manual steps are documented, with the words that somebody would search for.
    #[test]
    fn the_docs_describe_what_the_template_cannot_do() {
        for (file, words) in [
            // Dynamic partitioning (https://docs.aws.amazon.com/firehose/latest/dev/buffering.html): 1.5 times the
            // interval.
            ("docs/deploy.md", &["900 seconds", "1.5 times"][..]),
            // Lambda quotas (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html): new accounts have
            // reduced concurrency.
            ("docs/deploy.md", &["get-account-settings"]),
            // Schema of AWS::Connect::InstanceStorageConfig.
            ("docs/deploy.md", &["connect:DescribeInstance", "ds:DescribeDirectories"]),
            ("docs/deploy.md", &["Lake Formation", "--confirm-changeset", "x86_64"]),
            ("docs/deploy.md", &["## If you already stream", "## If the first deployment fails"]),
            // Amazon Data Firehose quota (https://docs.aws.amazon.com/firehose/latest/dev/limits.html): three of them.
            (
                "docs/operations.md",
                &[
                    "The quota has three parts per Region",
                    "| records per second |",
                    "| requests per second |",
                    "| MB per second |",
                ],
            ),
        ] {
            let text = read(file);
            for words in words {
                assert!(text.contains(words), "{file} does not contain {words}");
            }
        }
    }

    #[test]
    fn a_stack_on_existing_streams_creates_neither_streams_nor_streaming_and_reads_with_their_keys() {
        let [.., template] = variants();
        for kind in ["AWS::Kinesis::Stream", "AWS::Connect::InstanceStorageConfig"] {
            assert_eq!(template.of_type(kind), []);
        }
        let existing: BTreeMap<_, _> = EXISTING.into();
        let records = existing["ExistingContactRecordStreamArn"];
        let firehose = template.properties("ContactRecordFirehose");
        assert_eq!(firehose["DeliveryStreamType"], "KinesisStreamAsSource");
        assert_eq!(firehose["KinesisStreamSourceConfiguration"]["KinesisStreamARN"], records);
        for (output, value) in [
            ("ContactRecordTarget", records),
            ("ContactRecordStreamArn", records),
            ("ContactRecordStreamOwner", "existing"),
            ("AgentEventStreamArn", existing["ExistingAgentEventStreamArn"]),
            ("AgentEventStreamName", "their-events"),
            ("AgentEventStreamOwner", "existing"),
        ] {
            assert_eq!(template.output(output), value, "{output}");
        }
        let [defaults, ..] = variants();
        assert_eq!(defaults.output("AgentEventStreamOwner"), "stack");
        let decrypts = |template: &Template, role: &str| {
            let policies = template.properties(role)["Policies"].to_string();
            let keys = ["key/records", "key/events"].map(|key| policies.contains(key));
            (keys[0], keys[1])
        };
        assert_eq!(decrypts(&template, "ContactRecordFirehoseRole"), (true, false));
        assert_eq!(decrypts(&template, "AgentEventFirehoseRole"), (false, true));
        assert_eq!(decrypts(&template, "AgentEventUpserterRole"), (false, true));
        // Without a key, nothing needs to be decrypted or permitted.
        let bare = Template::with(&[EXISTING[0], EXISTING[2]]);
        for role in ["ContactRecordFirehoseRole", "AgentEventFirehoseRole", "AgentEventUpserterRole"] {
            let policies = bare.properties(role)["Policies"].to_string();
            assert!(!policies.contains("kinesis.eu-west-2"), "{role}: {policies}");
        }
    }

    /// [Rules section syntax](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html)
    /// (CloudFormation User Guide).
    #[test]
    fn contradictory_parameters_are_refused_with_a_reason() {
        assert_eq!(Template::with(&EXISTING).broken_rules(), Vec::<String>::new());
        for (key, sentence) in [
            (EXISTING[1], "ExistingContactRecordStreamKeyArn requires ExistingContactRecordStreamArn"),
            (EXISTING[3], "ExistingAgentEventStreamKeyArn requires ExistingAgentEventStreamArn"),
        ] {
            let broken = Template::with(&[key]).broken_rules();
            assert!(broken.len() == 1 && broken[0].starts_with(sentence), "{broken:?}");
        }
        let topic = ("AlarmTopicArn", "arn:aws:sns:eu-west-2:111122223333:alarms");
        let email = ("AlarmEmail", "operator@example.com");
        assert_eq!(Template::with(&[topic, email]).broken_rules().len(), 1);
        for one in [topic, email] {
            assert_eq!(Template::with(&[one]).broken_rules(), Vec::<String>::new());
        }
    }
}
