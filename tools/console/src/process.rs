//! A command as a process: its exit code, interruption, and keyboard input.

pub mod interruption;
pub mod keys;
pub mod outcome;
pub mod program;
