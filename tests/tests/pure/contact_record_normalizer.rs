//! Firehose's contract and the guarantees about rows, for any records.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::OnceLock;

use connect_streams::{Timestamp, parse};
use contact_lake::Policy;
use contact_record_normalizer::{RESPONSE_BUDGET, transform};
use ledger_tests::{contact_record_fixtures, read_event, transform_event};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn fixtures() -> &'static [Value] {
    static FIXTURES: OnceLock<Vec<Value>> = OnceLock::new();
    FIXTURES.get_or_init(|| {
        contact_record_fixtures().values().map(|bytes| serde_json::from_slice(bytes).unwrap()).collect()
    })
}

fn fixture() -> impl Strategy<Value = Value> + Clone {
    any::<prop::sample::Index>().prop_map(|index| fixtures()[index.index(fixtures().len())].clone())
}

/// A contact record, possibly damaged, or any bytes.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let whole = fixture().prop_map(|record| record.to_string().into_bytes());
    let damaged =
        (whole.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut record, place, byte)| {
            let place = place.index(record.len());
            record[place] = byte;
            record
        });
    prop_oneof![whole, damaged, prop::collection::vec(any::<u8>(), 0..100)]
}

/// Any JSON, with strings that do not occur by chance.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "marked-[a-z]{8}".prop_map(Into::into),
        Just(json!("2026-03-02T10:20:30Z")),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map("[A-Z][a-z]{1,6}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// Inserts `new` somewhere into the value, or replaces a part of it.
fn mutate(value: &mut Value, path: &[prop::sample::Index], new: Value) {
    let children = match value {
        Value::Object(members) => members.len(),
        Value::Array(elements) => elements.len(),
        _ => 0,
    };
    let Some((index, rest)) = path.split_first().filter(|_| children > 0) else {
        match value {
            Value::Object(members) => drop(members.insert("NewField".to_owned(), new)),
            Value::Array(elements) => elements.push(new),
            _ => *value = new,
        }
        return;
    };
    match value {
        Value::Object(members) => mutate(members.values_mut().nth(index.index(children)).unwrap(), rest, new),
        Value::Array(elements) => mutate(&mut elements[index.index(children)], rest, new),
        _ => unreachable!("only objects and arrays have children"),
    }
}

fn mutated() -> impl Strategy<Value = Value> {
    let mutation = (prop::collection::vec(any::<prop::sample::Index>(), 0..5), anything());
    (fixture(), prop::collection::vec(mutation, 0..4)).prop_map(|(mut record, mutations)| {
        for (path, new) in mutations {
            mutate(&mut record, &path, new);
        }
        record
    })
}

/// The same JSON with the members of every object in reverse order.
fn reordered(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .rev()
                .map(|(key, value)| format!("{} :{}", json!(key), reordered(value)))
                .collect();
            format!("{{\n{}}}", members.join(" , "))
        }
        Value::Array(elements) => {
            format!("[ {} ]", elements.iter().map(reordered).collect::<Vec<_>>().join(",\t"))
        }
        leaf => leaf.to_string(),
    }
}

/// Collects every string, number, and Boolean, including those in JSON strings. Timestamps are normalized.
fn leaves(value: connect_streams::Value<'_>, found: &mut BTreeSet<String>) {
    use connect_streams::Value::{Array, Bool, Null, Number, Object, String};
    match value {
        Null => {}
        Bool(truth) => drop(found.insert(truth.to_string())),
        Number(digits) => drop(found.insert(digits.to_owned())),
        String(text) => {
            found.insert(Timestamp::parse(text).map_or(text.to_string(), |instant| instant.to_string()));
            if let Ok(nested) = parse(text.as_bytes()) {
                leaves(nested.root(), found);
            }
        }
        Array(elements) => elements.iter().for_each(|element| leaves(element, found)),
        Object(object) => object.iter().for_each(|(_, member)| leaves(member, found)),
    }
}

/// The function's answers.
fn answers(records: &[&[u8]]) -> Vec<Value> {
    let (response, _) = transform(transform_event(records.iter().copied()), &Policy::default());
    serde_json::to_value(&response).unwrap()["records"].as_array().unwrap().clone()
}

