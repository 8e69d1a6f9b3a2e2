//! What the operator's command line does; the binary only reads its arguments.

pub mod arguments;
pub mod commands;
pub mod stack;
