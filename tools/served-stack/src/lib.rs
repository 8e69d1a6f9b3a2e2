//! The names, endpoints and keys of the local stack: everything a client needs to connect to it.
//!
//! ```no_run
//! use served_stack::Served;
//!
//! let served = Served::read("demo-output".as_ref())?;
//! println!("DynamoDB is at {}", served.dynamodb);
//! # Ok::<(), served_stack::NotServed>(())
//! ```

mod keys;
mod names;
mod served;

pub use keys::Keys;
pub use names::*;
pub use served::{NotServed, Served, ServedFile};
