//! From facts to findings: what is wrong with a stack, and what to do. Pure: it looks at nothing but the facts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::facts::{Facts, Firehose, Function, Glue, Key, Looked, Mapping, Metrics, Stream, Table, Unseen};
use crate::stack::parts::ExistingStream;
use crate::stack::streaming::Association;
use connect_streams::StreamKind;
use ledger_console::process::outcome::Outcome;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Good,
    /// Somebody should look at it by day.
    Warning,
    /// It could not be looked at: what is wrong with it, nobody knows.
    Unknown,
    /// Data does not arrive, or is about to be lost.
    Error,
}

impl Severity {
    /// How a command ends that has found it.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Good => Outcome::Done,
            Self::Warning => Outcome::Differs,
            Self::Unknown => Outcome::NotSeen,
            Self::Error => Outcome::DataLoss,
        }
    }
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check's name.
    pub check: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub says: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// Hands out findings of one check.
struct Check<'f> {
    name: &'static str,
    /// What puts everything back as it should be.
    restore: &'static str,
    findings: &'f mut Vec<Finding>,
}

impl Check<'_> {
    fn found(&mut self, severity: Severity, says: impl Into<String>, fix: impl Into<String>) {
        let fix = Some(fix.into());
        self.findings.push(Finding { check: self.name, severity, says: says.into(), fix });
    }

    fn error(&mut self, says: impl Into<String>, fix: impl Into<String>) {
        self.found(Severity::Error, says, fix);
    }

    fn warning(&mut self, says: impl Into<String>, fix: impl Into<String>) {
        self.found(Severity::Warning, says, fix);
    }

    /// An error that goes when everything is put back.
    fn broken(&mut self, says: impl Into<String>) {
        self.error(says, self.restore);
    }
}

/// What all checks found.
struct Findings {
    restore: &'static str,
    all: Vec<Finding>,
}

impl Findings {
    /// Looks at one fact: what could not be looked at is told; where there is nothing to look at, nothing is.
    fn look<T>(
        &mut self,
        name: &'static str,
        fact: Option<&Looked<T>>,
        good: impl FnOnce(&T) -> String,
        check: impl FnOnce(&T, &mut Check<'_>),
    ) {
        let Some(fact) = fact else { return };
        let before = self.all.len();
        let mut hands = Check { name, restore: self.restore, findings: &mut self.all };
        match fact {
            Err(Unseen::Missing(what)) => hands.broken(format!("{what} is not there")),
            Err(Unseen::Denied(why)) => hands.found(
                Severity::Unknown,
                format!("could not be looked at: {why}"),
                "use credentials that may look; docs/operations.md has the rights that doctor needs",
            ),
            Err(Unseen::Unknown(why)) => {
                let says = format!("could not be looked at: {why}");
                self.all.push(Finding { check: name, severity: Severity::Unknown, says, fix: None });
            }
            Ok(fact) => {
                check(fact, &mut hands);
                if self.all.len() == before {
                    let says = good(fact);
                    self.all.push(Finding { check: name, severity: Severity::Good, says, fix: None });
                }
            }
        }
    }
}

const DEPLOY: &str = "deploy the stack again (`sam deploy`), which restores it";
const SERVE: &str = "start `contact-ledger demo --serve` again, which restores it";

/// All findings, in the order of the way that records take.
#[must_use]
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let mut found = Findings { restore: if facts.is_local { SERVE } else { DEPLOY }, all: Vec::new() };
    stack(facts, &mut found);
    way_in(facts, &mut found);
    functions(facts, &mut found);
    destinations(facts, &mut found);
    lately(facts, &mut found);
    found.all
}

/// From Amazon Connect onto the streams.
fn way_in(facts: &Facts, found: &mut Findings) {
    let good = |region: &String| format!("in {region}, as the stack is");
    found.look("instance of Connect", facts.instance_region.as_ref(), good, |region, check| {
        if *region != facts.region {
            check.error(
                format!("the instance is in {region}, and the stack in {}", facts.region),
                "both must be in one region: deploy the stack in the instance's",
            );
        }
    });
    for (name, kind) in [
        ("streaming of contact records", StreamKind::ContactRecords),
        ("streaming of agent events", StreamKind::AgentEvents),
    ] {
        let association = facts.associations.get(&kind);
        found.look(
            name,
            association,
            |_| "points at this stack".to_owned(),
            |association, check| {
                streaming(facts, kind, association.as_ref(), check);
            },
        );
    }
    found.look(
        "key",
        facts.key.as_ref(),
        |_| "enabled, and Connect may use it".to_owned(),
        |key, check| self::key(facts, key, check),
    );
    for (name, stream) in &facts.streams {
        let is_existing = facts.existing.values().any(|existing| existing.name == *name);
        let whose = if is_existing { ", and not the stack's own: others read it too" } else { "" };
        let good = |_: &Stream| format!("{name} is active{whose}");
        found.look("stream", Some(stream), good, |stream, check| self::stream(facts, name, stream, check));
    }
}

