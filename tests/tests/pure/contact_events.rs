//! Contact events: parsing, planning, joining, and what a reader shows, from the definitions and not from the code.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use connect_streams::contact_event::{Channel, ContactEvent, EventType};
use connect_streams::{Reject, Timestamp, parse};
use contact_lake::Policy;
use contact_state::contact::{Contact, Stage, by_queue};
use contact_state::memory::MemoryStore;
use contact_state::{LongestLife, Outcome, Retention, Rules, read, write};
use fastrand::Rng;
use futures::FutureExt;
use ledger_tests::contact_events::{INSTANCE, call, event, joined, shown};
use serde_json::{Value, json};
use tables::{Attribute, Item};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// Parses an event and gives it to `check`.
fn parsed<T>(event: &Value, check: impl FnOnce(Result<Option<ContactEvent<'_>>, Reject>) -> T) -> T {
    let text = event.to_string();
    let document = parse(text.as_bytes()).unwrap();
    check(ContactEvent::from_object(document.as_object().unwrap()))
}

#[test]
fn every_documented_field_is_read() {
    let event = event(
        "e",
        "2026-03-02T08:00:00Z",
        "CONTACT_DATA_UPDATED",
        json!({
            "channel": "Voice", "initialContactId": "c-0", "previousContactId": "c-p", "relatedContactId": "c-r",
            "initiationMethod": "INBOUND", "initiationTimestamp": "2026-03-02T08:00:00.120Z",
            "connectedToSystemTimestamp": "2026-03-02T08:00:01Z", "scheduledTimestamp": "2026-03-02T09:00:00.000Z",
            "disconnectTimestamp": "2026-03-02T08:05:00.000Z", "ringStartTimestamp": "2026-03-02T08:00:02.000Z",
            "disconnectReason": "EXPIRED", "answeringMachineDetectionStatus": "HUMAN_ANSWERED",
            "queueInfo": {"queueArn": format!("{INSTANCE}/queue/agent/a-1"), "queueType": "AGENT", "enqueueTimestamp": "2026-03-02T08:00:06.480Z"},
            "agentInfo": {
                "agentArn": format!("{INSTANCE}/agent/a-1"), "connectedToAgentTimestamp": "2026-03-02T08:00:41.300Z",
                "agentInitiatedHoldDuration": 25, "afterContactWorkStartTimestamp": "2026-03-02T08:05:00.000Z",
                "afterContactWorkEndTimestamp": "2026-03-02T08:06:00.000Z", "afterContactWorkDuration": 60,
                "acceptedByAgentTimestamp": "2026-03-02T08:00:40Z", "previewEndTimestamp": "2026-03-02T08:00:39Z",
                "hierarchyGroups": {"level2": {"arn": "g-2"}, "level1": {"arn": "g-1"}},
                "stateTransitions": [{"state": "BARGE", "stateStartTimestamp": "2026-03-02T08:01:00.000Z", "stateEndTimestamp": "2026-03-02T08:02:00.000Z"}],
                "activeRegion": "eu-west-2",
            },
            "globalResiliencyMetadata": {"activeRegion": "eu-west-2", "originRegion": "us-east-1", "trafficDistributionGroupId": "t"},
            "updatedProperties": ["Tags", "Segment Attributes"], "tags": {"a": "b"},
            "segmentAttributes": {"connect:Subtype": {"valueString": "connect:Telephony"}},
            "systemEndpoint": {"type": "TELEPHONE_NUMBER", "address": "+15550100", "displayName": "d"},
            "customerId": "x", "contactDetails": {"name": "n"}, "recordings": [{"a": 1}], "contactEvaluations": {"f": {}},
            "contactLens": {"conversationalAnalytics": {}}, "outboundStrategy": {"type": "AGENT_FIRST"},
            "chatMetrics": {"chatContactMetrics": {}}, "routingCriteria": [{"Index": 0}], "campaign": {"campaignId": "k"},
            "CustomerVoiceActivity": {"greetingStartTimestamp": "2026-03-02T08:00:03.000Z", "greetingEndTimestamp": "2026-03-02T08:00:04.000Z"},
            "somethingNew": {"deep": [1]},
        }),
    );
    parsed(&event, |event| {
        let event = event.unwrap().unwrap();
        assert_eq!((event.id, event.instance_id, event.contact_id), ("e", "i-1", "c-1"));
        assert_eq!((event.region, event.account), (Some("eu-west-2"), Some("111122223333")));
        assert_eq!(
            (event.time, event.event_type),
            (at("2026-03-02T08:00:00Z"), EventType::ContactDataUpdated)
        );
        let contact = &event.contact;
        assert_eq!(contact.channel, Some(Channel::Voice));
        assert_eq!(
            (contact.initial_contact_id, contact.previous_contact_id, contact.related_contact_id),
            (Some("c-0"), Some("c-p"), Some("c-r"))
        );
        assert_eq!(contact.initiation_method, Some("INBOUND"));
        assert_eq!(contact.initiated, Some(at("2026-03-02T08:00:00.120Z")));
        assert_eq!(contact.connected_to_system, Some(at("2026-03-02T08:00:01Z")));
        assert_eq!(contact.scheduled, Some(at("2026-03-02T09:00:00Z")));
        assert_eq!(contact.disconnected, Some(at("2026-03-02T08:05:00Z")));
        assert_eq!(contact.ring_started, Some(at("2026-03-02T08:00:02Z")));
        assert_eq!(contact.disconnect_reason, Some("EXPIRED"));
        assert_eq!(contact.answering_machine_detection, Some("HUMAN_ANSWERED"));
        let queue = contact.queue.unwrap();
        assert_eq!((queue.id, queue.queue_type), (Some("a-1"), Some("AGENT")));
        assert_eq!(queue.enqueued, Some(at("2026-03-02T08:00:06.480Z")));
        let agent = contact.agent.as_ref().unwrap();
        assert_eq!(
            (agent.id, agent.hold_seconds, agent.after_contact_work_seconds),
            (Some("a-1"), Some(25), Some(60))
        );
        assert_eq!(agent.connected, Some(at("2026-03-02T08:00:41.300Z")));
        assert_eq!(agent.after_contact_work_started, Some(at("2026-03-02T08:05:00Z")));
        assert_eq!(agent.after_contact_work_ended, Some(at("2026-03-02T08:06:00Z")));
        assert_eq!(
            (agent.accepted, agent.preview_ended),
            (Some(at("2026-03-02T08:00:40Z")), Some(at("2026-03-02T08:00:39Z")))
        );
        assert_eq!((&agent.hierarchy[..], agent.active_region), (&["g-1", "g-2"][..], Some("eu-west-2")));
        let barge = agent.state_transitions[0];
        assert_eq!((barge.state, barge.ended), ("BARGE", Some(at("2026-03-02T08:02:00Z"))));
        let resiliency = contact.resiliency.unwrap();
        assert_eq!(
            (resiliency.active_region, resiliency.origin_region),
            (Some("eu-west-2"), Some("us-east-1"))
        );
        assert_eq!(resiliency.traffic_distribution_group_id, Some("t"));
        assert_eq!(contact.updated_properties, ["Tags", "Segment Attributes"]);
        let endpoint = contact.system_endpoint.unwrap();
        assert_eq!((endpoint.endpoint_type, endpoint.address), (Some("TELEPHONE_NUMBER"), Some("+15550100")));
        assert_eq!((contact.customer_id, contact.campaign_id), (Some("x"), Some("k")));
        assert_eq!(contact.customer_greeting.unwrap().ended, Some(at("2026-03-02T08:00:04Z")));
        let other = contact.other;
        let are_there = [
            other.tags.is_some(),
            other.segment_attributes.is_some(),
            other.contact_details.is_some(),
            other.routing_criteria.is_some(),
            other.recordings.is_some(),
            other.contact_evaluations.is_some(),
            other.contact_lens.is_some(),
            other.outbound_strategy.is_some(),
            other.chat_metrics.is_some(),
        ];
        assert_eq!(are_there, [true; 9]);
        assert!(!contact.is_simulated());
    });
}

/// Amazon's samples print names in lower camel case and in Pascal case. If both are there, the lower one counts, wherever
/// it stands.
#[test]
fn names_are_read_in_any_case_and_the_lower_camel_one_wins() {
    let pascal = json!({
        "id": "e", "Time": "2026-03-02T08:00:00Z", "detail-type": "Connect Customer Contact Event",
        "Detail": {
            "EventType": "QUEUED", "CONTACTID": "c-1", "InstanceArn": INSTANCE,
            "QueueInfo": {"QueueArn": format!("{INSTANCE}/queue/q-1"), "EnqueueTimestamp": "2026-03-02T08:00:06.480Z"},
        },
    });
    parsed(&pascal, |event| {
        let event = event.unwrap().unwrap();
        assert_eq!((event.event_type, event.contact.queue.unwrap().id), (EventType::Queued, Some("q-1")));
    });
    for (first, second) in [("channel", "Channel"), ("Channel", "channel")] {
        let text = format!(
            r#"{{"id":"e","time":"2026-03-02T08:00:00Z","detail":{{"eventType":"QUEUED","contactId":"c","instanceArn":"{INSTANCE}","{first}":"{}","{second}":"{}"}}}}"#,
            if first == "channel" { "CHAT" } else { "VOICE" },
            if second == "channel" { "CHAT" } else { "VOICE" },
        );
        let document = parse(text.as_bytes()).unwrap();
        let event = ContactEvent::from_object(document.as_object().unwrap()).unwrap().unwrap();
        assert_eq!(event.contact.channel, Some(Channel::Chat), "{text}");
    }
}

#[test]
fn a_minimal_event_and_unknown_values_pass_and_placeholders_are_absent() {
    let update = event(
        "e",
        "2026-03-02T08:00:00Z",
        "WEBRTC_API",
        json!({
            "channel": "FAX", "connectedToSystemTimestamp": "1970-01-01T00:00:00.001Z", "disconnectTimestamp": null,
            "queueInfo": "soon", "agentInfo": {"connectedToAgentTimestamp": "1970-01-01T00:00:00.001Z", "agentInitiatedHoldDuration": "x"},
        }),
    );
    parsed(&update, |event| {
        let event = event.unwrap().unwrap();
        assert_eq!(event.event_type, EventType::Other("WEBRTC_API"));
        assert_eq!(event.contact.channel, Some(Channel::Other("FAX")));
        let agent = event.contact.agent.as_ref().unwrap();
        assert_eq!((agent.connected, agent.hold_seconds), (None, None));
        assert_eq!((event.contact.connected_to_system, event.contact.disconnected), (None, None));
        assert!(event.contact.queue.is_none());
    });
    // The documentation's ARNs, and the instance from `resources`.
    let mut minimal = event("e", "2026-03-02T08:00:00Z", "INITIATED", json!({"instanceArn": null}));
    parsed(&minimal, |event| assert_eq!(event.unwrap().unwrap().instance_id, "i-1"));
    minimal["detail"]["instanceArn"] = json!("arn:aws::connect:us-east-1:111122223333:instance/i-2");
    parsed(&minimal, |event| assert_eq!(event.unwrap().unwrap().instance_id, "i-2"));
}

#[test]
fn only_five_fields_are_required() {
    let valid = event("e", "2026-03-02T08:00:00Z", "QUEUED", json!({}));
    for (pointer, value, code, path) in [
        ("/id", json!(null), "missing_field", "id"),
        ("/id", json!("x".repeat(129)), "bad_field", "id"),
        ("/time", json!(null), "missing_field", "time"),
        ("/time", json!("today"), "bad_field", "time"),
        ("/time", json!("1970-01-01T00:00:00Z"), "bad_field", "time"),
        ("/detail", json!(null), "missing_field", "detail"),
        ("/detail", json!([]), "bad_field", "detail"),
        ("/detail/eventType", json!(7), "bad_field", "detail.eventType"),
        ("/detail/contactId", json!(null), "missing_field", "detail.contactId"),
        ("/detail/contactId", json!("x".repeat(257)), "bad_field", "detail.contactId"),
        ("/detail/instanceArn", json!("i"), "bad_field", "detail.instanceArn"),
    ] {
        let mut wrong = valid.clone();
        wrong["resources"] = json!([]);
        *wrong.pointer_mut(pointer).unwrap() = value;
        let reject = parsed(&wrong, |event| event.unwrap_err());
        assert_eq!((reject.code.as_str(), &*reject.path), (code, path), "{pointer}");
    }
    let lens = json!({
        "id": "e", "time": "2026-03-02T08:00:00Z", "source": "aws.connect",
        "detail-type": "Contact Lens Analysis State Change", "detail": {"instance": INSTANCE, "contact": "c", "state": "FAILED"},
    });
    parsed(&lens, |event| assert_eq!(event.unwrap(), None));
}

/// DynamoDB refuses keys and items that are too large, every time: such an event is rejected, and its bytes are stored.
#[test]
fn texts_that_are_too_long_to_be_stored_are_rejected() {
    let (longest, long) = ("x".repeat(256), "x".repeat(257));
    let arn = |kind: &str, id: &str| json!(format!("{INSTANCE}{kind}{id}"));
    for (path, fields) in [
        ("detail.channel", (json!({"channel": longest}), json!({"channel": long}))),
        (
            "detail.initiationMethod",
            (json!({"initiationMethod": longest}), json!({"initiationMethod": long})),
        ),
        (
            "detail.queueInfo.queueArn",
            (
                json!({"queueInfo": {"queueArn": arn("/queue/", &longest)}}),
                json!({"queueInfo": {"queueArn": arn("/queue/", &long)}}),
            ),
        ),
        (
            "detail.agentInfo.agentArn",
            (
                json!({"agentInfo": {"agentArn": arn("/agent/", &longest)}}),
                json!({"agentInfo": {"agentArn": arn("/agent/", &long)}}),
            ),
        ),
        (
            "detail.instanceArn",
            (
                json!({"instanceArn": INSTANCE.replace("i-1", &longest)}),
                json!({"instanceArn": INSTANCE.replace("i-1", &long)}),
            ),
        ),
    ] {
        let read = |fields: Value| {
            let event = event("e", "2026-03-02T08:00:00Z", "QUEUED", fields);
            read(event.to_string().as_bytes(), &Rules::default()).map(|write| write.is_some())
        };
        assert_eq!(read(fields.0), Ok(true), "{path}");
        let reject = read(fields.1).unwrap_err();
        assert_eq!((reject.code.as_str(), &*reject.path), ("bad_field", path));
    }
}

/// A store with the events written one after the other, and their outcomes.
fn written<'e>(
    events: impl IntoIterator<Item = &'e Value>,
    rules: &Rules,
    now: Timestamp,
) -> (MemoryStore, Vec<Outcome>) {
    let store = MemoryStore::default();
    let outcomes = events.into_iter().map(|event| write_one(&store, event, rules, now)).collect();
    (store, outcomes)
}

