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
pub mod explain;
pub mod generate;
mod hidden;
pub mod history;
mod input;
mod judge;
pub mod lake;
mod reasons;
pub mod redrive;
mod report;
mod resources;
pub mod schema;
pub mod send;
mod signed;
mod summary;
pub mod tail;
mod terminal;
pub mod validate;

pub use expected::Expected;
pub use input::{Input, InputRecord, KINESIS, Limit, Place, Source, read_records};
pub use summary::Summary;
