//! The meaning of whole contact records: hand-made fixtures, based on the tables of Amazon Connect's
//! [Contact records data model](https://docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html), and their rows.
//!
//! `make generate-golden` rewrites the rows. Review the diff before you commit it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use connect_streams::parse;
use contact_lake::schema::columns;
use contact_lake::{Policy, encode_demo};
use ledger_tests::contact_record_fixtures;
use ledger_tests::golden::row_of;
use serde_json::{Value, json};

fn row(name: &str) -> Value {
    row_of(&contact_record_fixtures()[name])
}

#[test]
fn every_fixture_has_its_golden_row() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/contact-records");
    let fixtures = contact_record_fixtures();
    for (name, record) in &fixtures {
        let row = format!("{:#}\n", row_of(record));
        let golden = folder.join(format!("{name}.row.json"));
        assert_eq!(fs::read_to_string(&golden).unwrap_or_default(), row, "{name}");
    }
    assert!(fixtures.len() >= 16, "only {} fixtures", fixtures.len());
}

/// The expected values are computed by hand from the fixtures, not copied from the rows.
#[test]
fn the_derived_columns_follow_their_rules() {
    let names = [
        "contact_duration_seconds",
        "queue_wait_seconds",
        "answer_seconds",
        "talk_seconds",
        "hold_seconds",
        "after_contact_work_seconds",
        "handle_seconds",
        "answered",
        "abandoned",
        "abandoned_in",
        "transferred",
        "recorded",
    ];
    let no = Value::Null;
    for (fixture, expected) in [
        ("voice-answered", json!([600, 90, 90, 420, 60, 40, 520, true, false, no, false, true])),
        ("voice-abandoned-in-ivr", json!([12, no, no, no, no, no, no, false, false, "ivr", false, false])),
        (
            "voice-abandoned-in-queue",
            json!([300, 270, no, no, no, no, no, false, true, "queue", false, false]),
        ),
        (
            "voice-abandoned-while-ringing",
            json!([60, 30, no, no, no, no, no, false, true, "ringing", false, false]),
        ),
        (
            "voice-transferred-to-external-number",
            json!([2400, 90, 90, 420, 60, 40, 520, true, false, no, true, false]),
        ),
        ("voice-callback", json!([600, 150, no, no, no, no, no, false, true, "queue", false, false])),
        ("voice-outbound-campaign", json!([600, no, no, 420, 60, 40, 520, true, false, no, false, false])),
        ("chat", json!([600, 90, 90, 420, 0, 40, 460, true, false, no, false, false])),
        ("task-with-pauses", json!([600, 90, 90, 360, 0, 40, 520, true, false, no, false, false])),
        ("email", json!([600, 270, no, no, no, no, no, false, true, "queue", false, false])),
        ("kinesis-video-recording", json!([600, no, no, no, no, no, no, false, false, "ivr", false, true])),
        ("legacy-all-null", json!([no, no, no, no, no, no, no, false, false, no, false, false])),
    ] {
        let row = row(fixture);
        let found: Vec<_> = names.iter().map(|name| row.get(name).cloned().unwrap_or(Value::Null)).collect();
        assert_eq!(json!(found), expected, "{fixture}");
    }
}

