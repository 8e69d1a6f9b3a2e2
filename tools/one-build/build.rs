//! Nothing: what this crate needs at build time is named in its `Cargo.toml`.

fn main() {}
