//! The versions of rows.

use std::hash::BuildHasher;

use foldhash::quality::FixedState;
use serde::Serialize;

/// The version of a row whose own version is still empty: a hash of everything that it shows.
pub(crate) fn version_of(row: &impl Serialize) -> String {
    let shown = serde_json::to_vec(row).unwrap_or_default();
    // Versions are compared with those of the same row, so 24 bits are enough.
    format!("{:06x}", FixedState::default().hash_one(shown) >> 40)
}
