//! EventBridge.
//!
//! Source: [`PutEvents`](https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html),
//! [`ListRules`](https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListRules.html),
//! [`DescribeRule`](https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html),
//! [`ListTargetsByRule`](https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListTargetsByRule.html). Unlike the
//! service, it accepts events whose `source` begins with `aws.`: there is no Amazon Connect here that could send them.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal, unknown};
use super::services::Services;
use crate::event_bus::{Entry, Rule};
use crate::now;

/// `PutEvents`, `Entries`.
const ENTRIES: std::ops::RangeInclusive<usize> = 1..=10;
/// The size of all entries of a `PutEvents`.
const ENTRIES_BYTES: usize = 1024 * 1024;

impl Services {
    pub(super) fn events(&self, operation: &str, request: &Value) -> Answer {
        match operation {
            "PutEvents" => self.put_events(request),
            "ListRules" => Ok(json!({"Rules": self.bus.rules.iter().map(described).collect::<Vec<_>>()})),
            "DescribeRule" => self.rule(request, "Name").map(described),
            "ListTargetsByRule" => {
                let targets = self.rule(request, "Rule")?.targets().enumerate();
                let targets: Vec<_> =
                    targets.map(|(id, arn)| json!({"Id": id.to_string(), "Arn": arn})).collect();
                Ok(json!({"Targets": targets}))
            }
            other => Err(unknown(other)),
        }
    }

    fn rule(&self, request: &Value, name: &str) -> Result<&Rule, Refusal> {
        let name = request[name].as_str().unwrap_or_default();
        let rule = self.bus.rules.iter().find(|rule| rule.name == name);
        rule.ok_or_else(|| Refusal {
            code: "ResourceNotFoundException",
            message: format!("rule {name:?} does not exist on the default event bus"),
        })
    }

    fn put_events(&self, request: &Value) -> Answer {
        let entries = request["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
        let bytes: usize = entries.iter().map(|entry| entry["Detail"].as_str().map_or(0, str::len)).sum();
        if !ENTRIES.contains(&entries.len()) || bytes > ENTRIES_BYTES {
            let message = format!("a request must have 1 to 10 entries of {ENTRIES_BYTES} bytes in total");
            return Err(Refusal { code: "ValidationException", message });
        }
        let put: Vec<_> = entries
            .iter()
            .map(|entry| match read(entry) {
                Ok(entry) => json!({"EventId": self.bus.put_entry(entry)}),
                Err((code, message)) => json!({"ErrorCode": code, "ErrorMessage": message}),
            })
            .collect();
        let failed = put.iter().filter(|put| put["ErrorCode"].is_string()).count();
        Ok(json!({"FailedEntryCount": failed, "Entries": put}))
    }
}

fn read(entry: &Value) -> Result<Entry, (&'static str, String)> {
    let text = |name: &str| {
        let text = entry[name].as_str().filter(|text| !text.is_empty());
        text.map(str::to_owned).ok_or(("InvalidArgument", format!("Parameter {name} is not valid.")))
    };
    let detail: Result<Map<String, Value>, _> = serde_json::from_str(&text("Detail")?);
    let time = match &entry["Time"] {
        Value::Null => now(),
        // The AWS JSON protocol sends seconds.
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds are enough")]
        time => jiff::Timestamp::from_second(time.as_f64().unwrap_or_default() as i64)
            .map_err(|_| ("InvalidArgument", "Parameter Time is not valid.".to_owned()))?,
    };
    if !matches!(entry["EventBusName"].as_str(), None | Some("default")) {
        return Err(("InvalidArgument", "only the default event bus exists".to_owned()));
    }
    let resources = entry["Resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(Entry {
        source: text("Source")?,
        detail_type: text("DetailType")?,
        detail: detail.map_err(|_| ("MalformedDetail", "Detail is malformed.".to_owned()))?,
        time,
        resources: resources.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}

fn described(rule: &Rule) -> Value {
    json!({
        "Name": rule.name, "Arn": rule.arn(), "State": "ENABLED", "EventBusName": "default",
        "EventPattern": Value::Object(rule.pattern.members().clone()).to_string(),
    })
}
