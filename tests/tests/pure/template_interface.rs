//! What users and operators of a stack rely on, beyond its logical IDs: alarms, outputs, expiry, and names.
//!
//! `tests/fixtures/stack.txt` lists them for every variant of the stack. A change of this list is a change for deployed
//! stacks, so it is made by hand, and reviewed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use ledger_tests::template::{self, Template, repository};
use serde_json::Value;

/// Values that are different for every parameter, so that two of them cannot be swapped.
const DISTINCT: [(&str, &str); 4] = [
    ("RawRetentionDays", "401"),
    ("FailureRetentionDays", "402"),
    ("LogRetentionDays", "180"),
    ("SilenceHours", "71"),
];

fn variants() -> Vec<(&'static str, Template)> {
    let with = |(name, mut parameters): (_, Vec<_>)| {
        parameters.extend(DISTINCT);
        (name, Template::with(&parameters))
    };
    template::variants().into_iter().map(with).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn dimensions(metric: &Value) -> String {
    let dimension = |one: &Value| format!("{}={}", text(&one["Name"]), text(&one["Value"]));
    metric["Dimensions"].as_array().unwrap().iter().map(dimension).collect::<Vec<_>>().join(",")
}

fn alarm(alarm: &Value) -> String {
    let what = match alarm["Metrics"].as_array() {
        None => {
            let statistic =
                if alarm["Statistic"].is_null() { &alarm["ExtendedStatistic"] } else { &alarm["Statistic"] };
            format!(
                "{} of {} {} {} per {} s",
                text(statistic),
                text(&alarm["Namespace"]),
                text(&alarm["MetricName"]),
                dimensions(alarm),
                text(&alarm["Period"])
            )
        }
        Some(queries) => {
            let query = |query: &Value| {
                let metric = &query["MetricStat"]["Metric"];
                if metric.is_null() {
                    return text(&query["Expression"]);
                }
                format!(
                    "{} = {} of {} {} {} per {} s",
                    text(&query["Id"]),
                    text(&query["MetricStat"]["Stat"]),
                    text(&metric["Namespace"]),
                    text(&metric["MetricName"]),
                    dimensions(metric),
                    text(&query["MetricStat"]["Period"])
                )
            };
            queries.iter().map(query).collect::<Vec<_>>().join("; ")
        }
    };
    let side = match alarm["ComparisonOperator"].as_str().unwrap() {
        "GreaterThanThreshold" => ">",
        "LessThanThreshold" => "<",
        other => panic!("{other} is not used"),
    };
    assert!(alarm["Threshold"].is_number(), "{alarm}");
    format!(
        "{what} {side} {} x{}, missing data {}",
        alarm["Threshold"],
        text(&alarm["EvaluationPeriods"]),
        text(&alarm["TreatMissingData"])
    )
}

/// The list of a variant.
fn lines(template: &Template) -> Vec<String> {
    let mut lines = Vec::new();
    for (id, properties) in template.of_type("AWS::CloudWatch::Alarm") {
        lines.push(format!("alarm {id}: {}", alarm(&properties)));
    }
    for (name, value) in template.resolved()["Outputs"].as_object().unwrap() {
        lines.push(format!("output {name}: {}", text(&value["Value"])));
    }
    let rules = &template.properties("LakeBucket")["LifecycleConfiguration"]["Rules"];
    for rule in rules.as_array().unwrap() {
        let prefix = rule["Prefix"].as_str().unwrap_or("(all)");
        let mut what = String::new();
        for (name, value) in rule.as_object().unwrap() {
            if !["Id", "Status", "Prefix"].contains(&name.as_str()) {
                let _ = write!(what, " {name}={value}");
            }
        }
        assert_eq!(rule["Status"], "Enabled");
        lines.push(format!("expiry {prefix}:{what}"));
    }
    lines.sort();
    lines
}

#[test]
fn alarms_outputs_and_expiry_are_as_listed() {
    let mut list = String::from(
        "# What users and operators of a stack rely on, for each variant in tests/src/template.rs. A changed line changes deployed\n# stacks.\n",
    );
    let mut first: Option<BTreeSet<String>> = None;
    for (name, template) in variants() {
        let _ = writeln!(list, "\n[{name}]");
        let lines = lines(&template);
        match &first {
            None => {
                for line in &lines {
                    let _ = writeln!(list, "{line}");
                }
                first = Some(lines.into_iter().collect());
            }
            // Other variants: the difference from the first.
            Some(first) => {
                let lines: BTreeSet<_> = lines.into_iter().collect();
                for line in first.difference(&lines) {
                    let _ = writeln!(list, "- {line}");
                }
                for line in lines.difference(first) {
                    let _ = writeln!(list, "+ {line}");
                }
            }
        }
    }
    let path = repository().join("tests/fixtures/stack.txt");
    let listed = fs::read_to_string(&path).unwrap_or_default();
    if listed != list {
        let new = std::env::temp_dir().join("contact-ledger-stack.txt");
        fs::write(&new, list).unwrap();
        panic!("the stack differs from {}; compare it with {}", path.display(), new.display());
    }
}

/// A resource with a name of its own is replaced when the name changes, and could not be replaced without a conflict. A
/// stack with data must never be replaced, so these have generated names.
#[test]
fn resources_with_data_have_generated_names_and_are_kept() {
    for (variant, template) in variants() {
        for (id, resource) in template.resources() {
            let properties = &resource["Properties"];
            let (name, is_kept) = match resource["Type"].as_str().unwrap() {
                "AWS::S3::Bucket" => ("BucketName", true),
                "AWS::DynamoDB::Table" => ("TableName", true),
                "AWS::Kinesis::Stream" => ("Name", false),
                "AWS::KMS::Key" => ("KeyName", true),
                "AWS::KinesisFirehose::DeliveryStream" => ("DeliveryStreamName", false),
                "AWS::IAM::Role" => ("RoleName", false),
                // Without its policy, the retained bucket would accept plain HTTP.
                "AWS::S3::BucketPolicy" => ("", true),
                _ => continue,
            };
            assert!(properties[name].is_null(), "{variant}: {id} has the name {}", properties[name]);
            let is_retained =
                |policy: &str| resource[policy].as_str().is_some_and(|policy| policy.starts_with("Retain"));
            assert!(
                !is_kept || is_retained("DeletionPolicy") && is_retained("UpdateReplacePolicy"),
                "{variant}: {id} is not kept"
            );
        }
    }
}

/// A statement for all principals refuses, or a condition limits it to the account.
#[test]
fn a_statement_for_everybody_refuses_or_is_limited_to_the_account() {
    fn statements<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
        match value {
            Value::Object(members) => {
                if members.contains_key("Effect") && members.contains_key("Principal") {
                    found.push(value);
                }
                members.values().for_each(|member| statements(member, found));
            }
            Value::Array(elements) => elements.iter().for_each(|element| statements(element, found)),
            _ => {}
        }
    }
    for (variant, template) in variants() {
        let resources = serde_json::to_value(template.resources()).unwrap();
        let mut found = Vec::new();
        statements(&resources, &mut found);
        assert!(found.len() > 5, "{variant}");
        for statement in found {
            let principal = &statement["Principal"];
            let is_everybody = principal == "*" || principal["AWS"] == "*";
            if is_everybody && statement["Effect"] != "Deny" {
                let condition = statement["Condition"].to_string();
                assert!(condition.contains("111122223333"), "{variant}: {statement}");
            }
        }
    }
}

