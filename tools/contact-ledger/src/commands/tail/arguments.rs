//! The arguments of `tail`.

use clap::Args;
use connect_streams::Timestamp;
use redrive::day_or_instant;

use crate::commands::validate::RecordsKind;
use crate::stack::connection::StackArguments;

/// Arguments of `tail`.
#[derive(Debug, Clone, Args)]
pub struct TailArguments {
    /// Stream to read
    #[arg(value_enum, value_name = "STREAM")]
    pub(super) stream: RecordsKind,
    /// Start time, inclusive: a UTC date, a timestamp, or a time before now, such as 15m [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub(super) since: Option<Since>,
    /// Maximum number of records to show [default: 1000 if the output is piped, unlimited on a terminal]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: Option<u64>,
    /// Keep running if the output is piped; otherwise, a piped command exits when no record has arrived for 10 seconds
    #[arg(long)]
    pub(super) follow: bool,
    /// Stop after this many seconds
    #[arg(long = "for", value_name = "SECONDS", conflicts_with = "follow")]
    pub(super) seconds: Option<u64>,
    /// Show all values, including values that might be personal data
    #[arg(long)]
    pub(super) show_values: bool,
    /// Print JSON Lines, one object per record
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) stack: StackArguments,
}

/// The start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Milliseconds ago.
    Ago(i64),
    /// A timestamp.
    At(Timestamp),
}

pub(super) fn since(text: &str) -> Result<Since, String> {
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
    let ago = units.into_iter().find_map(|(unit, seconds)| {
        let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
        Some(Since::Ago(i64::from(number) * seconds * 1000))
    });
    let at = || day_or_instant(text).map(|(begin, _)| Since::At(begin));
    ago.or_else(at).ok_or_else(|| {
        "not a time; use 15m, 2h, a date such as 2026-03-02, or a timestamp such as 2026-03-02T08:00:00Z"
            .to_owned()
    })
}

impl Since {
    /// The start time as a timestamp, at most now.
    pub(super) fn instant(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(milliseconds) => {
                Timestamp::from_epoch_milliseconds(now.epoch_milliseconds() - milliseconds).unwrap_or(now)
            }
            Self::At(at) => at.min(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_accepts_timestamps_days_and_relative_times_and_is_never_in_the_future() {
        let now = Timestamp::parse("2026-03-02T08:00:00Z").unwrap();
        for (text, instant) in [
            ("15m", "2026-03-02T07:45:00.000Z"),
            ("90s", "2026-03-02T07:58:30.000Z"),
            ("2h", "2026-03-02T06:00:00.000Z"),
            ("1d", "2026-03-01T08:00:00.000Z"),
            ("2026-03-01", "2026-03-01T00:00:00.000Z"),
            ("2026-03-02T07:00:00.5Z", "2026-03-02T07:00:00.500Z"),
            ("2027-01-01", "2026-03-02T08:00:00.000Z"),
        ] {
            assert_eq!(since(text).unwrap().instant(now).to_string(), instant, "{text}");
        }
        for text in ["", "m", "-5m", "5 m", "yesterday", "5w", "2026-13-01"] {
            assert!(since(text).unwrap_err().contains("15m"), "{text}");
        }
    }
}