/// What works on the records.
fn functions(facts: &Facts, found: &mut Findings) {
    for (name, function) in &facts.functions {
        let good = |_: &Function| format!("{name} is active");
        found.look("function", Some(function), good, |function, check| {
            self::function(name, function, check);
        });
    }
    let good =
        |mapping: &Mapping| format!("enabled, and loses nothing; last result: {}", mapping.last_result);
    found.look("event source mapping", facts.mapping.as_ref(), good, mapping);
    let good = |_: &Firehose| "active, with its function".to_owned();
    found.look("Firehose", facts.firehose.as_ref(), good, |firehose, check| {
        if firehose.status != "ACTIVE" {
            check.broken(format!("the Firehose of contact records is {}", firehose.status));
        }
        if !firehose.is_transformed {
            check.broken("the Firehose of contact records does not invoke contact-record-normalizer");
        }
    });
}

/// Where they get to.
fn destinations(facts: &Facts, found: &mut Findings) {
    let good = |glue: &Glue| format!("has the {} columns of this version", glue.expected.len());
    found.look("lake table", facts.glue.as_ref(), good, glue);
    for (name, table) in &facts.tables {
        let good = |_: &Table| format!("{name} is active, and its items expire");
        found.look("agent table", Some(table), good, |table, check| self::table(name, table, check));
    }
}

/// What happened.
fn lately(facts: &Facts, found: &mut Findings) {
    found.look("last 24 hours", facts.metrics.as_ref(), told, metrics);
    let good = |_: &BTreeMap<String, usize>| "none in the last seven days".to_owned();
    found.look("failed records", facts.failed.as_ref(), good, |failed, check| {
        if !failed.is_empty() {
            let reasons: Vec<_> =
                failed.iter().map(|(reason, records)| format!("{records} {reason}")).collect();
            check.warning(
                format!("kept in the last seven days, and not sent again: {}", reasons.join(", ")),
                "remove the cause (docs/operations.md has each reason), then `contact-ledger redrive`",
            );
        }
    });
    let good = |_: &Vec<(String, String)>| "all quiet".to_owned();
    found.look("alarms", facts.alarms.as_ref(), good, |alarms, check| {
        for (name, description) in alarms {
            check.warning(format!("{name} is in alarm"), description.clone());
        }
    });
}

fn stack(facts: &Facts, found: &mut Findings) {
    found.look(
        "stack",
        facts.status.as_ref(),
        |status| format!("{status} in {}", facts.region),
        |status, check| {
            if status.contains("FAILED") || status.contains("ROLLBACK_IN_PROGRESS") {
                check.error(
                    format!("the stack is {status}"),
                    "its events say why: `aws cloudformation describe-stack-events`; then deploy it again",
                );
            } else if status.ends_with("IN_PROGRESS") {
                check.warning(format!("the stack is {status}"), "wait until it is done, and look again");
            }
        },
    );
}

fn streaming(facts: &Facts, kind: StreamKind, association: Option<&Association>, check: &mut Check<'_>) {
    let existing = facts.existing.get(&kind);
    let enable = "switch it on: `contact-ledger connect enable`";
    let Some(association) = association else {
        let says = format!("Amazon Connect does not stream {}", kind.as_str());
        match existing {
            None => check.error(says, enable),
            Some(stream) => check.error(
                says,
                format!("the stack reads {}, which is not its own: ask who owns it, or `contact-ledger connect enable`", stream.name),
            ),
        }
        return;
    };
    let is_elsewhere = facts.targets.get(&kind).is_some_and(|target| *target != association.target);
    if let (true, Some(stream)) = (is_elsewhere, existing) {
        check.error(
            format!(
                "Amazon Connect streams {} to {}, and the stack reads {}, which is not its own",
                kind.as_str(),
                association.target,
                stream.name
            ),
            "deploy the stack with the stream that Connect fills (docs/deploy.md, If you already stream)",
        );
    } else if is_elsewhere {
        check.error(
            format!(
                "Amazon Connect streams {} to {}, which is not of this stack",
                kind.as_str(),
                association.target
            ),
            enable,
        );
    }
}

