//! Where one contact is: its contact records, its contact events, and the agents' history.

use std::collections::BTreeSet;

use connect_streams::Timestamp;
use contact_state::contact::{Contact, Stage};
use contact_state::{ContactKey, has};
use lake_files::layout::{
    CONTACT_EVENT_COPIES_PARTITION, COPIES_PARTITION, FAILED, FAILED_AGENT_EVENT_COPIES,
    FAILED_CONTACT_EVENT_COPIES, FAILED_COPIES, REJECTED_CONTACT_EVENTS, ROWS_PARTITION,
};
use ledger_console::render::terminal::counted;
use redrive::{Verdict, check};
use serde_json::Value;
use tables::Item;
use tables_dynamodb::contacts::ContactReader;

use super::period::{BUFFERED_DAYS, Period};
use super::places::{Conclusion, Place, Sighting, Trace, shown_kind};
use super::scope::Scope;
use super::search::{DeadLetter, Found, Letter};
use crate::commands::history::Entry;
use crate::stack::described::{Described, described};
use crate::stack::destination::{Destination, version};
use crate::stack::tables::{cannot_read, reader};

/// A contact of seven days has rows in the partition of the day on which it began.
const LONGEST_CONTACT_DAYS: i64 = 7;
/// The time until a row must be in the lake, as the alarm Contact Records Late has it.
const LATE_MINUTES: i64 = 30;

/// A contact record in the raw copies, the rows, or the dead letters.
#[derive(Debug, Clone)]
struct Version {
    /// When the contact was last updated; none if the record does not tell.
    updated: Option<Timestamp>,
    /// The record; empty for a row.
    data: Vec<u8>,
    key: String,
    written: i64,
    /// Whether it can never become a row.
    is_malformed: bool,
}

impl Version {
    /// Whether this is the same version of the record. A record that does not tell its time is recognized by its bytes.
    fn is_same(&self, other: &Self) -> bool {
        match (self.updated, other.updated) {
            (None, None) => self.data == other.data,
            (left, right) => left == right,
        }
    }
}

/// A record that failed.
#[derive(Debug, Clone)]
struct Failure {
    version: Version,
    reason: String,
    would_pass: bool,
    is_redriven: bool,
}

/// Looks for a contact in every place.
///
/// `not_an_agent` says that no agent has this ID, or why that is not known.
pub(super) async fn contact(scope: &Scope<'_>, contact_id: &str, not_an_agent: Result<(), String>) -> Trace {
    let (connect, in_flight) = tokio::join!(in_connect(scope, contact_id), in_flight(scope, contact_id));
    let known = connect.as_ref().ok().and_then(Option::as_ref);
    let seen = in_flight.as_ref().ok().and_then(Option::as_ref);
    let contact = seen.and_then(|item| Contact::of(item, &scope.connection.deployed.longest_life, scope.now));
    let began = known.and_then(|known| known.initiated);
    let began = began.or_else(|| contact.as_ref().and_then(|contact| contact.initiated));
    let last = known.and_then(|known| known.last_update);
    let last = last.max(contact.as_ref().and_then(|contact| contact.last_event));
    let period = scope.period(began.map(|began| (began, last.unwrap_or(scope.now))));
    let records = Records::of(scope, contact_id, began, &period).await;
    let events = Events::of(scope, contact_id, &in_flight, &period).await;
    let history = history(scope, contact_id, known, contact.as_ref(), &records, &period).await;

    let mut places = vec![connect_place(scope, &connect)];
    places.extend(records.places());
    places.extend(events.places(scope, &in_flight, contact.as_ref()));
    places.push(match &history {
        Some(history) => Place::searched("Agent history", history, Sighting::clone),
        None => Place::not_there("Agent history", "not looked up: nothing that was found names an agent"),
    });
    if not_an_agent.is_err() {
        places.push(Place::searched("Agents", &not_an_agent.clone().map(|()| Vec::new()), Sighting::clone));
    }
    let in_events = contact.as_ref().map(|contact| Described {
        initiated: contact.initiated,
        disconnected: contact.since.filter(|_| contact.stage == Stage::Ended),
        last_update: contact.last_event,
        agent_id: None,
    });
    let mut conclusions = records.conclusions(scope, known.or(in_events.as_ref()), &period);
    if not_an_agent.is_err() {
        // It may be an agent, so nothing follows from a contact that is not found.
        conclusions.retain(|conclusion| !conclusion.is_absence);
    }
    conclusions.extend(events.conclusions(scope, &in_flight));
    let (objects_read, bytes_read) = scope.search.read();
    Trace {
        kind: "Contact",
        id: contact_id.to_owned(),
        period,
        places,
        conclusions,
        objects_read,
        bytes_read,
    }
}

