//! Writes one event.

use connect_streams::Timestamp;
use tables::{Answer, Attribute, Consumed, Item, StoreError};

use crate::ContactWrite;
use crate::fields::{EXPIRES_AT, FIELDS, FIRST_SEEN, IN_FLIGHT, LAST_EVENT, RANK};
use crate::join::{in_flight, join};
use crate::store::{Condition, ContactStore, Update, Updated};
use crate::version::DISCONNECTED;

/// How often an item may be changed by others between two of our requests before the event is left to a retry.
const ATTEMPTS: usize = 8;

/// The outcome of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// New, and the contact's item was updated.
    Applied,
    /// Written before.
    Duplicate,
    /// Newer events have all that it has; the item is unchanged.
    Stale,
    /// So old that the contact's item may have been deleted after its end; nothing was created.
    TooOld,
}

/// Writes an event. One request is enough if the event is the contact's newest; otherwise the answer has the item, and
/// a second request writes only what the event adds.
pub async fn write<S: ContactStore>(
    store: &S,
    write: &ContactWrite,
    now: Timestamp,
) -> Answer<Result<Outcome, StoreError>> {
    let mut consumed = Consumed::default();
    let may_create = !write.is_too_old(now);
    let mut update = newest(write, may_create);
    let mut outcome = Outcome::Applied;
    for _ in 0..ATTEMPTS {
        let answer = store.update(&update).await;
        consumed += answer.consumed;
        let item = match answer.value {
            Err(error) => return Answer { value: Err(error), consumed },
            Ok(Updated::Done) => return Answer { value: Ok(outcome), consumed },
            Ok(Updated::Refused(item)) => item,
        };
        match item {
            None if !may_create => return Answer { value: Ok(Outcome::TooOld), consumed },
            // It was deleted meanwhile.
            None => update = newest(write, may_create),
            Some(item) => {
                outcome = if is_part_of(&item, write) { Outcome::Duplicate } else { Outcome::Applied };
                match addition(&item, write) {
                    Some(addition) => update = addition,
                    None if outcome == Outcome::Duplicate => return Answer { value: Ok(outcome), consumed },
                    None => return Answer { value: Ok(Outcome::Stale), consumed },
                }
            }
        }
    }
    Answer { value: Err(StoreError::contended()), consumed }
}

/// The update of an event that is newer than all of the contact's events. It reads nothing.
fn newest(write: &ContactWrite, may_create: bool) -> Update {
    let version = Attribute::text(write.version.as_str());
    let mut set = Vec::with_capacity(2 * write.fields.len() + 4);
    for (field, value) in &write.fields {
        set.push((field.name, value.clone()));
        set.push((field.by, version.clone()));
    }
    set.push((LAST_EVENT, version.clone()));
    set.push((EXPIRES_AT, write.expires_at(write.time, write.is_end())));
    set.extend(write.rank.map(|rank| (RANK, Attribute::number(rank))));
    let mut remove = Vec::new();
    if write.is_end() {
        remove.push(IN_FLIGHT);
    } else {
        set.push((IN_FLIGHT, in_flight()));
    }
    // All earlier events have an earlier time, so what is stored is the minimum.
    let first_seen = (!write.has_initiation()).then(|| (FIRST_SEEN, Attribute::timestamp(write.time)));
    // Only an end may be written over an end: an ended contact stays ended.
    let highest = write.rank.unwrap_or(DISCONNECTED);
    Update {
        key: write.key.clone(),
        set,
        set_if_absent: first_seen.into_iter().collect(),
        remove,
        condition: Condition::Newer {
            last_event: version,
            highest_rank: Attribute::number(highest),
            may_create,
        },
    }
}

/// The update that adds to this item what the event has and the item lacks; `None` if that is nothing.
fn addition(item: &Item, write: &ContactWrite) -> Option<Update> {
    let changes = join(item, write);
    if changes.is_empty() {
        return None;
    }
    // The changes depend on these attributes alone. An item always has its newest event, so none is created.
    let versions =
        FIELDS.iter().filter(|field| write.fields.iter().any(|(one, _)| one == *field)).map(|field| field.by);
    let read = [LAST_EVENT, RANK, FIRST_SEEN, EXPIRES_AT, IN_FLIGHT].into_iter().chain(versions);
    let seen = read.map(|name| (name, item.get(name).cloned())).collect();
    Some(Update {
        key: write.key.clone(),
        set: changes.set,
        set_if_absent: Vec::new(),
        remove: changes.remove,
        condition: Condition::AsSeen(seen),
    })
}

/// Whether the item has something of this very event.
fn is_part_of(item: &Item, write: &ContactWrite) -> bool {
    let names = write.fields.iter().map(|(field, _)| field.by).chain([LAST_EVENT]);
    let version = Some(write.version.as_str());
    names.into_iter().any(|name| item.get(name).and_then(Attribute::as_text) == version)
}