fn key(facts: &Facts, key: &Key, check: &mut Check<'_>) {
    if !key.is_enabled {
        check.error(
            "the key is disabled: nothing can be put, read or written",
            "enable it: `aws kms enable-key`",
        );
    }
    let services: BTreeSet<String> =
        ["kinesis", "firehose"].map(|service| format!("{service}.{}.amazonaws.com", facts.region)).into();
    let missing: Vec<_> = services.difference(&key.connect_may_use_it_via).cloned().collect();
    if !missing.is_empty() {
        check.error(
            format!("the key's policy does not let Amazon Connect use it via {}: it cannot put a record, and nothing tells", missing.join(" and ")),
            format!("restore the statement AmazonConnectPutsRecords: {}", check.restore),
        );
    }
}

fn stream(facts: &Facts, name: &str, stream: &Stream, check: &mut Check<'_>) {
    if stream.status != "ACTIVE" {
        check.error(
            format!("{name} is {}", stream.status),
            "wait until it is active; if it stays, look at the stack's events",
        );
    }
    if let Some(existing) = facts.existing.values().find(|existing| existing.name == name) {
        return existing_stream(existing, stream, check);
    }
    match (&stream.key, &facts.key_arn) {
        (Some(used), _) if used.ends_with("alias/aws/kinesis") => check.broken(format!(
            "{name} is encrypted with the AWS managed key, which Amazon Connect cannot use: it cannot put a record"
        )),
        (_, Some(_)) if !stream.is_encrypted => {
            check.warning(format!("{name} is not encrypted"), check.restore);
        }
        (Some(used), Some(own)) if used != own => check.warning(
            format!("{name} is encrypted with {used}, not with the stack's key"),
            format!("see that Amazon Connect may use that key (docs/deploy.md, Encryption), or {}", check.restore),
        ),
        _ => {}
    }
}

/// Its encryption is its owner's choice; the stack must be able to read it.
fn existing_stream(existing: &ExistingStream, stream: &Stream, check: &mut Check<'_>) {
    let name = &existing.name;
    let key = stream.key.as_deref().filter(|key| stream.is_encrypted && !key.ends_with("alias/aws/kinesis"));
    // Which key an alias stands for is not known here.
    let is_key = |own: &str, key: &str| own == key || own.ends_with(key) || key.contains("alias/");
    let may_decrypt = |key: &str| existing.key.as_deref().is_some_and(|own| is_key(own, key));
    if let Some(key) = key.filter(|key| !may_decrypt(key)) {
        check.error(
            format!("{name} is encrypted with {key}, which the stack may not decrypt with: nothing can be read"),
            "deploy the stack with that key: parameter ExistingAgentEventStreamKeyArn or ExistingContactRecordStreamKeyArn; the key's policy must let the account's roles use it",
        );
    }
}

fn function(name: &str, function: &Function, check: &mut Check<'_>) {
    if function.state != "Active" {
        check.broken(format!("{name} is {}: {}", function.state, function.reason));
    }
    if function.last_update == "Failed" {
        check.broken(format!("the last update of {name} failed: {}", function.reason));
    }
    if function.reserved_concurrency == Some(0) {
        check.error(
            format!("{name} may not run: its reserved concurrency is 0"),
            "let it: `aws lambda delete-function-concurrency`",
        );
    }
}