async fn in_connect(scope: &Scope<'_>, contact_id: &str) -> Result<Option<Described>, String> {
    if scope.connection.is_local() {
        return Ok(None);
    }
    let Some(instance) = scope.instance() else { return Ok(None) };
    let found = described(scope.connection.config(), scope.now, instance, contact_id).await;
    found.map_err(|error| format!("{error:#}"))
}

fn connect_place(scope: &Scope<'_>, connect: &Result<Option<Described>, String>) -> Place {
    const NAME: &str = "Amazon Connect";
    if scope.connection.is_local() {
        return Place::not_there(NAME, "the local stack has no instance");
    }
    if scope.instance().is_none() {
        return Place::not_there(NAME, "not asked: pass --instance with the ID of the instance");
    }
    let found = connect.as_ref().map(|known| known.iter().collect()).map_err(Clone::clone);
    Place::searched(NAME, &found, |known: &&Described| {
        let ended = match known.disconnected {
            Some(ended) => format!("ended {ended}"),
            None => "has not ended".to_owned(),
        };
        Sighting::of(known.initiated, format!("began; {ended}"))
    })
}

async fn in_flight(scope: &Scope<'_>, contact_id: &str) -> Result<Option<Item>, String> {
    let Some(names) = &scope.connection.names.contact_events else { return Ok(None) };
    let Some(instance) = scope.known_instance()? else { return Ok(None) };
    let reader = ContactReader::new(scope.connection.tables(), names.table.clone());
    let item = reader.item(&ContactKey::new(instance, contact_id)).await;
    item.map_err(|error| cannot_read("the contacts in flight", error).to_string())
}

/// The contact records.
struct Records {
    copies: Result<Vec<Version>, String>,
    undelivered: Result<Vec<Version>, String>,
    rows: Result<Vec<(Version, Value)>, String>,
    failures: Result<Vec<Failure>, String>,
}

impl Records {
    async fn of(scope: &Scope<'_>, contact_id: &str, began: Option<Timestamp>, period: &Period) -> Self {
        const OTHERS: [&str; 3] = [FAILED_COPIES, FAILED_AGENT_EVENT_COPIES, FAILED_CONTACT_EVENT_COPIES];
        const COLUMNS: [&str; 3] = ["contact_id", "last_update_timestamp", "agent_id"];
        let search = &scope.search;
        let of_contact = |record: &Found<Vec<u8>>| {
            let identity = Identity::of(&record.record);
            let is_it = identity.contact_id.as_deref().is_none_or(|id| id == contact_id);
            is_it.then(|| (identity.version(record, &record.record), identity.began))
        };
        let copies = search.copies(COPIES_PARTITION, &period.with(BUFFERED_DAYS, Some(0))).await;
        let copies = copies.map(|copies| copies.iter().filter_map(of_contact).collect::<Vec<_>>());
        // The day on which the contact began decides the partition of its rows.
        let began = copies.iter().flatten().find_map(|(_, began)| *began).or(began);
        let days = match began {
            Some(began) => Period::between(began, began),
            None => period.with(LONGEST_CONTACT_DAYS, Some(0)),
        };
        let rows = search.rows(ROWS_PARTITION, &days, &COLUMNS).await.map(|rows| {
            let row = |row: Found<Value>| {
                let updated = version(&row.record);
                let (key, written) = (row.key, row.written);
                (Version { updated, data: Vec::new(), key, written, is_malformed: false }, row.record)
            };
            rows.into_iter().map(row).collect()
        });
        let later = period.with(0, None);
        let failed = search.dead_letters(FAILED, &later).await;
        let failure = |found: &DeadLetter| failure(found, contact_id);
        let is_of = |found: &&DeadLetter, prefixes: &[&str]| {
            prefixes.iter().any(|prefix| found.key.starts_with(prefix))
        };
        let undelivered = failed.as_ref().map_err(Clone::clone).map(|failed| {
            let copies = failed.iter().filter(|found| is_of(found, &[FAILED_COPIES]));
            copies.filter_map(failure).map(|failure| failure.version).collect()
        });
        let failures = failed.map(|failed| {
            let records = failed.iter().filter(|found| !is_of(found, &OTHERS));
            records.filter_map(failure).collect()
        });
        let copies = copies.map(|copies| copies.into_iter().map(|(version, _)| version).collect());
        Self { copies, undelivered, rows, failures }
    }

