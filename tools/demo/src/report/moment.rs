//! Moments as the page has them.

/// Seconds since 1970, of both Parquet's and DynamoDB's form.
pub(super) fn epoch_seconds(text: &str) -> Option<i64> {
    let text = if text.ends_with('Z') { text.to_owned() } else { format!("{text}Z") };
    // Towards the past, before 1970 as well.
    text.parse::<jiff::Timestamp>().ok().map(|moment| moment.as_millisecond().div_euclid(1000))
}
