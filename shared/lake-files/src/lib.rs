//! The lake's files: the bucket layout, the arrival times in the names of raw copies, raw copies split into records, and
//! every form of dead letter read as records that can be sent again.

pub mod copies;
pub mod failures;
mod folder;
mod gzip;
pub mod layout;
pub mod records;

pub use folder::{Note, files_below};
pub use gzip::decompressed;
