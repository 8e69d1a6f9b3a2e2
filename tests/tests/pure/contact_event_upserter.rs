//! One batch of contact-event-upserter: which messages are reported, rejected, and counted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use connect_streams::Timestamp;
use contact_event_upserter::settings::UpserterSettings;
use contact_event_upserter::{Summary, Upserter, check};
use contact_state::Rules;
use contact_state::memory::MemoryStore;
use contact_state::store::{ContactStore, Update, Updated};
use lambda_io::settings::Settings;
use ledger_tests::contact_events::{call, event, messages};
use ledger_tests::{MemoryRejectedStore, far_future, fault};
use serde_json::{Value, json};
use tables::{Answer, FaultClass, StoreError};
use tokio::time::Instant;

fn now() -> Timestamp {
    Timestamp::parse("2026-03-02T08:10:00Z").unwrap()
}

fn function<S: ContactStore>(store: S) -> Upserter<S, MemoryRejectedStore> {
    Upserter {
        store,
        rejected_store: MemoryRejectedStore::default(),
        rules: Rules::default(),
        write_concurrency: 4,
    }
}

async fn handle<S: ContactStore>(
    function: &Upserter<S, MemoryRejectedStore>,
    bodies: &[String],
) -> (Vec<String>, Summary) {
    let event = messages(bodies.iter().map(String::as_str));
    let (response, summary) = function.handle(&event, now(), far_future()).await;
    let failed = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier);
    (failed.collect(), summary)
}

fn texts(events: &[Value]) -> Vec<String> {
    events.iter().map(Value::to_string).collect()
}

/// Fails the requests for contacts whose ID begins with `x`.
#[derive(Default)]
struct Failing {
    store: MemoryStore,
    class: Option<FaultClass>,
    pause: Duration,
    running: AtomicUsize,
    most_running: AtomicUsize,
}

impl ContactStore for Failing {
    async fn update(&self, update: &Update) -> Answer<Result<Updated, StoreError>> {
        let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_running.fetch_max(running, Ordering::Relaxed);
        tokio::time::sleep(self.pause).await;
        self.running.fetch_sub(1, Ordering::Relaxed);
        match self.class {
            Some(class) if update.key.contact_id.starts_with('x') => Answer::free(Err(fault(class))),
            _ => self.store.update(update).await,
        }
    }
}