fn data(answer: &Value) -> Option<Vec<u8>> {
    Some(base64_simd::STANDARD.decode_to_vec(answer.get("data")?.as_str()?).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_id_is_answered_once_in_order_and_every_row_is_one_line(records in prop::collection::vec(bytes(), 0..20)) {
        let event = transform_event(records.iter().map(Vec::as_slice));
        let (response, summary) = transform(event, &Policy::default());
        let json = serde_json::to_vec(&response).unwrap();
        prop_assert!(json.len() <= RESPONSE_BUDGET);
        prop_assert_eq!(summary.ok + summary.dropped() + summary.failed(), records.len());

        let response: Value = serde_json::from_slice(&json).unwrap();
        let answers = response["records"].as_array().unwrap();
        prop_assert_eq!(answers.len(), records.len());
        for (index, answer) in answers.iter().enumerate() {
            prop_assert_eq!(answer["recordId"].as_str().unwrap(), format!("r{index}"));
            if answer["result"] != "Ok" {
                prop_assert!(answer.get("data").is_none() && answer.get("metadata").is_none());
                continue;
            }
            let data = data(answer).unwrap();
            prop_assert_eq!(data.iter().position(|byte| *byte == b'\n'), Some(data.len() - 1));
            let row: Value = serde_json::from_slice(&data).unwrap();
            let day = &row["initiation_timestamp"].as_str().unwrap()[..10];
            prop_assert_eq!(&answer["metadata"]["partitionKeys"]["contact_date"], day);
        }
    }

    #[test]
    fn the_same_record_gives_the_same_bytes_in_any_order_of_its_keys(record in mutated()) {
        let (text, reordered) = (record.to_string(), reordered(&record));
        let answers = answers(&[text.as_bytes(), text.as_bytes(), reordered.as_bytes()]);
        prop_assert_eq!(&answers[0]["data"], &answers[1]["data"]);
        prop_assert_eq!(&answers[0]["data"], &answers[2]["data"]);
    }

    #[test]
    fn every_leaf_of_a_record_is_found_in_its_row(record in mutated()) {
        let text = record.to_string();
        if let Some(row) = data(&answers(&[text.as_bytes()])[0]) {
            let (mut in_record, mut in_row) = (BTreeSet::new(), BTreeSet::new());
            leaves(parse(text.as_bytes()).unwrap().root(), &mut in_record);
            leaves(parse(&row).unwrap().root(), &mut in_row);
            let lost: Vec<_> = in_record.difference(&in_row).collect();
            prop_assert!(lost.is_empty(), "{lost:?} of {text} is not in {}", String::from_utf8_lossy(&row));
        }
    }
}

const MINIMAL: &str = r#""ContactId":"c","InstanceARN":"arn:aws:connect:eu-west-2:111122223333:instance/i","InitiationTimestamp":"2026-03-02T08:00:00Z","LastUpdateTimestamp":"2026-03-02T08:05:00Z""#;

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn odd_json_has_a_defined_outcome() {
    let with = |member: &str| format!("{{{MINIMAL},{member}}}").into_bytes();
    let nested = |levels: usize| with(&format!("\"New\":{}1{}", "[".repeat(levels), "]".repeat(levels)));
    let plain = format!("{{{MINIMAL}}}").into_bytes();
    let surrounded = |before: &[u8], after: &[u8]| [before, &plain, after].concat();
    for (case, record, expected) in [
        ("plain", plain.clone(), Ok("")),
        ("white space around", surrounded(b" \n\t", b"\r\n "), Ok("")),
        ("byte order mark", surrounded(b"\xef\xbb\xbf", b""), Ok("")),
        ("two objects", surrounded(b"", &plain), Err("not_json")),
        ("trailing bytes", surrounded(b"", b"x"), Err("not_json")),
        ("trailing NUL", surrounded(b"", b"\0"), Err("not_json")),
        ("an array of objects", surrounded(b"[", b"]"), Err("not_an_object")),
        ("UTF-16", plain.iter().flat_map(|byte| [*byte, 0]).collect(), Err("not_json")),
        (
            "invalid UTF-8 in a value",
            with("\"CustomerId\":\"?\"")
                .iter()
                .map(|byte| if *byte == b'?' { 0xff } else { *byte })
                .collect(),
            Err("not_utf8"),
        ),
        ("lone surrogate", with(r#""CustomerId":"a\ud83db""#), Ok("\"customer_id\":\"a\u{fffd}b\"")),
        ("surrogate pair", with(r#""CustomerId":"\ud83d\ude00""#), Ok("\"customer_id\":\"\u{1f600}\"")),
        ("control character", with("\"CustomerId\":\"a\u{1}b\""), Err("not_json")),
        ("escaped control character", with(r#""CustomerId":"a\u0001b""#), Ok(r#""customer_id":"a\u0001b""#)),
        (
            "repeated key, the last counts",
            with(r#""Channel":"VOICE","Channel":"CHAT""#),
            Ok(r#""channel":"CHAT""#),
        ),
        (
            "repeated key, the first is kept",
            with(r#""Channel":"VOICE","Channel":"CHAT""#),
            Ok(r#"{\"Channel\":\"VOICE\"}"#),
        ),
        ("repeated attribute", with(r#""Attributes":{"k":"1","k":"2"}"#), Ok(r#""attributes":{"k":"2"}"#)),
        (
            "attributes that differ in case",
            with(r#""Attributes":{"k":"1","K":"2"}"#),
            Ok(r#""attributes":{"K":"2","k":"1"}"#),
        ),
        (
            "attributes of other types",
            with(r#""Attributes":{"a":1.50,"b":true,"c":{"d":[1]},"e":null}"#),
            Ok(r#""attributes":{"a":"1.50","b":"true","c":"{\"d\":[1]}"}"#),
        ),
        (
            "large number",
            with(r#""New":123456789012345678901234567890"#),
            Ok("123456789012345678901234567890"),
        ),
        (
            "number beyond its column",
            with(r#""AgentConnectionAttempts":9223372036854775808"#),
            Ok("9223372036854775808"),
        ),
        (
            "fraction in a whole number's column",
            with(r#""AgentConnectionAttempts":1.5"#),
            Ok(r#"{\"AgentConnectionAttempts\":1.5}"#),
        ),
        (
            "number beyond a double",
            with(r#""QualityMetrics":{"Agent":{"Audio":{"QualityScore":1e999}}}"#),
            Ok(r#"{\"QualityMetrics.Agent.Audio.QualityScore\":1e999}"#),
        ),
        ("64 levels", nested(63), Ok("extra")),
        ("65 levels", nested(64), Err("too_deep")),
        ("a million levels", nested(1_000_000), Err("too_deep")),
        (
            "both spellings",
            with(r#""Agent":{"AgentPauseDuration":1,"AgentPauseDurationInSeconds":2}"#),
            Ok(r#""agent_pause_duration_seconds":2"#),
        ),
        (
            "older spelling",
            with(r#""Agent":{"AgentPauseDuration":1}"#),
            Ok(r#""agent_pause_duration_seconds":1"#),
        ),
        (
            "one object for a list",
            with(r#""RoutingCriteria":{"Index":3}"#),
            Ok(r#""routing_criteria":[{"index":3}]"#),
        ),
        ("empty", Vec::new(), Err("not_json")),
        ("null", b"null".to_vec(), Err("not_an_object")),
        (
            "no time",
            plain.iter().copied().map(|byte| if byte == b'T' { b'U' } else { byte }).collect(),
            Err("missing_field"),
        ),
    ] {
        let (response, summary) = transform(transform_event([record.as_slice()]), &Policy::default());
        let answer = &serde_json::to_value(&response).unwrap()["records"][0];
        match expected {
            Ok(part) => {
                let row = data(answer).unwrap_or_else(|| panic!("{case}: {:?}", summary.rejected));
                let row = String::from_utf8(row).unwrap();
                assert!(row.contains(part), "{case}: {row}");
            }
            Err(code) => {
                let codes: Vec<_> = summary.rejected.keys().map(|(code, _)| code.as_str()).collect();
                assert_eq!(
                    (codes, answer["result"].as_str()),
                    (vec![code], Some("ProcessingFailed")),
                    "{case}"
                );
            }
        }
    }
}

#[test]
fn a_missing_or_invalid_required_field_is_named() {
    for field in ["ContactId", "InstanceARN", "InitiationTimestamp", "LastUpdateTimestamp"] {
        for (value, code) in
            [("null", "missing_field"), ("17", "bad_field"), ("\"\"", "bad_field"), ("{}", "bad_field")]
        {
            let record = format!("{{{MINIMAL},\"{field}\":{value}}}");
            let (_, summary) = transform(transform_event([record.as_bytes()]), &Policy::default());
            let found: Vec<_> =
                summary.rejected.keys().map(|(code, path)| (code.as_str(), path.as_str())).collect();
            assert_eq!(found, [(code, field)], "{value}");
        }
    }
}

#[test]
fn every_kind_of_record_has_its_answer() {
    let demo = br#"{"ticker_symbol":"QXZ","sector":"HEALTHCARE","change":-0.05,"price":84.51}"#;
    let agent_event = br#"{"AgentARN":"a","EventType":"LOGIN"}"#;
    let contact_event = br#"{"version":"0","detail-type":"Amazon Connect Contact Event","source":"aws.connect","detail":{"contactId":"c"}}"#;
    let event = transform_event([&demo[..], agent_event, contact_event, br#"{"price":1}"#]);
    let (response, summary) = transform(event, &Policy::default());
    let answers = serde_json::to_value(&response).unwrap()["records"].as_array().unwrap().clone();
    let results: Vec<_> = answers.iter().map(|answer| answer["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["Ok", "Dropped", "Dropped", "ProcessingFailed"]);
    assert_eq!(summary.dropped.iter().collect::<Vec<_>>(), [(&"agent_event", &1), (&"contact_event", &1)]);
    assert_eq!(answers[0]["metadata"]["partitionKeys"]["contact_date"], "demo");
    let row: Value = serde_json::from_slice(&data(&answers[0]).unwrap()).unwrap();
    assert_eq!((row["record_kind"].as_str(), row.get("contact_id")), (Some("demo"), None));
    assert!(row["extra"].as_str().unwrap().contains("QXZ"));
}

#[test]
fn both_envelopes_are_parsed_and_a_repeated_id_is_answered_each_time() {
    let data = base64_simd::STANDARD.encode_to_string(format!("{{{MINIMAL}}}"));
    let record = |arrival: Value, metadata: Value| json!({"recordId": "same", "approximateArrivalTimestamp": arrival, "data": data, "kinesisRecordMetadata": metadata});
    let kinesis = json!({
        "shardId": "shardId-000000000000", "partitionKey": "p", "approximateArrivalTimestamp": 1_772_438_700_123_i64,
        "sequenceNumber": "49", "subsequenceNumber": "",
    });
    let event = json!({
        "invocationId": "i", "deliveryStreamArn": "arn:d", "sourceKinesisStreamArn": "arn:s", "region": "eu-west-2",
        "records": [
            record(json!(1_772_438_700_123_i64), kinesis.clone()),
            record(json!(1_772_438_700_123.9), Value::Null),
            record(json!("2026-03-02T08:05:00.123Z"), kinesis),
            record(json!([]), Value::Null),
        ],
    });
    let (response, _) = transform(read_event(&event), &Policy::default());
    let answers = serde_json::to_value(&response).unwrap()["records"].as_array().unwrap().clone();
    assert!(answers.iter().all(|answer| answer["recordId"] == "same" && answer["result"] == "Ok"));
    let arrivals: Vec<_> = answers
        .iter()
        .map(|answer| {
            serde_json::from_slice::<Value>(&self::data(answer).unwrap()).unwrap()["arrival_timestamp"]
                .clone()
        })
        .collect();
    assert_eq!(
        arrivals[..3],
        ["2026-03-02T08:05:00.123Z", "2026-03-02T08:05:00.123Z", "2026-03-02T08:05:00.123Z"]
    );
    assert_eq!(arrivals[3], Value::Null);
}
