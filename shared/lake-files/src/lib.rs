//! The lake's files: what stands where, what the names of raw copies say, how their records are told apart.

pub mod copies;
mod folder;
mod gzip;
pub mod layout;
pub mod records;

pub use folder::{Note, files_below};
pub use gzip::decompressed;
