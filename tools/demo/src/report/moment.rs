//! Timestamps for the page.

/// Seconds since 1970, from a timestamp in the form of Parquet or `DynamoDB`.
pub(super) fn epoch_seconds(text: &str) -> Option<i64> {
    let text = if text.ends_with('Z') { text.to_owned() } else { format!("{text}Z") };
    // Rounded down, also before 1970.
    text.parse::<jiff::Timestamp>().ok().map(|moment| moment.as_millisecond().div_euclid(1000))
}
