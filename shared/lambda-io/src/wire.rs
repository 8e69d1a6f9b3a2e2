//! Parts that both envelopes share.

use std::borrow::Cow;

use connect_streams::{Reject, RejectCode, Timestamp};
use serde_json::value::RawValue;

/// The unit of a numeric arrival time.
#[derive(Debug, Clone, Copy)]
pub enum TimeUnit {
    /// Firehose: milliseconds since 1970.
    Milliseconds,
    /// Kinesis: seconds since 1970.
    Seconds,
}

/// An arrival time: an integer or a decimal fraction, either of them as text, or ISO 8601 text. An unreadable time is
/// unknown and must not fail the record.
///
/// Digits are parsed as text. Through a float, every second millisecond value would be one too small.
#[must_use]
pub fn arrival(raw: Option<&RawValue>, unit: TimeUnit) -> Option<Timestamp> {
    let json = raw?.get();
    let quoted = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    if let Some(instant) = quoted.and_then(Timestamp::parse) {
        return Some(instant);
    }
    let text = quoted.unwrap_or(json);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let milliseconds = match unit {
        TimeUnit::Milliseconds => whole,
        TimeUnit::Seconds => {
            let padded = format!("{fraction:0<3}");
            whole.checked_mul(1000)?.checked_add(padded[..3].parse().ok()?)?
        }
    };
    Timestamp::from_epoch_milliseconds(milliseconds)
}

/// A record's `data`: its bytes or, if it is not base64, the JSON found in its place.
#[derive(Debug, Clone)]
pub struct Data(Result<Vec<u8>, Option<Box<RawValue>>>);

impl Data {
    /// Decodes directly from the envelope: base64 has no escapes, so it need not be copied.
    #[must_use]
    pub fn decode(raw: Option<&RawValue>) -> Self {
        let decoded = raw.map(RawValue::get).and_then(|json| {
            let quoted = json.strip_prefix('"')?.strip_suffix('"')?;
            let decode = |text: &str| base64_simd::STANDARD.decode_to_vec(text.as_bytes()).ok();
            // Some JSON writers escape the slash, which base64 has.
            decode(quoted).or_else(|| decode(&serde_json::from_str::<String>(json).ok()?))
        });
        Self(decoded.ok_or_else(|| raw.map(ToOwned::to_owned)))
    }

    /// The record's own bytes.
    ///
    /// # Errors
    /// `not_base64`.
    pub fn bytes(&self) -> Result<&[u8], Reject> {
        let not_base64 = |_: &_| Reject::field(RejectCode::NotBase64, "data");
        self.0.as_deref().map_err(not_base64)
    }

    /// The number of bytes that the producer sent; 0 if unknown.
    #[must_use]
    pub fn length(&self) -> usize {
        self.0.as_ref().map_or(0, Vec::len)
    }

    /// The value in the envelope.
    #[must_use]
    pub fn to_json(&self) -> Option<Cow<'_, RawValue>> {
        match &self.0 {
            Ok(bytes) => Some(Cow::Owned(encode_base64(bytes))),
            Err(json) => json.as_deref().map(Cow::Borrowed),
        }
    }
}

/// Encodes bytes as the value of a record's `data`.
///
/// # Panics
/// Never: base64 needs no escapes.
#[must_use]
pub fn encode_base64(bytes: &[u8]) -> Box<RawValue> {
    let json = format!("\"{}\"", base64_simd::STANDARD.encode_to_string(bytes));
    RawValue::from_string(json).expect("base64 needs no escapes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, unit: TimeUnit) -> Option<i64> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        arrival(Some(raw), unit).map(Timestamp::epoch_milliseconds)
    }

    #[test]
    fn every_millisecond_survives_in_either_unit() {
        for millisecond in 0..1000 {
            let epoch = 1_507_217_624_000 + millisecond;
            assert_eq!(read(&epoch.to_string(), TimeUnit::Milliseconds), Some(epoch));
            assert_eq!(read(&format!("1507217624.{millisecond:03}"), TimeUnit::Seconds), Some(epoch));
        }
        assert_eq!(read("1545084650.5", TimeUnit::Seconds), Some(1_545_084_650_500));
        assert_eq!(read("1545084650.98", TimeUnit::Seconds), Some(1_545_084_650_980));
        assert_eq!(read("1428537600", TimeUnit::Seconds), Some(1_428_537_600_000));
        assert_eq!(read("1507217624302.7", TimeUnit::Milliseconds), Some(1_507_217_624_302));
        assert_eq!(read("\"2017-10-05T15:33:44.302Z\"", TimeUnit::Milliseconds), Some(1_507_217_624_302));
        assert_eq!(read("\"1507217624302\"", TimeUnit::Milliseconds), Some(1_507_217_624_302));
    }

    #[test]
    fn an_unreadable_arrival_is_unknown() {
        for json in ["null", "\"\"", "{}", "1e99", "1.5e3", "99999999999999999999"] {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            assert_eq!(arrival(Some(raw), TimeUnit::Seconds), None, "{json}");
        }
    }
}
