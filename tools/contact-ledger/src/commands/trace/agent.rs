//! Where the events of one agent are: the archive, the tables, and the dead letters.

use std::collections::{BTreeMap, BTreeSet};

use agent_ledger::Version;
use agent_ledger::agents::Agent;
use connect_streams::agent_event::EventType;
use connect_streams::{Timestamp, arn};
use lake_files::layout::{AGENT_EVENT_COPIES_PARTITION, ON_FAILURE, REJECTED};
use ledger_console::render::terminal::counted;
use serde_json::Value;
use tables_dynamodb::agents::Reader;

use super::period::{BUFFERED_DAYS, Period};
use super::places::{Conclusion, Place, Sighting, Trace, shown_kind};
use super::scope::Scope;
use super::search::{DeadLetter, Found};
use crate::stack::destination::{Destination, StateAt, earlier_entry, entry_time};
use crate::stack::tables::{GHOST_MINUTES, cannot_read, reader};

/// An event in the archive.
#[derive(Debug, Clone)]
struct Archived {
    key: String,
    data: Vec<u8>,
    time: Option<Timestamp>,
    kind: String,
    in_tables: InTables,
}

impl Archived {
    /// A copy of which is not known yet whether the tables have it.
    fn of(copy: Found<Vec<u8>>) -> Self {
        let event: Value = serde_json::from_slice(&copy.record).unwrap_or_default();
        Self {
            key: copy.key,
            time: event["EventTimestamp"].as_str().and_then(Timestamp::parse),
            kind: shown_kind(event["EventType"].as_str()),
            data: copy.record,
            in_tables: InTables::No,
        }
    }
}

/// Why the tables lack an event: the reason if it is a dead letter, and whether that was redriven.
type What<'a> = (Option<&'a str>, bool);

/// Whether the tables have an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InTables {
    Yes,
    /// The settings keep no entry of it, and it ends no interval; the state is as new, or newer.
    Perhaps,
    No,
    /// It is so old that its history entry has expired.
    Expired,
    /// It can never be written.
    Rejected,
}

/// The tables, as far as they were read.
struct Tables<'t> {
    reader: Reader,
    /// The keys of the agent's history entries.
    history: &'t BTreeSet<String>,
    /// The versions of registers.
    held: BTreeMap<(String, String), Option<Version>>,
}

impl Tables<'_> {
    /// Whether an event arrived at its destination; `None` if it is not an agent event.
    async fn have(
        &mut self,
        destination: Destination,
        is_heartbeat: bool,
        has_expired: bool,
    ) -> Result<Option<InTables>, String> {
        Ok(Some(match destination {
            Destination::Entry { entry, .. } if self.has_key(&entry) => InTables::Yes,
            Destination::Entry { .. } | Destination::Interval { .. } if has_expired => InTables::Expired,
            Destination::Entry { .. } => InTables::No,
            // The interval may have begun long before the event, and another event may have closed it.
            Destination::Interval { agent_id, entry, state } => {
                let is_there = self.has_key(&entry) || self.has_entry(&agent_id, &entry).await?;
                if is_there && self.reaches(&state).await? { InTables::Yes } else { InTables::No }
            }
            Destination::State(state) if !self.reaches(&state).await? => InTables::No,
            // It repeats a state that other events have shown.
            Destination::State(_) if is_heartbeat => InTables::Yes,
            Destination::State(_) => InTables::Perhaps,
            Destination::Failure => InTables::Rejected,
            _ => return Ok(None),
        }))
    }

    fn has_key(&self, entry: &str) -> bool {
        self.history.contains(entry) || self.history.contains(earlier_entry(entry))
    }

    async fn has_entry(&self, agent_id: &str, entry: &str) -> Result<bool, String> {
        let is_there = self.reader.has_entry(agent_id, entry).await;
        is_there.map_err(|error| cannot_read("the history", error).to_string())
    }

    /// Whether a register has this version or a newer one.
    async fn reaches(&mut self, state: &StateAt) -> Result<bool, String> {
        let StateAt { key, register, version } = state;
        let place = (key.board.clone(), key.agent_id.clone());
        if !self.held.contains_key(&place) {
            let held = self.reader.version(key, *register).await;
            let held = held.map_err(|error| cannot_read("the agents", error).to_string())?;
            self.held.insert(place.clone(), held);
        }
        Ok(self.held[&place].as_ref().is_some_and(|held| held >= version))
    }
}

