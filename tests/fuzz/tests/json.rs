//! Our JSON reader against `serde_json`: for any bytes, both accept the same texts and read the same values.

use proptest::prelude::*;

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
    fn json_is_read_like_serde_json_reads_it(value in json()) {
        ledger_fuzz::json(value.to_string().as_bytes());
        ledger_fuzz::json(serde_json::to_string_pretty(&value).unwrap().as_bytes());
    }

    #[test]
    fn damaged_json_is_read_like_serde_json_reads_it(value in json(), place in any::<prop::sample::Index>(), byte in any::<u8>(), cuts in any::<bool>()) {
        let mut bytes = value.to_string().into_bytes();
        let place = place.index(bytes.len());
        if cuts { bytes.truncate(place) } else { bytes[place] = byte }
        ledger_fuzz::json(&bytes);
    }

    #[test]
    fn text_of_json_characters_is_read_like_serde_json_reads_it(text in r#"[\[\]{}",:0-9eE+\-. \\utrfalsn]{0,40}"#) {
        ledger_fuzz::json(text.as_bytes());
    }

    #[test]
    fn any_bytes_are_read_like_serde_json_reads_them(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        ledger_fuzz::json(&bytes);
    }
}
