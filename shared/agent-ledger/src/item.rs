//! Values of DynamoDB items, as far as the tables use them, without naming the SDK.

use std::collections::BTreeMap;
use std::fmt::Display;

use connect_streams::Timestamp;

/// The value of an item's attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Attribute {
    /// `S`
    Text(String),
    /// `N`, in the form that DynamoDB gives back: no trailing zeros.
    Number(String),
    /// `L`
    List(Vec<Attribute>),
    /// `M`
    Map(BTreeMap<String, Attribute>),
}

/// Named values in the order they are written.
pub(crate) type Attributes = Vec<(&'static str, Attribute)>;

impl Attribute {
    pub(crate) fn text(text: impl Display) -> Self {
        Self::Text(text.to_string())
    }

    pub(crate) fn number(number: impl Display) -> Self {
        Self::Number(number.to_string())
    }

    /// Milliseconds as seconds.
    pub(crate) fn seconds(milliseconds: i64) -> Self {
        let text = format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
        Self::Number(text.trim_end_matches('0').trim_end_matches('.').to_owned())
    }

    /// A map of those values that are there.
    pub(crate) fn map<'n>(members: impl IntoIterator<Item = (&'n str, Option<Self>)>) -> Self {
        Self::Map(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    }

    /// The size that counts towards DynamoDB's limits and units.
    /// Source: DynamoDB Developer Guide, "DynamoDB item sizes and formats".
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

/// Parts attributes into those with a value and the names of those without.
pub(crate) fn present_and_absent<const N: usize>(
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

/// The size of several attributes with their names.
pub(crate) fn bytes(attributes: &Attributes) -> usize {
    attributes.iter().map(|(name, value)| name.len() + value.bytes()).sum()
}

/// The TTL value of an item: epoch seconds, counted from the event and never from the clock.
pub(crate) fn expires_at(event: Timestamp, retention_days: u32) -> Attribute {
    const SECONDS_PER_DAY: i64 = 86_400;
    Attribute::number(
        event.epoch_milliseconds().div_euclid(1000) + i64::from(retention_days) * SECONDS_PER_DAY,
    )
}

#[cfg(test)]
mod tests {
    use super::Attribute;

    #[test]
    fn seconds_are_written_as_dynamodb_gives_them_back() {
        for (milliseconds, text) in
            [(0, "0"), (5, "0.005"), (5005, "5.005"), (5500, "5.5"), (10_000, "10"), (100_000, "100")]
        {
            assert_eq!(Attribute::seconds(milliseconds), Attribute::Number(text.to_owned()));
        }
    }
}
