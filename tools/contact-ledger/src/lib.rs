//! The commands of the operator's CLI. The binary only parses the arguments and runs one of them.

pub mod arguments;
pub mod commands;
pub mod stack;
