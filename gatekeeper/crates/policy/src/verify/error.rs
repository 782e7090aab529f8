//! The ways in which an image can be damaged.

use gatekeeper_common::image::VERSION;

/// Why an image is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A plane is shorter than what must stand in it.
    #[error("plane {plane} has {bytes} bytes, too few for what its header counts")]
    Short {
        /// 0 for HEAD, 1 for COMB.
        plane: u32,
        /// Its bytes.
        bytes: usize,
    },
    /// The magic number is wrong.
    #[error("magic number is {0:#x}")]
    Magic(u64),
    /// The version is another's.
    #[error("version is {0}, not {VERSION}")]
    Version(u32),
    /// More rows or edges than any size holds, no row 0, or no room for the dead state.
    #[error("{rows} rows and {edges} edges fit no size")]
    Counts {
        /// Rows counted.
        rows: u32,
        /// Edges counted.
        edges: u32,
    },
    /// A class beyond the last.
    #[error("byte {byte:#04x} has class {class}")]
    Class {
        /// The byte.
        byte: u8,
        /// Its class.
        class: u16,
    },
    /// A start or a target that is no state.
    #[error("{what} leads to {target}, which is no state")]
    Target {
        /// What leads there.
        what: &'static str,
        /// Where.
        target: u32,
    },
    /// An entry whose owner can't own it.
    #[error("entry {index} is owned by {owner}, which can't reach it")]
    Owner {
        /// The entry.
        index: u32,
        /// Its owner.
        owner: u32,
    },
    /// An accept entry that names no row.
    #[error("entry {index} accepts with row {row}, which is not there")]
    AcceptRow {
        /// The entry.
        index: u32,
        /// The row.
        row: u32,
    },
    /// A state among those that stay where they are that doesn't, or a byte of a name in the slash's class.
    #[error("state {0} is among those that rest, and does not")]
    Restless(u32),
    /// A cell that is no verdict of an existing rule.
    #[error("row {row} has {cell:#010x} in column {column}")]
    Cell {
        /// The row; `u32::MAX` for the defaults.
        row: u32,
        /// The column.
        column: usize,
        /// The cell.
        cell: u32,
    },
    /// A cell about a capability that is no verdict of an existing rule.
    #[error("capability {number} has {cell:#010x}")]
    Capability {
        /// Its number.
        number: usize,
        /// The cell.
        cell: u32,
    },
    /// A bound on arguments that is none.
    #[error("{0} is no bound for bytes of arguments")]
    ArgumentBytes(u32),
    /// A row that speaks of what the automaton that accepts with it knows nothing of.
    #[error("row {row} speaks in column {column}, of something else than what is walked")]
    Misplaced {
        /// The row.
        row: u32,
        /// The column.
        column: usize,
    },
    /// Both automata for paths lead to states to walk arguments or environments from.
    #[error("both automata for paths fill column {0}, and a program can have two states to begin in")]
    TwoStarts(usize),
}