fn write_one(store: &MemoryStore, event: &Value, rules: &Rules, now: Timestamp) -> Outcome {
    let planned = read(event.to_string().as_bytes(), rules).unwrap().unwrap();
    write(store, &planned, now).now_or_never().unwrap().value.unwrap()
}

fn only_item(store: &MemoryStore) -> Item {
    let table = store.table();
    assert_eq!(table.len(), 1);
    table.into_values().next().unwrap()
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(count - 1);
    let with = |order: &Vec<usize>, place: usize| {
        let mut order = order.clone();
        order.insert(place, count - 1);
        order
    };
    shorter.iter().flat_map(|order| (0..count).map(move |place| with(order, place))).collect()
}

const NOW: &str = "2026-03-02T08:10:00Z";

/// Counts updates, and the first ones that are not the join itself.
#[derive(Default)]
struct Counting {
    store: MemoryStore,
    requests: std::sync::atomic::AtomicUsize,
}

impl contact_state::store::ContactStore for Counting {
    async fn update(
        &self,
        update: &contact_state::store::Update,
    ) -> tables::Answer<Result<contact_state::store::Updated, tables::StoreError>> {
        self.requests.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.store.update(update).await
    }
}

/// Every subset of a call's events in every order: the item is their join, at most two requests are sent for an event,
/// and exactly one if it is the newest. Nothing is read before it is written.
#[test]
fn every_order_and_every_loss_gives_the_join_of_what_arrived() {
    let events = call();
    let mut runs = 0;
    for lost in 0..1_u32 << events.len() {
        let arrived: Vec<_> = (0..events.len()).filter(|event| lost & 1 << event == 0).collect();
        let expected = joined(arrived.iter().map(|event| &events[*event]));
        for order in permutations(arrived.len()) {
            let store = Counting::default();
            let mut newest = None;
            for place in order {
                let event = arrived[place];
                let before = store.requests.load(std::sync::atomic::Ordering::Relaxed);
                let planned = read(events[event].to_string().as_bytes(), &Rules::default()).unwrap().unwrap();
                write(&store, &planned, at(NOW)).now_or_never().unwrap().value.unwrap();
                let requests = store.requests.load(std::sync::atomic::Ordering::Relaxed) - before;
                assert!(requests <= 2);
                assert!(newest > Some(event) || requests == 1, "the newest event needs one request");
                newest = newest.max(Some(event));
            }
            if !arrived.is_empty() {
                assert_eq!(shown(&only_item(&store.store)), expected);
            }
            runs += 1;
        }
    }
    assert_eq!(runs, 1 + 5 + 20 + 60 + 120 + 120);
}

