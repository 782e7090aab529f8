//! The answer of one layer, and the cells it is made from.

use gatekeeper_common::image::Row;
use gatekeeper_common::verdict::Cell;

use crate::bounds::pick;

/// One layer's answer to a request: a cell, and which of the two operations gave it. The lower half of the
/// number is the cell, the bit above it stands for the second operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LayerAnswer(u64);

impl LayerAnswer {
    /// The answer where no image is there, or not the layer's own.
    pub const NO_POLICY: Self = Self(0);
    /// The answer where the arguments are too long or can't be read.
    pub const UNREADABLE: Self = Self(1);

    /// The answer of a cell.
    #[inline(always)]
    pub const fn new(cell: Cell, by_second: bool) -> Self {
        Self(cell.0 as u64 | (by_second as u64) << 32)
    }

    /// The answer that a function returned as a number.
    #[inline(always)]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The answer as a number, to be returned by a function.
    #[inline(always)]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The cell.
    #[inline(always)]
    pub const fn cell(self) -> Cell {
        Cell(self.0 as u32)
    }

    /// Whether the second of the two operations gave the cell.
    #[inline(always)]
    pub const fn is_by_second(self) -> bool {
        self.0 >> 32 != 0
    }
}

/// The cell of a column; columns beyond the row's wrap around.
#[inline(always)]
pub fn column(row: &Row, operation: u8) -> Cell {
    *pick(row, u32::from(operation))
}
