//! A stack that is spoken to: which one, what its parts are called, and what Amazon Connect streams to it.

pub mod aws;
pub mod connection;
pub mod lake;
pub mod parts;
mod resources;
pub mod signed;
pub mod streaming;