/// Looks for an agent in every place.
pub(super) async fn agent(scope: &Scope<'_>, agent_id: &str) -> Trace {
    let period = scope.period(None);
    let search = &scope.search;
    let is_archived =
        scope.connection.is_local() || scope.connection.deployed.resources.contains_key("AgentEventFirehose");
    let copies = if is_archived {
        let copies = search.copies(AGENT_EVENT_COPIES_PARTITION, &period.with(BUFFERED_DAYS, Some(0))).await;
        copies.map(|copies| copies.into_iter().filter(|copy| is_of(&copy.record, agent_id)).collect())
    } else {
        Ok(Vec::new())
    };
    let later = period.with(0, None);
    let rejected = search.dead_letters(REJECTED, &later).await;
    let given_up = search.dead_letters(ON_FAILURE, &later).await;
    let dead = |found: Result<Vec<DeadLetter>, String>| {
        found.map(|found| {
            found.into_iter().filter(|one| is_of(&one.record.data, agent_id)).collect::<Vec<_>>()
        })
    };
    let (rejected, given_up) = (dead(rejected), dead(given_up));
    let state = state(scope, agent_id).await;
    let (history, archived) = in_tables(scope, agent_id, copies, &period).await;

    let mut places = vec![archive_place(is_archived, &archived)];
    let letter = |found: &DeadLetter| {
        Sighting::of(found.record.failed.arrival, found.record.failed.reason.clone()).in_object(&found.key)
    };
    places.push(Place::searched("Rejected events", &rejected, letter));
    places.push(Place::searched("Discarded batches", &given_up, letter));
    places.push(Place::searched("Agent state", &state, agent_sighting));
    places.push(history_place(&history));
    let conclusions = match (&archived, &rejected, &given_up, &state, &history) {
        (Ok(archived), Ok(rejected), Ok(given_up), Ok(state), Ok(_)) => {
            let letters: Vec<_> = rejected.iter().chain(given_up).cloned().collect();
            let located = |key: &str| search.location(key);
            let seen = Seen { is_archived, archived, letters: &letters, state: state.first() };
            conclusions(&seen, (&period, scope.now), &located)
        }
        _ => Vec::new(),
    };
    let (objects_read, bytes_read) = search.read();
    Trace { kind: "Agent", id: agent_id.to_owned(), period, places, conclusions, objects_read, bytes_read }
}

/// Whether an event is about this agent. It may also name the agent as the owner of a queue.
fn is_of(event: &[u8], agent_id: &str) -> bool {
    let Ok(event) = serde_json::from_slice::<Value>(event) else { return true };
    let owner = event["AgentARN"].as_str().map(|agent| arn::resource_id(agent, "agent"));
    owner.is_none_or(|owner| owner == Some(agent_id))
}

async fn state(scope: &Scope<'_>, agent_id: &str) -> Result<Vec<Agent>, String> {
    let Some(instance) = scope.known_instance()? else { return Ok(Vec::new()) };
    let agent = reader(scope.connection).agent(instance, agent_id, scope.now, GHOST_MINUTES).await;
    let agent = agent.map_err(|error| cannot_read("the agents", error).to_string())?;
    Ok(agent.into_iter().collect())
}

fn agent_sighting(agent: &Agent) -> Sighting {
    let region = agent.region.as_ref().map(|region| format!(" in {region}")).unwrap_or_default();
    Sighting::of(agent.last_event.as_ref(), format!("last event{region}; {}", agent.activity.as_str()))
}

