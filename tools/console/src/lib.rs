//! The parts that all commands share and that need no AWS: arguments, a user's own records, output.

pub mod arguments;
pub mod output_folder;
pub mod process;
pub mod records;
pub mod render;
