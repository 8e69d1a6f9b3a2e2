//! Logs: one JSON object per line, with `timestamp` and `level`.
//!
//! Lambda gives a line without a readable timestamp the level INFO, whatever the line says. The runtime's own
//! subscriber writes no timestamp, so we use our own.

use connect_streams::Timestamp;
use tracing_subscriber::filter::LevelFilter;

/// Starts logging at `level`, such as `info`, which is also the default: Lambda passes a level only to functions whose
/// log format is JSON.
pub fn start(level: &str) {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_max_level(max_level(level))
        .init();
}

/// Lambda's levels are the same as ours except for FATAL, which becomes ERROR.
fn max_level(level: &str) -> LevelFilter {
    match level.to_ascii_lowercase().as_str() {
        "trace" => LevelFilter::TRACE,
        "debug" => LevelFilter::DEBUG,
        "warn" => LevelFilter::WARN,
        "error" | "fatal" => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    }
}

/// The current time, to report when something was measured. Nothing that is delivered or stored may depend on it.
///
/// # Panics
/// When the clock is beyond the year 9999.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one clock of the functions")]
pub fn now() -> Timestamp {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let milliseconds = i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_epoch_milliseconds(milliseconds).expect("the clock is within the years 0 to 9999")
}

#[cfg(test)]
mod tests {
    use super::max_level;
    use tracing_subscriber::filter::LevelFilter;

    #[test]
    fn an_unknown_level_is_info() {
        for (level, is) in [
            ("", LevelFilter::INFO),
            ("INFO", LevelFilter::INFO),
            ("DEBUG", LevelFilter::DEBUG),
            ("WARN", LevelFilter::WARN),
            ("FATAL", LevelFilter::ERROR),
            ("off", LevelFilter::INFO),
            ("a=b=c", LevelFilter::INFO),
        ] {
            assert_eq!(max_level(level), is, "{level}");
        }
    }
}
