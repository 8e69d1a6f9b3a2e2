//! Timestamps in Lambda's format.

pub(super) fn timestamp(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds)
        .map_or_else(|_| String::new(), |instant| format!("{instant:.3}"))
}
