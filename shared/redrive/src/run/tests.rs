//! Runs against a bucket, streams, and queues in memory, with kills, stops, and refusals.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::*;
use lake_files::layout::REDRIVE_RUNS;

use crate::{LEFT_TAG, REDRIVEN_TAG, Waiting};

#[derive(Default, Clone)]
struct Object {
    body: Vec<u8>,
    tags: Vec<(String, String)>,
}

/// A bucket and streams in memory. After a number of requests, they fail as if the process was killed.
#[derive(Default)]
struct World {
    objects: Mutex<BTreeMap<String, Object>>,
    /// How often each record arrived, by its bytes or sequence number.
    arrived: Mutex<BTreeMap<String, usize>>,
    /// The messages of a dead-letter queue.
    messages: Mutex<BTreeMap<String, String>>,
    /// Those that were received, and are not visible.
    hidden: Mutex<BTreeSet<String>>,
    /// The function never finishes messages with this text.
    never_finished: Option<&'static str>,
    /// The number of requests until the kill, if there is one.
    fuse: Option<AtomicUsize>,
    /// Whether the kill happens after the request is served, or before.
    is_served: bool,
    /// The streams refuse one record in this many, once.
    refuses_every: usize,
    refused: AtomicUsize,
    /// How long each request takes.
    latency: Duration,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// Serves a request that changes something, unless the process is killed.
    fn serve<T>(&self, serve: impl FnOnce() -> T) -> Result<T, Fault> {
        let left = self.fuse.as_ref().map(|fuse| fuse.fetch_sub(1, Ordering::Relaxed));
        match left {
            Some(0) => {
                if self.is_served {
                    serve();
                }
                Err(Fault::new("killed"))
            }
            Some(left) if left > usize::MAX / 2 => Err(Fault::new("dead")),
            _ => Ok(serve()),
        }
    }

    /// Whether this record is refused. It is accepted the next time.
    fn is_refused(&self) -> bool {
        self.refuses_every > 0
            && self.refused.fetch_add(1, Ordering::Relaxed) % self.refuses_every == self.refuses_every - 1
    }
}

impl Lake for World {
    async fn objects(&self, prefix: &str) -> Result<Vec<Listed>, Fault> {
        sleep(self.latency).await;
        let objects = locked(&self.objects);
        let listed = objects.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(listed.map(|(key, object)| Listed { key: key.clone(), bytes: object.body.len() as u64 }).collect())
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, Fault> {
        sleep(self.latency).await;
        Ok(locked(&self.objects).keys().filter(|key| key.starts_with(prefix)).cloned().collect())
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        sleep(self.latency).await;
        Ok(locked(&self.objects).get(key).map(|object| object.body.clone()))
    }

    async fn put(&self, key: &str, body: Vec<u8>) -> Result<(), Fault> {
        sleep(self.latency).await;
        self.serve(|| {
            locked(&self.objects).insert(key.to_owned(), Object { body, tags: Vec::new() });
        })
    }

    async fn tags(&self, key: &str) -> Result<Vec<(String, String)>, Fault> {
        sleep(self.latency).await;
        Ok(locked(&self.objects)[key].tags.clone())
    }

    async fn set_tags(&self, key: &str, tags: Vec<(String, String)>) -> Result<(), Fault> {
        sleep(self.latency).await;
        self.serve(|| {
            if let Some(object) = locked(&self.objects).get_mut(key) {
                object.tags = tags;
            }
        })
    }
}

impl Destination for World {
    async fn put_contact_records(&self, records: &[&[u8]]) -> Result<Vec<Option<String>>, Fault> {
        sleep(self.latency).await;
        self.serve(|| {
            let put = |record: &&[u8]| {
                if self.is_refused() {
                    return Some("ServiceUnavailableException".to_owned());
                }
                *locked(&self.arrived).entry(String::from_utf8(record.to_vec()).unwrap()).or_default() += 1;
                None
            };
            records.iter().map(put).collect()
        })
    }