    fn places(&self) -> Vec<Place> {
        let version = |version: &Version| {
            let what = if version.updated.is_some() { "last update" } else { "a record without its time" };
            Sighting::of(version.updated, what).in_object(&version.key)
        };
        let mut places = vec![Place::searched("Raw copies", &self.copies, version)];
        if self.undelivered.as_ref().is_ok_and(|undelivered| !undelivered.is_empty()) {
            places.push(Place::searched("Undelivered raw copies", &self.undelivered, version));
        }
        places.push(Place::searched("Rows", &self.rows, |(row, _)| version(row)));
        places.push(Place::searched("Failed records", &self.failures, Failure::sighting));
        places
    }

    /// Where the contact records stopped; nothing if a place could not be looked at.
    fn conclusions(&self, scope: &Scope<'_>, known: Option<&Described>, period: &Period) -> Vec<Conclusion> {
        let (Ok(copies), Ok(rows), Ok(failures)) = (&self.copies, &self.rows, &self.failures) else {
            return Vec::new();
        };
        let rows: Vec<_> = rows.iter().map(|(row, _)| row.clone()).collect();
        let located = |key: &str| scope.search.location(key);
        records_conclusions(known, copies, &rows, failures, (period, scope.now), &located)
    }
}

/// What follows from the versions of a contact record in the raw copies, the rows, and the dead letters.
fn records_conclusions(
    known: Option<&Described>,
    copies: &[Version],
    rows: &[Version],
    failures: &[Failure],
    (period, now): (&Period, Timestamp),
    located: &dyn Fn(&str) -> String,
) -> Vec<Conclusion> {
    let in_lake: BTreeSet<_> = rows.iter().map(|row| row.updated).collect();
    let mut conclusions: Vec<_> = failures
        .iter()
        .filter(|failure| failure.version.updated.is_none() || !in_lake.contains(&failure.version.updated))
        .map(|failure| failure.conclusion(!rows.is_empty(), located))
        .collect();
    for copy in copies.iter().filter(|copy| !in_lake.contains(&copy.updated)) {
        if failures.iter().any(|failure| failure.version.is_same(copy)) {
            continue;
        }
        // It can never become a row. If its dead letter was repaired, the repaired record has other bytes.
        if copy.is_malformed {
            if rows.is_empty() {
                conclusions.push(Conclusion::stopped(format!(
                    "A malformed record of this contact arrived, and its dead letter is not there (any more). Raw copy: {}",
                    located(&copy.key)
                )));
            }
            continue;
        }
        let waited = (now.epoch_milliseconds() - copy.written) / 60_000;
        conclusions.push(if waited < LATE_MINUTES {
            Conclusion::stopped(format!(
                "The contact record arrived and is not in the lake yet. Firehose buffers rows for LakeBufferSeconds and one minute; look again in {} minutes. Raw copy: {}",
                LATE_MINUTES - waited,
                located(&copy.key)
            ))
        } else {
            Conclusion::stopped(format!(
                "The contact record arrived, but {waited} minutes after its raw copy was written, it is neither in the lake nor among the failed records. Check Firehose with `contact-ledger doctor`, and see \"Contact Records Late\" in docs/operations.md. Raw copy: {}",
                located(&copy.key)
            ))
        });
    }
    if let Some(newest) = rows.iter().filter_map(|row| row.updated).max() {
        let versions = in_lake.len();
        let versions = if versions == 1 { "one version".to_owned() } else { format!("{versions} versions") };
        conclusions.insert(
            0,
            Conclusion::arrived(format!(
                "The contact record is in the lake, in {versions}; the newest is of {newest}."
            )),
        );
    }
    let seen = rows.iter().chain(copies).filter_map(|version| version.updated).max();
    if let (Some(updated), Some(seen)) = (known.and_then(|known| known.last_update), seen)
        && updated > seen
    {
        conclusions.push(Conclusion::arrived(format!(
            "Amazon Connect updated the contact later, at {updated}. A record of that has not arrived {}.",
            period.text()
        )));
    }
    if conclusions.is_empty() {
        conclusions.push(no_record(known, period));
    }
    conclusions
}

