//! Empty: this crate exists only for its `Cargo.toml`.