/// With loss, a reader never sees a state that the contact was not in: it is the state after the newest event that
/// arrived. A contact whose end was lost is unconfirmed in time, and then waits in no queue.
#[test]
fn after_a_loss_the_state_is_an_older_one_and_unconfirmed_in_time() {
    let events = call();
    let stages = [Stage::Initiated, Stage::Queued, Stage::WithAgent, Stage::AfterContactWork, Stage::Ended];
    for lost in 0..(1_u32 << events.len()) - 1 {
        let arrived: Vec<_> = (0..events.len()).filter(|event| lost & 1 << event == 0).collect();
        let (store, _) = written(arrived.iter().map(|event| &events[*event]), &Rules::default(), at(NOW));
        let mut item = only_item(&store);
        item.insert("contact_id".to_owned(), Attribute::text("c-1"));
        let contact = |now| Contact::of(&item, &LongestLife::default(), at(now)).unwrap();
        let last = *arrived.last().unwrap();
        assert_eq!(contact(NOW).stage, stages[last]);
        assert!(!contact("2026-03-09T08:00:00.120Z").is_unconfirmed, "seven days are over in a millisecond");
        let later = contact("2026-03-09T08:00:00.121Z");
        assert_eq!(later.is_unconfirmed, stages[last] != Stage::Ended);
        assert!(!later.is_waiting());
        let queues = by_queue([&later]);
        assert_eq!(
            queues.values().map(|queue| queue.unconfirmed).sum::<usize>(),
            usize::from(later.is_unconfirmed)
        );
        assert_eq!(queues.values().map(|queue| queue.waiting).sum::<usize>(), 0);
    }
}

