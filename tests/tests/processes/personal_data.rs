//! Personal data is stored only where the policy allows it, and never logged.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use connect_streams::contact_record::ContactRecord;
use connect_streams::{Timestamp, parse};
use contact_lake::schema::{Kind, columns};
use contact_lake::{Policy, encode, normalize};
use lake_parquet::contact_records as glue_table;
use ledger_tests::{contact_record_fixtures, functions_folder};
use local_aws::stack::{Stack, StackSettings};
use serde_json::{Value, json};

const KEY: [u8; 32] = *b"a key of thirty-two random bytes";

fn row(record: &Value, policy: &Value) -> Value {
    let bytes = record.to_string().into_bytes();
    let value = parse(&bytes).unwrap();
    let record = ContactRecord::from_object(value.as_object().unwrap()).unwrap();
    let policy = Policy::read(&policy.to_string(), Some(&KEY)).unwrap();
    serde_json::from_slice(&encode(
        normalize(&record),
        Timestamp::parse("2026-03-02T10:00:00Z").map(Into::into),
        &policy,
    ))
    .unwrap()
}

fn fixture(name: &str) -> Value {
    serde_json::from_slice(&contact_record_fixtures()[name]).unwrap()
}

#[test]
fn every_action_is_applied_to_its_column() {
    let record = fixture("every-field-set");
    let kept = row(&record, &json!({}));
    let policy = json!({
        "customer_endpoint_address": "mask",
        "customer_endpoint_display_name": "drop",
        "agent_username": "hash",
        "references": "mask",
        "additional_email_recipients": "drop",
        "attributes": {"*": "drop", "greetingPlayed": "keep", "flag": "hash"},
        "segment_attributes": {"arn": "drop"},
        "agent_id": "drop",
    });
    let row = row(&record, &policy);
    assert_eq!(row["customer_endpoint_address"], "*********0101");
    assert_eq!(row.get("customer_endpoint_display_name"), None);
    // From `openssl dgst -sha256 -hmac 'a key of thirty-two random bytes'`.
    assert_eq!(row["agent_username"], HASH_OF_AGENT_07);
    assert_eq!(row["references"][0]["value"].as_str().unwrap().trim_start_matches('*'), "s/15");
    assert_eq!(row.get("additional_email_recipients"), None);
    assert_eq!(row["attributes"].as_object().unwrap().keys().collect::<Vec<_>>(), ["flag", "greetingPlayed"]);
    assert_eq!(row["attributes"]["greetingPlayed"], "false");
    assert_eq!(row["attributes"]["flag"].as_str().unwrap().len(), 64);
    assert_eq!(row["segment_attributes"].get("arn"), None);
    assert_eq!(row["segment_attributes"]["count"], "7");
    assert_eq!(row.get("agent_id"), None);
    // The content hash does not depend on the policy.
    assert_eq!(row["content_hash"], kept["content_hash"]);
}

const HASH_OF_AGENT_07: &str = "55a4fbfbfa9c2f27188939252cc95942be2b4c68ab1971cd5dea0705cee244e8";

#[test]
fn equal_values_still_join_after_hashing() {
    let policy = json!({"agent_username": "hash"});
    let (one, other) = (row(&fixture("voice-answered"), &policy), row(&fixture("chat"), &policy));
    assert_eq!(one["agent_username"], other["agent_username"]);
}

#[test]
fn a_short_text_is_masked_completely() {
    let mut record = fixture("voice-answered");
    record["CustomerId"] = json!("1234");
    assert_eq!(row(&record, &json!({"customer_id": "mask"}))["customer_id"], "****");
}

/// A policy covers a column's data everywhere: as text, in a list, and in `extra` if Amazon Connect sends it in a
/// form that the column cannot hold.
#[test]
fn a_covered_value_is_nowhere_in_the_row() {
    const MARK: &str = "marked-value-0123456789";
    let forms = [
        json!(MARK),
        json!([MARK]),
        json!({"New": MARK}),
        json!([{"New": MARK}]),
        json!([[MARK]]),
        json!({"a": {"b": [MARK]}}),
    ];
    let kept_for_identity = ["contact_id", "initiation_timestamp", "last_update_timestamp", "instance_arn"];
    let mut checked = 0;
    for (column, source) in columns().filter_map(|column| Some((column, column.source()?))) {
        if kept_for_identity.contains(&column.name) {
            continue;
        }
        let has_text = !matches!(column.kind, Kind::Integer | Kind::Double | Kind::Boolean | Kind::Timestamp);
        for action in ["drop", "mask", "hash"].into_iter().filter(|action| *action == "drop" || has_text) {
            for form in &forms {
                let mut record = fixture("legacy-all-null");
                let levels: Vec<_> = source.split('.').collect();
                let nested =
                    levels[1..].iter().rev().fold(form.clone(), |inner, level| json!({ *level: inner }));
                record[levels[0]] = nested;
                // Masking keeps the end of a text, so only the start of the mark must be gone.
                let row = row(&record, &json!({ column.name: action })).to_string();
                assert!(!row.contains(&MARK[..12]), "{action} {} {form}: {row}", column.name);
                checked += 1;
            }
        }
    }
    assert!(checked > 1500, "{checked}");
}