/// Why no contact record was found.
fn no_record(known: Option<&Described>, period: &Period) -> Conclusion {
    let days = period.text();
    match known {
        Some(Described { disconnected: None, .. }) => Conclusion::arrived(
            "The contact has not ended. Amazon Connect sends its record when it has ended and its after-contact work is done.",
        ),
        Some(Described { disconnected: Some(ended), .. }) => Conclusion::stopped(format!(
            "The contact ended at {ended}, but no record of it arrived {days}. Amazon Connect sends the record when after-contact work is done. If that is done, check data streaming with `contact-ledger connect status` and `contact-ledger doctor`."
        )),
        None => Conclusion::absence(format!(
            "No contact record with this ID arrived {days}, and no agent has it as ID or name. Check the ID, and pass --from with the day on which the contact began; `contact-ledger doctor` checks whether records arrive at all."
        )),
    }
}

/// What identifies a contact record or a row, as far as it can be read.
#[derive(Debug, Default)]
struct Identity {
    contact_id: Option<String>,
    updated: Option<Timestamp>,
    began: Option<Timestamp>,
}

impl Identity {
    fn of(data: &[u8]) -> Self {
        let Ok(record) = serde_json::from_slice::<Value>(data) else { return Self::default() };
        let text = |names: [&str; 2]| names.iter().find_map(|name| record[*name].as_str());
        let time = |names| text(names).and_then(Timestamp::parse);
        Self {
            contact_id: text(["ContactId", "contact_id"]).map(str::to_owned),
            updated: time(["LastUpdateTimestamp", "last_update_timestamp"]),
            began: time(["InitiationTimestamp", "initiation_timestamp"]),
        }
    }

    fn version<T>(&self, found: &Found<T>, data: &[u8]) -> Version {
        let is_malformed = Destination::of_contact_record(data) == Destination::Failure;
        let (key, written) = (found.key.clone(), found.written);
        Version { updated: self.updated, data: data.to_vec(), key, written, is_malformed }
    }
}

/// A dead letter of this contact; `None` if it only refers to the contact.
fn failure(found: &DeadLetter, contact_id: &str) -> Option<Failure> {
    let Letter { failed, data, is_redriven } = &found.record;
    let identity = Identity::of(data);
    let is_it = identity.contact_id.as_deref().is_none_or(|id| id == contact_id);
    is_it.then(|| Failure {
        version: identity.version(found, data),
        reason: failed.reason.clone(),
        would_pass: matches!(check(&failed.payload), Verdict::Passes),
        is_redriven: *is_redriven,
    })
}

impl Failure {
    fn sighting(&self) -> Sighting {
        Sighting::of(self.version.updated, self.reason.clone()).in_object(&self.version.key)
    }

