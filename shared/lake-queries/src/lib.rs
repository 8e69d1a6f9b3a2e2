//! The views and named queries of `queries/`: their SQL as sent to Athena, the question they answer, and their parameters.
//!
//! A query is an SQL file. Its header comment says which question it answers, in sentences, and lists its columns and
//! parameters. The template, the documentation, and the command line all read it there.
//!
//! ```
//! use lake_queries::{ArchiveDays, named, written_out};
//!
//! let service_level = named().iter().find(|query| query.name == "service_level").expect("it is a named query");
//! let head = service_level.head();
//! assert!(head.parameters.iter().any(|(parameter, _)| parameter.name() == "time_zone"));
//! // Each parameter is a question mark in the SQL.
//! let sql = written_out("service_level", ArchiveDays::Asked);
//! assert_eq!(sql.matches('?').count(), head.parameters.len());
//! ```

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
