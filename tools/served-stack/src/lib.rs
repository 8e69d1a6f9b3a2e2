//! What the stack on one machine is called, and where it is: all that whoever speaks to it needs to know of it.

mod keys;
mod names;
mod served;

pub use keys::Keys;
pub use names::*;
pub use served::{NotServed, Served, ServedFile};
