//! Timestamps of objects, in whole seconds like S3's.

use std::time::{Duration, SystemTime};

use s3s::dto::Timestamp;

pub(super) fn now() -> Timestamp {
    at_second(u64::try_from(crate::now().as_second()).unwrap_or(0))
}

/// Times before 1970 become 1970.
pub(super) fn of(time: SystemTime) -> Timestamp {
    at_second(time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

fn at_second(seconds: u64) -> Timestamp {
    (SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).into()
}
