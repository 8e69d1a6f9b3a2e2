//! Arguments that several commands share.

pub mod center;
pub mod demo;
pub mod policies;
