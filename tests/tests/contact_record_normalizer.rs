//! Firehose's contract, whatever the records hold.

use std::sync::OnceLock;

use contact_lake::Policy;
use contact_ledger::demo_day::demo_day;
use contact_record_normalizer::{RESPONSE_BUDGET, transform};
use ledger_tests::transform_event;
use proptest::prelude::*;
use serde_json::Value;

fn contact_records() -> &'static [Vec<u8>] {
    static RECORDS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    RECORDS.get_or_init(|| demo_day().contact_records)
}

/// A record of the demo day, perhaps damaged, or any bytes.
fn record() -> impl Strategy<Value = Vec<u8>> {
    let whole = any::<prop::sample::Index>()
        .prop_map(|index| contact_records()[index.index(contact_records().len())].clone());
    let damaged =
        (whole.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut record, place, byte)| {
            let place = place.index(record.len());
            record[place] = byte;
            record
        });
    prop_oneof![whole, damaged, prop::collection::vec(any::<u8>(), 0..100)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_id_is_answered_once_in_order_and_every_row_is_one_line(records in prop::collection::vec(record(), 0..20)) {
        let event = transform_event(records.iter().map(Vec::as_slice));
        let (response, summary) = transform(&event, &Policy::default()).unwrap();
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
            let data = base64_simd::STANDARD.decode_to_vec(answer["data"].as_str().unwrap()).unwrap();
            prop_assert_eq!(data.iter().position(|byte| *byte == b'\n'), Some(data.len() - 1));
            let row: Value = serde_json::from_slice(&data).unwrap();
            prop_assert_eq!(&answer["metadata"]["partitionKeys"]["contact_date"], &row["initiation_timestamp"].as_str().unwrap()[..10]);
        }
    }

    #[test]
    fn the_same_record_gives_the_same_bytes(record in record()) {
        let event = transform_event([record.as_slice(), record.as_slice()]);
        let (response, _) = transform(&event, &Policy::default()).unwrap();
        let response = serde_json::to_value(&response).unwrap();
        prop_assert_eq!(&response["records"][0]["data"], &response["records"][1]["data"]);
    }
}
