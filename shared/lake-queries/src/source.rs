//! A file of SQL.

use crate::head::{self, Head};

/// A file of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: &'static str,
    /// Its text, with the comment at its head.
    pub sql: &'static str,
}

impl Source {
    /// What the comment at its head says.
    #[must_use]
    pub fn head(&self) -> Head {
        Head::of(self.sql)
    }

    /// What it answers, as its file says it: the first paragraph of its head.
    #[must_use]
    pub fn description(&self) -> String {
        head::lines(self.sql).take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

pub(crate) fn find(sources: &'static [Source], name: &str) -> Option<&'static Source> {
    sources.iter().find(|source| source.name == name)
}