/// The keys of the history's entries, and for each event of the archive whether the tables have it.
async fn in_tables(
    scope: &Scope<'_>,
    agent_id: &str,
    copies: Result<Vec<Found<Vec<u8>>>, String>,
    period: &Period,
) -> (Result<BTreeSet<String>, String>, Result<Vec<Archived>, String>) {
    let instance = match scope.known_instance() {
        Ok(Some(instance)) => instance,
        Ok(None) => return (Ok(BTreeSet::new()), copies.map(|_| Vec::new())),
        Err(why) => return (Err(why), copies.map(|_| Vec::new())),
    };
    let reader = reader(scope.connection);
    // An event happened before it arrived, and long before if it was sent again.
    let copies = copies.map(|copies| copies.into_iter().map(Archived::of).collect::<Vec<_>>());
    let first = copies.iter().flatten().filter_map(|copy| copy.time).min();
    let from = period.with(BUFFERED_DAYS, None).begin().unwrap_or(scope.earliest());
    let from = first.map_or(from, |first| first.min(from));
    let until = period.end().unwrap_or(scope.now).max(scope.now);
    let history = match reader.entry_keys(instance, agent_id, from, until, scope.now).await {
        Ok(keys) => keys,
        Err(error) => {
            return (Err(cannot_read("the history", error).to_string()), copies.map(|_| Vec::new()));
        }
    };
    let copies = match copies {
        Ok(copies) => copies,
        Err(why) => return (Ok(history), Err(why)),
    };
    let deployed = &scope.connection.deployed;
    let mut tables = Tables { reader, history: &history, held: BTreeMap::new() };
    let mut archived = Vec::new();
    for mut copy in copies {
        let has_expired = copy.time.is_some_and(|time| deployed.history_has_expired(time, scope.now));
        let is_heartbeat = copy.kind == EventType::HeartBeat.as_str();
        let destination = Destination::of_agent_event(&copy.data, deployed.kept_events);
        match tables.have(destination, is_heartbeat, has_expired).await {
            Ok(Some(in_tables)) => {
                copy.in_tables = in_tables;
                archived.push(copy);
            }
            Ok(None) => {}
            Err(why) => return (Ok(history), Err(why)),
        }
    }
    // An event that was sent again is in the archive again.
    archived.sort_by(|left, right| (left.time, &left.data).cmp(&(right.time, &right.data)));
    archived.dedup_by(|later, first| later.data == first.data);
    (Ok(history), Ok(archived))
}

fn archive_place(is_archived: bool, archived: &Result<Vec<Archived>, String>) -> Place {
    const NAME: &str = "Archive";
    if !is_archived {
        return Place::not_there(NAME, "the stack does not archive agent events (AgentEventArchive)");
    }
    // An agent has hundreds of events a day, so only their kinds are counted.
    let kinds = archived.as_ref().map_err(Clone::clone).map(|archived| {
        let mut kinds: BTreeMap<&str, (u64, &Archived)> = BTreeMap::new();
        for event in archived {
            let (count, last) = kinds.entry(&event.kind).or_insert((0, event));
            (*count, *last) = (*count + 1, event);
        }
        kinds.into_iter().collect::<Vec<_>>()
    });
    Place::searched(NAME, &kinds, |(kind, (count, last))| {
        Sighting::of(last.time, format!("the last of {count} {kind}")).in_object(&last.key)
    })
}

fn history_place(history: &Result<BTreeSet<String>, String>) -> Place {
    let counted = history.as_ref().map_err(Clone::clone).map(|entries| {
        let last = entries.iter().max_by_key(|entry| entry_time(entry));
        last.map(|last| (entries.len(), last.clone())).into_iter().collect::<Vec<_>>()
    });
    Place::searched("Agent history", &counted, |(count, last)| {
        let time = entry_time(last).map(str::to_owned);
        Sighting::of(time, format!("the last of {count} entries"))
    })
}

/// What was found of an agent.
struct Seen<'s> {
    /// Whether the stack has an archive.
    is_archived: bool,
    archived: &'s [Archived],
    letters: &'s [DeadLetter],
    state: Option<&'s Agent>,
}

