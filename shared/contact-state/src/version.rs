//! The order of a contact's events.
//!
//! A version is 9 digits of the event's time in milliseconds (base 36), one digit for its rank, one that is 1 in the
//! Region that handles the contact, and the event's ID: a text that is ordered by its bytes. EventBridge's times have
//! whole seconds, and DISCONNECTED and COMPLETED of one contact are often sent in the same second, so the rank decides
//! within a second. Where an instance routes across Regions, both Regions send an event each; the one with the contact's
//! own ARNs wins. The ID makes the order total, so that the result does not depend on the order of arrival.

use std::fmt;

use compact_str::CompactString;
use connect_streams::Timestamp;
use connect_streams::contact_event::{ContactEvent, EventType};

/// Digits of the time. They suffice until the year 5188.
const TIME_DIGITS: usize = 9;

/// The version of a register: the event that set it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(CompactString);

impl Version {
    /// The version of an event.
    #[must_use]
    pub fn of(event: &ContactEvent<'_>) -> Self {
        let milliseconds = u64::try_from(event.time.epoch_milliseconds()).unwrap_or(0);
        let mut text = CompactString::with_capacity(TIME_DIGITS + 2 + event.id.len());
        for position in (0..TIME_DIGITS).rev() {
            text.push(digit(milliseconds / 36_u64.pow(u32::try_from(position).unwrap_or(0)) % 36));
        }
        text.push(digit(u64::from(rank(event.event_type).map_or(0, |rank| rank + 1))));
        text.push(if event.is_home() { '1' } else { '0' });
        text.push_str(event.id);
        Self(text)
    }

    /// A version read from a store.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text that is stored and compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The time of the event; `None` for a text that is no version.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        let milliseconds = i64::from_str_radix(self.0.get(..TIME_DIGITS)?, 36).ok()?;
        Timestamp::from_epoch_milliseconds(milliseconds)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn digit(value: u64) -> char {
    u32::try_from(value).ok().and_then(|value| char::from_digit(value, 36)).unwrap_or('z')
}

/// How far an event of this type brings a contact; `None` for events that do not.
#[must_use]
pub const fn rank(event_type: EventType<'_>) -> Option<u8> {
    match event_type {
        EventType::Initiated => Some(0),
        EventType::ConnectedToSystem => Some(1),
        EventType::Queued => Some(2),
        EventType::ConnectedToAgent => Some(3),
        EventType::Disconnected => Some(4),
        EventType::Completed => Some(5),
        EventType::ContactDataUpdated
        | EventType::Paused
        | EventType::Resumed
        | EventType::AmdDisabled
        | EventType::Other(_) => None,
    }
}

/// The rank of a contact that has ended.
pub(crate) const ENDED: u8 = 5;
/// The rank of a contact that was disconnected.
pub(crate) const DISCONNECTED: u8 = 4;
