use std::fs;
use std::path::Path;

use contact_lake::schema::COLUMNS;

use super::*;
use crate::records::input::Input;

const MARK: &str = "marked-value";

/// A value in the form of this field.
fn mark(path: &str) -> &'static str {
    match path.to_lowercase() {
        path if path.ends_with("arn") => "arn:marked-value",
        path if path.ends_with("account_id") || path.ends_with("accountid") => "123412341234",
        _ => MARK,
    }
}

fn of(record: &serde_json::Value) -> serde_json::Value {
    hidden(parse(record.to_string().as_bytes()).unwrap().root())
}

/// The value below these levels.
fn nested(path: &str, value: &serde_json::Value) -> serde_json::Value {
    path.split('.').rev().fold(value.clone(), |inner, level| json!({ level: inner }))
}

#[test]
fn a_text_is_shown_only_in_a_declared_field_and_only_as_a_plain_text() {
    let mut shown = 0;
    for column in columns() {
        for source in column.sources() {
            let text = of(&nested(source, &json!(mark(source)))).to_string();
            let is_declared = column.is_shown() && matches!(column.kind, Kind::Text | Kind::TextList);
            assert_eq!(text.contains(mark(source)), is_declared, "{source}: {text}");
            shown += usize::from(is_declared);
            for other in [json!({"a": MARK}), json!([{"a": MARK}]), json!([[{"a": {"b": MARK}}]])] {
                let text = of(&nested(source, &other)).to_string();
                assert!(!text.contains(MARK), "{source}: {text}");
            }
        }
    }
    assert!(shown > 50, "{shown}");
    for unknown in ["Brand", "Agent.Brand", "CurrentAgentSnapshot.Brand", "Recordings.Brand", "detail.brand"]
    {
        assert!(!of(&nested(unknown, &json!([MARK]))).to_string().contains(MARK), "{unknown}");
    }
    let name = of(&json!({"ada@example.com": 1, "Attributes": {"ada@example.com": "x"}, "ContactId": "c"}));
    assert!(!name.to_string().contains("ada@"), "{name}");
}

/// By column name, including the fields of lists.
#[test]
fn a_row_shows_only_the_texts_that_are_declared_open() {
    fn check(columns: &[Column], above: &str, all: &mut Vec<(String, bool)>) {
        for column in columns {
            let name = format!("{above}{}", column.name);
            let is_text = matches!(column.kind, Kind::Text | Kind::TextList);
            let is_shown = shown_at(&name, Value::String(mark(&name))) == mark(&name);
            assert_eq!(is_shown, is_text && column.is_shown(), "{name}");
            if let Kind::StructList(fields) | Kind::StructMap(fields) = column.kind {
                check(fields, &format!("{name}."), all);
            }
            all.push((name, is_shown));
        }
    }
    let mut all = Vec::new();
    check(&COLUMNS, "", &mut all);
    let shown = all.iter().filter(|(_, is_shown)| *is_shown).count();
    assert!(shown > 60, "{shown}");
    // These must never be declared open.
    for personal in [
        "username",
        "customer_id",
        "address",
        "display_name",
        "device_info",
        "hierarchy_level1_name",
        "location",
        "references.value",
        "attributes",
        "contact_details",
        "tags",
        "extra",
        "expression",
        "voice_id_result",
        "recipients",
    ] {
        let named: Vec<_> = all.iter().filter(|(name, _)| name.contains(personal)).collect();
        assert!(!named.is_empty(), "{personal} is not a column");
        assert!(named.iter().all(|(_, is_shown)| !is_shown), "{named:?}");
    }
}

/// No hand-made record shows a value about a person.
#[test]
fn the_fixtures_show_no_personal_data() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/contact-records");
    let personal = [
        "/CustomerEndpoint/Address",
        "/CustomerEndpoint/DisplayName",
        "/SystemEndpoint/Address",
        "/TransferredToEndpoint/Address",
        "/CustomerId",
        "/Agent/Username",
        "/Agent/HierarchyGroups/Level1/GroupName",
        "/Attributes",
        "/ContactDetails",
        "/References",
        "/Tags",
        "/SegmentAttributes",
        "/AdditionalEmailRecipients",
        "/Recording/Location",
        "/Customer/DeviceInfo/PlatformName",
        "/VoiceIdResult/GeneratedSpeakerId",
    ];
    let mut checked = 0;
    for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let record: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let shown = of(&record);
        let all = shown.to_string();
        for path in personal {
            let (Some(value), shown) = (record.pointer(path), shown.pointer(path)) else { continue };
            let is_absent = parse(value.to_string().as_bytes()).unwrap().root().is_absent();
            if !is_absent && value.is_string() {
                assert!(shown.is_none_or(|shown| shown == HIDDEN), "{} {path}", file.display());
                assert!(!all.contains(&format!(":{value}")), "{} {path}", file.display());
                checked += 1;
            } else if !is_absent {
                let texts = value.to_string();
                let shown = shown.map(ToString::to_string).unwrap_or_default();
                let leaves = texts.split('"').filter(|text| text.len() > 12);
                assert_eq!(leaves.filter(|leaf| shown.contains(*leaf)).count(), 0, "{path}: {shown}");
                checked += 1;
            }
        }
        if record.pointer("/Queue/Name").is_some_and(serde_json::Value::is_string) {
            assert_eq!(shown.pointer("/Queue/Name"), record.pointer("/Queue/Name"));
        }
    }
    assert!(checked > 40, "{checked}");
}

