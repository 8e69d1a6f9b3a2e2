//! One instant type for both streams: milliseconds since 1970, written at a fixed width.
//!
//! Contact records carry whole seconds, agent events milliseconds. Comparing their texts would order
//! `…:00Z` after `…:00.5Z`; so text is read once, at the edge, and written only as
//! `YYYY-MM-DDTHH:MM:SS.sssZ`, whose bytewise order is the order in time.

use std::fmt;

/// An instant in UTC, to the millisecond; finer fractions are cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// Reads RFC 3339: `Z` or an offset, with or without a fraction. `None` for anything else, and for
    /// years outside 0–9999 (to 9999-12-30T22:00Z), which would not fit the fixed width.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let instant: jiff::Timestamp = text.parse().ok()?;
        Self::from_epoch_milliseconds(instant.as_millisecond())
    }

    /// The instant so many milliseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn from_epoch_milliseconds(milliseconds: i64) -> Option<Self> {
        const YEAR_0: i64 = -62_167_219_200_000;
        const YEAR_10000: i64 = 253_402_300_800_000;
        if !(YEAR_0..YEAR_10000).contains(&milliseconds) {
            return None;
        }
        jiff::Timestamp::from_millisecond(milliseconds).ok().map(Self)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn epoch_milliseconds(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The UTC calendar day, `YYYY-MM-DD`.
    #[must_use]
    pub fn date(self) -> String {
        self.to_string()[..10].to_owned()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn every_rfc_3339_form_is_written_at_one_width() {
        for (text, written) in [
            ("2026-03-02T08:00:00Z", "2026-03-02T08:00:00.000Z"),
            ("2026-03-02T08:00:00.5Z", "2026-03-02T08:00:00.500Z"),
            ("2026-03-02T08:00:00.123999Z", "2026-03-02T08:00:00.123Z"),
            ("2026-03-02T09:30:00.007+01:30", "2026-03-02T08:00:00.007Z"),
            ("1970-01-01T00:00:00.001Z", "1970-01-01T00:00:00.001Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
            ("9999-12-30T21:59:59.999Z", "9999-12-30T21:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::parse(text).map(|t| t.to_string()).as_deref(), Some(written), "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for text in [
            "",
            "2026-03-02",
            "2026-03-02T08:00:00",
            "2026-02-30T08:00:00Z",
            "1772438400",
            "yesterday",
            "-000001-01-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }
}
