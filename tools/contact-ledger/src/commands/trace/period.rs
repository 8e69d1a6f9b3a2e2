//! The days that are searched. Objects of the lake have a day in their keys.

use connect_streams::Timestamp;
use serde::Serialize;

use crate::stack::DAY_MILLISECONDS;

/// Raw copies that Firehose received before midnight can contain records that arrived after it.
pub(super) const BUFFERED_DAYS: i64 = 1;

/// Whole UTC days, or all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Period {
    /// The first day; none if all days are searched.
    pub(super) from: Option<String>,
    /// The last day; none if all later days are searched.
    pub(super) to: Option<String>,
}

impl Period {
    pub(super) const ALL: Self = Self { from: None, to: None };

    /// The days from that of `from` to that of `to`.
    pub(super) fn between(from: Timestamp, to: Timestamp) -> Self {
        Self { from: Some(from.date()), to: Some(to.date()) }
    }

    /// The same days, with this many days before and after them; `None` after them is all later days.
    pub(super) fn with(&self, before: i64, after: Option<i64>) -> Self {
        let moved =
            |day: &Option<String>, days| day.as_deref().map(|day| later(day, days).unwrap_or(day.to_owned()));
        Self { from: moved(&self.from, -before), to: after.and_then(|after| moved(&self.to, after)) }
    }

    /// The start of the first day, if there is one.
    pub(super) fn begin(&self) -> Option<Timestamp> {
        start(self.from.as_deref()?)
    }

    /// The end of the last day, if there is one.
    pub(super) fn end(&self) -> Option<Timestamp> {
        start(&later(self.to.as_deref()?, 1)?)
    }

    /// Whether an object is of these days. An object without a day in its key may be.
    pub(super) fn includes(&self, key: &str) -> bool {
        let Some(day) = day_of(key) else { return true };
        self.from.as_ref().is_none_or(|from| *from <= day) && self.to.as_ref().is_none_or(|to| day <= *to)
    }

    /// The days, if they are limited.
    pub(super) fn days(&self) -> Option<Vec<String>> {
        let (from, to) = (self.from.clone()?, self.to.as_ref()?);
        let next = |day: &String| later(day, 1);
        Some(std::iter::successors(Some(from), next).take_while(|day| day <= to).collect())
    }

    /// The days, for a sentence.
    pub(super) fn text(&self) -> String {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) if from == to => format!("on {from}"),
            (Some(from), Some(to)) => format!("from {from} to {to}"),
            (Some(from), None) => format!("since {from}"),
            (None, _) => "on any day".to_owned(),
        }
    }
}

/// The start of a day.
fn start(day: &str) -> Option<Timestamp> {
    Timestamp::parse(&format!("{day}T00:00:00Z"))
}

fn later(day: &str, days: i64) -> Option<String> {
    let at = start(day)?.epoch_milliseconds() + days * DAY_MILLISECONDS;
    Timestamp::from_epoch_milliseconds(at).map(Timestamp::date)
}

/// The day in a key: the value of the partition, or three folders.
fn day_of(key: &str) -> Option<String> {
    let is_day = |day: &str| start(day).is_some();
    let partition = ["arrival_date=", "contact_date="]
        .into_iter()
        .find_map(|name| key.split_once(name)?.1.get(..10).map(str::to_owned));
    if let Some(day) = partition.filter(|day| is_day(day)) {
        return Some(day);
    }
    let folders: Vec<_> = key.split('/').collect();
    folders.windows(3).map(|day| day.join("-")).find(|day| day.len() == 10 && is_day(day))
}

#[cfg(test)]
mod tests {
    use super::{Period, day_of};
    use connect_streams::Timestamp;

    #[test]
    fn the_day_of_an_object_is_in_its_key() {
        for (key, day) in [
            (
                "raw/contact-records/arrival_date=2026-03-02/contact-records-1-2026-03-03-08-15-59-x.gz",
                Some("2026-03-02"),
            ),
            ("contact_records/contact_date=2026-03-02/x.parquet", Some("2026-03-02")),
            ("contact_records/contact_date=demo/x.parquet", None),
            ("errors/processing-failed/2026/03/02/08/x", Some("2026-03-02")),
            ("rejected/agent-events/shardId-000000000000/2026/03/02/x.jsonl", Some("2026-03-02")),
            ("aws/lambda/u-1/shardId-000000000000/2026/03/02/x", Some("2026-03-02")),
            ("redrive/left/x", None),
        ] {
            assert_eq!(day_of(key).as_deref(), day, "{key}");
        }
    }

    #[test]
    fn a_period_has_whole_days() {
        let at = |text| Timestamp::parse(text).unwrap();
        let period = Period::between(at("2026-02-28T23:00:00Z"), at("2026-03-01T01:00:00Z"));
        assert_eq!(period.days().unwrap(), ["2026-02-28", "2026-03-01"]);
        assert_eq!(period.begin(), Some(at("2026-02-28T00:00:00Z")));
        assert_eq!(period.end(), Some(at("2026-03-02T00:00:00Z")));
        let includes = |period: &Period, day: &str| period.includes(&format!("a/arrival_date={day}/b"));
        assert!(includes(&period, "2026-03-01") && !includes(&period, "2026-03-02"));
        let longer = period.with(1, Some(1));
        assert!(includes(&longer, "2026-02-27") && includes(&longer, "2026-03-02"));
        let open = period.with(0, None);
        assert!(includes(&open, "2027-01-01") && !includes(&open, "2026-02-27") && open.days().is_none());
        assert!(Period::ALL.includes("errors/x/2020/01/01/00/y") && period.includes("redrive/left/x"));
    }
}