fn mapping(mapping: &Mapping, check: &mut Check<'_>) {
    if mapping.state != "Enabled" {
        check.error(
            format!("it is {}: agent events wait in the stream, and are lost when they are older than it keeps them", mapping.state),
            "switch it on: `aws lambda update-event-source-mapping --enabled`",
        );
    }
    if mapping.last_result.contains("Function call failed") {
        check.error(
            format!("its last call of the function failed: {}", mapping.last_result),
            "the function's log says why (docs/operations.md, Upserter Errors); what it was given is tried again",
        );
    } else if mapping.last_result.starts_with("PROBLEM") {
        check.error(
            format!("it cannot invoke or read: {}", mapping.last_result),
            format!(
                "the sentence names what is refused, usually a right of AgentEventUpserterRole or the key; {}",
                check.restore
            ),
        );
    }
    if !mapping.reports_failures {
        check.broken("it does not listen to failures (ReportBatchItemFailures): events that were not finished count as done");
    }
    if !mapping.has_on_failure {
        check.broken("it has no place for events that it gives up: they would be lost");
    }
    if mapping.has_filter {
        check.error(
            "it has a filter: malformed events disappear without a trace",
            format!("remove the filter: {}", check.restore),
        );
    }
    if !mapping.bisects {
        let says = "it does not bisect: one event that crashes the function costs its whole batch";
        check.warning(says, check.restore);
    }
    if mapping.maximum_record_age.is_none_or(|age| age <= 0)
        && mapping.maximum_retries.is_none_or(|retries| retries < 0)
    {
        check.broken("it tries for ever: one batch that fails blocks its shard");
    }
}

fn glue(glue: &Glue, check: &mut Check<'_>) {
    let difference = |left: &BTreeMap<String, String>, right: &BTreeMap<String, String>| -> Vec<String> {
        left.iter().filter(|(name, _)| !right.contains_key(*name)).map(|(name, _)| name.clone()).collect()
    };
    let missing = difference(&glue.expected, &glue.is);
    let others = difference(&glue.is, &glue.expected);
    let changed: Vec<_> = glue
        .expected
        .iter()
        .filter(|(name, kind)| glue.is.get(*name).is_some_and(|is| is != *kind))
        .map(|(name, kind)| format!("{name} is {} and not {kind}", glue.is[name]))
        .collect();
    let told = [
        (!missing.is_empty()).then(|| format!("lacks {}", missing.join(", "))),
        (!changed.is_empty()).then(|| changed.join(", ")),
        (!others.is_empty()).then(|| format!("also has {}", others.join(", "))),
    ];
    let told: Vec<_> = told.into_iter().flatten().collect();
    if !told.is_empty() {
        let fix = "this program and the stack are of different versions, or somebody edited the table (a crawler?); deploy the stack again with this version";
        if changed.is_empty() && missing.is_empty() {
            check.warning(format!("the table of rows {}", told.join("; ")), fix);
        } else {
            check.error(format!("the table of rows {}: such rows are not converted", told.join("; ")), fix);
        }
    }
}

fn table(name: &str, table: &Table, check: &mut Check<'_>) {
    if table.status != "ACTIVE" {
        check.error(
            format!("{name} is {}", table.status),
            "wait until it is active; if it stays, look at the stack's events",
        );
    }
    if table.ttl_attribute.as_deref() != Some("expires_at") {
        check.warning(
            format!("items of {name} never expire: it grows, and costs, for ever"),
            format!("switch TTL on for expires_at: {}", check.restore),
        );
    }
}

fn told(metrics: &Metrics) -> String {
    format!(
        "{:.0} contact records and {:.0} agent events came; none failed, none waits",
        metrics.contact_records, metrics.agent_events
    )
}

fn metrics(metrics: &Metrics, check: &mut Check<'_>) {
    if metrics.contact_records == 0.0 && metrics.agent_events == 0.0 {
        check.warning("nothing came", "if somebody worked: docs/operations.md, Nothing reaches the stream");
    }
    if metrics.iterator_age_milliseconds > 300_000.0 {
        check.error(
            format!("agent events are {:.0} minutes behind", metrics.iterator_age_milliseconds / 60_000.0),
            "docs/operations.md, Agent Events Behind: faults, throttles, or too slow for what comes",
        );
    }
    if metrics.freshness_seconds > 1800.0 {
        check.error(
            format!("rows are {:.0} minutes behind", metrics.freshness_seconds / 60.0),
            "the log group of Firehose says what was refused (docs/operations.md, Contact Records Late)",
        );
    }
    for (what, count, section) in [
        ("agent events were rejected", metrics.rejected, "Agent Events Rejected"),
        ("contact records failed", metrics.failed, "Contact Records Failed"),
        ("rows were not converted", metrics.unconverted, "Contact Records Unconverted"),
        ("writes were refused by DynamoDB or S3", metrics.environment_faults, "Agent Event Faults"),
        ("writes to the agent tables were throttled", metrics.throttled, "Agent Event Retries"),
    ] {
        if count > 0.0 {
            check.warning(format!("{count:.0} {what}"), format!("docs/operations.md, {section}"));
        }
    }
}

#[cfg(test)]
mod tests;