    fn conclusion(&self, has_rows: bool, located: &dyn Fn(&str) -> String) -> Conclusion {
        let version = match self.version.updated {
            Some(updated) => format!("The version of {updated}"),
            None => "A record of this contact".to_owned(),
        };
        let (reason, object) = (&self.reason, located(&self.version.key));
        // A repaired record may have got its time only then.
        if self.is_redriven && self.version.updated.is_none() && has_rows {
            return Conclusion::arrived(format!(
                "{version} failed with {reason}, and was redriven ({object})."
            ));
        }
        if self.is_redriven {
            return Conclusion::stopped(format!(
                "{version} failed with {reason}, and was redriven ({object}), but is not in the lake. Firehose buffers rows for LakeBufferSeconds and one minute. If it is not there then, `contact-ledger redrive --again` sends it once more."
            ));
        }
        let next = if self.would_pass {
            "`contact-ledger redrive` would send it again, and it would succeed."
        } else {
            "It would fail again: `contact-ledger explain` says why."
        };
        Conclusion::stopped(format!("{version} failed with {reason}. Its bytes are in {object}. {next}"))
    }
}

/// The contact events.
struct Events {
    /// Whether the stack processes them.
    are_on: bool,
    copies: Result<Vec<Found<Vec<u8>>>, String>,
    rejected: Result<Vec<DeadLetter>, String>,
    /// Those in the archive that the contact's item lacks.
    missing: Vec<Found<Vec<u8>>>,
}

impl Events {
    async fn of(
        scope: &Scope<'_>,
        contact_id: &str,
        item: &Result<Option<Item>, String>,
        period: &Period,
    ) -> Self {
        let are_on = scope.connection.names.contact_events.is_some();
        if !are_on {
            return Self { are_on, copies: Ok(Vec::new()), rejected: Ok(Vec::new()), missing: Vec::new() };
        }
        let search = &scope.search;
        let days = period.with(BUFFERED_DAYS, Some(0));
        let is_of = |found: &Found<Vec<u8>>| event_contact(&found.record).as_deref() == Some(contact_id);
        let copies = search.copies(CONTACT_EVENT_COPIES_PARTITION, &days).await;
        let copies = copies.map(|copies| copies.into_iter().filter(is_of).collect::<Vec<_>>());
        let rejected = search.dead_letters(REJECTED_CONTACT_EVENTS, &period.with(0, None)).await;
        let is_rejected = |found: &DeadLetter| {
            event_contact(&found.record.data).is_none_or(|contact| contact == contact_id)
        };
        let rejected = rejected.map(|found| found.into_iter().filter(is_rejected).collect());
        let item = item.as_ref().ok().and_then(Option::as_ref);
        let is_missing = |copy: &&Found<Vec<u8>>| match Destination::of_contact_event(&copy.record) {
            Destination::Contact(write) => !item.is_some_and(|item| has(item, &write)),
            Destination::Failure => true,
            _ => false,
        };
        let missing = copies.iter().flatten().filter(is_missing).cloned().collect();
        Self { are_on, copies, rejected, missing }
    }

    fn places(
        &self,
        scope: &Scope<'_>,
        item: &Result<Option<Item>, String>,
        contact: Option<&Contact>,
    ) -> Vec<Place> {
        const NAME: &str = "Contact events";
        const STATE: &str = "Contacts in flight";
        if !self.are_on {
            let off = "the stack does not process contact events (parameter ContactEvents)";
            return vec![Place::not_there(NAME, off)];
        }
        let event = |copy: &Found<Vec<u8>>| {
            let event: Value = serde_json::from_slice(&copy.record).unwrap_or_default();
            let kind = shown_kind(detail(&event, "eventType"));
            let time = event["time"].as_str().and_then(Timestamp::parse);
            Sighting::of(time, kind).in_object(&copy.key)
        };
        let rejected = |found: &DeadLetter| {
            Sighting::of(found.record.failed.arrival, found.record.failed.reason.clone())
                .in_object(&found.key)
        };
        let found = item.as_ref().map(|_| contact.into_iter().collect()).map_err(Clone::clone);
        let state = |contact: &&Contact| {
            let unconfirmed = if contact.is_unconfirmed { ", unconfirmed" } else { "" };
            Sighting::of(contact.since, format!("{}{unconfirmed}", contact.stage.as_str()))
        };
        let state = match scope.known_instance() {
            Ok(None) => Place::not_there(STATE, "the tables are empty"),
            _ => Place::searched(STATE, &found, state),
        };
        vec![
            Place::searched(NAME, &self.copies, event),
            Place::searched("Rejected events", &self.rejected, rejected),
            state,
        ]
    }

