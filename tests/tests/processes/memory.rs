//! The normalizer's memory for the largest possible events.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::time::Duration;

use ledger_tests::{contact_record_fixtures, functions_folder, processes_with_files_below, resident_bytes};
use local_aws::function::{Function, FunctionSettings, Invoke};
use serde_json::json;
use served_stack::Keys;

/// Lambda's limit for the event of a synchronous invocation.
const EVENT_BYTES: usize = 6 * 1024 * 1024;
const ALLOWED_ABOVE_IDLE: u64 = 64 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_events_take_at_most_64_megabytes_above_idle() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().canonicalize().unwrap().join("log");
    let normalizer = Function::new(FunctionSettings {
        name: "contact-record-normalizer",
        binary: functions_folder().join("contact-record-normalizer"),
        environment: BTreeMap::from([(
            "PII_POLICY".to_owned(),
            r#"{"customer_endpoint_address":"mask"}"#.to_owned(),
        )]),
        timeout: Duration::from_mins(1),
        memory_megabytes: 256,
        keys: Keys::random(),
        log: log.clone(),
        crashes: None,
    })
    .unwrap();
    normalizer.invoke(json!({"records": []}).to_string().into()).await.unwrap();
    let [process] = &processes_with_files_below(&log)[..] else { panic!("the function has one process") };
    let idle = resident_bytes(process, "VmRSS");

    let fixtures = contact_record_fixtures();
    let large = format!(r#"{{"ContactId":"{}"}}"#, "x".repeat(1_000_000)).into_bytes();
    for data in [&fixtures["every-field-set"], &fixtures["voice-answered"], &large] {
        let record = |id: usize| {
            json!({"recordId": id.to_string(), "data": base64_simd::STANDARD.encode_to_string(data)})
                .to_string()
        };
        let records = EVENT_BYTES / (record(0).len() + 10);
        let event = format!(r#"{{"records":[{}]}}"#, (0..records).map(record).collect::<Vec<_>>().join(","));
        for _ in 0..5 {
            normalizer.invoke(event.clone().into()).await.unwrap();
        }
    }
    let above_idle = resident_bytes(process, "VmHWM").saturating_sub(idle);
    println!("peak {} KiB above idle ({} KiB)", above_idle / 1024, idle / 1024);
    assert!(above_idle <= ALLOWED_ABOVE_IDLE, "peak {above_idle} bytes above idle");
}
