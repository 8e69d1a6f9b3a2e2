//! The commands, one module each. To add one, add a module here, its name and help in `arguments.rs`, and a line in `main.rs`,
//! then run `make generate` to update docs/cli.md.

pub mod agents;
pub mod backfill;
pub mod board;
pub mod connect;
pub mod contacts;
pub mod cost;
pub mod demo;
pub mod doctor;
pub mod explain;
pub mod generate;
pub mod history;
pub mod query;
pub mod redrive;
pub mod schema;
pub mod send;
pub mod tail;
pub mod trace;
pub mod validate;
mod watch;