/// An end, its expiry, and then an event from a dead-letter queue: nothing comes back. The item of an ended contact stays
/// for at least thirty days, and an event older than that creates nothing.
#[test]
fn an_ended_contact_never_comes_back() {
    let events = call();
    let (store, _) = written(&events, &Rules::default(), at(NOW));
    let item = only_item(&store);
    let expires = contact_state::contact::expires_at(&item).unwrap();
    let last = at("2026-03-02T08:06:01Z").epoch_milliseconds() / 1000;
    assert!((last + 30 * 86_400..=last + 31 * 86_400).contains(&expires));
    for seconds in [-1, 0, 1, 86_400] {
        let store = MemoryStore::default();
        for event in &events {
            write_one(&store, event, &Rules::default(), at(NOW));
        }
        let now = Timestamp::from_epoch_milliseconds((expires + seconds) * 1000).unwrap();
        store.expire(expires + seconds);
        for late in &events {
            let outcome = write_one(&store, late, &Rules::default(), now);
            assert!([Outcome::TooOld, Outcome::Duplicate, Outcome::Stale].contains(&outcome), "{outcome:?}");
        }
        let in_flight = store.table().values().filter(|item| item.contains_key("in_flight")).count();
        assert_eq!(in_flight, 0, "after {seconds} s");
        assert_eq!(store.table().len(), usize::from(seconds <= 0), "a deleted contact is not created again");
    }
}

