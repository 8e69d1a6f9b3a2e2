//! What is searched: a stack, its instance, and the days.

use connect_streams::Timestamp;

use super::period::Period;
use super::search::Search;
use crate::stack::DAY_MILLISECONDS;
use crate::stack::connection::Connection;

/// The stack that is searched, and for which days.
pub(super) struct Scope<'a> {
    pub(super) connection: &'a Connection,
    pub(super) search: Search,
    /// The instance, or why it is not known.
    pub(super) instance: Result<String, String>,
    /// The days that the user asked for.
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
    pub(super) now: Timestamp,
}

impl Scope<'_> {
    /// The instance whose items are read; `None` if the tables have none, or if it is not known.
    pub(super) fn instance(&self) -> Option<&str> {
        self.known_instance().ok().flatten()
    }

    /// The instance whose items are read; `None` if the tables have none.
    pub(super) fn known_instance(&self) -> Result<Option<&str>, String> {
        let instance = self.instance.as_ref().map_err(Clone::clone)?;
        Ok((!instance.is_empty()).then_some(instance))
    }

    /// The days to search, given when the contact began and when it was last updated.
    pub(super) fn period(&self, known: Option<(Timestamp, Timestamp)>) -> Period {
        let day_after = |time: Timestamp| later(time, DAY_MILLISECONDS).min(self.now);
        match (self.from, self.to, known) {
            // A day of a demo arrives within seconds, today.
            (None, None, _) if self.connection.is_local() => Period::ALL,
            (None, None, Some((began, last))) => Period::between(began, day_after(last).max(began)),
            (None, None, None) => Period::between(later(self.now, -DAY_MILLISECONDS), self.now),
            (Some(from), to, _) => Period::between(from, to.unwrap_or(self.now).max(from)),
            (None, Some(to), Some((began, _))) => Period::between(began.min(to), to),
            (None, Some(to), None) => Period::between(later(to, -DAY_MILLISECONDS), to),
        }
    }

    /// Before any event.
    pub(super) fn earliest(&self) -> Timestamp {
        Timestamp::from_epoch_milliseconds(0).unwrap_or(self.now)
    }
}

fn later(time: Timestamp, milliseconds: i64) -> Timestamp {
    Timestamp::from_epoch_milliseconds(time.epoch_milliseconds() + milliseconds).unwrap_or(time)
}
