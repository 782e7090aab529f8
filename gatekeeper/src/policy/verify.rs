//! The independent check before an image goes into the kernel: with it passed, the kernel's walk never
//! leaves the tables and never meets a cell it can't read. It shares no code with the compiler.

use gatekeeper_common::automaton::{ACCEPT, DEAD, Edge, FIRST_CLASS, LAST_CLASS, OTHER, VACANT};
use gatekeeper_common::image::{Header, MAGIC, ROWS_AT, Row, Size, VERSION, edges_in, rows_in};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cell, RULE_DEFAULT};

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
}

/// Checks the two planes of an image made from this many rules.
pub fn verify(head: &[u8], comb: &[u8], rules: usize) -> Result<(), VerifyError> {
    let header = header_of(head)?;
    let size = Size::for_counts(header.rows as usize, header.edges as usize);
    let (rows, edges) = (header.rows, header.edges);
    let size = size
        .filter(|_| rows > 0 && edges > u32::from(LAST_CLASS))
        .ok_or(VerifyError::Counts { rows, edges })?;
    debug_assert!(rows as usize <= rows_in(size.plane()) && edges as usize <= edges_in(size.plane()));
    check_rows(head, &header, rules)?;
    check_classes(&header)?;
    check_edges(comb, &header)?;
    check_rest(comb, &header)
}

/// The walk ends early in these states.
fn check_rest(comb: &[u8], header: &Header) -> Result<(), VerifyError> {
    let slash = header.path_class[usize::from(b'/')];
    let shared = (0..=u8::MAX).any(|byte| byte != b'/' && header.path_class[usize::from(byte)] == slash);
    let rests = |state: u32, from: u32| from != 0 && state >= from;
    let entry = |index: u32| {
        let at = index as usize * size_of::<Edge>();
        comb.get(at..at + size_of::<Edge>()).map(bytemuck::pod_read_unaligned::<Edge>)
    };
    for (index, edge) in (0..header.edges).filter_map(|index| Some((index, entry(index)?))) {
        let owner = edge.owner;
        let (sinks, quiet) = (rests(owner, header.sink_from), rests(owner, header.quiet_from));
        if owner == VACANT || !(sinks || quiet) {
            continue;
        }
        let class = index - owner;
        let stays = class == u32::from(OTHER) && edge.target == owner;
        let wakes = class == u32::from(slash) && quiet && !sinks && !shared;
        // Every such state has the edge that keeps it where it is.
        let own = entry(owner).is_some_and(|other| other.owner == owner);
        if !(own && (stays || wakes || class == u32::from(ACCEPT))) {
            return Err(VerifyError::Restless(owner));
        }
    }
    Ok(())
}

fn header_of(head: &[u8]) -> Result<Header, VerifyError> {
    let bytes = head.get(..size_of::<Header>()).filter(|_| head.len() >= ROWS_AT);
    let bytes = bytes.ok_or(VerifyError::Short { plane: 0, bytes: head.len() })?;
    let header: Header = bytemuck::pod_read_unaligned(bytes);
    if header.magic != MAGIC {
        return Err(VerifyError::Magic(header.magic));
    }
    if header.version != VERSION {
        return Err(VerifyError::Version(header.version));
    }
    Ok(header)
}

fn is_ruled(column: usize) -> bool {
    u8::try_from(column).ok().and_then(Operation::from_code).is_some_and(Operation::is_ruled)
}

fn check_rows(head: &[u8], header: &Header, rules: usize) -> Result<(), VerifyError> {
    let valid = |cell: Cell| cell.verdict().is_some() && (cell.rule() as usize) < rules;
    for (column, cell) in header.defaults.iter().enumerate() {
        let default = cell.verdict().is_some() && cell.rule() == RULE_DEFAULT;
        if !(default || (column >= Operation::ALL.len() && *cell == Cell::SILENT)) {
            return Err(VerifyError::Cell { row: u32::MAX, column, cell: cell.0 });
        }
    }
    let length = header.rows as usize * size_of::<Row>();
    let rows =
        head.get(ROWS_AT..ROWS_AT + length).ok_or(VerifyError::Short { plane: 0, bytes: head.len() })?;
    for (number, row) in rows.chunks_exact(size_of::<Row>()).enumerate() {
        let row: Row = bytemuck::pod_read_unaligned(row);
        for (column, cell) in row.into_iter().enumerate() {
            let spoken = number > 0 && is_ruled(column) && valid(cell);
            if cell != Cell::SILENT && !spoken {
                return Err(VerifyError::Cell { row: number as u32, column, cell: cell.0 });
            }
        }
    }
    Ok(())
}

fn check_classes(header: &Header) -> Result<(), VerifyError> {
    for classes in [&header.path_class, &header.net_class] {
        for (byte, class) in (0..=u8::MAX).zip(classes) {
            // ACCEPT is no byte's class: a byte with it would be led to a row's number.
            if *class == ACCEPT || *class > LAST_CLASS {
                return Err(VerifyError::Class { byte, class: *class });
            }
        }
    }
    const { assert!(FIRST_CLASS == ACCEPT + 1) };
    Ok(())
}

fn check_edges(comb: &[u8], header: &Header) -> Result<(), VerifyError> {
    let length = header.edges as usize * size_of::<Edge>();
    let table = comb.get(..length).ok_or(VerifyError::Short { plane: 1, bytes: comb.len() })?;
    let entries = || table.chunks_exact(size_of::<Edge>()).map(bytemuck::pod_read_unaligned::<Edge>);
    let mut owns = vec![false; header.edges as usize];
    for (index, edge) in (0_u32..).zip(entries()) {
        if edge.owner == VACANT {
            continue;
        }
        let class = index.checked_sub(edge.owner).filter(|class| *class <= u32::from(LAST_CLASS));
        if class.is_none() || edge.owner == DEAD {
            return Err(VerifyError::Owner { index, owner: edge.owner });
        }
        owns[edge.owner as usize] = true;
    }
    // A state has at least one entry, and the entry of its last class lies in the table.
    let is_state = |state: u32| {
        let room = state.checked_add(u32::from(LAST_CLASS)).is_some_and(|last| last < header.edges);
        state == DEAD || (room && owns[state as usize])
    };
    for (index, edge) in (0_u32..).zip(entries()) {
        if edge.owner == VACANT {
            continue;
        }
        if index - edge.owner == u32::from(ACCEPT) {
            if edge.target >= header.rows {
                return Err(VerifyError::AcceptRow { index, row: edge.target });
            }
        } else if !is_state(edge.target) {
            return Err(VerifyError::Target { what: "an edge", target: edge.target });
        }
    }
    for (what, target) in [
        ("the start of anchored patterns", header.start_anchored),
        ("the start of floating patterns", header.start_floating),
        ("the start of IPv4 addresses", header.start_net4),
        ("the start of IPv6 addresses", header.start_net6),
    ] {
        if !is_state(target) {
            return Err(VerifyError::Target { what, target });
        }
    }
    Ok(())
}
