//! The time that an invocation has for its writes.

use std::time::{Duration, SystemTime};

/// Time reserved before the deadline to store rejected records, respond, and log.
const SAFETY_MARGIN: Duration = Duration::from_secs(2);

/// The time until writes must stop, for an invocation with this deadline.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the one clock: the invocation's deadline is a wall clock time"
)]
pub fn time_for_writes(deadline: SystemTime) -> Duration {
    let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
    // Even with a short timeout, most of the time goes to the writes.
    left.saturating_sub(SAFETY_MARGIN.min(left / 4))
}
