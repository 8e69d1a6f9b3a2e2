//! Counts of rejected records, the same for all functions.

use std::collections::BTreeMap;
use std::ops::Deref;

use connect_streams::{Reject, RejectCode};

/// The number of rejected records, by reason and field.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rejections(BTreeMap<(RejectCode, String), usize>);

impl Rejections {
    /// Counts one rejected record.
    pub fn add(&mut self, reject: &Reject) {
        *self.0.entry((reject.code, reject.path.clone().into_owned())).or_default() += 1;
    }

    /// The number of rejected records.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// The number of rejected records by reason alone.
    #[must_use]
    pub fn by_reason(&self) -> BTreeMap<&'static str, usize> {
        let mut by_reason = BTreeMap::new();
        for ((code, _), records) in &self.0 {
            *by_reason.entry(code.as_str()).or_default() += records;
        }
        by_reason
    }
}

impl Deref for Rejections {
    type Target = BTreeMap<(RejectCode, String), usize>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
