//! Our JSON reader against `serde_json`: whatever the bytes, both accept the same texts and read the same values.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use connect_streams::{RejectCode, Value, parse};
use proptest::prelude::*;

fn rewritten(value: &Value<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    value.write_json(&mut out);
    out
}

/// Compares where both readers have the same rules. They differ on purpose in three points: we skip a byte order
/// mark, replace lone surrogates and stop at 64 levels instead of 128.
fn compare(bytes: &[u8]) {
    let ours = parse(bytes);
    let theirs = serde_json::from_slice::<serde_json::Value>(bytes);
    match (&ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            let again: serde_json::Value = serde_json::from_slice(&rewritten(ours)).unwrap();
            assert_eq!(again, theirs);
        }
        (Err(reject), Ok(_)) => assert_eq!(reject.code, RejectCode::TooDeep),
        (Ok(_), Err(error)) => {
            let message = error.to_string();
            let is_ours_to_accept = bytes.starts_with(b"\xef\xbb\xbf")
                || message.contains("surrogate")
                || message.contains("unexpected end of hex escape")
                || message.contains("number out of range");
            assert!(is_ours_to_accept, "{message}: {bytes:?}");
        }
        (Err(_), Err(_)) => {}
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".*".prop_map(Into::into),
    ];
    leaf.prop_recursive(8, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::btree_map(".*", inner, 0..8)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_is_read_alike(value in json()) {
        compare(value.to_string().as_bytes());
        compare(serde_json::to_string_pretty(&value).unwrap().as_bytes());
    }

    #[test]
    fn damaged_json_is_read_alike(value in json(), place in any::<prop::sample::Index>(), byte in any::<u8>(), cuts in any::<bool>()) {
        let mut bytes = value.to_string().into_bytes();
        let place = place.index(bytes.len());
        if cuts { bytes.truncate(place) } else { bytes[place] = byte }
        compare(&bytes);
    }

    #[test]
    fn text_of_jsons_own_signs_is_read_alike(text in r#"[\[\]{}",:0-9eE+\-. \\utrfalsn]{0,40}"#) {
        compare(text.as_bytes());
    }

    #[test]
    fn any_bytes_are_read_alike(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        compare(&bytes);
    }
}
