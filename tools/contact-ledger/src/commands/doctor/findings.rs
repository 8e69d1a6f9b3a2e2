//! Turns facts into findings: what is wrong with a stack, and how to fix it. Pure: depends only on the facts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::facts::{
    Fact, Facts, Firehose, Function, Glue, Key, Mapping, Metrics, OldEvent, Stream, Table, Unavailable,
    Version,
};
use redrive::Count;

use crate::stack::parts::ExistingStream;
use crate::stack::streaming::Association;
use connect_streams::StreamKind;
use ledger_console::process::outcome::Outcome;
use ledger_console::render::terminal::counted;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// No problem.
    Good,
    /// Needs attention, but not at once.
    Warning,
    /// The check could not run.
    Unknown,
    /// Data is not arriving, or is about to be lost.
    Error,
}

impl Severity {
    /// The outcome of a command with such a finding.
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

/// The result of one check.
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

/// Records the findings of one check.
struct Check<'f> {
    name: &'static str,
    /// The fix that restores the deployed configuration.
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

    /// An error that restoring the configuration fixes.
    fn broken(&mut self, says: impl Into<String>) {
        self.error(says, self.restore);
    }
}

/// The findings of all checks.
struct Findings {
    restore: &'static str,
    all: Vec<Finding>,
}

impl Findings {
    /// Checks one fact. An unavailable fact is a finding; an absent one is not.
    fn check<T>(
        &mut self,
        name: &'static str,
        fact: Option<&Fact<T>>,
        good: impl FnOnce(&T) -> String,
        check: impl FnOnce(&T, &mut Check<'_>),
    ) {
        let Some(fact) = fact else { return };
        let before = self.all.len();
        let mut findings = Check { name, restore: self.restore, findings: &mut self.all };
        match fact {
            Err(Unavailable::Missing(what)) => {
                let fix = if name.ends_with(" table") && name != "lake table" { RESTORE_TABLE } else { self.restore };
                findings.error(format!("{what} does not exist"), fix);
            }
            Err(Unavailable::Denied(why)) => findings.found(
                Severity::Unknown,
                format!("could not be checked: {why}"),
                "use credentials that can read it; docs/operations.md lists the permissions that doctor needs",
            ),
            Err(Unavailable::Unknown(why)) => {
                let says = format!("could not be checked: {why}");
                self.all.push(Finding { check: name, severity: Severity::Unknown, says, fix: None });
            }
            Ok(fact) => {
                check(fact, &mut findings);
                if self.all.len() == before {
                    let says = good(fact);
                    self.all.push(Finding { check: name, severity: Severity::Good, says, fix: None });
                }
            }
        }
    }
}

const DEPLOY: &str = "restore it (docs/operations.md, Restoring the deployment); `sam deploy` alone does not undo changes made by hand";
/// Deploying again does not bring a table back, and an empty one is not enough.
const RESTORE_TABLE: &str = "docs/operations.md, Restoring a table";
const SERVE: &str = "start `contact-ledger demo --serve` again to restore it";

/// All findings, in the order in which records flow through the stack.
#[must_use]
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let mut found = Findings { restore: if facts.is_local { SERVE } else { DEPLOY }, all: Vec::new() };
    stack(facts, &mut found);
    version(facts, &mut found);
    inbound(facts, &mut found);
    functions(facts, &mut found);
    contact_events(facts, &mut found);
    destinations(facts, &mut found);
    history(facts, &mut found);
    recent(facts, &mut found);
    found.all
}

