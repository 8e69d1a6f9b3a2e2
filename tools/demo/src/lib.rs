//! The demo: runs a day of a contact center through the whole pipeline on this machine, and compares the result with the
//! result computed from the records.

pub mod demo;
mod expected;
mod lake_sql;
mod live;
pub mod put;
mod report;
mod summary;

pub use expected::{Differences, Expected};
pub use summary::Summary;