#[tokio::test]
async fn one_bad_message_fails_no_other_and_is_stored_with_its_bytes_and_the_reason() {
    let good = call()[1].to_string();
    let without = |pointer: &str| {
        let mut event = call()[1].clone();
        *event.pointer_mut(pointer).unwrap() = Value::Null;
        event.to_string()
    };
    let bad = [
        "{".to_owned(),
        "7".to_owned(),
        "{}".to_owned(),
        without("/id"),
        without("/detail/contactId"),
        String::new(),
    ];
    let function = function(MemoryStore::default());
    let bodies: Vec<_> = bad.iter().cloned().chain([good]).collect();
    let (failed, summary) = handle(&function, &bodies).await;
    assert_eq!(failed, [""; 0]);
    assert_eq!((summary.applied, summary.rejected.total(), summary.retried), (1, 6, 0));
    let lines = function.rejected_store.lines();
    let found: Vec<_> = lines
        .iter()
        .map(|(_, line)| {
            (
                line["reason"].as_str().unwrap(),
                line["path"].as_str().unwrap(),
                line["message_id"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("not_json", "$", "m-0"),
        ("not_an_object", "$", "m-1"),
        ("unknown_kind", "$", "m-2"),
        ("missing_field", "id", "m-3"),
        ("missing_field", "detail.contactId", "m-4"),
        ("not_json", "$", "m-5"),
    ];
    assert_eq!(found, expected);
    for ((key, line), body) in lines.iter().zip(&bad) {
        assert!(
            key.starts_with("rejected/contact-events/2026/03/02/m-0-")
                && key.strip_suffix(".jsonl").is_some(),
            "{key}"
        );
        assert_eq!(line["data"], base64_simd::STANDARD.encode_to_string(body));
        assert_eq!(line["sent_timestamp"], "2026-03-02T08:00:00.250Z");
    }
    // The same messages again overwrite their own object.
    handle(&function, &bodies).await;
    assert_eq!(function.rejected_store.lines().len(), 6);
}

#[tokio::test]
async fn only_messages_that_are_not_finished_are_reported() {
    for class in [FaultClass::Transient, FaultClass::Environment] {
        let function = function(Failing { class: Some(class), ..Failing::default() });
        let x = event("x-1", "2026-03-02T08:00:00Z", "QUEUED", json!({"contactId": "x"}));
        let bodies = texts(&[call()[0].clone(), x, call()[1].clone()]);
        let (failed, summary) = handle(&function, &bodies).await;
        assert_eq!(failed, ["m-1"]);
        assert_eq!(
            (summary.applied, summary.retried, summary.rejected.total()),
            (2, 1, 0),
            "a fault is never blamed on data"
        );
        assert_eq!(summary.faults.iter().map(|fault| fault.class).collect::<Vec<_>>(), [class]);
        assert!(function.rejected_store.lines().is_empty());
    }
}

#[tokio::test]
async fn a_rejected_message_is_retried_until_it_is_stored() {
    let mut function = function(MemoryStore::default());
    function.rejected_store.refuses = true;
    let (failed, summary) = handle(&function, &["{".to_owned(), call()[0].to_string()]).await;
    assert_eq!(
        (failed, summary.applied, summary.rejected.total(), summary.retried),
        (vec!["m-0".to_owned()], 1, 0, 1)
    );
}

#[tokio::test]
async fn outcomes_are_counted_and_events_of_a_contact_are_written_oldest_first() {
    let events = call();
    let function = function(MemoryStore::default());
    let mut reversed = texts(&events);
    reversed.reverse();
    let (_, summary) = handle(&function, &reversed).await;
    assert_eq!((summary.applied, summary.stale, summary.duplicate), (5, 0, 0));
    let (_, summary) = handle(&function, &texts(&[events[4].clone(), events[0].clone()])).await;
    assert_eq!((summary.applied, summary.stale, summary.duplicate), (0, 1, 1));
    let old = event("o", "2026-01-01T08:00:00Z", "QUEUED", json!({"contactId": "c-2"}));
    let lens = json!({"id": "l", "time": "2026-03-02T08:00:00Z", "detail-type": "Contact Lens Analysis State Change", "detail": {"state": "FAILED"}});
    let record = json!({"ContactId": "c", "LastUpdateTimestamp": "t"});
    let (failed, summary) = handle(&function, &texts(&[old, lens, record])).await;
    assert_eq!((failed.len(), summary.too_old, summary.skipped), (0, 1, 2));
}

#[tokio::test]
async fn events_of_another_instance_are_skipped() {
    let mut function = function(MemoryStore::default());
    function.rules.instance_id = Some("i-2".to_owned());
    let (failed, summary) = handle(&function, &texts(&call())).await;
    assert_eq!((failed.len(), summary.skipped, summary.applied), (0, 5, 0));
    assert!(function.store.table().is_empty());
}

/// Writes that were done before the deadline count; the others are reported.
#[tokio::test(start_paused = true)]
async fn what_is_not_done_at_the_deadline_is_reported() {
    let function = function(Failing { pause: Duration::from_secs(1), ..Failing::default() });
    let bodies = texts(&call());
    let event = messages(bodies.iter().map(String::as_str));
    let stop_at = Instant::now() + Duration::from_millis(2500);
    let (response, summary) = function.handle(&event, now(), stop_at).await;
    let failed: Vec<_> =
        response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
    assert_eq!((failed, summary.applied, summary.retried), (vec!["m-2", "m-3", "m-4"], 2, 3));
    assert!(summary.faults.is_empty(), "running out of time is not a fault");
}

#[tokio::test(start_paused = true)]
async fn contacts_are_written_concurrently_up_to_the_limit() {
    let function = function(Failing { pause: Duration::from_millis(10), ..Failing::default() });
    let events: Vec<_> = (0..40)
        .map(|number| {
            event(
                &format!("e-{number}"),
                "2026-03-02T08:00:00Z",
                "QUEUED",
                json!({"contactId": format!("c-{number}")}),
            )
        })
        .collect();
    let (_, summary) = handle(&function, &texts(&events)).await;
    assert_eq!((summary.applied, function.store.most_running.load(Ordering::Relaxed)), (40, 4));
}

/// Records of another service would be rejected without their bytes, so the invocation fails instead, and they are
/// delivered again.
#[test]
fn only_messages_of_sqs_are_handled() {
    let result = |records: Value| check(&ledger_tests::read_event(&json!({"Records": records})));
    assert_eq!(result(json!([])), Ok(()));
    let message = json!({"messageId": "m", "body": ""});
    assert_eq!(result(json!([message])), Ok(()), "a message may be empty");
    let kinesis = json!({"kinesis": {"sequenceNumber": "1", "data": "e30="}, "eventSource": "aws:kinesis"});
    for other in [kinesis, json!({}), json!({"messageId": "m"}), json!({"messageId": "", "body": "{}"})] {
        let error = result(json!([message, other])).unwrap_err().to_string();
        assert!(error.contains("not one of SQS: record 1 has no"), "{error}");
    }
}

#[test]
fn only_the_table_and_the_bucket_are_required_and_wrong_settings_are_explained() {
    let read = |set: &[(&str, &str)]| {
        let all = [&[("CONTACT_STATE_TABLE", "t"), ("REJECTED_BUCKET", "b")], set].concat();
        let lookup =
            |name: &str| all.iter().rev().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned());
        UpserterSettings::read(&Settings::from_lookup(&lookup)).map_err(|error| error.to_string())
    };
    let settings = read(&[]).unwrap();
    assert_eq!((settings.rules.retention.ended_days, settings.rules.retention.unended_days), (30, 91));
    assert_eq!((settings.write_concurrency.get(), settings.rules.instance_id), (64, None));
    assert_eq!(read(&[("CONNECT_INSTANCE_ID", "i")]).unwrap().rules.instance_id.as_deref(), Some("i"));
    for (name, value, part) in [
        ("ENDED_RETENTION_DAYS", "92", "below ENDED_RETENTION_DAYS"),
        ("ENDED_RETENTION_DAYS", "soon", "a whole number of days"),
        ("PII_POLICY", "[]", "PII_POLICY is not a JSON object"),
        ("WRITE_CONCURRENCY", "0", "WRITE_CONCURRENCY"),
        (
            "CONNECT_INSTANCE_ID",
            "arn:aws:connect:eu-west-2:111122223333:instance/i",
            "not the ID of an instance",
        ),
    ] {
        let error = read(&[(name, value)]).err().unwrap();
        assert!(error.contains(part), "{error}");
    }
    let lookup = |name: &str| (name == "REJECTED_BUCKET").then(|| "b".to_owned());
    assert!(
        UpserterSettings::read(&Settings::from_lookup(&lookup))
            .err()
            .unwrap()
            .to_string()
            .contains("CONTACT_STATE_TABLE")
    );
}
