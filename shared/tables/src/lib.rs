//! What the DynamoDB tables have in common: items and their values, keys, and a store's answers and errors.
//!
//! Pure: nothing here depends on AWS.

mod answer;
mod boards;
mod item;

pub use answer::{Answer, Consumed, FaultClass, StoreError};
pub use boards::{BOARDS, board, boards};
pub use item::{Attribute, Attributes, Item, Members, bytes, expires_at, present_and_absent, timestamp_text};
