//! The stack that a command works on: how to find it, the names of its parts, and what Amazon Connect streams to it.

pub mod aws;
pub mod connection;
pub(crate) mod described;
pub(crate) mod destination;
pub mod lake;
pub mod parts;
mod resources;
pub mod signed;
pub mod streaming;
pub(crate) mod tables;

/// A day, in milliseconds.
pub(crate) const DAY_MILLISECONDS: i64 = 86_400_000;
