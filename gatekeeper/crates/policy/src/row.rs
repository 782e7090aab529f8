//! Operations on single rows.

use gatekeeper_common::image::{COLUMNS, Row};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cell;

/// The row in which no rule applies; its number is 0.
pub const NO_RULE: Row = [Cell::NO_RULE; COLUMNS];

/// The stricter cell of each column.
#[must_use]
pub fn strictest(one: &Row, other: &Row) -> Row {
    std::array::from_fn(|column| one[column].strictest(other[column]))
}

/// The cell of an operation.
#[must_use]
pub fn cell_of(row: &Row, operation: Operation) -> Cell {
    row.get(operation as usize).copied().unwrap_or(Cell::NO_RULE)
}

/// The row with one cell.
#[must_use]
pub fn row_of(operation: Operation, cell: Cell) -> Row {
    std::array::from_fn(|column| if column == operation as usize { cell } else { Cell::NO_RULE })
}
