//! The instant type of all streams: milliseconds since 1970, written at a fixed width.
//!
//! Contact records have whole seconds, agent events milliseconds. Comparing their texts would order `…:00Z` after
//! `…:00.5Z`. So text is parsed once, at the edge, and written only as `YYYY-MM-DDTHH:MM:SS.sssZ`, whose byte order is
//! the order in time.

use std::fmt;

use jiff::civil::{Date, Time};
use jiff::tz::Offset;

/// An instant in UTC, to the millisecond; finer fractions are truncated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// Parses RFC 3339: `Z` or an offset, with or without a fraction. `None` for anything else, and for years outside
    /// 0–9999 (to 9999-12-30T22:00Z), which would not fit the fixed width.
    ///
    /// ```
    /// use connect_streams::Timestamp;
    ///
    /// let time = Timestamp::parse("2026-03-02T09:00:00.1234+01:00").expect("it is RFC 3339");
    /// assert_eq!(time.to_string(), "2026-03-02T08:00:00.123Z");
    /// assert_eq!(Timestamp::parse("2026-03-02T09:00:00"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let instant = usual_form(text.as_bytes()).or_else(|| text.parse().ok())?;
        Self::from_epoch_milliseconds(instant.as_millisecond())
    }

    /// The instant this many milliseconds after 1970-01-01T00:00:00Z.
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
        let mut text = self.to_string();
        text.truncate("YYYY-MM-DD".len());
        text
    }

    /// The instant as text of fixed width.
    #[must_use]
    pub fn text(self) -> [u8; 24] {
        let utc = Offset::UTC.to_datetime(self.0);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        for (digits, number) in [
            (0..4, utc.year()),
            (5..7, utc.month().into()),
            (8..10, utc.day().into()),
            (11..13, utc.hour().into()),
            (14..16, utc.minute().into()),
            (17..19, utc.second().into()),
            (20..23, utc.millisecond()),
        ] {
            let mut rest = number.unsigned_abs();
            for digit in text[digits].iter_mut().rev() {
                *digit += u8::try_from(rest % 10).unwrap_or_default();
                rest /= 10;
            }
        }
        text
    }
}

/// Parses by position what Amazon Connect writes: `YYYY-MM-DDTHH:MM:SSZ`, with or without milliseconds. Most timestamps
/// have this form, and a record has several. `None` for any other form.
fn usual_form(text: &[u8]) -> Option<jiff::Timestamp> {
    let milliseconds = match text {
        [_, _, _, _, b'-', _, _, b'-', _, _, b'T', _, _, b':', _, _, b':', _, _, b'Z'] => 0,
        [_, _, _, _, b'-', _, _, b'-', _, _, b'T', _, _, b':', _, _, b':', _, _, b'.', digits @ .., b'Z']
            if digits.len() == 3 =>
        {
            number(digits)?
        }
        _ => return None,
    };
    let two = |start| i8::try_from(number(&text[start..start + 2])?).ok();
    let date = Date::new(number(&text[..4])?, two(5)?, two(8)?).ok()?;
    let time = Time::new(two(11)?, two(14)?, two(17)?, i32::from(milliseconds) * 1_000_000).ok()?;
    Offset::UTC.to_timestamp(date.to_datetime(time)).ok()
}

/// A number of up to four digits.
fn number(digits: &[u8]) -> Option<i16> {
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0')))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.text()).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, usual_form};

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
    fn our_parsing_and_writing_agree_with_the_library() {
        // A step that soon covers every month, hour, and second, from year 0 to 9999.
        for milliseconds in (-62_167_219_200_000..253_402_207_200_000_i64).step_by(86_399_876_543) {
            let ours = Timestamp::from_epoch_milliseconds(milliseconds).unwrap();
            let library = jiff::Timestamp::from_millisecond(milliseconds).unwrap();
            let text = format!("{library:.3}");
            assert_eq!(ours.to_string(), text);
            assert_eq!(usual_form(text.as_bytes()), Some(library));
            let seconds = format!("{library:.0}");
            assert_eq!(usual_form(seconds.as_bytes()), seconds.parse().ok());
        }
        for text in
            ["2026-02-30T08:00:00Z", "2026-13-01T08:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T08:00:00+Z"]
        {
            assert_eq!(Timestamp::parse(text).map(|instant| instant.0), text.parse().ok(), "{text}");
        }
        // Our parser does not handle a leap second; the library does.
        assert_eq!(Timestamp::parse("2016-12-31T23:59:60Z"), Timestamp::parse("2016-12-31T23:59:59Z"));
    }

    #[test]
    fn text_that_is_not_a_timestamp_is_none() {
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
