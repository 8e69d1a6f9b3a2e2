//! Times of objects: S3 knows them to the second.

use std::time::{Duration, SystemTime};

use s3s::dto::Timestamp;

pub(super) fn now() -> Timestamp {
    of(crate::now().into())
}

/// What is before 1970 counts as 1970.
pub(super) fn of(time: SystemTime) -> Timestamp {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    (SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).into()
}