    async fn send_agent_events(&self, event: Vec<u8>) -> Result<Vec<u8>, Fault> {
        sleep(self.latency).await;
        self.serve(|| {
            let event: Value = serde_json::from_slice(&event).unwrap();
            for record in event["Records"].as_array().unwrap() {
                let number = record["kinesis"]["sequenceNumber"].as_str().unwrap();
                if self.is_refused() {
                    return json!({"batchItemFailures": [{"itemIdentifier": number}]}).to_string().into();
                }
                *locked(&self.arrived).entry(number.to_owned()).or_default() += 1;
            }
            br#"{"batchItemFailures":[]}"#.to_vec()
        })
    }

    async fn send_contact_events(&self, event: Vec<u8>) -> Result<Vec<u8>, Fault> {
        sleep(self.latency).await;
        self.serve(|| {
            let event: Value = serde_json::from_slice(&event).unwrap();
            let mut failures = Vec::new();
            for record in event["Records"].as_array().unwrap() {
                let is_never_finished =
                    |text: &&str| record["body"].as_str().is_some_and(|body| body.contains(*text));
                if self.is_refused() || self.never_finished.as_ref().is_some_and(is_never_finished) {
                    failures.push(json!({"itemIdentifier": record["messageId"]}));
                } else {
                    let body = record["body"].as_str().unwrap().to_owned();
                    *locked(&self.arrived).entry(body).or_default() += 1;
                }
            }
            json!({"batchItemFailures": failures}).to_string().into()
        })
    }
}

impl Queues for World {
    fn names(&self) -> Vec<String> {
        vec!["dead-letters".to_owned()]
    }

    async fn waiting(&self, _queue: &str) -> Result<usize, Fault> {
        Ok(locked(&self.messages).len())
    }

    async fn receive(&self, _queue: &str) -> Result<Vec<Waiting>, Fault> {
        let waiting = |(id, body): (&String, &String)| Waiting {
            id: id.clone(),
            receipt: id.clone(),
            body: body.clone(),
            reason: "MaxReceiveCountExceeded".to_owned(),
            sent: None,
        };
        let mut hidden = locked(&self.hidden);
        let messages = locked(&self.messages);
        let visible = messages.iter().filter(|(id, _)| !hidden.contains(*id));
        let received: Vec<_> = visible.map(waiting).take(10).collect();
        hidden.extend(received.iter().map(|message| message.id.clone()));
        Ok(received)
    }

    async fn delete(&self, _queue: &str, receipt: &str) -> Result<(), Fault> {
        self.serve(|| {
            locked(&self.messages).remove(receipt);
            locked(&self.hidden).remove(receipt);
        })
    }

