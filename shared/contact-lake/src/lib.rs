//! Contact record to lake row: the columns, their sources, the PII policy, and the encoding.
//!
//! Pure: the same record gives the same bytes, whenever and however often it is processed. Arrival time is an input.

mod edition;
mod encode;
mod facts;
mod normalize;
mod policy;
mod returned;
mod row;
pub mod schema;
mod shape;
mod transform;

pub use edition::Edition;
pub use encode::{Arrival, encode, encode_demo};
pub use normalize::normalize;
pub use policy::{Policy, PolicyError};
pub use returned::returned;
pub use row::{Cell, Extra, Row};
pub use transform::{Made, Transformed, transform};