/// From Amazon Connect to the streams.
fn inbound(facts: &Facts, found: &mut Findings) {
    let good = |region: &String| format!("in {region}, like the stack");
    found.check("instance of Connect", facts.instance_region.as_ref(), good, |region, check| {
        if *region != facts.region {
            check.error(
                format!("the instance is in {region}, and the stack is in {}", facts.region),
                "both must be in one Region: deploy the stack in the instance's Region",
            );
        }
    });
    for (name, kind) in [
        ("streaming of contact records", StreamKind::ContactRecords),
        ("streaming of agent events", StreamKind::AgentEvents),
    ] {
        let association = facts.associations.get(&kind);
        found.check(
            name,
            association,
            |_| "goes to this stack".to_owned(),
            |association, check| {
                streaming(facts, kind, association.as_ref(), check);
            },
        );
    }
    found.check(
        "key",
        facts.key.as_ref(),
        |_| "enabled, and Amazon Connect can use it".to_owned(),
        |key, check| self::key(facts, key, check),
    );
    for (name, stream) in &facts.streams {
        let is_existing = facts.existing.values().any(|existing| existing.name == *name);
        let owner = if is_existing { ", not the stack's own: other consumers read it too" } else { "" };
        let good = |_: &Stream| format!("{name} is active{owner}");
        found.check("stream", Some(stream), good, |stream, check| self::stream(facts, name, stream, check));
    }
}

/// The functions, the event source mapping, and Firehose.
fn functions(facts: &Facts, found: &mut Findings) {
    for (name, function) in &facts.functions {
        let good = |_: &Function| format!("{name} is active");
        found.check("function", Some(function), good, |function, check| {
            self::function(name, function, check);
        });
    }
    let good = |mapping: &Mapping| {
        format!("enabled, with settings that lose nothing; last result: {}", mapping.last_result)
    };
    found.check("event source mapping", facts.mapping.as_ref(), good, mapping);
    let good = |_: &Firehose| "active, and invokes its function".to_owned();
    found.check("Firehose", facts.firehose.as_ref(), good, |firehose, check| {
        if firehose.status != "ACTIVE" {
            check.broken(format!("the Firehose stream for contact records is {}", firehose.status));
        }
        if !firehose.is_transformed {
            check.broken("the Firehose stream for contact records does not invoke contact-record-normalizer");
        }
    });
}

/// The rule, the queue's event source mapping, and the dead-letter queues of contact events.
fn contact_events(facts: &Facts, found: &mut Findings) {
    let Some(contact_events) = &facts.contact_events else { return };
    let good = |_: &Table| "active, and its items expire".to_owned();
    found.check("contact table", contact_events.table.as_ref(), good, |table, check| {
        self::table("the table of contacts in flight", table, facts.key_arn.as_deref(), check);
    });
    let good = |_: &String| "enabled".to_owned();
    found.check("rule for contact events", contact_events.rule.as_ref(), good, |state, check| {
        if state != "ENABLED" {
            check.error(
                format!("it is {state}: contact events do not arrive, and are not kept anywhere"),
                "turn it on: `aws events enable-rule`",
            );
        }
    });
    let good = |mapping: &Mapping| format!("enabled; last result: {}", mapping.last_result);
    let mapping = contact_events.mapping.as_ref();
    found.check("mapping for contact events", mapping, good, |mapping, check| {
        if mapping.state != "Enabled" {
            check.error(
                format!(
                    "it is {}: contact events wait in the queue, and are lost when its retention period ends",
                    mapping.state
                ),
                "turn it on: `aws lambda update-event-source-mapping --enabled`",
            );
        }
        if !mapping.reports_failures {
            check.broken(
                "partial batch responses are off (ReportBatchItemFailures): unfinished events count as processed",
            );
        }
        if mapping.has_filter {
            check.error(
                "it has a filter: events that do not match it are deleted silently",
                format!("remove the filter: {}", check.restore),
            );
        }
    });
    for (name, messages) in &contact_events.dead_letters {
        let good = |_: &usize| format!("{name} is empty");
        found.check("dead-letter queue", Some(messages), good, |messages, check| {
            if *messages > 0 {
                check.warning(
                    format!("{} in {name}", counted(*messages as u64, "contact event is", "contact events are")),
                    "fix the cause (docs/operations.md, Contact Events Dead Lettered; for the rule's queue, Contact Events Undelivered), then run `contact-ledger redrive`",
                );
            }
        });
    }
}