    async fn show(&self, _queue: &str, receipt: &str) -> Result<(), Fault> {
        self.serve(|| {
            locked(&self.hidden).remove(receipt);
        })
    }
}

/// Messages that can be sent are sent and deleted; the others stay. A dry run only counts.
#[tokio::test(start_paused = true)]
async fn dead_letter_queues_are_sent_and_emptied() {
    let world = World { refuses_every: 3, ..world() };
    for id in 0..5 {
        let id = id.to_string();
        locked(&world.messages).insert(id.clone(), event(&id));
    }
    locked(&world.messages).insert("6".to_owned(), "{}".to_owned());
    let counted = redrive(&world, &Request { dry_run: true, ..request() }).await.unwrap();
    assert_eq!((counted.queued.get("dead-letters"), locked(&world.messages).len()), (Some(&6), 6));
    let report = redrive(&world, &request()).await.unwrap();
    assert_eq!((report.records.sent, report.records.stay), (8 + 5, 3 + 1));
    assert_eq!(report.left_in, [FIREHOSE, REJECTED, HOPELESS, "dead-letters"]);
    assert_eq!((report.objects, report.queues.len()), (3, 1), "a queue is not an object");
    assert_eq!(locked(&world.messages).keys().collect::<Vec<_>>(), ["6"]);
    assert!(locked(&world.hidden).is_empty(), "what stays is visible again");
    let unwanted = Request { since: Some("2027-01-01".to_owned()), ..request() };
    locked(&world.messages).insert("7".to_owned(), event("7"));
    assert_eq!(redrive(&world, &unwanted).await.unwrap().records.sent, 0);
    assert!(locked(&world.hidden).is_empty(), "so is what the request does not match");
    locked(&world.messages).remove("7");
    let arrived = locked(&world.arrived);
    for id in 0..5 {
        assert_eq!(arrived[&event(&id.to_string())], 1);
    }
}

fn event(id: &str) -> String {
    let detail = json!({
        "eventType": "QUEUED", "contactId": id,
        "instanceArn": "arn:aws:connect:eu-west-2:111122223333:instance/i",
    });
    json!({
        "id": id, "time": "2026-03-02T08:00:07Z", "detail-type": "Amazon Connect Contact Event",
        "detail": detail,
    })
    .to_string()
}

/// One message that never finishes keeps no other. It is reported, and visible again for the next run.
#[tokio::test(start_paused = true)]
async fn a_message_that_never_finishes_stays_alone() {
    let world = World { never_finished: Some("c-07"), ..World::default() };
    for id in 0..25 {
        let id = format!("c-{id:02}");
        locked(&world.messages).insert(id.clone(), event(&id));
    }
    let sentence = redrive(&world, &request()).await.unwrap_err().to_string();
    assert!(sentence.contains("did not finish 1 records in 8 attempts"), "{sentence}");
    assert_eq!(locked(&world.messages).keys().collect::<Vec<_>>(), ["c-07"]);
    assert!(locked(&world.hidden).is_empty(), "it is visible again");
    assert_eq!(locked(&world.arrived).len(), 24);

    let world = World { never_finished: None, ..world };
    let report = redrive(&world, &request()).await.unwrap();
    assert_eq!((report.records.sent, locked(&world.messages).len()), (25, 0), "the same run was resumed");
}

/// If no message can be sent, the run stops after the first batch, and hides no message.
#[tokio::test(start_paused = true)]
async fn a_function_that_finishes_nothing_stops_the_run() {
    let world = World { never_finished: Some("c-"), ..World::default() };
    for id in 0..25 {
        let id = format!("c-{id:02}");
        locked(&world.messages).insert(id.clone(), event(&id));
    }
    let sentence = redrive(&world, &request()).await.unwrap_err().to_string();
    assert!(sentence.contains("did not finish 10 records"), "{sentence}");
    assert_eq!((locked(&world.messages).len(), locked(&world.hidden).len()), (25, 0));
}

const FIREHOSE: &str = "errors/processing-failed/2026/03/02/08/x";
const REJECTED: &str = "rejected/agent-events/shardId-000000000000/2026/03/02/x.jsonl";
const HOPELESS: &str = "rejected/agent-events/shardId-000000000000/2026/03/02/y.jsonl";

fn contact(id: usize) -> String {
    format!(
        r#"{{"ContactId":"c-{id}","InstanceARN":"arn:aws:connect:eu-west-2:111122223333:instance/i","InitiationTimestamp":"2026-03-02T08:00:00Z","LastUpdateTimestamp":"2026-03-02T08:05:00Z"}}"#
    )
}

/// Five contact records, one of them broken; five agent events, one of them broken; an object with only a broken record;
/// and raw copies, which are ignored.
fn world() -> World {
    let failure = |data: &str| {
        let data = base64_simd::STANDARD.encode_to_string(data);
        json!({"errorCode": "Lambda.FunctionError", "arrivalTimestamp": 1_772_438_400_123_i64, "rawData": data})
    };
    let rejected = |number: usize, event: &str| json!({"reason": "unknown_kind", "shard_id": "s", "sequence_number": number.to_string(), "data": base64_simd::STANDARD.encode_to_string(event)});
    let event = r#"{"AgentARN":"arn:aws:connect:eu-west-2:111122223333:instance/i/agent/a","EventId":"e","EventType":"LOGIN","EventTimestamp":"2026-03-02T08:00:00.000Z"}"#;
    let failures: Vec<_> =
        (0..5).map(|id| failure(&if id == 2 { "{".to_owned() } else { contact(id) })).collect();
    let events: Vec<_> =
        (0..5).map(|number| rejected(number, if number == 3 { "{" } else { event })).collect();
    let text = |lines: &[Value]| lines.iter().map(|line| line.to_string() + "\n").collect::<String>();
    let world = World::default();
    for (key, body) in [
        (FIREHOSE, text(&failures)),
        (REJECTED, text(&events)),
        (HOPELESS, text(&[rejected(9, "{")])),
        ("errors/backup-failed/2026/03/02/08/x", text(&failures)),
    ] {
        let tags = vec![("team".to_owned(), "a".to_owned())];
        locked(&world.objects).insert(key.to_owned(), Object { body: body.into_bytes(), tags });
    }
    world
}

fn request() -> Request {
    Request { dry_run: false, rate: 1_000_000, ..Request::default() }
}

/// A time that is later with every call.
fn now() -> Timestamp {
    static CALLS: AtomicI64 = AtomicI64::new(1_772_524_800_000);
    Timestamp::from_epoch_milliseconds(CALLS.fetch_add(1, Ordering::Relaxed)).unwrap()
}

async fn redrive(world: &World, request: &Request) -> Result<Report, RunError> {
    let control = Control { now: &now, stop: &|| false, progress: &|_| () };
    run(world, world, world, request, &control).await
}

/// Whether a run has saved that it finished.
async fn has_finished(world: &World) -> bool {
    let is_done = |key: &String| {
        let manifest: Value = serde_json::from_slice(&locked(&world.objects)[key].body).unwrap();
        !manifest["finished"].is_null()
    };
    world.keys(REDRIVE_RUNS).await.unwrap().iter().any(is_done)
}

fn tag(world: &World, key: &str, name: &str) -> Option<String> {
    let objects = locked(&world.objects);
    objects[key].tags.iter().find(|(tag, _)| tag == name).map(|(_, value)| value.clone())
}

#[tokio::test(start_paused = true)]
async fn every_sendable_record_is_sent_once_and_the_rest_is_reported() {
    let world = World { refuses_every: 3, ..world() };
    let counted = redrive(&world, &Request { dry_run: true, ..request() }).await.unwrap();
    assert_eq!(locked(&world.objects).len(), 4, "a dry run writes nothing");
    let report = redrive(&world, &request()).await.unwrap();
    assert_eq!((report.records.sent, report.records.stay), (8, 3));
    assert_eq!(
        (&report.reasons, &report.days, &report.stay),
        (&counted.reasons, &counted.days, &counted.stay)
    );
    assert_eq!(report.days.keys().collect::<Vec<_>>(), ["2026-03-02", "unknown"]);
    assert_eq!(report.left_in, [FIREHOSE, REJECTED, HOPELESS]);
    let arrived = locked(&world.arrived).clone();
    assert_eq!(arrived.len(), 8);
    assert!(arrived.values().all(|times| *times == 1), "{arrived:?}");
    assert_eq!(tag(&world, FIREHOSE, LEFT_TAG).as_deref(), Some("1"));
    assert_eq!(tag(&world, FIREHOSE, REDRIVEN_TAG), report.run);
    assert_eq!(tag(&world, FIREHOSE, "team").as_deref(), Some("a"), "others' tags stay");
    assert_eq!(tag(&world, HOPELESS, LEFT_TAG), None, "none of its records was sent");

    let again = redrive(&world, &request()).await.unwrap();
    assert_eq!((again.records.sent, again.records.stay), (0, 3));
    assert_eq!(*locked(&world.arrived), arrived);
}

#[tokio::test(start_paused = true)]
async fn after_a_kill_at_any_request_the_next_run_ends_with_the_same_counts() {
    let baseline = redrive(&world(), &request()).await.unwrap();
    for is_served in [false, true] {
        for requests in 0.. {
            let world = World { fuse: Some(AtomicUsize::new(requests)), is_served, ..world() };
            let ended = redrive(&world, &request()).await;
            let world = World { fuse: None, ..world };
            if ended.is_ok() || has_finished(&world).await {
                assert!(requests > 5, "it was killed at every request");
                break;
            }
            let report = redrive(&world, &request()).await.unwrap();
            assert_eq!(
                report,
                Report { run: report.run.clone(), ..baseline.clone() },
                "{requests} {is_served}"
            );
            let arrived = locked(&world.arrived).clone();
            assert_eq!(arrived.len(), 8, "{requests} {is_served}");
            let twice = arrived.values().filter(|times| **times > 1).count();
            assert!(twice <= 4, "no more than the records in flight: {arrived:?}");
            let again = redrive(&world, &request()).await.unwrap();
            assert_eq!((again.records.sent, again.records.stay), (0, 3), "{requests} {is_served}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_stopped_in_the_middle_of_an_object_resumes_there() {
    let world = world();
    let request = Request { rate: 1, ..request() };
    let baseline = redrive(&self::world(), &request).await.unwrap();
    let mut report = Report::default();
    for stops in 1.. {
        let arrived = locked(&world.arrived).len();
        let stop = || locked(&world.arrived).len() > arrived;
        let control = Control { now: &now, stop: &stop, progress: &|_| () };
        report = run(&world, &world, &world, &request, &control).await.unwrap();
        if report.finished || stops > 50 {
            break;
        }
    }
    assert_eq!(report, Report { run: report.run.clone(), ..baseline });
    assert!(locked(&world.arrived).values().all(|times| *times == 1), "nothing was sent twice");
}

/// As many objects with one contact record each.
fn small_objects(count: usize) -> World {
    let world = World::default();
    for id in 0..count {
        let data = base64_simd::STANDARD.encode_to_string(contact(id));
        let failure = json!({"errorCode": "Lambda.FunctionError", "rawData": data}).to_string();
        let key = format!("errors/processing-failed/2026/03/02/08/{id:06}");
        locked(&world.objects).insert(key, Object { body: failure.into_bytes(), tags: Vec::new() });
    }
    world
}

#[tokio::test(start_paused = true)]
async fn many_small_objects_take_few_requests_one_after_the_other() {
    let world = World { latency: Duration::from_millis(10), ..small_objects(20_000) };
    for (dry_run, most_seconds) in [(true, 60), (false, 60)] {
        let begin = Instant::now();
        let report = redrive(&world, &Request { dry_run, ..request() }).await.unwrap();
        let elapsed = begin.elapsed();
        println!("dry run: {dry_run}, {} objects in {elapsed:?}", report.objects);
        assert_eq!((report.objects, report.records.sent), (20_000, 20_000));
        assert!(elapsed.as_secs() < most_seconds, "{elapsed:?}");
    }
    assert!(locked(&world.arrived).values().all(|times| *times == 1), "none was sent twice");
    let objects: Vec<_> = locked(&world.objects).keys().cloned().collect();
    for key in objects.iter().filter(|key| key.starts_with("errors/")) {
        assert_eq!(tag(&world, key, LEFT_TAG).as_deref(), Some("0"), "{key}");
    }
}

/// Several objects share a request, a manifest, and a round of marks.
#[tokio::test(start_paused = true)]
async fn after_a_kill_with_several_objects_at_once_the_next_run_completes_them() {
    const OBJECTS: usize = 2 * ahead::OBJECTS + 3;
    for is_served in [false, true] {
        for requests in 0.. {
            let fuse = Some(AtomicUsize::new(requests));
            let world = World { fuse, is_served, ..small_objects(OBJECTS) };
            let ended = redrive(&world, &request()).await;
            let world = World { fuse: None, ..world };
            if ended.is_ok() || has_finished(&world).await {
                assert!(requests > OBJECTS, "it was killed at every request");
                break;
            }
            let report = redrive(&world, &request()).await.unwrap();
            assert_eq!((report.objects, report.records.sent), (OBJECTS, OBJECTS));
            let arrived = locked(&world.arrived).clone();
            assert_eq!(arrived.len(), OBJECTS, "{requests} {is_served}");
            let twice = arrived.values().filter(|times| **times > 1).count();
            assert!(twice <= ahead::OBJECTS, "no more than were in flight: {twice}");
            let again = redrive(&world, &request()).await.unwrap();
            assert_eq!(again.objects_done_before, OBJECTS, "{requests} {is_served}");
        }
    }
}

/// An object in the middle of a request is not finished: those before it are marked, and the next run goes on there.
#[tokio::test(start_paused = true)]
async fn an_object_that_never_finishes_keeps_none_before_it() {
    let world = World { never_finished: Some("c-2"), ..World::default() };
    for id in 0..5 {
        let line = json!({"reason": "bad_field", "message_id": "m", "data": base64_simd::STANDARD.encode_to_string(event(&format!("c-{id}")))});
        let key = format!("rejected/contact-events/2026/03/02/{id}.jsonl");
        let body = line.to_string().into_bytes();
        locked(&world.objects).insert(key, Object { body, tags: Vec::new() });
    }
    let sentence = redrive(&world, &request()).await.unwrap_err().to_string();
    assert!(sentence.contains("did not finish 1 records in 8 attempts"), "{sentence}");
    let key = |id: usize| format!("rejected/contact-events/2026/03/02/{id}.jsonl");
    let left = |world: &World| (0..5).map(|id| tag(world, &key(id), LEFT_TAG)).collect::<Vec<_>>();
    assert_eq!(left(&world), [Some("0".to_owned()), Some("0".to_owned()), None, None, None]);
    let world = World { never_finished: None, ..world };
    let report = redrive(&world, &request()).await.unwrap();
    assert_eq!((report.records.sent, report.objects), (5, 5), "the same run was resumed");
    assert_eq!(left(&world), vec![Some("0".to_owned()); 5]);
}

/// `again` sends everything once more, also if the run stops between and within objects.
#[tokio::test(start_paused = true)]
async fn again_sends_everything_once_more_however_often_it_stops() {
    for lines in [1, 3] {
        let world = World::default();
        for object in 0..5 {
            let line = |line: usize| {
                let data = base64_simd::STANDARD.encode_to_string(contact(object * lines + line));
                json!({"errorCode": "Lambda.FunctionError", "rawData": data}).to_string() + "\n"
            };
            let body = (0..lines).map(line).collect::<String>().into_bytes();
            let key = format!("errors/processing-failed/2026/03/02/08/{object}");
            locked(&world.objects).insert(key, Object { body, tags: Vec::new() });
        }
        redrive(&world, &request()).await.unwrap();
        let request = Request { again: true, rate: 1, ..request() };
        let mut stops = 0;
        loop {
            let sent = || locked(&world.arrived).values().sum::<usize>();
            let before = sent();
            let control = Control { now: &now, stop: &|| sent() > before, progress: &|_| () };
            let report = run(&world, &world, &world, &request, &control).await.unwrap();
            if report.finished {
                assert_eq!((report.objects, report.objects_done_before), (5, 0), "{lines}");
                assert_eq!(report.records.sent, 5 * lines, "{lines}");
                break;
            }
            stops += 1;
            assert!(stops < 100, "the run makes progress");
        }
        assert!(stops > 3, "it stopped only {stops} times");
        let arrived = locked(&world.arrived).clone();
        assert!(arrived.values().all(|times| *times == 2), "{lines}: {arrived:?}");
    }
}

/// `again` with a selection sends some records once more; the others stay as sent, or as left, as they were.
#[tokio::test(start_paused = true)]
async fn again_with_a_selection_leaves_nothing_that_was_sent() {
    let world = World::default();
    let line = |id: usize, code: &str| {
        let data = base64_simd::STANDARD.encode_to_string(if id == 3 { "{".to_owned() } else { contact(id) });
        json!({"errorCode": code, "rawData": data}).to_string() + "\n"
    };
    let body = [line(0, "A"), line(1, "B"), line(2, "A"), line(3, "A")].concat().into_bytes();
    locked(&world.objects).insert(FIREHOSE.to_owned(), Object { body, tags: Vec::new() });
    let left_list = |world: &World| {
        let objects = locked(&world.objects);
        let list = objects.get(&format!("{}{FIREHOSE}.json", lake_files::layout::REDRIVE_LEFT));
        list.map(|list| String::from_utf8(list.body.clone()).unwrap())
    };
    let only_b = Request { reasons: vec!["B".to_owned()], ..request() };
    for (request, sent, left, list) in [
        (only_b.clone(), 1, "3", "[0,2,3]"),
        (request(), 2, "1", "[3]"),
        (Request { again: true, ..only_b }, 1, "1", "[3]"),
        (request(), 0, "1", "[3]"),
    ] {
        assert_eq!(redrive(&world, &request).await.unwrap().records.sent, sent, "{request:?}");
        assert_eq!(tag(&world, FIREHOSE, LEFT_TAG).as_deref(), Some(left), "{request:?}");
        assert_eq!(left_list(&world).as_deref(), Some(list), "{request:?}");
    }
    // Repaired in place, the last one is sent, and the list is empty.
    let body = [line(0, "A"), line(1, "B"), line(2, "A"), line(4, "A")].concat().into_bytes();
    locked(&world.objects).get_mut(FIREHOSE).unwrap().body = body;
    assert_eq!(redrive(&world, &request()).await.unwrap().records.sent, 1);
    assert_eq!(
        (tag(&world, FIREHOSE, LEFT_TAG).as_deref(), left_list(&world).as_deref()),
        (Some("0"), Some("[]"))
    );
}

/// A run was killed after it saved its manifest and before it marked the object, which is then repaired in place.
#[tokio::test(start_paused = true)]
async fn an_object_that_is_repaired_before_a_run_resumes_is_sent() {
    let line = |data: &str| {
        let data = base64_simd::STANDARD.encode_to_string(data);
        json!({"errorCode": "A", "rawData": data}).to_string() + "\n"
    };
    for (before, after, arrived) in [
        (
            [contact(0), contact(1)].map(|data| line(&data)).concat(),
            line(&contact(0)) + &line(&contact(2)),
            3,
        ),
        (line(&contact(0)) + &line("{"), line(&contact(2)), 2),
    ] {
        for requests in 0..6 {
            let world = World { fuse: Some(AtomicUsize::new(requests)), is_served: true, ..World::default() };
            let put = |world: &World, body: &str| {
                let object = Object { body: body.as_bytes().to_vec(), tags: Vec::new() };
                locked(&world.objects).insert(FIREHOSE.to_owned(), object);
            };
            put(&world, &before);
            let _ = redrive(&world, &request()).await;
            let world = World { fuse: None, ..world };
            put(&world, &after);
            for _ in 0..2 {
                redrive(&world, &request()).await.unwrap();
            }
            assert_eq!(tag(&world, FIREHOSE, LEFT_TAG).as_deref(), Some("0"), "{requests}");
            let found = locked(&world.arrived).len();
            assert!(found == arrived || (requests < 2 && found == arrived - 1), "{requests}: {found}");
            assert!(locked(&world.arrived).contains_key(&contact(2)), "{requests}");
        }
    }
    // A list that is not of this object is ignored.
    let world = World::default();
    let tags = vec![(LEFT_TAG.to_owned(), "1".to_owned())];
    locked(&world.objects).insert(FIREHOSE.to_owned(), Object { body: line(&contact(0)).into_bytes(), tags });
    let list = format!("{}{FIREHOSE}.json", lake_files::layout::REDRIVE_LEFT);
    locked(&world.objects).insert(list, Object { body: b"[4]".to_vec(), tags: Vec::new() });
    assert_eq!(redrive(&world, &request()).await.unwrap().records.sent, 1);
}

/// An unfinished manifest of the version before, which marked one object at a time.
#[tokio::test(start_paused = true)]
async fn an_unfinished_run_of_an_earlier_version_is_resumed() {
    for marking in [json!(null), json!({"key": FIREHOSE, "left": [2]})] {
        let world = world();
        let fingerprint = request().fingerprint();
        let mut manifest = serde_json::to_value(Manifest::new(&request(), now())).unwrap();
        manifest["marking"] = marking.clone();
        manifest["position"] = json!(FIREHOSE);
        let key = format!("{REDRIVE_RUNS}earlier-{fingerprint}.json");
        let object = Object { body: manifest.to_string().into_bytes(), tags: Vec::new() };
        locked(&world.objects).insert(key, object);
        let report = redrive(&world, &request()).await.unwrap();
        assert_eq!(report.records.sent, 4, "only what is behind the position is sent");
        let left = tag(&world, FIREHOSE, LEFT_TAG);
        assert_eq!(left.as_deref(), (!marking.is_null()).then_some("1"));
    }
}

#[tokio::test(start_paused = true)]
async fn records_refused_repeatedly_fail_the_run() {
    let world = World { refuses_every: 1, ..world() };
    let sentence = redrive(&world, &request()).await.unwrap_err().to_string();
    assert!(sentence.contains("8 times in a row (ServiceUnavailableException)"), "{sentence}");
    let request = Request { prefix: Some("rejected/".to_owned()), ..request() };
    let sentence = redrive(&world, &request).await.unwrap_err().to_string();
    assert!(sentence.contains("did not finish 4 records in 8 attempts"), "{sentence}");
    assert!(locked(&world.arrived).is_empty());
    assert_eq!(tag(&world, FIREHOSE, LEFT_TAG), None);
}