/// What follows from the events of the archive, the dead letters, and the state.
fn conclusions(
    &Seen { is_archived, archived, letters, state }: &Seen<'_>,
    (period, now): (&Period, Timestamp),
    located: &dyn Fn(&str) -> String,
) -> Vec<Conclusion> {
    // By what happened to them: an agent may have hundreds.
    let mut missing: BTreeMap<What<'_>, (&str, Vec<&Archived>)> = BTreeMap::new();
    for event in archived.iter().filter(|event| matches!(event.in_tables, InTables::No | InTables::Rejected))
    {
        let letter = letters.iter().find(|letter| letter.record.data == event.data);
        let what = letter.map(|letter| (letter.record.failed.reason.as_str(), letter.record.is_redriven));
        let (reason, is_redriven) = what.unzip();
        let object = letter.map_or(&event.key, |letter| &letter.key);
        // A repaired event has other bytes, so only an event that could have been written must be in the tables.
        let has_arrived = is_redriven.unwrap_or_default() && event.in_tables == InTables::Rejected;
        let of_what = missing.entry((reason, has_arrived));
        of_what.or_insert((object, Vec::new())).1.push(event);
    }
    // Without an archive, a dead letter is the only sign that an event arrived.
    let mut unarchived: BTreeMap<(&str, bool), Vec<&DeadLetter>> = BTreeMap::new();
    let in_archive = |letter: &&DeadLetter| archived.iter().all(|event| event.data != letter.record.data);
    for letter in letters.iter().filter(in_archive) {
        let what = (letter.record.failed.reason.as_str(), letter.record.is_redriven);
        unarchived.entry(what).or_default().push(letter);
    }
    let mut conclusions = Vec::new();
    for ((reason, is_redriven), (object, events)) in &missing {
        let Some(first) = events.first() else { continue };
        let what = match (events.len(), first.time) {
            (1, Some(time)) => format!("The event {} of {time}", first.kind),
            (1, None) => "A record that names this agent".to_owned(),
            (count, Some(time)) => format!("{count} events, the first a {} of {time},", first.kind),
            (count, None) => format!("{count} records that name this agent"),
        };
        conclusions.push(failed(&what, events.len(), *reason, *is_redriven, &located(object)));
    }
    for ((reason, is_redriven), letters) in &unarchived {
        let Some(first) = letters.first() else { continue };
        let what = match letters.len() {
            1 => "An event of this agent".to_owned(),
            count => format!("{count} events of this agent"),
        };
        conclusions.push(failed(&what, letters.len(), Some(reason), *is_redriven, &located(&first.key)));
    }
    let written = archived.iter().filter(|event| event.in_tables == InTables::Yes).count();
    let expired = archived.iter().filter(|event| event.in_tables == InTables::Expired).count();
    let unsure = archived.iter().filter(|event| event.in_tables == InTables::Perhaps).count();
    if unsure > 0 {
        conclusions.insert(
            0,
            Conclusion::arrived(format!(
                "{} cannot be checked: HistoryEvents keeps no entry, and no interval ended. The agent's state is as new.",
                counted(unsure as u64, "event", "events")
            )),
        );
    }
    if expired > 0 {
        conclusions.insert(
            0,
            Conclusion::arrived(format!(
                "{expired} events are older than HistoryRetentionDays, so their history entries have expired."
            )),
        );
    }
    if written > 0 {
        let all = if conclusions.is_empty() { "All " } else { "" };
        conclusions.insert(
            0,
            Conclusion::arrived(match written {
                1 => "The one event of the archive is in the tables.".to_owned(),
                _ => format!("{all}{written} events of the archive are in the tables."),
            }),
        );
    }
    match state.map(|agent| agent.last_event.as_deref()) {
        Some(last) if archived.is_empty() && letters.is_empty() => {
            conclusions.push(Conclusion::arrived(format!(
                "{}. The last one in the tables is of {}. A logged-in agent sends a heartbeat every two minutes.",
                if is_archived {
                    format!(
                        "No event of this agent is in the archive {}, which may lag (docs/operations.md, Agent Event Archive Late)",
                        period.text()
                    )
                } else {
                    "Without an archive, only the tables tell what arrived".to_owned()
                },
                last.unwrap_or("an unknown time")
            )));
        }
        None if archived.is_empty() && letters.is_empty() => {
            conclusions.push(Conclusion::stopped(format!(
                "No event of this agent arrived {}, as of {now}. Check the ID, and pass --from with a day on which the agent worked; `contact-ledger tail agent-events` shows what arrives.",
                period.text()
            )));
        }
        _ => {}
    }
    conclusions
}

