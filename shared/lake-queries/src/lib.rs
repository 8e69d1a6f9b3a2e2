//! The views and named queries of `queries/`: their SQL as Athena gets it, what they answer, and what they ask for.
//!
//! A query is a file of SQL. The comment at its head says what it answers, in sentences, and has a line for its columns and one
//! for its parameters. Everything that shows a query reads it there: the template, the documentation, the command line.

mod head;
mod parameter;
mod place;
mod source;
mod sources;
mod written_out;

pub use crate::head::Head;
pub use crate::parameter::{GRAINS, Parameter};
pub use crate::place::place;
pub use crate::source::Source;
pub use crate::written_out::{ArchiveDays, counted_by, reads_the_archive, without_head, written_out};

/// The named queries, by name.
#[must_use]
pub fn named() -> &'static [Source] {
    sources::NAMED
}

/// The views, by name.
#[must_use]
pub fn views() -> &'static [Source] {
    sources::VIEWS
}
