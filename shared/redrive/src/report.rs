//! The result of a run, or of a dry run.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use lake_files::failures::{FailedRecord, Unreadable};

/// The number of objects with records that stay that are listed by name.
const OBJECTS_LISTED: usize = 20;

/// The number of records, by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Sent, or in a dry run, would be sent.
    pub sent: usize,
    /// Left in place, because they would fail again.
    pub stay: usize,
}

impl AddAssign for Count {
    fn add_assign(&mut self, more: Self) {
        self.sent += more.sent;
        self.stay += more.stay;
    }
}

/// The counts of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The run's name; a dry run has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Whether it only counted.
    pub dry_run: bool,
    /// Whether it finished. If not, the same request resumes it.
    pub finished: bool,
    /// The number of objects read.
    pub objects: usize,
    /// The dead-letter queues whose messages were received.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub queues: BTreeSet<String>,
    /// The number of objects that an earlier run sent completely.
    pub objects_done_before: usize,
    /// Records that match the request.
    pub records: Count,
    /// The number of records that do not match the request.
    pub not_wanted: usize,
    /// Matching records by the reason they failed for.
    pub reasons: BTreeMap<String, Count>,
    /// Matching records by the day they arrived (UTC); `unknown` if it is not known.
    pub days: BTreeMap<String, Count>,
    /// Records that stay, by the reason and field they would fail for.
    pub stay: BTreeMap<String, usize>,
    /// Unreadable parts of objects, by cause.
    pub unreadable: BTreeMap<String, usize>,
    /// The first objects and queues with records that stay.
    pub left_in: Vec<String>,
    /// In a dry run, the approximate number of messages in each dead-letter queue. They are in no other count.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queued: BTreeMap<String, usize>,
}

impl Report {
    /// Counts records that were sent.
    pub(crate) fn sent(&mut self, record: &FailedRecord) {
        self.count(record, |count| count.sent += 1);
    }

    /// Counts a record that stays.
    pub(crate) fn stays(&mut self, record: &FailedRecord, why: String) {
        self.count(record, |count| count.stay += 1);
        *self.stay.entry(why).or_default() += 1;
    }

    pub(crate) fn unreadable(&mut self, why: Unreadable) {
        *self.unreadable.entry(why.to_string()).or_default() += 1;
    }

    pub(crate) fn left_in(&mut self, key: &str) {
        if self.left_in.len() < OBJECTS_LISTED && self.left_in.last().is_none_or(|last| last != key) {
            self.left_in.push(key.to_owned());
        }
    }

    /// Adds the counts of an object.
    pub(crate) fn add(&mut self, object: Self) {
        self.records += object.records;
        self.not_wanted += object.not_wanted;
        for (sums, counts) in [(&mut self.reasons, object.reasons), (&mut self.days, object.days)] {
            for (name, count) in counts {
                *sums.entry(name).or_default() += count;
            }
        }
        for (sums, counts) in [(&mut self.stay, object.stay), (&mut self.unreadable, object.unreadable)] {
            for (name, count) in counts {
                *sums.entry(name).or_default() += count;
            }
        }
        object.left_in.iter().for_each(|key| self.left_in(key));
    }

    fn count(&mut self, record: &FailedRecord, add: impl Fn(&mut Count)) {
        let day = record.arrival.map_or_else(|| "unknown".to_owned(), connect_streams::Timestamp::date);
        add(&mut self.records);
        add(self.reasons.entry(record.reason.clone()).or_default());
        add(self.days.entry(day).or_default());
    }
}
