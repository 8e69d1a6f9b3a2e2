//! Empty: it exists only for the build dependencies in `Cargo.toml`.

fn main() {}
