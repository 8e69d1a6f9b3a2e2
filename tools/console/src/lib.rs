//! What the commands of this project have in common, and that needs no AWS: arguments, records of a user's own, output.

pub mod arguments;
pub mod output_folder;
pub mod process;
pub mod records;
pub mod render;
