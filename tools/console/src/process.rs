//! A command as a process: how it ends, how it is interrupted, which keys it hears.

pub mod interruption;
pub mod keys;
pub mod outcome;
pub mod program;