    fn conclusions(&self, scope: &Scope<'_>, item: &Result<Option<Item>, String>) -> Vec<Conclusion> {
        let (Ok(copies), Ok(rejected), Ok(item)) = (&self.copies, &self.rejected, item) else {
            return Vec::new();
        };
        if copies.is_empty() {
            // A contact whose events are older than the archive, or not archived yet.
            return match item {
                Some(_) => vec![Conclusion::arrived("Its contact events are in ContactState.")],
                None => Vec::new(),
            };
        }
        let archived = copies.len();
        let mut conclusions = Vec::new();
        let has_expired = |time: Option<Timestamp>| {
            time.is_some_and(|time| scope.connection.deployed.contact_may_have_expired(time, scope.now))
        };
        let (mut expired, mut lacking) = (0, Vec::new());
        for missing in &self.missing {
            let letter = rejected.iter().find(|found| found.record.data == missing.record);
            let event: Value = serde_json::from_slice(&missing.record).unwrap_or_default();
            let time = event["time"].as_str().and_then(Timestamp::parse);
            match letter {
                // A repaired event has other bytes.
                Some(found) if found.record.is_redriven => conclusions.push(Conclusion::arrived(format!(
                    "A contact event was rejected: {}. It was redriven.",
                    found.record.failed.reason
                ))),
                Some(found) => conclusions.push(Conclusion::stopped(format!(
                    "A contact event was rejected: {}. Its bytes are in {}; `contact-ledger explain` says why.",
                    found.record.failed.reason,
                    scope.search.location(&found.key)
                ))),
                None if item.is_none() && has_expired(time) => expired += 1,
                None => lacking.push(missing),
            }
        }
        if expired > 0 {
            conclusions.push(Conclusion::arrived(format!(
                "{} of the archive are older than EndedContactDays, so the contact's item has expired.",
                counted(expired, "contact event", "contact events")
            )));
        }
        if let Some(first) = lacking.first() {
            let what = match lacking.len() {
                1 => "A contact event is".to_owned(),
                count => format!("{count} contact events are"),
            };
            conclusions.push(Conclusion::stopped(format!(
                "{what} in the archive, but not in ContactState: in the queue or in a dead-letter queue, or too old, or the item has expired. `contact-ledger redrive` counts what is in the dead-letter queues. Raw copy: {}",
                scope.search.location(&first.key)
            )));
        }
        if self.missing.is_empty() {
            conclusions.push(Conclusion::arrived(match archived {
                1 => "The contact event of the archive is in ContactState.".to_owned(),
                _ => format!("All {archived} contact events of the archive are in ContactState."),
            }));
        }
        conclusions
    }
}

/// The contact that an event is about.
fn event_contact(event: &[u8]) -> Option<String> {
    let event: Value = serde_json::from_slice(event).ok()?;
    detail(&event, "contactId").map(str::to_owned)
}

/// A text of an event's detail. Names are in any case of letters, as the function reads them; an event that the function
/// rejects must be found, too, so its parser does not serve here.
fn detail<'e>(event: &'e Value, name: &str) -> Option<&'e str> {
    let mut members = event["detail"].as_object()?.iter();
    members.find(|(member, _)| member.eq_ignore_ascii_case(name))?.1.as_str()
}

