//! What the operator's command line does; the binary only reads its arguments.

pub mod backfill;
pub mod centre;
pub mod cost;
pub mod demo;
mod expected;
pub mod generate;
mod input;
pub mod lake;
mod report;
pub mod schema;
mod summary;

pub use expected::Expected;
pub use input::{Input, read_records};
pub use summary::Summary;
