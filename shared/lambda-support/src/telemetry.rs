//! Logs: one JSON object a line, with `timestamp` and `level`.
//!
//! Lambda gives a line without a readable timestamp the level INFO, whatever it says. The runtime's own
//! subscriber writes none; hence ours.

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
