//! What a run did, or a dry run would do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use lake_files::failures::{FailedRecord, Unreadable};

/// As many objects with records that stay are told by name.
const OBJECTS_TOLD: usize = 20;

/// Records, by what becomes of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Sent; in a dry run, those that would be.
    pub sent: usize,
    /// Left where they are, because they would fail again.
    pub stay: usize,
}

/// The counts of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The run's name; a dry run has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Whether it only counted.
    pub dry_run: bool,
    /// Whether it came to its end; if not, the same request goes on.
    pub finished: bool,
    /// Objects that were read.
    pub objects: usize,
    /// Objects that an earlier run has sent whole.
    pub objects_done_before: usize,
    /// Records that were asked for.
    pub records: Count,
    /// Records that were not asked for.
    pub not_wanted: usize,
    /// By why they had failed.
    pub reasons: BTreeMap<String, Count>,
    /// By the day they had arrived (UTC); `unknown` if that was not kept.
    pub days: BTreeMap<String, Count>,
    /// Why records stay: what they would fail for, and where.
    pub stay: BTreeMap<String, usize>,
    /// What could not be read at all, by why.
    pub unreadable: BTreeMap<String, usize>,
    /// The first objects with records that stay.
    pub left_in: Vec<String>,
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
        if self.left_in.len() < OBJECTS_TOLD {
            self.left_in.push(key.to_owned());
        }
    }

    fn count(&mut self, record: &FailedRecord, add: impl Fn(&mut Count)) {
        let day = record.arrival.map_or_else(|| "unknown".to_owned(), connect_streams::Timestamp::date);
        add(&mut self.records);
        add(self.reasons.entry(record.reason.clone()).or_default());
        add(self.days.entry(day).or_default());
    }
}