/// What the agents' history has of this contact; `None` if no agent of it is known.
async fn history(
    scope: &Scope<'_>,
    contact_id: &str,
    known: Option<&Described>,
    contact: Option<&Contact>,
    records: &Records,
    period: &Period,
) -> Option<Result<Vec<Sighting>, String>> {
    let rows = records.rows.iter().flatten();
    let mut agents: BTreeSet<String> =
        rows.filter_map(|(_, row)| row["agent_id"].as_str().map(str::to_owned)).collect();
    agents.extend(known.and_then(|known| known.agent_id.clone()));
    agents.extend(contact.and_then(|contact| contact.agent_id.clone()));
    let instance = scope.instance()?;
    if agents.is_empty() {
        return None;
    }
    let reader = reader(scope.connection);
    let from = period.with(LONGEST_CONTACT_DAYS, None).begin().unwrap_or(scope.earliest());
    let until = period.end().unwrap_or(scope.now).max(scope.now);
    let mut sightings = Vec::new();
    for agent in agents {
        let items = match reader.history(instance, &agent, from, until, scope.now).await {
            Ok(items) => items,
            Err(error) => return Some(Err(cannot_read("the history", error).to_string())),
        };
        for entry in items.iter().filter_map(Entry::of) {
            if entry.contact_id.as_deref() == Some(contact_id) {
                let state = entry.what.unwrap_or_default();
                sightings.push(Sighting::of(Some(entry.start), format!("agent {agent}: {state}")));
            }
        }
    }
    sightings.sort_by(|left, right| left.time.cmp(&right.time));
    Some(Ok(sightings))
}

#[cfg(test)]
mod tests {
    use super::{Described, Failure, Period, Timestamp, Version, records_conclusions};

