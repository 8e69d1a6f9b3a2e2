//! The lake's files: what stands where, what the names of raw copies say, how they are split into
//! records, and every form of failure as records that can be sent again.

pub mod copies;
pub mod failures;
mod folder;
mod gzip;
pub mod layout;
pub mod records;

pub use folder::{Note, files_below};
pub use gzip::decompressed;