/// The lake table and the agent tables.
fn destinations(facts: &Facts, found: &mut Findings) {
    let good = |glue: &Glue| format!("has the {} columns of this version", glue.expected.len());
    found.check("lake table", facts.glue.as_ref(), good, glue);
    for (name, table) in &facts.tables {
        let good = |_: &Table| format!("{name} is active, and its items expire");
        found.check("agent table", Some(table), good, |table, check| {
            self::table(name, table, facts.key_arn.as_deref(), check);
        });
    }
}

/// Whether the history has what it should still have.
fn history(facts: &Facts, found: &mut Findings) {
    let good = |old: &OldEvent| format!("has an entry of an old event of the archive, of {}", old.time());
    found.check("history", facts.old_event.as_ref(), good, |old, check| {
        if !old.is_in_history {
            check.error(
                format!(
                    "the entry {} of an event in {} is not in AgentHistory: the table was created again, or the event was discarded{}",
                    old.entry,
                    old.object,
                    // Without a status, the event's own entry is looked for.
                    if old.entry.starts_with("event#") { ", or HistoryEvents was changed later" } else { "" }
                ),
                "redrive discarded events; for a table that was created again: docs/operations.md, Restoring a table",
            );
        }
    });
}

/// Recent metrics, dead letters, and alarms.
fn recent(facts: &Facts, found: &mut Findings) {
    found.check("last 24 hours", facts.metrics.as_ref(), volume, metrics);
    let good = |_: &BTreeMap<String, (String, &'static str)>| "none refused in the last hour".to_owned();
    found.check("deliveries and writes", facts.refused.as_ref(), good, |refused, check| {
        for (what, (last, alarm)) in refused {
            check.warning(
                format!("{what} (last at {last})"),
                format!("docs/operations.md, {alarm}; if there is no later one, it is over"),
            );
        }
    });
    let good = |_: &usize| "none in the last 24 hours".to_owned();
    found.check("dropped agent events", facts.dropped.as_ref(), good, |dropped, check| {
        if *dropped > 0 {
            were_dropped(*dropped, check);
        }
    });
    let good = |_: &BTreeMap<String, Count>| "none in the last seven days".to_owned();
    found.check("failed records", facts.failed.as_ref(), good, |failed, check| {
        let of = |count: fn(&Count) -> usize| {
            let counts = failed.iter().map(|(reason, counts)| (reason, count(counts)));
            let some: Vec<_> =
                counts.filter(|(_, count)| *count > 0).map(|(reason, count)| format!("{count} {reason}")).collect();
            (!some.is_empty()).then(|| some.join(", "))
        };
        if let Some(reasons) = of(|count| count.sent) {
            check.warning(
                format!("dead letters from the last seven days that a redrive would send: {reasons}"),
                "fix the cause (`contact-ledger explain` tells it), then run `contact-ledger redrive`",
            );
        }
        if let Some(reasons) = of(|count| count.stay) {
            check.warning(
                format!("dead letters from the last seven days that would fail again: {reasons}"),
                if facts.is_local {
                    "`contact-ledger explain` shows why; a demo breaks some records on purpose (--malformed)"
                } else {
                    "`contact-ledger explain` shows why; they are safe until FailureRetentionDays (docs/operations.md, Repairing a record)"
                },
            );
        }
    });
    let good = |_: &Vec<(String, String)>| "none in alarm".to_owned();
    found.check("alarms", facts.alarms.as_ref(), good, |alarms, check| {
        for (name, description) in alarms {
            check.warning(format!("{name} is in alarm"), description.clone());
        }
    });
}

fn stack(facts: &Facts, found: &mut Findings) {
    found.check(
        "stack",
        facts.status.as_ref(),
        |status| format!("{status} in {}", facts.region),
        |status, check| {
            if status.contains("FAILED") || status.contains("ROLLBACK_IN_PROGRESS") {
                check.error(
                    format!("the stack is {status}"),
                    "see why with `aws cloudformation describe-stack-events`, then deploy it again",
                );
            } else if status.ends_with("IN_PROGRESS") {
                check.warning(
                    format!("the stack is {status}"),
                    "wait until it finishes, then run doctor again",
                );
            }
        },
    );
}

fn version(facts: &Facts, found: &mut Findings) {
    found.check(
        "version",
        facts.version.as_ref(),
        |version| version.program.clone(),
        |Version { deployed, program }, check| {
            let fix = "upgrade the stack, or use the program of its version (docs/upgrade.md)";
            match deployed {
                Some(deployed) if deployed == program => {}
                Some(deployed) => check.warning(
                    format!("the stack has version {deployed}, and this program has version {program}"),
                    fix,
                ),
                None => check.warning(
                    format!("the stack is from before version 0.1.0, and this program has version {program}"),
                    fix,
                ),
            }
        },
    );
}

fn streaming(facts: &Facts, kind: StreamKind, association: Option<&Association>, check: &mut Check<'_>) {
    let existing = facts.existing.get(&kind);
    let enable = "turn it on: `contact-ledger connect enable`";
    let Some(association) = association else {
        let says = format!("Amazon Connect does not stream {}", kind.as_str());
        match existing {
            None => check.error(says, enable),
            Some(stream) => check.error(
                says,
                format!("the stack reads {}, which it does not own: ask the owner to turn it on, or run `contact-ledger connect enable`", stream.name),
            ),
        }
        return;
    };
    let is_elsewhere = facts.targets.get(&kind).is_some_and(|target| *target != association.target);
    if let (true, Some(stream)) = (is_elsewhere, existing) {
        check.error(
            format!(
                "Amazon Connect streams {} to {}, but the stack reads {}, which it does not own",
                kind.as_str(),
                association.target,
                stream.name
            ),
            "deploy the stack with the stream that Connect writes to (docs/deploy.md, If you already stream)",
        );
    } else if is_elsewhere {
        check.error(
            format!(
                "Amazon Connect streams {} to {}, which does not belong to this stack",
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
            "the KMS key is disabled: nothing can be sent, read, or written",
            "enable it: `aws kms enable-key`; if its deletion is scheduled, first `aws kms cancel-key-deletion`",
        );
    }
    if facts.contact_events.is_some() && !key.event_bridge_may_use_it {
        check.error(
            "the key policy does not let EventBridge use the KMS key: contact events do not reach the queue",
            format!("restore the statement EventBridgeSendsContactEvents: {}", check.restore),
        );
    }
    let services: BTreeSet<String> =
        ["kinesis", "firehose"].map(|service| format!("{service}.{}.amazonaws.com", facts.region)).into();
    let missing: Vec<_> = services.difference(&key.connect_may_use_it_via).cloned().collect();
    if !missing.is_empty() {
        check.error(
            format!("the key policy does not let Amazon Connect use the KMS key via {}: Connect cannot send records, and reports no error", missing.join(" and ")),
            format!("restore the statement AmazonConnectPutsRecords: {}", check.restore),
        );
    }
}

fn stream(facts: &Facts, name: &str, stream: &Stream, check: &mut Check<'_>) {
    if stream.status != "ACTIVE" {
        check.error(
            format!("{name} is {}", stream.status),
            "wait until it is active; if it stays in this state, check the stack's events",
        );
    }
    if let Some(existing) = facts.existing.values().find(|existing| existing.name == name) {
        return existing_stream(existing, stream, check);
    }
    match (&stream.key, &facts.key_arn) {
        (Some(used), _) if used.ends_with("alias/aws/kinesis") => check.warning(
            format!(
                "{name} is encrypted with the AWS managed key instead of the stack's: Amazon does not say that Connect can use it for contact records and agent events"
            ),
            check.restore,
        ),
        (_, Some(_)) if !stream.is_encrypted => {
            check.warning(format!("{name} is not encrypted"), check.restore);
        }
        (Some(used), Some(own)) if used != own => check.warning(
            format!("{name} is encrypted with {used}, not with the stack's KMS key"),
            format!("check that Amazon Connect may use that key (docs/deploy.md, Encryption), or {}", check.restore),
        ),
        _ => {}
    }
}

/// The stream's owner chooses its encryption. The stack must be able to read it.
fn existing_stream(existing: &ExistingStream, stream: &Stream, check: &mut Check<'_>) {
    let name = &existing.name;
    let key = stream.key.as_deref().filter(|key| stream.is_encrypted && !key.ends_with("alias/aws/kinesis"));
    // An alias may refer to any key.
    let is_key = |own: &str, key: &str| own == key || own.ends_with(key) || key.contains("alias/");
    let may_decrypt = |key: &str| existing.key.as_deref().is_some_and(|own| is_key(own, key));
    if let Some(key) = key.filter(|key| !may_decrypt(key)) {
        check.error(
            format!("{name} is encrypted with {key}, which the stack may not use: nothing can be read"),
            "set ExistingAgentEventStreamKeyArn or ExistingContactRecordStreamKeyArn to that key and deploy the stack; the key policy must let roles in this account use it",
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
            format!("{name} cannot run: its reserved concurrency is 0"),
            "remove the limit: `aws lambda delete-function-concurrency`",
        );
    }
}

/// Fewer retries than this last for less than a minute.
const FEW_RETRIES: i32 = 10;

fn mapping(mapping: &Mapping, check: &mut Check<'_>) {
    if mapping.state != "Enabled" {
        check.error(
            format!(
                "it is {}: agent events wait in the stream, and are lost when its retention period ends",
                mapping.state
            ),
            "turn it on: `aws lambda update-event-source-mapping --enabled`",
        );
    }
    if mapping.last_result.contains("Function call failed") {
        check.error(
            format!("the last invocation of the function failed: {}", mapping.last_result),
            "check the function's log (docs/operations.md, Upserter Errors); the batch is retried",
        );
    } else if mapping.last_result.starts_with("PROBLEM") {
        check.error(
            format!("it cannot read the stream or invoke the function: {}", mapping.last_result),
            format!(
                "the message says what was denied, usually a permission of AgentEventUpserterRole or of the KMS key; {}",
                check.restore
            ),
        );
    }
    if !mapping.reports_failures {
        check.broken(
            "partial batch responses are off (ReportBatchItemFailures): unfinished events count as processed",
        );
    }
    if !mapping.has_on_failure {
        check.broken("it has no on-failure destination: discarded events would be lost");
    }
    if mapping.has_filter {
        check.error(
            "it has a filter: malformed events are dropped silently",
            format!("remove the filter: {}", check.restore),
        );
    }
    if !mapping.bisects {
        let says =
            "it does not bisect failed batches: one event that crashes the function fails its whole batch";
        check.warning(says, check.restore);
    }
    if let Some(retries) = mapping.maximum_retries.filter(|retries| (0..FEW_RETRIES).contains(retries)) {
        check.warning(
            format!("MaximumRetryAttempts is {retries}: after a fault of less than a minute, events go to aws/lambda/"),
            "set it to its default, 100",
        );
    }
    if mapping.maximum_record_age.is_none_or(|age| age <= 0)
        && mapping.maximum_retries.is_none_or(|retries| retries < 0)
    {
        check.broken("it retries forever: one failing batch blocks its shard");
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
        .map(|(name, kind)| format!("{name} is {}, not {kind}", glue.is[name]))
        .collect();
    let differences = [
        (!missing.is_empty()).then(|| format!("lacks {}", missing.join(", "))),
        (!changed.is_empty()).then(|| changed.join(", ")),
        (!others.is_empty()).then(|| format!("also has {}", others.join(", "))),
    ];
    let differences: Vec<_> = differences.into_iter().flatten().collect();
    if !differences.is_empty() {
        let fix = "this program and the stack have different versions, or something else changed the table (a crawler?); deploy the stack with this version";
        if changed.is_empty() && missing.is_empty() {
            check.warning(format!("the Glue table {}", differences.join("; ")), fix);
        } else {
            check.error(
                format!(
                    "the Glue table {}: rows with these columns are not converted",
                    differences.join("; ")
                ),
                fix,
            );
        }
    }
}

fn table(name: &str, table: &Table, key: Option<&str>, check: &mut Check<'_>) {
    if key.is_some() && table.key.as_deref() != key {
        check.error(
            format!("{name} is not encrypted with the stack's KMS key: somebody changed it, or created it again"),
            "if it was created again, its older items are missing: docs/operations.md, Restoring a table; otherwise set its encryption back to the key",
        );
    }
    if table.status != "ACTIVE" {
        check.error(
            format!("{name} is {}", table.status),
            "wait until it is active; if it stays in this state, check the stack's events",
        );
    }
    if table.ttl_attribute.as_deref() != Some("expires_at") {
        check.warning(
            format!("items in {name} never expire: its size and cost grow forever"),
            format!("turn TTL on for expires_at: {}", check.restore),
        );
    }
}

fn volume(metrics: &Metrics) -> String {
    format!(
        "{:.0} contact records and {:.0} agent events arrived; none failed, none are delayed",
        metrics.contact_records, metrics.agent_events
    )
}

fn were_dropped(events: impl std::fmt::Display, check: &mut Check<'_>) {
    check.error(
        format!("{events} agent events were dropped: the on-failure destination did not take them"),
        "docs/operations.md, Agent Events Dropped: recover them from the archive or the stream; this is reported for 24 hours",
    );
}

fn metrics(metrics: &Metrics, check: &mut Check<'_>) {
    if metrics.contact_records == 0.0 && metrics.agent_events == 0.0 {
        check.warning(
            "nothing arrived",
            "if agents were working: docs/operations.md, Nothing reaches the stream",
        );
    }
    if metrics.iterator_age_milliseconds > 300_000.0 {
        check.error(
            format!(
                "agent events are delayed by {:.0} minutes",
                metrics.iterator_age_milliseconds / 60_000.0
            ),
            "docs/operations.md, Agent Events Behind: faults, throttling, or too little capacity",
        );
    }
    if metrics.freshness_seconds > 1800.0 {
        check.error(
            format!("rows are delayed by {:.0} minutes", metrics.freshness_seconds / 60.0),
            "check the Firehose log group (docs/operations.md, Contact Records Late)",
        );
    }
    if metrics.dropped > 0.0 {
        were_dropped(metrics.dropped, check);
    }
    for (problem, count, section) in [
        ("agent events were rejected", metrics.rejected, "Agent Events Rejected"),
        ("contact records failed", metrics.failed, "Contact Records Failed"),
        ("rows were not converted", metrics.unconverted, "Contact Records Unconverted"),
        ("writes were refused by DynamoDB or S3", metrics.environment_faults, "Agent Event Faults"),
        ("contact events were rejected", metrics.contact_events_rejected, "Contact Events Rejected"),
        (
            "writes of contact events were refused by DynamoDB or S3",
            metrics.contact_event_faults,
            "Contact Event Faults",
        ),
        (
            "contact events could not be delivered by the rule",
            metrics.undelivered_events,
            "Contact Events Undelivered",
        ),
        ("writes to the agent tables were throttled", metrics.throttled, "Agent Event Retries"),
    ] {
        if count > 0.0 {
            check.warning(format!("{count:.0} {problem}"), format!("docs/operations.md, {section}"));
        }
    }
}

#[cfg(test)]
mod tests;
