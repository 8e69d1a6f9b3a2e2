//! The names, endpoints and keys of the local stack: everything a client needs to connect to it.

mod keys;
mod names;
mod served;

pub use keys::Keys;
pub use names::*;
pub use served::{NotServed, Served, ServedFile};