    #[test]
    fn an_event_is_about_its_contact_in_any_case_of_letters() {
        for event in [
            r#"{"detail":{"contactId":"c-1"}}"#,
            r#"{"detail":{"ContactId":"c-1","InitialContactId":"c-2"}}"#,
        ] {
            assert_eq!(super::event_contact(event.as_bytes()).as_deref(), Some("c-1"), "{event}");
        }
        assert_eq!(super::event_contact(br#"{"detail":{"initialContactId":"c-1"}}"#), None);
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn version(updated: &str) -> Version {
        let written = at("2026-03-02T09:00:00Z").epoch_milliseconds();
        Version {
            updated: Timestamp::parse(updated),
            data: updated.into(),
            key: format!("k/{updated}"),
            written,
            is_malformed: false,
        }
    }

    fn failure(updated: &str, would_pass: bool) -> Failure {
        Failure { version: version(updated), reason: "bad_field".to_owned(), would_pass, is_redriven: false }
    }

    fn concluded(
        known: Option<&Described>,
        copies: &[Version],
        rows: &[Version],
        failures: &[Failure],
        now: &str,
    ) -> Vec<(bool, String)> {
        let period = Period::between(at("2026-03-02T00:00:00Z"), at("2026-03-02T00:00:00Z"));
        let located = |key: &str| format!("s3://lake/{key}");
        records_conclusions(known, copies, rows, failures, (&period, at(now)), &located)
            .into_iter()
            .map(|conclusion| (conclusion.stopped, conclusion.text))
            .collect()
    }

    const FIRST: &str = "2026-03-02T08:05:00.000Z";
    const SECOND: &str = "2026-03-02T08:06:00.000Z";
    const SOON: &str = "2026-03-02T09:10:00Z";

    #[test]
    fn every_version_with_a_row_has_arrived_even_if_it_failed_before() {
        let (copies, rows) = ([version(FIRST), version(SECOND)], [version(FIRST), version(SECOND)]);
        let found = concluded(None, &copies, &rows, &[failure(FIRST, true)], SOON);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(!found[0].0 && found[0].1.contains("2 versions") && found[0].1.contains(SECOND), "{found:?}");
    }

    #[test]
    fn a_version_that_failed_stops_although_another_one_is_in_the_lake() {
        let copies = [version(FIRST), version(SECOND)];
        let found = concluded(None, &copies, &[version(FIRST)], &[failure(SECOND, true)], SOON);
        assert_eq!(found.iter().map(|(stopped, _)| *stopped).collect::<Vec<_>>(), [false, true]);
        assert!(found[1].1.contains(SECOND) && found[1].1.contains("would succeed"), "{found:?}");
        let again = concluded(None, &copies, &[version(FIRST)], &[failure(SECOND, false)], SOON);
        assert!(again[1].1.contains("would fail again"), "{again:?}");
    }

    #[test]
    fn a_record_without_its_time_is_recognized_by_its_bytes() {
        let copies = [version("{broken"), version("{other")];
        let found = concluded(None, &copies, &[], &[failure("{broken", false)], SOON);
        assert!(found[0].1.contains("A record of this contact failed with bad_field"), "{found:?}");
        assert!(found.len() == 2 && found[1].1.contains("k/{other"), "{found:?}");
    }

    #[test]
    fn a_redriven_record_has_arrived_only_if_it_is_in_the_lake() {
        let redriven = |updated| Failure { is_redriven: true, ..failure(updated, true) };
        let lost = concluded(None, &[version(FIRST)], &[], &[redriven(FIRST)], SOON);
        assert!(lost.len() == 1 && lost[0].0 && lost[0].1.contains("is not in the lake"), "{lost:?}");
        let there = concluded(None, &[version(FIRST)], &[version(FIRST)], &[redriven(FIRST)], SOON);
        assert!(there.iter().all(|(stopped, _)| !stopped), "{there:?}");
        // Its dead letter was repaired and sent again, with other bytes.
        let broken = Version { is_malformed: true, ..version("{broken") };
        let repaired = concluded(None, std::slice::from_ref(&broken), &[version(FIRST)], &[], SOON);
        assert!(repaired.iter().all(|(stopped, _)| !stopped), "{repaired:?}");
        let gone = concluded(None, &[broken], &[], &[], SOON);
        assert!(gone.len() == 1 && gone[0].0 && gone[0].1.contains("malformed"), "{gone:?}");
    }

    #[test]
    fn a_newer_update_that_amazon_connect_knows_is_reported() {
        let known = Described {
            initiated: Some(at(FIRST)),
            disconnected: Some(at(FIRST)),
            last_update: Some(at(SECOND)),
            agent_id: None,
        };
        let found = concluded(Some(&known), &[version(FIRST)], &[version(FIRST)], &[], SOON);
        assert!(found.len() == 2 && !found[1].0 && found[1].1.contains(SECOND), "{found:?}");
    }

    #[test]
    fn a_raw_copy_without_a_row_is_buffered_and_later_missing() {
        let copies = [version(FIRST)];
        let soon = concluded(None, &copies, &[], &[], SOON);
        assert!(soon[0].0 && soon[0].1.contains("look again in 20 minutes"), "{soon:?}");
        let late = concluded(None, &copies, &[], &[], "2026-03-02T09:30:00Z");
        assert!(late[0].0 && late[0].1.contains("Contact Records Late"), "{late:?}");
    }

    #[test]
    fn without_any_trace_amazon_connect_tells_whether_it_should_have_arrived() {
        let described = |ended: Option<&str>| Described {
            initiated: Some(at(FIRST)),
            disconnected: ended.map(at),
            last_update: None,
            agent_id: None,
        };
        let found = |known: Option<&Described>| concluded(known, &[], &[], &[], SOON).remove(0);
        let (stopped, text) = found(Some(&described(Some(SECOND))));
        assert!(stopped && text.contains("no record of it arrived on 2026-03-02"), "{text}");
        let (stopped, text) = found(Some(&described(None)));
        assert!(!stopped && text.contains("has not ended"), "{text}");
        let (stopped, text) = found(None);
        assert!(stopped && text.contains("--from"), "{text}");
    }
}
