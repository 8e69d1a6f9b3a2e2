//! The demo: a day of a contact center through the whole pipeline on this machine, and what it left, compared with what the
//! records say.

pub mod demo;
mod expected;
mod lake_sql;
mod report;
mod summary;

pub use expected::{Differences, Expected};
pub use summary::Summary;
