//! Injects one misconfiguration at a time into a healthy stack.

use super::super::facts::ContactEvents;
use super::*;

const REGION: &str = "eu-west-2";
const STREAM: &str = "arn:aws:kinesis:eu-west-2:111122223333:stream/s";
const FIREHOSE: &str = "arn:aws:firehose:eu-west-2:111122223333:deliverystream/f";
const KEY: &str = "arn:aws:kms:eu-west-2:111122223333:key/k";

/// A healthy stack.
fn healthy() -> Facts {
    let streams_to = |target: &str| Ok(Some(Association { id: "a".to_owned(), target: target.to_owned() }));
    let targets = [(StreamKind::ContactRecords, FIREHOSE), (StreamKind::AgentEvents, STREAM)];
    let columns = BTreeMap::from([("contact_id".to_owned(), "string".to_owned())]);
    let function = Function {
        state: "Active".to_owned(),
        last_update: "Successful".to_owned(),
        reason: String::new(),
        reserved_concurrency: None,
    };
    let table = || Table {
        status: "ACTIVE".to_owned(),
        ttl_attribute: Some("expires_at".to_owned()),
        key: Some(KEY.to_owned()),
    };
    Facts {
        is_local: false,
        region: REGION.to_owned(),
        status: Some(Ok("UPDATE_COMPLETE".to_owned())),
        version: Some(Ok(Version { deployed: Some("0.1.0".to_owned()), program: "0.1.0".to_owned() })),
        instance_region: Some(Ok(REGION.to_owned())),
        existing: BTreeMap::new(),
        targets: targets.map(|(kind, target)| (kind, target.to_owned())).into(),
        associations: targets.map(|(kind, target)| (kind, streams_to(target))).into(),
        key_arn: Some(KEY.to_owned()),
        key: Some(Ok(Key {
            is_enabled: true,
            connect_may_use_it_via: ["kinesis", "firehose"]
                .map(|name| format!("{name}.{REGION}.amazonaws.com"))
                .into(),
            event_bridge_may_use_it: true,
        })),
        streams: BTreeMap::from([(
            "s".to_owned(),
            Ok(Stream { status: "ACTIVE".to_owned(), is_encrypted: true, key: Some(KEY.to_owned()) }),
        )]),
        functions: BTreeMap::from([("upserter".to_owned(), Ok(function))]),
        mapping: Some(Ok(Mapping {
            state: "Enabled".to_owned(),
            last_result: "OK".to_owned(),
            reports_failures: true,
            bisects: true,
            has_on_failure: true,
            has_filter: false,
            maximum_record_age: Some(86_400),
            maximum_retries: Some(100),
        })),
        firehose: Some(Ok(Firehose { status: "ACTIVE".to_owned(), is_transformed: true })),
        glue: Some(Ok(Glue { is: columns.clone(), expected: columns })),
        tables: BTreeMap::from([("AgentState".to_owned(), Ok(table()))]),
        old_event: Some(Ok(OldEvent {
            entry: "event#2026-03-02T08:00:00.000Z#e".to_owned(),
            object: "raw/x".to_owned(),
            is_in_history: true,
        })),
        contact_events: Some(ContactEvents {
            rule: Some(Ok("ENABLED".to_owned())),
            table: Some(Ok(table())),
            mapping: Some(Ok(Mapping {
                state: "Enabled".to_owned(),
                last_result: "none yet".to_owned(),
                reports_failures: true,
                bisects: false,
                has_on_failure: false,
                has_filter: false,
                maximum_record_age: None,
                maximum_retries: None,
            })),
            dead_letters: BTreeMap::from([("dead".to_owned(), Ok(0))]),
        }),
        metrics: Some(Ok(Metrics { contact_records: 5.0, agent_events: 9.0, ..Metrics::default() })),
        refused: Some(Ok(BTreeMap::new())),
        dropped: Some(Ok(0)),
        failed: Some(Ok(BTreeMap::new())),
        alarms: Some(Ok(Vec::new())),
    }
}

#[test]
fn a_healthy_stack_is_all_good() {
    let found = findings(&healthy());
    assert_eq!(found.len(), 22);
    assert!(
        found.iter().all(|finding| finding.severity == Severity::Good && finding.fix.is_none()),
        "{found:#?}"
    );
    assert_eq!(findings(&Facts::default()), [], "no facts, no findings");
}

fn some<T>(fact: &mut Option<Fact<T>>) -> &mut T {
    fact.as_mut().unwrap().as_mut().unwrap()
}

