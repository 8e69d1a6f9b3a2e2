//! Arguments that several commands have.

pub mod center;
pub mod demo;
pub mod policies;
