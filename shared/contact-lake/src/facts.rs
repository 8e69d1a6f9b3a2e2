//! What a computed column is computed from, and what comes of it.

use std::borrow::Cow;

use connect_streams::Timestamp;

use crate::row::Cell;

/// The cells of a row, by place and type. A cell of another type says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'c, 'a>(&'c [Option<Cell<'a>>]);

impl<'c, 'a> Facts<'c, 'a> {
    pub(crate) const fn of(cells: &'c [Option<Cell<'a>>]) -> Self {
        Self(cells)
    }

    /// Whether there is a value; an empty text is none.
    pub(crate) fn has(&self, place: usize) -> bool {
        match &self.0[place] {
            Some(Cell::Text(text)) => !text.is_empty(),
            cell => cell.is_some(),
        }
    }

    pub(crate) fn text(&self, place: usize) -> Option<&'c str> {
        match &self.0[place] {
            Some(Cell::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A part of the text at `place`, such as the id inside of an ARN.
    pub(crate) fn part(&self, place: usize, part_of: fn(&str) -> Option<&str>) -> Option<Cow<'a, str>> {
        match &self.0[place] {
            Some(Cell::Text(Cow::Borrowed(text))) => part_of(text).map(Cow::Borrowed),
            Some(Cell::Text(Cow::Owned(text))) => part_of(text).map(|part| Cow::Owned(part.to_owned())),
            _ => None,
        }
    }

    /// The text that the map at `place` has under a key, unless it is empty.
    pub(crate) fn entry(&self, place: usize, key: &str) -> Option<Cow<'a, str>> {
        match &self.0[place] {
            Some(Cell::TextMap(entries)) => {
                let (_, text) = entries.iter().find(|(name, _)| *name == key)?;
                (!text.is_empty()).then(|| text.clone())
            }
            _ => None,
        }
    }

    pub(crate) fn whole(&self, place: usize) -> Option<i64> {
        match &self.0[place] {
            Some(Cell::Number(digits)) => digits.parse().ok(),
            Some(Cell::Whole(number)) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn timestamp(&self, place: usize) -> Option<Timestamp> {
        match self.0[place] {
            Some(Cell::Timestamp(instant)) => Some(instant),
            _ => None,
        }
    }

    /// Whole seconds from one instant to another, rounded down.
    pub(crate) fn seconds_between(&self, start: usize, end: usize) -> Option<i64> {
        Some(self.milliseconds_between(start, end)?.div_euclid(1000))
    }

    pub(crate) fn milliseconds_between(&self, start: usize, end: usize) -> Option<i64> {
        let (start, end) = (self.timestamp(start)?, self.timestamp(end)?);
        Some(end.epoch_milliseconds() - start.epoch_milliseconds())
    }

    /// Whether any object of the list at `place` has this field.
    pub(crate) fn any_has(&self, place: usize, field: usize) -> bool {
        match &self.0[place] {
            Some(Cell::Structs(structs)) => structs.iter().any(|fields| fields[field].is_some()),
            _ => false,
        }
    }
}

/// What was computed for a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Computed<'a> {
    /// The value; `None` where the record does not say enough.
    pub cell: Option<Cell<'a>>,
    /// Whether it rests on an interval that would be negative.
    pub is_impossible: bool,
}

impl<'a> Computed<'a> {
    pub(crate) fn text(text: Option<Cow<'a, str>>) -> Self {
        Self { cell: text.map(Cell::Text), is_impossible: false }
    }

    pub(crate) const fn truth(truth: bool) -> Self {
        Self { cell: Some(Cell::Boolean(truth)), is_impossible: false }
    }

    /// An interval that would be negative has no value.
    pub(crate) fn interval(seconds: Option<i64>) -> Self {
        let cell = seconds.filter(|seconds| *seconds >= 0).map(Cell::Whole);
        Self { is_impossible: seconds.is_some() && cell.is_none(), cell }
    }
}