fn first<T>(facts: &mut BTreeMap<String, Fact<T>>) -> &mut T {
    facts.values_mut().next().unwrap().as_mut().unwrap()
}

fn contact_events(facts: &mut Facts) -> &mut ContactEvents {
    facts.contact_events.as_mut().unwrap()
}

/// A check, a misconfiguration, its severity, and a part of the finding or fix.
type Injected = (&'static str, fn(&mut Facts), Severity, &'static str);

const INJECTED: [Injected; 50] = {
    use Severity::{Error, Unknown, Warning};
    [
        (
            "stack",
            |facts| *some(&mut facts.status) = "UPDATE_ROLLBACK_FAILED".to_owned(),
            Error,
            "describe-stack-events",
        ),
        ("stack", |facts| *some(&mut facts.status) = "UPDATE_IN_PROGRESS".to_owned(), Warning, "wait"),
        (
            "version",
            |facts| some(&mut facts.version).deployed = Some("0.2.0".to_owned()),
            Warning,
            "the stack has version 0.2.0, and this program has version 0.1.0",
        ),
        ("version", |facts| some(&mut facts.version).deployed = None, Warning, "before version 0.1.0"),
        (
            "rule for contact events",
            |facts| *some(&mut contact_events(facts).rule) = "DISABLED".to_owned(),
            Error,
            "enable-rule",
        ),
        (
            "rule for contact events",
            |facts| contact_events(facts).rule = Some(Err(Unavailable::Missing("rule r".to_owned()))),
            Error,
            "sam deploy",
        ),
        (
            "mapping for contact events",
            |facts| some(&mut contact_events(facts).mapping).state = "Disabled".to_owned(),
            Error,
            "--enabled",
        ),
        (
            "mapping for contact events",
            |facts| some(&mut contact_events(facts).mapping).reports_failures = false,
            Error,
            "ReportBatchItemFailures",
        ),
        (
            "mapping for contact events",
            |facts| some(&mut contact_events(facts).mapping).has_filter = true,
            Error,
            "remove the filter",
        ),
        (
            "dead-letter queue",
            |facts| *first(&mut contact_events(facts).dead_letters) = 3,
            Warning,
            "contact-ledger redrive",
        ),
        (
            "key",
            |facts| some(&mut facts.key).event_bridge_may_use_it = false,
            Error,
            "EventBridgeSendsContactEvents",
        ),
        (
            "last 24 hours",
            |facts| some(&mut facts.metrics).contact_events_rejected = 1.0,
            Warning,
            "Contact Events Rejected",
        ),
        (
            "last 24 hours",
            |facts| some(&mut facts.metrics).undelivered_events = 1.0,
            Warning,
            "Contact Events Undelivered",
        ),
        (
            "streaming of agent events",
            |facts| _ = facts.associations.insert(StreamKind::AgentEvents, Ok(None)),
            Error,
            "connect enable",
        ),
        (
            "streaming of contact records",
            |facts| _ = facts.targets.insert(StreamKind::ContactRecords, "other".to_owned()),
            Error,
            "connect enable",
        ),
        (
            "instance of Connect",
            |facts| *some(&mut facts.instance_region) = "us-east-1".to_owned(),
            Error,
            "one Region",
        ),
        (
            "streaming of agent events",
            |facts| {
                _ = facts
                    .associations
                    .insert(StreamKind::AgentEvents, Err(Unavailable::Denied("AccessDenied".to_owned())));
            },
            Unknown,
            "credentials",
        ),
        ("key", |facts| some(&mut facts.key).is_enabled = false, Error, "enable-key"),
        (
            "key",
            |facts| some(&mut facts.key).connect_may_use_it_via.clear(),
            Error,
            "AmazonConnectPutsRecords",
        ),
        (
            "stream",
            |facts| first(&mut facts.streams).key = Some("alias/aws/kinesis".to_owned()),
            Warning,
            "sam deploy",
        ),
        (
            "stream",
            |facts| first(&mut facts.streams).key = Some("arn:other".to_owned()),
            Warning,
            "Encryption",
        ),
        ("stream", |facts| first(&mut facts.streams).is_encrypted = false, Warning, "sam deploy"),
        ("stream", |facts| first(&mut facts.streams).status = "UPDATING".to_owned(), Error, "active"),
        ("function", |facts| first(&mut facts.functions).state = "Inactive".to_owned(), Error, "sam deploy"),
        (
            "function",
            |facts| first(&mut facts.functions).reserved_concurrency = Some(0),
            Error,
            "delete-function-concurrency",
        ),
        (
            "event source mapping",
            |facts| some(&mut facts.mapping).state = "Disabled".to_owned(),
            Error,
            "update-event-source-mapping",
        ),
        (
            "event source mapping",
            |facts| some(&mut facts.mapping).last_result = "PROBLEM: access denied".to_owned(),
            Error,
            "AgentEventUpserterRole",
        ),
        (
            "event source mapping",
            |facts| some(&mut facts.mapping).last_result = "PROBLEM: Function call failed".to_owned(),
            Error,
            "function's log",
        ),
        (
            "event source mapping",
            |facts| some(&mut facts.mapping).reports_failures = false,
            Error,
            "sam deploy",
        ),
        (
            "event source mapping",
            |facts| some(&mut facts.mapping).has_on_failure = false,
            Error,
            "sam deploy",
        ),
        (
            "event source mapping",
            |facts| some(&mut facts.mapping).has_filter = true,
            Error,
            "remove the filter",
        ),
        ("event source mapping", |facts| some(&mut facts.mapping).bisects = false, Warning, "sam deploy"),
        (
            "event source mapping",
            |facts| {
                (some(&mut facts.mapping).maximum_record_age, some(&mut facts.mapping).maximum_retries) =
                    (Some(-1), Some(-1));
            },
            Error,
            "sam deploy",
        ),
        (
            "event source mapping",
            |facts| some(&mut facts.mapping).maximum_retries = Some(1),
            Warning,
            "MaximumRetryAttempts",
        ),
        ("history", |facts| some(&mut facts.old_event).is_in_history = false, Error, "Restoring a table"),
        (
            "deliveries and writes",
            |facts| {
                let denied = ("08:00".to_owned(), "Contact Records Undelivered");
                some(&mut facts.refused).extend([("rows".to_owned(), denied)]);
            },
            Warning,
            "Contact Records Undelivered",
        ),
        ("dropped agent events", |facts| *some(&mut facts.dropped) = 3, Error, "Agent Events Dropped"),
        ("Firehose", |facts| some(&mut facts.firehose).is_transformed = false, Error, "sam deploy"),
        (
            "lake table",
            |facts| _ = some(&mut facts.glue).is.insert("contact_id".to_owned(), "bigint".to_owned()),
            Error,
            "crawler",
        ),
        (
            "lake table",
            |facts| _ = some(&mut facts.glue).is.insert("more".to_owned(), "string".to_owned()),
            Warning,
            "crawler",
        ),
        (
            "agent table",
            |facts| {
                *facts.tables.values_mut().next().unwrap() =
                    Err(Unavailable::Missing("AgentState".to_owned()));
            },
            Error,
            "Restoring a table",
        ),
        ("agent table", |facts| first(&mut facts.tables).ttl_attribute = None, Warning, "expires_at"),
        // A table that somebody created again by hand.
        ("agent table", |facts| first(&mut facts.tables).key = None, Error, "Restoring a table"),
        (
            "contact table",
            |facts| some(&mut contact_events(facts).table).key = Some("other".to_owned()),
            Error,
            "created it again",
        ),
        (
            "contact table",
            |facts| some(&mut contact_events(facts).table).ttl_attribute = None,
            Warning,
            "expires_at",
        ),
        ("last 24 hours", |facts| some(&mut facts.metrics).dropped = 1.0, Error, "Agent Events Dropped"),
        (
            "last 24 hours",
            |facts| some(&mut facts.metrics).iterator_age_milliseconds = 600_000.0,
            Error,
            "Agent Events Behind",
        ),
        (
            "failed records",
            |facts| {
                some(&mut facts.failed).extend([("X".to_owned(), Count { sent: 3, stay: 0 })]);
            },
            Warning,
            "contact-ledger redrive",
        ),
        (
            "failed records",
            |facts| {
                some(&mut facts.failed).extend([("not_json".to_owned(), Count { sent: 0, stay: 3 })]);
            },
            Warning,
            "Repairing a record",
        ),
        (
            "alarms",
            |facts| some(&mut facts.alarms).push(("x".to_owned(), "docs/operations.md#x".to_owned())),
            Warning,
            "docs/operations.md#x",
        ),
    ]
};

