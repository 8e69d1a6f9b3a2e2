//! What the operator's command line does; the binary only reads its arguments.

pub mod demo;
pub mod demo_day;
mod input;
pub mod schema;
mod summary;

pub use input::{Input, read_records};
pub use summary::Summary;