/// The boundary is the event's own time: exactly thirty days are not too old. An item that exists is still updated.
#[test]
fn an_event_older_than_ended_contacts_are_kept_creates_nothing() {
    let events = call();
    let rules = Rules::default();
    for (now, outcome) in
        [("2026-04-01T08:00:06Z", Outcome::Applied), ("2026-04-01T08:00:06.001Z", Outcome::TooOld)]
    {
        assert_eq!(written([&events[1]], &rules, at(now)).1, [outcome], "{now}");
    }
    let newer = event("n", "2026-03-20T08:00:00Z", "CONTACT_DATA_UPDATED", json!({}));
    let (store, outcomes) = written([&newer, &events[1]], &rules, at("2026-04-02T00:00:00Z"));
    assert_eq!(outcomes, [Outcome::Applied, Outcome::Applied]);
    assert_eq!(shown(&only_item(&store)), joined([&newer, &events[1]]));
}

#[test]
fn a_contact_without_an_end_expires_after_its_own_retention() {
    let days = |events: &[Value]| {
        let rules = Rules { retention: Retention { ended_days: 30, unended_days: 91 }, ..Rules::default() };
        let item = only_item(&written(events, &rules, at(NOW)).0);
        let last = at(events.last().unwrap()["time"].as_str().unwrap()).epoch_milliseconds() / 1000;
        (contact_state::contact::expires_at(&item).unwrap() - last) / 86_400
    };
    let events = call();
    assert_eq!((days(&events[..2]), days(&events)), (91, 30));
    // The reader hides an item that is over, whether or not it was deleted.
    let mut item = only_item(&written(&events[..2], &Rules::default(), at(NOW)).0);
    item.insert("contact_id".to_owned(), Attribute::text("c-1"));
    let is_shown = |now| Contact::of(&item, &LongestLife::default(), at(now)).is_some();
    assert!(is_shown("2026-06-01T23:59:59Z") && !is_shown("2026-06-02T00:00:00Z"));
}

