//! Records that a user has: read, judged by the functions' own code, and explained without showing personal data.

pub mod failures;
pub mod hidden;
pub mod input;
pub mod judge;
pub mod partition;
pub mod reasons;
pub mod streams;
