//! Many simulated contacts whose events are lost, duplicated, and shuffled: writes them with the function's code, checks
//! every item against the join of what arrived, and writes the events and what a reader shows, for a referee.
//!
//! `contacts-in-flight FOLDER CONTACTS SEED`

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a test program prints, and panics on errors")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;

use connect_streams::{StreamKind, Timestamp};
use contact_event_upserter::Upserter;
use contact_state::contact::{Contact, Stage, by_queue};
use contact_state::memory::MemoryStore;
use contact_state::{LongestLife, Rules};
use fastrand::Rng;
use ledger_console::arguments::center::CenterArguments;
use ledger_tests::contact_events::{joined, messages, shown, text_at};
use ledger_tests::{MemoryRejectedStore, far_future};
use serde_json::{Value, json};
use synthetic_center::DEMO_CENTER;
use tables::Attribute;

const HOURS: u32 = 10;
const BATCH: usize = 10;
/// Per 1,000 events.
const LOST: u32 = 50;
const DUPLICATED: u32 = 100;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, contacts, seed] = &arguments[..] else {
        panic!("usage: contacts-in-flight FOLDER CONTACTS SEED")
    };
    let (folder, contacts, seed) =
        (PathBuf::from(folder), contacts.parse::<u32>().unwrap(), seed.parse().unwrap());
    let now = DEMO_CENTER.opening + i64::from(HOURS - 1) * 3_600_000;
    let now = Timestamp::from_epoch_milliseconds(now).unwrap();

    let sent = events_until(contacts, seed, now);
    let of_contacts: BTreeSet<_> = sent.iter().map(contact_id).collect();
    let mut rng = Rng::with_seed(seed);
    let mut arrived: Vec<&Value> = Vec::with_capacity(sent.len());
    let (mut lost, mut duplicated) = (0, 0);
    for event in &sent {
        if rng.u32(..1000) < LOST {
            lost += 1;
            continue;
        }
        arrived.push(event);
        if rng.u32(..1000) < DUPLICATED {
            duplicated += 1;
            arrived.push(event);
        }
    }
    rng.shuffle(&mut arrived);

    let function = Upserter {
        store: MemoryStore::default(),
        rejected_store: MemoryRejectedStore::default(),
        rules: Rules::default(),
        write_concurrency: 4,
    };
    let mut file = std::io::BufWriter::new(std::fs::File::create(folder.join("events.jsonl")).unwrap());
    let mut requests = 0;
    for batch in arrived.chunks(BATCH) {
        let bodies: Vec<_> = batch.iter().map(ToString::to_string).collect();
        for body in &bodies {
            writeln!(file, "{body}").unwrap();
        }
        let event = messages(bodies.iter().map(String::as_str));
        let (response, summary) = function.handle(&event, now, far_future()).await;
        assert!(response.batch_item_failures.is_empty());
        requests += summary.consumed.requests;
    }
    file.flush().unwrap();
    assert!(function.rejected_store.lines().is_empty());

    let mut by_contact: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for event in &arrived {
        by_contact.entry(contact_id(event)).or_default().push(event);
    }
    let table = function.store.table();
    assert_eq!(table.len(), by_contact.len());
    let mut in_flight = Vec::new();
    for (key, mut item) in table {
        let events = &by_contact[key.contact_id.as_str()];
        assert_eq!(shown(&item), joined(events.iter().copied()), "{}", key.contact_id);
        item.insert("contact_id".to_owned(), Attribute::text(&key.contact_id));
        let contact = Contact::of(&item, &LongestLife::default(), now).unwrap();
        let has_ended = events.iter().any(|event| text_at(event, "/detail/eventType") == Some("COMPLETED"));
        assert_eq!(contact.stage == Stage::Ended, has_ended);
        assert_eq!(item.contains_key("in_flight"), !has_ended);
        // Without an end, the state is that after the newest event that arrived, and it does not wait forever.
        if !has_ended {
            let later = now.epoch_milliseconds() + 15 * 86_400_000;
            let later = Timestamp::from_epoch_milliseconds(later).unwrap();
            let later = Contact::of(&item, &LongestLife::default(), later).unwrap();
            assert!(later.is_unconfirmed && !later.is_waiting(), "{}", key.contact_id);
            in_flight.push(contact);
        }
    }
    std::fs::write(folder.join("now"), now.to_string()).unwrap();
    report(&folder, &in_flight, by_contact.len());
    let waiting = in_flight.iter().filter(|contact| contact.is_waiting()).count();
    println!(
        "contacts in flight: {} contacts, {} events; {lost} lost, {duplicated} duplicated, all shuffled; \
         {} contacts with an event that arrived, {} in flight, {waiting} waiting; {requests} requests",
        of_contacts.len(),
        sent.len(),
        by_contact.len(),
        in_flight.len(),
    );
    println!("every item equals the join of what arrived");
}

/// The center's contact events up to `now`, once each.
fn events_until(contacts: u32, seed: u64, now: Timestamp) -> Vec<Value> {
    let per_hour = contacts.div_ceil(HOURS - 1);
    let center = CenterArguments {
        // Too few for these contacts, so that many wait.
        agents: usize::try_from(per_hour).unwrap() / 10 + 1,
        hours: HOURS,
        contacts_per_hour: Some(per_hour),
        seed,
        duplicated: 0,
        late: Some(0),
        malformed: 0,
        lost: 0,
    };
    let events = center.records().filter(|sent| sent.stream == StreamKind::ContactEvents);
    let events = events.map(|sent| serde_json::from_slice::<Value>(&sent.record).unwrap());
    let is_past = |event: &Value| Timestamp::parse(text_at(event, "/time").unwrap()).unwrap() <= now;
    events.filter(is_past).collect()
}

fn contact_id(event: &Value) -> &str {
    text_at(event, "/detail/contactId").unwrap()
}

/// Writes what the referee prints, in its form.
fn report(folder: &std::path::Path, in_flight: &[Contact], contacts: usize) {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let rows = in_flight.iter().map(|contact| {
        json!({
            "contact_id": contact.contact_id, "stage": contact.stage.as_str(), "since": time(contact.since),
            "channel": contact.channel, "queue_id": contact.queue_id, "agent_id": contact.agent_id,
            "unconfirmed": contact.is_unconfirmed, "simulated": contact.is_simulated,
        })
    });
    let queues = by_queue(in_flight).into_iter().map(|(id, queue)| {
        json!({
            "queue_id": id, "waiting": queue.waiting, "oldest": time(queue.oldest),
            "with_agent": queue.with_agent, "after_contact_work": queue.after_contact_work,
            "other": queue.other, "unconfirmed": queue.unconfirmed,
        })
    });
    let ended = contacts - in_flight.len();
    let last = json!({"contacts": contacts, "ended": ended});
    let lines: Vec<_> = rows.chain(queues).chain([last]).map(|line| line.to_string()).collect();
    std::fs::write(folder.join("contacts.jsonl"), lines.join("\n") + "\n").unwrap();
}