#[test]
fn each_misconfiguration_gives_exactly_one_finding_with_its_fix() {
    for (index, (check, inject, severity, fix)) in INJECTED.into_iter().enumerate() {
        let mut facts = healthy();
        inject(&mut facts);
        let found: Vec<_> =
            findings(&facts).into_iter().filter(|finding| finding.severity != Severity::Good).collect();
        let named: Vec<_> = found.iter().filter(|finding| finding.check == check).collect();
        let [finding] = named[..] else { panic!("{index}: {found:#?}") };
        assert_eq!(finding.severity, severity, "{index}: {finding:?}");
        // An unavailable fact has its advice in `says`.
        let text = format!("{} {}", finding.says, finding.fix.as_deref().unwrap_or_default());
        assert!(text.contains(fix), "{index}: {finding:?}");
        assert_eq!(found.len(), 1, "{index}: {found:#?}");
    }
}

#[test]
fn every_docs_section_that_a_fix_names_exists() {
    const OPERATIONS: &str = include_str!("../../../../../../docs/operations.md");
    const PREFIX: &str = "docs/operations.md, ";
    let findings = INJECTED.iter().flat_map(|(_, inject, ..)| {
        let mut facts = healthy();
        inject(&mut facts);
        *some(&mut facts.metrics) = Metrics {
            iterator_age_milliseconds: 600_000.0,
            freshness_seconds: 3600.0,
            rejected: 1.0,
            failed: 1.0,
            unconverted: 1.0,
            environment_faults: 1.0,
            throttled: 1.0,
            ..Metrics::default()
        };
        findings(&facts)
    });
    let mut sections = BTreeSet::new();
    for fix in findings.filter_map(|finding| finding.fix) {
        if let Some((_, section)) = fix.split_once(PREFIX) {
            sections.insert(section.split([':', ')', ';']).next().unwrap().to_owned());
        }
    }
    assert!(sections.len() >= 8, "{sections:?}");
    for section in sections {
        let is_heading = |level: &str| OPERATIONS.contains(&format!("\n{level} {section}\n"));
        assert!(is_heading("##") || is_heading("###"), "{section}");
    }
}

