//! The input and the result of a computed column.

use std::borrow::Cow;

use connect_streams::Timestamp;

use crate::row::Cell;

/// The cells of a row, by index and type. A cell of another type counts as absent.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'c, 'a>(&'c [Option<Cell<'a>>]);

impl<'c, 'a> Facts<'c, 'a> {
    pub(crate) const fn of(cells: &'c [Option<Cell<'a>>]) -> Self {
        Self(cells)
    }

    /// Whether there is a value. Empty text counts as absent.
    pub(crate) fn has(&self, index: usize) -> bool {
        match &self.0[index] {
            Some(Cell::Text(text)) => !text.is_empty(),
            cell => cell.is_some(),
        }
    }

    pub(crate) fn text(&self, index: usize) -> Option<&'c str> {
        match &self.0[index] {
            Some(Cell::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A part of the text at `index`, such as the ID inside an ARN.
    pub(crate) fn part(&self, index: usize, part_of: fn(&str) -> Option<&str>) -> Option<Cow<'a, str>> {
        match &self.0[index] {
            Some(Cell::Text(Cow::Borrowed(text))) => part_of(text).map(Cow::Borrowed),
            Some(Cell::Text(Cow::Owned(text))) => part_of(text).map(|part| Cow::Owned(part.to_owned())),
            _ => None,
        }
    }

    /// The text under a key of the map at `index`, unless it is empty.
    pub(crate) fn entry(&self, index: usize, key: &str) -> Option<Cow<'a, str>> {
        match &self.0[index] {
            Some(Cell::TextMap(entries)) => {
                let (_, text) = entries.iter().find(|(name, _)| *name == key)?;
                (!text.is_empty()).then(|| text.clone())
            }
            _ => None,
        }
    }

    pub(crate) fn whole(&self, index: usize) -> Option<i64> {
        match &self.0[index] {
            Some(Cell::Number(digits)) => digits.parse().ok(),
            Some(Cell::Whole(number)) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn timestamp(&self, index: usize) -> Option<Timestamp> {
        match self.0[index] {
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

    /// Whether any object in the list at `index` has this field.
    pub(crate) fn any_has(&self, index: usize, field: usize) -> bool {
        match &self.0[index] {
            Some(Cell::Structs(structs)) => structs.iter().any(|fields| fields[field].is_some()),
            _ => false,
        }
    }
}

/// The computed value of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Computed<'a> {
    /// The value; `None` if the record does not have enough data.
    pub cell: Option<Cell<'a>>,
    /// Whether it is based on a negative interval.
    pub is_impossible: bool,
}

impl<'a> Computed<'a> {
    pub(crate) fn text(text: Option<Cow<'a, str>>) -> Self {
        Self { cell: text.map(Cell::Text), is_impossible: false }
    }

    pub(crate) const fn truth(truth: bool) -> Self {
        Self { cell: Some(Cell::Boolean(truth)), is_impossible: false }
    }

    /// A negative interval has no value.
    pub(crate) fn interval(seconds: Option<i64>) -> Self {
        let cell = seconds.filter(|seconds| *seconds >= 0).map(Cell::Whole);
        Self { is_impossible: seconds.is_some() && cell.is_none(), cell }
    }
}
