//! The arrival time in the key of a raw copy.

use connect_streams::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// When the oldest record of a raw copy arrived, to the second, from the object name that Firehose gave it. For a renamed
/// object, the start of its partition's day.
/// Source: [Configure Amazon S3 object name format](https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html)
/// (Firehose Developer Guide).
#[must_use]
pub fn arrival(key: &str) -> Option<Timestamp> {
    let (folder, name) = key.rsplit_once('/').unwrap_or_default();
    let start_of_day = || {
        let day = folder.rsplit_once("arrival_date=")?.1.get(..10)?;
        Timestamp::parse(&format!("{day}T00:00:00Z"))
    };
    in_name(name).or_else(start_of_day)
}

/// Whether Firehose named an object with this name, wherever it is now.
#[must_use]
pub fn is_named_by_firehose(name: &str) -> bool {
    in_name(name).is_some()
}

/// The time in `<stream>-<version>-YYYY-MM-DD-HH-MM-SS-<random>.gz`. The stream's name may contain anything, including
/// numbers, so the last match counts.
fn in_name(name: &str) -> Option<Timestamp> {
    const FORM: &str = "0000-00-00-00-00-00";
    let starts = (0..name.len().saturating_sub(FORM.len())).rev();
    let texts = starts.filter_map(|start| name.get(start..start + FORM.len()));
    texts.filter_map(|text| DateTime::strptime("%Y-%m-%d-%H-%M-%S", text).ok()).find_map(|time| {
        let instant = Offset::UTC.to_timestamp(time).ok()?;
        Timestamp::from_epoch_milliseconds(instant.as_millisecond())
    })
}

#[cfg(test)]
mod tests {
    use super::arrival;

    #[test]
    fn the_key_of_a_raw_copy_gives_the_arrival_of_its_oldest_record() {
        for (key, expected) in [
            (
                "raw/contact-records/arrival_date=2026-03-02/contact-records-1-2026-03-02-08-15-59-0a1b2c3d-0000-4000-8000-00000000000e.gz",
                Some("2026-03-02T08:15:59.000Z"),
            ),
            (
                "raw/contact-records/arrival_date=2026-03-02/a-2025-01-01-00-00-00-b-12-2026-03-02-23-59-59-x.gz",
                Some("2026-03-02T23:59:59.000Z"),
            ),
            ("raw/contact-records/arrival_date=2026-03-02/renamed.gz", Some("2026-03-02T00:00:00.000Z")),
            (
                "raw/contact-records/arrival_date=2026-03-02/s-1-2026-13-02-08-15-59-x",
                Some("2026-03-02T00:00:00.000Z"),
            ),
            ("raw/contact-records/renamed-\u{e4}.gz", None),
            ("renamed.gz", None),
        ] {
            assert_eq!(arrival(key).map(|at| at.to_string()).as_deref(), expected, "{key}");
        }
    }
}