/// If a group of fields is not an object, the action of any of its columns covers it.
#[test]
fn a_group_that_is_not_an_object_is_covered() {
    let record = fixture("fields-of-tomorrow");
    assert!(row(&record, &json!({})).to_string().contains("+441632960101"));
    let covered = row(&record, &json!({"customer_endpoint_address": "mask"})).to_string();
    assert!(!covered.contains("+441632960101"), "{covered}");
}

#[test]
fn extra_has_its_own_action() {
    let record = fixture("fields-of-tomorrow");
    assert!(row(&record, &json!({"extra": "drop"})).get("extra").is_none());
    assert_eq!(row(&record, &json!({"extra": "hash"}))["extra"].as_str().unwrap().len(), 64);
}

/// Without the hash key, nobody can test a guessed value against the content hash.
#[test]
fn the_content_hash_depends_on_the_hash_key() {
    let bytes = fixture("voice-answered").to_string().into_bytes();
    let value = parse(&bytes).unwrap();
    let hash = |key: Option<&[u8]>| {
        let record = ContactRecord::from_object(value.as_object().unwrap()).unwrap();
        let line = encode(normalize(&record), None, &Policy::read("{}", key).unwrap());
        serde_json::from_slice::<Value>(&line).unwrap()["content_hash"].clone()
    };
    assert_ne!(hash(None), hash(Some(&KEY)));
    assert_ne!(hash(Some(&[1; 32])), hash(Some(&KEY)));
}

/// Records with a mark in every field fail in every way, in the real binaries: no log line of either function has
/// the mark.
#[tokio::test(flavor = "multi_thread")]
async fn no_log_line_contains_a_value_of_a_record() {
    const MARK: &str = "marked-value-0123456789";
    let output = tempfile::tempdir().unwrap();
    let settings = StackSettings::new(functions_folder(), output.path().to_owned(), glue_table().unwrap());
    let mut stack = Stack::start(settings).await.unwrap();
    let mut sent = 0;
    for fixture in contact_record_fixtures().values() {
        let mut marked: Value = serde_json::from_slice(fixture).unwrap();
        mark(&mut marked, MARK);
        let mut records = vec![marked.to_string()];
        for (field, value) in [
            ("ContactId", json!(null)),
            ("InitiationTimestamp", json!(MARK)),
            ("LastUpdateTimestamp", json!([MARK])),
            ("Attributes", json!(MARK)),
            (MARK, json!(MARK)),
        ] {
            let mut changed = marked.clone();
            changed["InitiationTimestamp"] = json!("2026-03-02T08:00:00Z");
            changed["LastUpdateTimestamp"] = json!("2026-03-02T08:00:00Z");
            changed[field] = value;
            records.push(changed.to_string());
        }
        records.push(records[0][..records[0].len() - 10].to_owned());
        records.push(format!("[{}]", records[0]));
        records.push(format!(r#"{{"AgentARN":"{MARK}","EventType":"{MARK}","CurrentAgentSnapshot":{{"AgentStatus":"{MARK}"}}}}"#));
        records.push(format!(r#"{{"AgentARN":"arn:aws:connect:r:1:instance/i/agent/{MARK}","EventId":"{MARK}","EventTimestamp":"{MARK}","EventType":"{MARK}"}}"#));
        records.push(format!(r#"{{"AgentARN":"arn:aws:connect:r:1:instance/i/agent/{MARK}","EventId":"{MARK}","EventTimestamp":"2026-03-02T08:00:00Z","EventType":"{MARK}"}}"#));
        for record in records {
            stack.put_agent_event(MARK, record.clone().into()).await.unwrap();
            stack.put_contact_record(record.into()).await;
            sent += 1;
        }
    }
    stack.drain().await.unwrap();
    assert!(sent > 150, "{sent}");
    let logged = [
        (&stack.normalizer, &["missing_field", "bad_field", "not_json", "type_drift"][..]),
        (&stack.upserter, &["bad_field", "not_json"]),
    ];
    for (function, reasons) in logged {
        let log = fs::read_to_string(function.log()).unwrap();
        assert!(reasons.iter().all(|reason| log.contains(reason)), "the failures are logged");
        let leak = log.lines().find(|line| line.contains(MARK));
        assert_eq!(leak, None);
    }
}

/// Adds the mark to every text.
fn mark(value: &mut Value, mark: &str) {
    match value {
        Value::String(text) => *text = format!("{text} {mark}"),
        Value::Array(elements) => elements.iter_mut().for_each(|element| self::mark(element, mark)),
        Value::Object(members) => members.values_mut().for_each(|member| self::mark(member, mark)),
        _ => {}
    }
}
