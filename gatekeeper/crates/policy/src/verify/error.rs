//! The ways in which an image can be damaged.

use std::fmt;

use gatekeeper_common::image::VERSION;

use crate::automaton::Automaton;

/// The damage for which an image is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A plane shorter than its contents.
    #[error("plane {plane} has {bytes} bytes, too few for what its header counts")]
    Short {
        /// 0 for HEAD, 1 for COMB.
        plane: u32,
        /// Its bytes.
        bytes: usize,
    },
    /// A wrong magic number.
    #[error("magic number is {0:#x}")]
    Magic(u64),
    /// The version of another layout.
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
    #[error("{from} leads to {target}, which is no state")]
    Target {
        /// The place that holds it.
        from: Origin,
        /// The number there.
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
    /// A state among those that lead to themselves which doesn't, or a byte of a name in the slash's class.
    #[error("state {0} is among those that lead to themselves, and does not")]
    Unsettled(u32),
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
    /// A limit on bytes of arguments outside its range.
    #[error("{0} is no limit for bytes of arguments")]
    ArgumentBytes(u32),
    /// A cell for an operation that the automaton which accepts with the row does not answer for.
    #[error("row {row} has a cell in column {column}, which its automaton does not answer for")]
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

/// A place in an image that holds the number of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An edge.
    Edge,
    /// The start state of an automaton, in the header.
    Start(Automaton),
    /// The start state for a program's arguments, in a row.
    Arguments,
    /// The start state for a program's environment, in a row.
    Environment,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edge => f.write_str("an edge"),
            Self::Start(automaton) => write!(f, "the start of {automaton}"),
            Self::Arguments => f.write_str("the start of arguments"),
            Self::Environment => f.write_str("the start of environments"),
        }
    }
}
