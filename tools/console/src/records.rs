//! A user's own records: read, judged by the functions' code, and explained without showing personal data.

pub mod failures;
pub mod hidden;
pub mod input;
pub mod judge;
pub mod partition;
pub mod reasons;
pub mod streams;
