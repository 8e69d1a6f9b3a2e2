//! Logs: one JSON object a line, with `timestamp` and `level`.
//!
//! Lambda gives a line without a readable timestamp the level INFO, whatever it says. The runtime's own
//! subscriber writes none; hence ours.

use connect_streams::Timestamp;
use tracing_subscriber::EnvFilter;

/// Starts logging at `level`, such as `info`.
pub fn start(level: &str) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .init();
}

/// The time of day, for telling when something was measured; nothing that is delivered or stored may depend on it.
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
