//! Operations on single rows.

use gatekeeper_common::image::{COLUMNS, Row};
use gatekeeper_common::verdict::Cell;

/// The row in which no rule applies; its number is 0.
pub const NO_RULE: Row = [Cell::SILENT; COLUMNS];

/// The stricter cell of each column.
#[must_use]
pub fn strictest(one: &Row, other: &Row) -> Row {
    std::array::from_fn(|column| one[column].strictest(other[column]))
}