/// What happened to events that the tables lack.
fn failed(what: &str, count: usize, reason: Option<&str>, is_redriven: bool, object: &str) -> Conclusion {
    let (is, it) = if count == 1 { ("is", "It is") } else { ("are", "The first is") };
    match reason {
        Some(reason) if is_redriven => {
            let was = if count == 1 { "was a dead letter" } else { "were dead letters" };
            Conclusion::arrived(format!("{what} {was}, {reason}, and redriven."))
        }
        Some(reason) => {
            let letter = if count == 1 { "a dead letter" } else { "dead letters" };
            Conclusion::stopped(format!(
                "{what} {is} {letter}: {reason}. {it} in {object}; `contact-ledger explain` says why, and whether a redrive would succeed."
            ))
        }
        None => Conclusion::stopped(format!(
            "{what} {is} in the archive, but not in the tables, and no dead letter: the function is behind, a batch is being retried, the event was dropped because the on-failure destination could not be written, the table was replaced after the event was written, or HistoryEvents or HistoryHeartbeats was set later. `contact-ledger doctor` names most of these; docs/operations.md, Replaying agent events, writes the archive again. Raw copy: {object}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{Archived, DeadLetter, InTables, Period, Seen, Timestamp, conclusions, is_of};
    use crate::commands::trace::search::{Found, Letter};
    use lake_files::failures::{FailedRecord, Payload};

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn event(data: &str, in_tables: InTables) -> Archived {
        Archived {
            key: "raw/agent-events/x".to_owned(),
            data: data.as_bytes().to_vec(),
            time: Some(at("2026-03-02T08:00:00Z")),
            kind: "LOGIN".to_owned(),
            in_tables,
        }
    }

    /// A rejected record with these bytes.
    fn letter(data: &str) -> DeadLetter {
        let payload = Payload::ContactEvent(Vec::new());
        let failed = FailedRecord { payload, reason: "missing_field".to_owned(), arrival: None };
        let record = Letter { failed, data: data.as_bytes().to_vec(), is_redriven: false };
        Found { key: "rejected/agent-events/x".to_owned(), written: 0, record }
    }

    fn concluded(archived: &[Archived], letters: &[DeadLetter]) -> Vec<(bool, String)> {
        let located = |key: &str| format!("s3://lake/{key}");
        let now = at("2026-03-03T00:00:00Z");
        let seen = Seen { is_archived: true, archived, letters, state: None };
        conclusions(&seen, (&Period::ALL, now), &located)
            .into_iter()
            .map(|conclusion| (conclusion.stopped, conclusion.text))
            .collect()
    }

    #[test]
    fn an_event_that_the_tables_lack_is_behind_or_a_dead_letter() {
        let found = concluded(&[event("{\"a\":1}", InTables::Yes), event("{\"a\":2}", InTables::No)], &[]);
        assert!(!found[0].0 && found[0].1.starts_with("The one event"), "{found:?}");
        assert!(found[1].0 && found[1].1.contains("behind"), "{found:?}");
    }

    #[test]
    fn a_dead_letter_is_reported_once_with_or_without_the_archive() {
        for archived in [&[event("{\"a\":1}", InTables::Rejected)][..], &[]] {
            let found = concluded(archived, &[letter("{\"a\":1}")]);
            assert!(found.len() == 1 && found[0].0 && found[0].1.contains("missing_field"), "{found:?}");
        }
        // A record that was repaired and redriven has other bytes in the tables.
        let mut redriven = letter("{\"a\":1}");
        redriven.record.is_redriven = true;
        let found = concluded(&[event("{\"a\":1}", InTables::Rejected)], &[redriven]);
        assert!(found.len() == 1 && !found[0].0 && found[0].1.contains("redriven"), "{found:?}");
        // Many of them are one line.
        let many = vec![event("{\"a\":1}", InTables::No); 40];
        let found = concluded(&many, &[]);
        assert!(found.len() == 1 && found[0].0 && found[0].1.starts_with("40 events"), "{found:?}");
        // It could have been written, and was not.
        let mut lost = letter("{\"a\":1}");
        lost.record.is_redriven = true;
        let found = concluded(&[event("{\"a\":1}", InTables::No)], &[lost]);
        assert!(found.len() == 1 && found[0].0 && found[0].1.contains("missing_field"), "{found:?}");
        // A redrive left the object where it was.
        let sent = concluded(&[event("{\"a\":1}", InTables::Yes)], &[letter("{\"a\":1}")]);
        assert!(sent.iter().all(|(stopped, _)| !stopped), "{sent:?}");
    }

    #[test]
    fn nothing_at_all_is_not_a_success() {
        let found = concluded(&[], &[]);
        assert!(found.len() == 1 && found[0].0 && found[0].1.contains("--from"), "{found:?}");
    }

    #[test]
    fn an_event_of_another_agent_that_names_this_one_is_not_its_event() {
        let other = br#"{"AgentARN":"arn:aws:connect:eu-west-2:111122223333:instance/i/agent/b","x":"queue/agent/a"}"#;
        assert!(is_of(other, "b") && !is_of(other, "a"));
        assert!(is_of(b"not JSON", "a"), "what cannot be read may be an event of the agent");
    }
}
