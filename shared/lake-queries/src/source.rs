//! An SQL file.

use crate::head::{self, Head};

/// An SQL file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: &'static str,
    /// Its text, with the header comment.
    pub sql: &'static str,
}

impl Source {
    /// The parsed header comment.
    #[must_use]
    pub fn head(&self) -> Head {
        Head::of(self.sql)
    }

    /// The first paragraph of its header comment: the question it answers.
    #[must_use]
    pub fn description(&self) -> String {
        head::lines(self.sql).take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

pub(crate) fn find(sources: &'static [Source], name: &str) -> Option<&'static Source> {
    sources.iter().find(|source| source.name == name)
}