#[test]
fn agent_events_show_statuses_and_queues_but_not_the_agents_names() {
    let mut checked = 0;
    for event in Input::demo_day().agent_events {
        let Ok(event) = serde_json::from_slice::<serde_json::Value>(&event) else { continue };
        let shown = of(&event);
        for snapshot in ["/CurrentAgentSnapshot", "/PreviousAgentSnapshot"] {
            for name in ["Username", "FirstName", "LastName"] {
                let path = format!("{snapshot}/Configuration/{name}");
                if event.pointer(&path).is_some_and(serde_json::Value::is_string) {
                    assert_eq!(shown.pointer(&path), Some(&json!(HIDDEN)));
                    checked += 1;
                }
            }
            for path in ["/AgentStatus/Name", "/Contacts/0/Queue/Name", "/Contacts/0/State"] {
                let path = format!("{snapshot}{path}");
                assert_eq!(shown.pointer(&path), event.pointer(&path), "{path}");
            }
        }
        assert_eq!(shown["EventTimestamp"], event["EventTimestamp"]);
    }
    assert!(checked > 10_000, "{checked}");
}

#[test]
fn an_unreadable_record_is_hidden_entirely() {
    assert_eq!(shown_record(b"Ada", false).get(), "\"(hidden: 3 bytes that cannot be read)\"");
    assert_eq!(shown_record(b"\"Ada\"", false).get(), "\"(hidden)\"");
    assert_eq!(shown_record(b"[\"Ada\"]", false).get(), "\"(hidden)\"");
    assert_eq!(shown_record(b"Ada\xff", true).get(), "\"Ada\u{fffd}\"");
    assert_eq!(shown_record(b"{ \"a\" : 1.10 }", true).get(), "{\"a\":1.10}");
}

#[test]
fn the_path_decides_whether_a_value_is_shown() {
    for (path, good) in [
        ("InitiationTimestamp", "2026-03-02T08:00:00Z"),
        ("AgentARN", "arn:aws:connect:eu-west-2:111122223333:instance/i/agent/a"),
        ("CurrentAgentSnapshot.AgentStatus.StartTimestamp", "2026-03-02T08:00:00.123Z"),
        ("Recordings.Status", "AVAILABLE"),
        ("contact_id", "c"),
        ("Queue.Duration", "17"),
    ] {
        assert_eq!(shown_at(path, Value::String(good)), good, "{path}");
    }
    // A text that is not a time or a number may be anything.
    for path in [
        "InitiationTimestamp",
        "CurrentAgentSnapshot.AgentStatus.StartTimestamp",
        "Queue.Duration",
        "AgentARN",
        "ContactId",
        "DisconnectReason",
    ] {
        assert_eq!(shown_at(path, Value::String("+442079460123 Ada")), HIDDEN, "{path}");
    }
    for path in
        ["$", "CustomerEndpoint.Address", "CurrentAgentSnapshot", "Brand", "attributes", "Attributes.a"]
    {
        assert_eq!(shown_at(path, Value::String("Ada")), HIDDEN, "{path}");
    }
}

/// Numbers are shown, except the confidence scores of Voice ID.
#[test]
fn voice_id_results_are_hidden_whatever_their_type() {
    let record = json!({
        "VoiceIdResult": {"Authentication": {"Score": 87, "Result": "AUTHENTICATED"}, "SpeakerEnrolled": true},
        "QualityMetrics": {"Agent": {"Audio": {"QualityScore": 4.5}}},
    });
    let shown = of(&record);
    assert_eq!(shown["VoiceIdResult"], HIDDEN);
    assert_eq!(shown["QualityMetrics"], record["QualityMetrics"]);
}

#[test]
fn every_listed_field_of_an_agent_event_is_shown() {
    for path in AGENT_EVENT {
        let field = path.rsplit('.').next().unwrap();
        let value = match field {
            "AWSAccountId" => r#""111122223333""#,
            "AvailableSlots" | "MaximumSlots" => "3",
            _ if field.ends_with("ARN") => r#""arn:aws:connect:eu-west-2:111122223333:instance/i/queue/q""#,
            _ if field.ends_with("Timestamp") => r#""2026-03-02T08:00:00.000Z""#,
            _ => r#""VOICE""#,
        };
        let path = path.replacen('*', "PreviousAgentSnapshot", 1);
        let event = nested(&path, &serde_json::from_str(value).unwrap());
        assert_eq!(of(&event), event, "{path}");
    }
}

#[test]
fn ids_of_contact_events_are_shown_in_any_case_of_letters() {
    for (id, kind) in [("contactId", "eventType"), ("ContactId", "EventType")] {
        let event = format!(
            r#"{{"time":"2026-03-02T08:00:00Z","detail-type":"Amazon Connect Contact Event","detail":{{"{id}":"c-1","{kind}":"QUEUED","Name":"Ada"}}}}"#
        );
        let shown = shown_record(event.as_bytes(), false).get().to_owned();
        assert!(
            shown.contains(r#""c-1""#) && shown.contains(r#""QUEUED""#) && !shown.contains("Ada"),
            "{shown}"
        );
    }
}