/// A healthy stack that reads an existing stream and has its KMS key.
fn with_existing_stream() -> Facts {
    let mut facts = healthy();
    let key = "arn:aws:kms:eu-west-2:111122223333:key/theirs".to_owned();
    first(&mut facts.streams).key = Some(key.clone());
    let stream = ExistingStream { name: "s".to_owned(), key: Some(key) };
    facts.existing.insert(StreamKind::AgentEvents, stream);
    facts
}

#[test]
fn an_existing_stream_may_have_any_encryption_that_the_stack_can_read() {
    let found = findings(&with_existing_stream());
    assert!(found.iter().all(|finding| finding.severity == Severity::Good), "{found:#?}");
    let says = |facts: &Facts, check: &str| {
        let found = findings(facts).into_iter().find(|finding| finding.check == check).unwrap();
        (found.severity, found.says + " " + &found.fix.unwrap_or_default())
    };
    assert!(says(&with_existing_stream(), "stream").1.contains("not the stack's own"));

    // Unencrypted or encrypted with the AWS managed key is fine for an existing stream.
    for (is_encrypted, key) in [(false, None), (true, Some("alias/aws/kinesis".to_owned()))] {
        let mut facts = with_existing_stream();
        let stream = first(&mut facts.streams);
        (stream.is_encrypted, stream.key) = (is_encrypted, key);
        assert_eq!(says(&facts, "stream").0, Severity::Good);
    }
    // Encrypted with an alias, which may be the key's.
    let mut facts = with_existing_stream();
    first(&mut facts.streams).key = Some("alias/theirs".to_owned());
    assert_eq!(says(&facts, "stream").0, Severity::Good);
    // Encrypted with a key that is not a parameter of the stack.
    let mut facts = with_existing_stream();
    facts.existing.get_mut(&StreamKind::AgentEvents).unwrap().key = None;
    let (severity, text) = says(&facts, "stream");
    assert!(severity == Severity::Error && text.contains("ExistingAgentEventStreamKeyArn"), "{text}");

    // Connect streams elsewhere, or nowhere.
    let mut facts = with_existing_stream();
    let other = Association { id: "a".to_owned(), target: "other".to_owned() };
    facts.associations.insert(StreamKind::AgentEvents, Ok(Some(other)));
    let (severity, text) = says(&facts, "streaming of agent events");
    assert!(severity == Severity::Error && text.contains("If you already stream"), "{text}");
    facts.associations.insert(StreamKind::AgentEvents, Ok(None));
    let (severity, text) = says(&facts, "streaming of agent events");
    assert!(severity == Severity::Error && text.contains("ask the owner"), "{text}");
}
