//! The normalised row of a contact record: which columns there are, where each comes from, how a row is
//! written.
//!
//! Pure: the same record gives the same bytes, whenever and however often it is processed. Arrival time
//! enters as data.

mod encode;
mod normalize;
mod schema;

pub use encode::encode;
pub use normalize::{Cell, Row, normalize};
pub use schema::{COLUMNS, Column, ColumnType, SCHEMA_VERSION};
