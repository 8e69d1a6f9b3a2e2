//! Hostile input and input at a limit have the outcomes that docs/reliability.md lists.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use agent_event_upserter::Upserter;
use contact_lake::{Made, Policy, Transformed};
use contact_record_normalizer::{RESPONSE_BUDGET, transform};
use ledger_tests::hostile::{Case, agent_events, contact, contact_records};
use ledger_tests::{
    MemoryRejectedStore, dynamodb, dynamodb_store, far_future, stream_event, transform_event, upserter,
};
use serde_json::{Value, json};
use tables_dynamodb::agents::DynamoDbStore;

fn row_of(record: &[u8]) -> (String, Value) {
    let event = transform_event([record]);
    let response = transform(event, &Policy::default()).0;
    let response = serde_json::to_value(&response).unwrap();
    match contact_lake::transform(record, None, &Policy::default()) {
        Ok(Transformed::Row(Made { line, .. })) if response["records"][0]["result"] == "Ok" => {
            assert_eq!(
                line.iter().position(|byte| *byte == b'\n'),
                Some(line.len() - 1),
                "a row is one line"
            );
            ("row".to_owned(), serde_json::from_slice(&line).unwrap_or_default())
        }
        Ok(Transformed::Row(_)) => ("failed: too_large $".to_owned(), Value::Null),
        Ok(Transformed::Dropped(_)) => ("dropped".to_owned(), Value::Null),
        Err(reject) => (format!("failed: {} {}", reject.code.as_str(), reject.path), Value::Null),
    }
}

async fn outcome_of(
    function: &Upserter<DynamoDbStore, MemoryRejectedStore>,
    number: usize,
    record: &[u8],
) -> String {
    let (response, summary) = function.handle(&stream_event(number, [record]), far_future()).await;
    assert_eq!(
        serde_json::to_value(&response).unwrap(),
        json!({"batchItemFailures": []}),
        "{:?}",
        summary.faults
    );
    let rejected =
        summary.rejected.keys().next().map(|(code, path)| format!("rejected: {} {path}", code.as_str()));
    let counts = [
        ("applied", summary.applied),
        ("duplicate", summary.duplicate),
        ("stale", summary.stale),
        ("skipped", summary.skipped),
    ];
    let counted = counts.into_iter().find(|(_, count)| *count == 1).map(|(name, _)| name.to_owned());
    rejected.or(counted).expect("the record is in one count")
}

#[tokio::test]
async fn every_hostile_input_has_its_documented_outcome() {
    for Case { description, record, outcome, holds } in contact_records() {
        let (actual, row) = row_of(&record);
        assert_eq!(actual, outcome, "{description}");
        if let Some((column, value)) = holds {
            assert_eq!(row[column], value, "{description}");
        }
    }
    let (_server, client) = dynamodb().await;
    let Upserter { rules, write_concurrency, rejected_store, known_profiles, .. } = upserter(());
    let store = dynamodb_store(client.clone());
    let function = Upserter { store, rejected_store, rules, write_concurrency, known_profiles };
    for (number, Case { description, record, outcome, holds }) in agent_events().into_iter().enumerate() {
        assert_eq!(outcome_of(&function, number, &record).await, outcome, "{description}");
        if let Some((attribute, value)) = holds {
            let scan = client.scan().table_name("State").send().await.unwrap();
            let held = scan.items().iter().filter_map(|item| item.get(attribute)?.as_s().ok());
            assert!(held.into_iter().any(|held| *held == value), "{description}");
        }
    }
}

/// Lambda's limits for an event are 10,000 records and 6 MB.
#[test]
fn every_record_of_the_largest_events_is_answered() {
    let small = contact(json!({}));
    let event = transform_event(std::iter::repeat_n(small.as_slice(), 10_000));
    let (response, summary) = transform(event, &Policy::default());
    let response = serde_json::to_vec(&response).unwrap();
    assert!(response.len() <= RESPONSE_BUDGET);
    let response: Value = serde_json::from_slice(&response).unwrap();
    assert_eq!(response["records"].as_array().unwrap().len(), 10_000);
    assert_eq!(summary.ok + summary.rejected.total(), 10_000);
    assert!(
        summary.ok > 0 && summary.rejected.total() > 0,
        "rows are larger than records, so some do not fit"
    );

    // Every byte of these is escaped in a row.
    let quotes = contact(json!({"CustomerId": "\"".repeat(400_000)}));
    let (response, summary) = transform(transform_event([quotes.as_slice(); 5]), &Policy::default());
    assert!(serde_json::to_vec(&response).unwrap().len() <= RESPONSE_BUDGET);
    assert_eq!(summary.ok + summary.rejected.total(), 5);
}
