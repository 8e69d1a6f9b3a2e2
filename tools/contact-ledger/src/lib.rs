//! What the operator's command line does; the binary only reads its arguments.

pub mod agents;
pub mod arguments;
pub mod backfill;
pub mod center;
pub mod connect;
pub mod connection;
pub mod cost;
pub mod demo;
pub mod doctor;
mod expected;
pub mod generate;
pub mod history;
mod input;
pub mod lake;
pub mod redrive;
mod report;
mod resources;
pub mod schema;
pub mod send;
mod signed;
mod summary;
mod terminal;

pub use expected::Expected;
pub use input::{Input, InputRecord, KINESIS, Limit, Place, Source, read_records};
pub use summary::Summary;
