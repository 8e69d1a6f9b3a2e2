//! The values of DynamoDB items that the tables use, independent of the SDK.

use std::collections::BTreeMap;

use compact_str::{CompactString, ToCompactString, format_compact};
use connect_streams::Timestamp;

/// An item without its key.
pub type Item = BTreeMap<String, Attribute>;

/// The value of an item's attribute. Most are short, such as a timestamp, and are stored without an allocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Attribute {
    /// `S`
    Text(CompactString),
    /// `N`, as DynamoDB returns it: without trailing zeros.
    Number(CompactString),
    /// `L`
    List(Vec<Attribute>),
    /// `M`
    Map(Members),
}

/// The members of a map, ordered by name. There are few, so a linear search is cheaper than a tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Members(Vec<(CompactString, Attribute)>);

impl Members {
    /// The value of the member with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Attribute> {
        self.iter().find(|(member, _)| *member == name).map(|(_, value)| value)
    }

    /// All members.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl FromIterator<(CompactString, Attribute)> for Members {
    /// If members have the same name, the last one counts.
    fn from_iter<I: IntoIterator<Item = (CompactString, Attribute)>>(members: I) -> Self {
        let mut members: Vec<_> = members.into_iter().collect();
        members.reverse();
        members.sort_by(|(left, _), (right, _)| left.cmp(right));
        members.dedup_by(|(later, _), (kept, _)| later == kept);
        Self(members)
    }
}

/// Named values in write order.
pub type Attributes = Vec<(&'static str, Attribute)>;

impl Attribute {
    /// A text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    /// An instant as text of fixed width.
    #[must_use]
    pub fn timestamp(instant: Timestamp) -> Self {
        Self::Text(timestamp_text(instant))
    }

    /// A whole number.
    #[must_use]
    pub fn number(number: impl Into<i64>) -> Self {
        Self::Number(number.into().to_compact_string())
    }

    /// Milliseconds as seconds.
    #[must_use]
    pub fn seconds(milliseconds: i64) -> Self {
        let text = format_compact!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
        Self::Number(text.trim_end_matches('0').trim_end_matches('.').into())
    }

    /// The text, if the value is a text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// A map of the members that have a value.
    #[must_use]
    pub fn map<'n>(members: impl IntoIterator<Item = (&'n str, Option<Self>)>) -> Self {
        Self::Map(members.into_iter().filter_map(|(name, value)| Some((name.into(), value?))).collect())
    }

    /// The size that counts toward DynamoDB's limits and capacity units.
    /// Source: [DynamoDB item sizes and formats](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html).
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Number(digits) => digits.len() / 2 + 2,
            Self::List(elements) => 3 + elements.iter().map(|element| 1 + element.bytes()).sum::<usize>(),
            Self::Map(members) => {
                3 + members.iter().map(|(name, value)| 1 + name.len() + value.bytes()).sum::<usize>()
            }
        }
    }
}

/// The instant as text of fixed width.
#[must_use]
pub fn timestamp_text(instant: Timestamp) -> CompactString {
    CompactString::from_utf8_lossy(&instant.text())
}

/// Splits attributes into those with a value and the names of those without one.
#[must_use]
pub fn present_and_absent<const N: usize>(
    attributes: [(&'static str, Option<Attribute>); N],
) -> (Attributes, Vec<&'static str>) {
    let mut present = Attributes::with_capacity(N);
    let mut absent = Vec::new();
    for (name, value) in attributes {
        match value {
            Some(value) => present.push((name, value)),
            None => absent.push(name),
        }
    }
    (present, absent)
}

/// The size of attributes, including their names.
#[must_use]
pub fn bytes(attributes: &[(&'static str, Attribute)]) -> usize {
    attributes.iter().map(|(name, value)| name.len() + value.bytes()).sum()
}

/// The TTL value of an item: epoch seconds, counted from the event and never from the clock.
#[must_use]
pub fn expires_at(event: Timestamp, retention_days: u32) -> Attribute {
    const SECONDS_PER_DAY: i64 = 86_400;
    Attribute::number(
        event.epoch_milliseconds().div_euclid(1000) + i64::from(retention_days) * SECONDS_PER_DAY,
    )
}

#[cfg(test)]
mod tests {
    use super::{Attribute, Members};

    #[test]
    fn members_are_ordered_and_the_last_of_a_repeated_name_counts() {
        let member = |name: &str, number: i64| (name.into(), Attribute::number(number));
        let members: Members =
            [member("b", 1), member("c", 2), member("a", 3), member("b", 4)].into_iter().collect();
        let read: Vec<_> = members.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        let expected = [("a", 3), ("b", 4), ("c", 2)];
        assert_eq!(read, expected.map(|(name, number)| (name.to_owned(), Attribute::number(number))));
        assert_eq!((members.get("b"), members.get("d")), (Some(&Attribute::number(4)), None));
    }

    #[test]
    fn seconds_are_written_as_dynamodb_returns_them() {
        for (milliseconds, text) in
            [(0, "0"), (5, "0.005"), (5005, "5.005"), (5500, "5.5"), (10_000, "10"), (100_000, "100")]
        {
            assert_eq!(Attribute::seconds(milliseconds), Attribute::Number(text.into()));
        }
    }
}