#[test]
fn outcomes_are_those_of_the_definition() {
    let events = call();
    let duplicate = |index: usize| [&events[index], &events[index]];
    for index in 0..events.len() {
        let (_, outcomes) = written(duplicate(index), &Rules::default(), at(NOW));
        assert_eq!(outcomes, [Outcome::Applied, Outcome::Duplicate]);
    }
    // Snapshots repeat what was before, so an older event adds nothing.
    let (_, outcomes) = written([&events[4], &events[1]], &Rules::default(), at(NOW));
    assert_eq!(outcomes, [Outcome::Applied, Outcome::Stale]);
    // Unless it has something that no newer event has.
    let bare = event("e-9", "2026-03-02T08:06:01Z", "COMPLETED", json!({}));
    let (store, outcomes) = written([&bare, &events[1]], &Rules::default(), at(NOW));
    assert_eq!(outcomes, [Outcome::Applied, Outcome::Applied]);
    assert!(!only_item(&store).contains_key("in_flight"));
}

/// DISCONNECTED and COMPLETED come in the same second, and COMPLETED counts as an end without a disconnect time. A later
/// event of a lower rank changes nothing of the end.
#[test]
fn an_end_is_final() {
    let end = |id, time| event(id, time, "COMPLETED", json!({}));
    let later = event("z", "2026-03-02T09:00:00Z", "QUEUED", json!({"channel": "CHAT"}));
    let same_second = event(
        "zz",
        "2026-03-02T08:06:01Z",
        "DISCONNECTED",
        json!({"disconnectTimestamp": "2026-03-02T08:06:01.000Z"}),
    );
    for events in [
        vec![end("a", "2026-03-02T08:06:01Z"), later.clone(), same_second.clone()],
        vec![later, same_second, end("a", "2026-03-02T08:06:01Z")],
    ] {
        let (store, _) = written(&events, &Rules::default(), at("2026-03-02T09:10:00Z"));
        let mut item = only_item(&store);
        assert_eq!(shown(&item), joined(&events));
        item.insert("contact_id".to_owned(), Attribute::text("c-1"));
        let contact = Contact::of(&item, &LongestLife::default(), at(NOW)).unwrap();
        assert_eq!((contact.stage, contact.since), (Stage::Ended, Some(at("2026-03-02T08:06:01Z"))));
    }
}

/// Both Regions of a linked instance tell of one contact. Within a second, the Region that handles it wins.
#[test]
fn the_copies_of_two_regions_are_one_contact() {
    let arn = |region: &str| format!("arn:aws:connect:{region}:111122223333:instance/i-1");
    let copy = |region: &str, id: &str, agent: &str| {
        let mut copy = event(
            id,
            "2026-03-02T08:00:41Z",
            "CONNECTED_TO_AGENT",
            json!({
                "instanceArn": arn(region), "agentInfo": {"agentArn": format!("{}/agent/{agent}", arn(region))},
                "globalResiliencyMetadata": {"activeRegion": "eu-west-2"},
            }),
        );
        copy["region"] = json!(region);
        copy
    };
    let (home, other) = (copy("eu-west-2", "a", "a-home"), copy("us-east-1", "z", "a-other"));
    for events in [[&home, &other], [&other, &home]] {
        let item = only_item(&written(events, &Rules::default(), at(NOW)).0);
        assert_eq!(item["agent_id"], Attribute::text("a-home"));
    }
}

