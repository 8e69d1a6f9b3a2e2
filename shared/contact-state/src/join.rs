//! The join of an item and an event: what the event changes.

use tables::{Attribute, Item};

use crate::ContactWrite;
use crate::fields::{COMPLETED, EXPIRES_AT, FIRST_SEEN, IN_FLIGHT, LAST_EVENT, PAUSED, RANK};
use crate::version::{ENDED, Version};

/// What an event changes in an item.
#[derive(Debug, Default, PartialEq)]
pub struct Changes {
    /// Attributes to set.
    pub set: Vec<(&'static str, Attribute)>,
    /// Attributes to remove.
    pub remove: Vec<&'static str>,
}

impl Changes {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }
}

/// What an event changes in an item that has this content; nothing if it is already part of it.
#[must_use]
pub fn join(item: &Item, write: &ContactWrite) -> Changes {
    let mut changes = Changes::default();
    let version = write.version.as_str();
    for (field, value) in &write.fields {
        if is_before(item.get(field.by), version) {
            changes.set.push((field.name, value.clone()));
            changes.set.push((field.by, Attribute::text(version)));
        }
    }
    if is_before(item.get(LAST_EVENT), version) {
        changes.set.push((LAST_EVENT, Attribute::text(version)));
    }
    if write.rank > rank_of(item) {
        changes.set.extend(write.rank.map(|rank| (RANK, Attribute::number(rank))));
    }
    let seen = Attribute::timestamp(write.time);
    let is_first =
        item.get(FIRST_SEEN).and_then(Attribute::as_text).is_none_or(|first| Some(first) > seen.as_text());
    if !write.has_initiation() && is_first {
        changes.set.push((FIRST_SEEN, seen));
    }
    let has_ended = write.rank.max(rank_of(item)) == Some(ENDED);
    let newest =
        last_event(item).and_then(|last| last.time()).map_or(write.time, |last| last.max(write.time));
    let expires_at = write.expires_at(newest, has_ended);
    if item.get(EXPIRES_AT) != Some(&expires_at) {
        changes.set.push((EXPIRES_AT, expires_at));
    }
    match (has_ended, item.contains_key(IN_FLIGHT)) {
        (true, true) => changes.remove.push(IN_FLIGHT),
        (false, false) => changes.set.push((IN_FLIGHT, in_flight())),
        _ => {}
    }
    changes
}

/// Whether the item has this event, or newer values in its place. The stack's PII policy may leave out fields that these
/// rules keep, so a field that the item lacks counts as held if a later event of the contact carries it too.
#[must_use]
pub fn has(item: &Item, write: &ContactWrite) -> bool {
    let version = write.version.as_str();
    let only_here = [&PAUSED, &COMPLETED];
    !is_before(item.get(LAST_EVENT), version)
        && write.rank <= rank_of(item)
        && write.fields.iter().all(|(field, _)| match item.get(field.by) {
            None => !only_here.contains(field),
            by => !is_before(by, version),
        })
}

/// The value of [`IN_FLIGHT`].
pub(crate) fn in_flight() -> Attribute {
    Attribute::text("true")
}

/// The version of an item's newest event.
pub(crate) fn last_event(item: &Item) -> Option<Version> {
    item.get(LAST_EVENT).and_then(Attribute::as_text).map(Version::from_stored)
}

/// The greatest rank of an item's events.
pub(crate) fn rank_of(item: &Item) -> Option<u8> {
    match item.get(RANK) {
        Some(Attribute::Number(digits)) => digits.parse().ok(),
        _ => None,
    }
}

fn is_before(held: Option<&Attribute>, version: &str) -> bool {
    held.and_then(Attribute::as_text).is_none_or(|held| held < version)
}