#[test]
fn a_record_with_every_field_set_fills_every_column() {
    let row = row("every-field-set");
    let missing: Vec<_> =
        columns().map(|column| column.name).filter(|name| row.get(*name).is_none()).collect();
    // Every field has a column. The contact was answered and so not abandoned, and is neither from a backfill nor a
    // callback.
    assert_eq!(missing, ["extra", "abandoned_in", "arrival_place", "wait_after_greeting_milliseconds"]);
    assert_eq!(row["attributes"]["GreetingPlayed"], "true");
    assert_eq!(row["attributes"]["greetingPlayed"], "false");
    assert_eq!(row["attributes"]["number"], "1.50");
    assert_eq!(row["contact_evaluations"][0]["form_id"], "form-a");
    assert_eq!(row["contact_evaluations"][1]["form_id"], "form-b");
    assert_eq!(row["agent_state_transitions"][0]["state"], "SILENT_MONITOR");
    assert_eq!(row["agent_state_transitions"][1]["state"], "BARGE");
    assert_eq!(row["segment_attributes"]["count"], "7");
    assert_eq!(row["segment_attributes"]["map"], r#"{"k":{"ValueString":"v"}}"#);
}

#[test]
fn unknown_fields_and_types_leave_columns_empty_and_lose_nothing() {
    let row = row("fields-of-tomorrow");
    assert_eq!(row["channel"], "HOLOGRAM");
    assert!(row.get("queue_duration_seconds").is_none());
    let extra: Value = serde_json::from_str(row["extra"].as_str().unwrap()).unwrap();
    let expected = json!({
        "Agent.NewInAgent": {"Deep": [1, {"Deeper": "x"}]},
        "CustomerEndpoint": "+441632960101",
        "NewAtTop": [true, 1.1],
        "Queue.Duration": "ninety",
        "Recordings[0].NewInRecording": "y",
        "References[0].order": {"Value": "https://example.com/orders/16", "Type": "URL"},
    });
    assert_eq!(extra, expected);
}

/// A contact in three versions, each delivered twice. The copies of a version have the same hash, the versions have
/// three, and `last_update_timestamp` orders them.
#[test]
fn versions_have_different_hashes_and_copies_the_same() {
    let original: Value = serde_json::from_slice(&contact_record_fixtures()["voice-answered"]).unwrap();
    let version = |updated: &str, attributes: Value| {
        let mut record = original.clone();
        record["LastUpdateTimestamp"] = json!(updated);
        record["Attributes"] = attributes;
        record.to_string().into_bytes()
    };
    let versions = [
        version("2026-03-02T09:12:04Z", json!({"language": "en"})),
        version("2026-03-07T18:00:00Z", json!({"language": "en", "survey": "4"})),
        version("2026-03-07T18:28:00Z", json!({"language": "en", "survey": "5"})),
    ];
    let mut rows: Vec<Value> = versions.iter().flat_map(|bytes| [row_of(bytes), row_of(bytes)]).collect();
    for pair in rows.chunks(2) {
        assert_eq!(pair[0], pair[1]);
    }
    let hashes: std::collections::BTreeSet<_> =
        rows.iter().map(|row| row["content_hash"].to_string()).collect();
    assert_eq!(hashes.len(), 3);
    rows.reverse();
    let newest = rows.iter().max_by_key(|row| row["last_update_timestamp"].to_string()).unwrap();
    assert_eq!(newest["attributes"]["survey"], "5");
}

/// A redacted copy is an ordinary newer version, and the newest version has none of the redacted data.
#[test]
fn a_redacted_copy_is_a_newer_version() {
    let (before, after) = (row("email"), row("email-redacted"));
    assert_eq!(before["contact_id"], after["contact_id"]);
    assert!(before["last_update_timestamp"].as_str() < after["last_update_timestamp"].as_str());
    for gone in ["customer_endpoint_address", "additional_email_recipients"] {
        assert!(before.get(gone).is_some() && after.get(gone).is_none(), "{gone}");
    }
    assert!(before["segment_attributes"]["connect:EmailSubject"].is_string());
    assert!(after["segment_attributes"].get("connect:EmailSubject").is_none());
    assert!(!after.to_string().contains("customer@example.com"));
}

/// `tests/content-hash/vectors.json` comes from a second implementation, `content_hash.py`, which was written only
/// from docs/contact-record.md.
#[test]
fn the_hash_agrees_with_a_second_implementation() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("content-hash/vectors.json");
    let vectors: Vec<BTreeMap<String, String>> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert!(vectors.len() >= 25);
    let keyed = Policy::read("{}", Some(b"0123456789abcdef0123456789abcdef")).unwrap();
    for vector in vectors {
        let document = parse(vector["record"].as_bytes()).unwrap();
        for (policy, expected) in [(&Policy::default(), &vector["hash"]), (&keyed, &vector["keyed"])] {
            let row: Value =
                serde_json::from_slice(&encode_demo(document.as_object().unwrap(), None, policy)).unwrap();
            assert_eq!(row["content_hash"], expected.as_str(), "{}", vector["record"]);
        }
    }
}