#[test]
fn the_stages_follow_milestones_and_ranks() {
    let stage = |events: &[Value]| {
        let mut item = only_item(&written(events, &Rules::default(), at(NOW)).0);
        item.insert("contact_id".to_owned(), Attribute::text("c-1"));
        let contact = Contact::of(&item, &LongestLife::default(), at(NOW)).unwrap();
        (contact.stage.as_str(), contact.since.map(|since| since.to_string()))
    };
    let of = |time: &str, kind: &str, detail: Value| event(&format!("{time}{kind}"), time, kind, detail);
    let some = |time: &str| Some(time.to_owned());
    // A minimal event has no milestone, but its type says how far the contact is.
    assert_eq!(stage(&[of("2026-03-02T08:00:00Z", "QUEUED", json!({}))]), ("queued", None));
    assert_eq!(stage(&[of("2026-03-02T08:00:00Z", "DISCONNECTED", json!({}))]), ("disconnected", None));
    let scheduled = json!({"scheduledTimestamp": "2026-03-03T08:00:00.000Z", "initiationTimestamp": "2026-03-02T08:00:00.000Z"});
    assert_eq!(
        stage(&[of("2026-03-02T08:00:00Z", "INITIATED", scheduled)]),
        ("scheduled", some("2026-03-02T08:00:00.000Z"))
    );
    let system = json!({"connectedToSystemTimestamp": "2026-03-02T08:00:01.000Z"});
    assert_eq!(
        stage(&[of("2026-03-02T08:00:01Z", "CONTACT_DATA_UPDATED", system)]),
        ("in_system", some("2026-03-02T08:00:01.000Z"))
    );
    let task = [
        of("2026-03-02T08:00:00Z", "CONNECTED_TO_AGENT", json!({"channel": "TASK"})),
        of("2026-03-02T08:01:00Z", "PAUSED", json!({})),
    ];
    assert_eq!(stage(&task), ("paused", some("2026-03-02T08:01:00.000Z")));
    let resumed = [&task[..], &[of("2026-03-02T08:02:00Z", "RESUMED", json!({}))]].concat();
    assert_eq!(stage(&resumed).0, "with_agent");
    // The agent is chosen, not connected.
    let chosen = json!({"agentInfo": {"agentArn": format!("{INSTANCE}/agent/a-1"), "connectedToAgentTimestamp": "1970-01-01T00:00:00.001Z"}});
    assert_eq!(
        stage(&[call().remove(1), of("2026-03-02T08:00:09Z", "CONTACT_DATA_UPDATED", chosen)]).0,
        "queued"
    );
    let done = json!({"agentInfo": {"afterContactWorkStartTimestamp": "2026-03-02T08:05:30.000Z", "afterContactWorkEndTimestamp": "2026-03-02T08:06:00.000Z"}});
    assert_eq!(stage(&[of("2026-03-02T08:06:00Z", "DISCONNECTED", done)]).0, "disconnected");
}

#[test]
fn a_contact_is_unconfirmed_after_the_longest_life_of_its_channel() {
    for (channel, hours) in [("VOICE", 168), ("TASK", 168), ("CHAT", 25), ("EMAIL", 336), ("FAX", 336)] {
        // From the initiation, or else from the first event.
        for detail in [
            json!({"channel": channel}),
            json!({"channel": channel, "initiationTimestamp": "2026-03-02T08:00:00.000Z"}),
        ] {
            let first = event("a", "2026-03-02T08:00:00Z", "QUEUED", detail.clone());
            let second = event("b", "2026-03-02T10:00:00Z", "CONTACT_DATA_UPDATED", detail);
            let mut item =
                only_item(&written([&second, &first], &Rules::default(), at("2026-03-02T10:00:00Z")).0);
            item.insert("contact_id".to_owned(), Attribute::text("c-1"));
            let is_unconfirmed = |milliseconds: i64| {
                let now = at("2026-03-02T08:00:00Z").epoch_milliseconds() + hours * 3_600_000 + milliseconds;
                Contact::of(&item, &LongestLife::default(), Timestamp::from_epoch_milliseconds(now).unwrap())
                    .unwrap()
                    .is_unconfirmed
            };
            assert_eq!((is_unconfirmed(0), is_unconfirmed(1)), (false, true), "{channel}");
        }
    }
}

#[test]
fn the_policy_of_contact_records_applies() {
    let policy = r#"{"agent_id": "hash", "queue_id": "mask", "agent_connected_to_agent_timestamp": "drop"}"#;
    let rules = Rules { policy: Policy::read(policy, Some(&[7; 32])).unwrap(), ..Rules::default() };
    let item = only_item(&written(&call(), &rules, at(NOW)).0);
    let plain = only_item(&written(&call(), &Rules::default(), at(NOW)).0);
    assert_ne!(item["agent_id"], plain["agent_id"]);
    assert!(!item["queue_id"].as_text().unwrap().contains("q-1"));
    assert!(!item.contains_key("connected_to_agent") && plain.contains_key("connected_to_agent"));
    let foreign = Rules { instance_id: Some("i-2".to_owned()), ..Rules::default() };
    assert_eq!(read(call()[0].to_string().as_bytes(), &foreign), Ok(None));
}