/// A rule with days would delete rows, or the markers of backfill.
#[test]
fn rows_do_not_expire() {
    let rules = Template::with_defaults().properties("LakeBucket")["LifecycleConfiguration"]["Rules"].take();
    for rule in rules.as_array().unwrap().iter().filter(|rule| !rule["ExpirationInDays"].is_null()) {
        let prefix = rule["Prefix"].as_str().expect("a rule with days has a prefix");
        for kept in [lake_files::layout::ROWS, lake_files::layout::BACKFILL_DONE] {
            assert!(!kept.starts_with(prefix) && !prefix.starts_with(kept), "{rule}");
        }
    }
}

#[test]
fn every_question_of_a_guided_deployment_is_in_a_group_with_its_range_documented() {
    let template = Template::with_defaults();
    let groups = &template.resolved()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"];
    let grouped = groups.as_array().unwrap().iter().flat_map(|group| group["Parameters"].as_array().unwrap());
    let mut grouped: Vec<_> = grouped.map(text).collect();
    grouped.sort();
    let declared = template.declared_parameters();
    let mut names: Vec<_> = declared.keys().cloned().collect();
    names.sort();
    assert_eq!(grouped, names);

    let docs = fs::read_to_string(repository().join("docs/deploy.md")).unwrap();
    for (name, range) in
        [("SilenceHours", [1, 168]), ("LakeBufferSeconds", [60, 900]), ("ParallelizationFactor", [1, 10])]
    {
        assert_eq!([&declared[name]["MinValue"], &declared[name]["MaxValue"]], range.each_ref(), "{name}");
        let row = docs.lines().find(|line| line.starts_with(&format!("| `{name}`"))).unwrap();
        assert!(row.contains(&format!("{} to {}", range[0], range[1])), "{row}");
    }
}

/// A page or a program that names an output finds it.
#[test]
fn every_output_that_the_docs_name_exists() {
    let outputs: BTreeSet<_> = variants()
        .iter()
        .flat_map(|(_, template)| {
            template.resolved()["Outputs"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        })
        .collect();
    for page in
        ["docs/deploy.md", "docs/operations.md", "docs/agent-state.md", "docs/queries.md", "README.md"]
    {
        let page_text = fs::read_to_string(repository().join(page)).unwrap().replace('\n', " ");
        for (_, after) in
            page_text.match_indices("output").map(|(place, word)| page_text.split_at(place + word.len()))
        {
            // "the output `Name`", "stack output `Name`", "outputs `A` and, …, `B`"
            let Some(name) = after.trim_start_matches('s').strip_prefix(" `") else { continue };
            let name = name.split('`').next().unwrap();
            assert!(outputs.contains(name), "{page} names the output {name}");
        }
    }
}