/// The ID of an agent's own queue is the agent's: what the policy says of the agent holds for it, too.
#[test]
fn a_policy_on_the_agent_holds_for_the_agents_own_queue() {
    let stored = |policy: &str, kind: &str, arn: &str| {
        let rules = Rules { policy: Policy::read(policy, Some(&[7; 32])).unwrap(), ..Rules::default() };
        let own = json!({
            "queueInfo": {"queueArn": format!("{INSTANCE}{arn}"), "queueType": kind},
            "agentInfo": {"agentArn": format!("{INSTANCE}/agent/a-1")},
        });
        let event = event("e", "2026-03-02T08:00:00Z", "QUEUED", own);
        let item = only_item(&written(&[event], &rules, at(NOW)).0);
        ["queue_id", "agent_id"].map(|name| item.get(name).and_then(Attribute::as_text).map(str::to_owned))
    };
    let with = |policy: &str| stored(policy, "AGENT", "/queue/agent/a-1");
    let id = || Some("a-1".to_owned());
    let drop = r#"{"agent_id": "drop"}"#;
    assert_eq!(stored(drop, "agent", "/queue/a-1"), [None, None], "the type is enough");
    assert_eq!(stored(drop, "STANDARD", "/queue/agent/a-1"), [None, None], "so is the ARN");
    assert_eq!(stored(drop, "STANDARD", "/queue/q-1"), [Some("q-1".to_owned()), None]);
    assert_eq!(with("{}"), [id(), id()]);
    assert_eq!(with(r#"{"agent_id": "drop"}"#), [None, None]);
    assert_eq!(with(r#"{"queue_id": "drop"}"#), [None, id()]);
    let [queue, agent] = with(r#"{"agent_id": "hash"}"#);
    assert!(queue.is_some() && queue == agent && queue != id());
}

/// Random events of one contact, in random order with duplicates: the item is their join.
#[test]
fn random_events_in_any_order_give_their_join() {
    let types = [
        "INITIATED",
        "CONNECTED_TO_SYSTEM",
        "QUEUED",
        "CONNECTED_TO_AGENT",
        "DISCONNECTED",
        "COMPLETED",
        "CONTACT_DATA_UPDATED",
        "PAUSED",
        "RESUMED",
        "SOMETHING_NEW",
    ];
    for seed in 0..3000 {
        let mut rng = Rng::with_seed(seed);
        let count = rng.usize(1..9);
        let events: Vec<_> = (0..count).map(|number| random_event(&mut rng, number, &types)).collect();
        let mut order: Vec<_> =
            (0..count).chain((0..rng.usize(0..4)).map(|_| 0).map(|_| rng.usize(..count))).collect();
        rng.shuffle(&mut order);
        let (store, _) = written(order.iter().map(|event| &events[*event]), &Rules::default(), at(NOW));
        assert_eq!(shown(&only_item(&store)), joined(&events), "seed {seed}: {order:?} of {events:#?}");
    }
}

fn random_event(rng: &mut Rng, number: usize, types: &[&str]) -> Value {
    let time = |rng: &mut Rng| match rng.u8(..8) {
        0 => json!("1970-01-01T00:00:00.001Z"),
        1 => json!(null),
        _ => json!(format!("2026-03-02T08:0{}:0{}.500Z", rng.u8(..3), rng.u8(..9))),
    };
    let names =
        ["initiationTimestamp", "connectedToSystemTimestamp", "scheduledTimestamp", "disconnectTimestamp"];
    let mut detail = json!({});
    for name in names {
        if rng.bool() {
            detail[name] = time(rng);
        }
    }
    if rng.bool() {
        detail["channel"] = json!(["VOICE", "Voice", "CHAT"][rng.usize(..3)]);
    }
    if rng.bool() {
        detail["queueInfo"] =
            json!({"queueArn": format!("{INSTANCE}/queue/q-{}", rng.u8(..3)), "enqueueTimestamp": time(rng)});
    }
    if rng.bool() {
        detail["agentInfo"] = json!({
            "agentArn": format!("{INSTANCE}/agent/a-{}", rng.u8(..3)), "connectedToAgentTimestamp": time(rng),
            "afterContactWorkStartTimestamp": time(rng), "afterContactWorkEndTimestamp": time(rng),
        });
    }
    if rng.bool() {
        detail["globalResiliencyMetadata"] =
            json!({"activeRegion": if rng.bool() { "eu-west-2" } else { "us-east-1" }});
    }
    let at = format!("2026-03-02T08:0{}:0{}Z", rng.u8(..2), rng.u8(..3));
    event(&format!("{}-{number}", rng.u8(..9)), &at, types[rng.usize(..types.len())], detail)
}
