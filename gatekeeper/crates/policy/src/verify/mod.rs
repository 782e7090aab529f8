//! The independent check before an image goes into the kernel: with it passed, the kernel's walk never
//! leaves the tables and never meets a cell it can't read. It shares no code with the compiler.

mod error;
mod reach;

use gatekeeper_common::automaton::{ACCEPT, DEAD, Edge, FIRST_CLASS, LAST_CLASS, OTHER, VACANT};
use gatekeeper_common::image::{
    ARGUMENTS, ENVIRONMENT, Header, MAGIC, ROWS_AT, Row, Size, VERSION, edges_in, rows_in,
};
use gatekeeper_common::limits::ARGUMENT_BYTES_MOST;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cell, RULE_DEFAULT};

pub use error::VerifyError;

/// Checks the two planes of an image made from this many rules.
pub fn verify(head: &[u8], comb: &[u8], rules: usize) -> Result<(), VerifyError> {
    let header = header_of(head)?;
    let size = Size::for_counts(header.rows as usize, header.edges as usize);
    let (rows, edges) = (header.rows, header.edges);
    let size = size
        .filter(|_| rows > 0 && edges > u32::from(LAST_CLASS))
        .ok_or(VerifyError::Counts { rows, edges })?;
    debug_assert!(rows as usize <= rows_in(size.plane()) && edges as usize <= edges_in(size.plane()));
    check_header(&header, rules)?;
    check_classes(&header)?;
    let rows = check_rows(head, &header, rules)?;
    let table = check_edges(comb, &header, &rows)?;
    check_rest(&table, &header)?;
    reach::check(&header, &table, &rows)
}

/// The walk ends early in these states.
fn check_rest(table: &[Edge], header: &Header) -> Result<(), VerifyError> {
    let slash = header.path_class[usize::from(b'/')];
    let shared = (0..=u8::MAX).any(|byte| byte != b'/' && header.path_class[usize::from(byte)] == slash);
    let rests = |state: u32, from: u32| from != 0 && state >= from;
    for (index, edge) in (0_u32..).zip(table) {
        let owner = edge.owner;
        let (sinks, quiet) = (rests(owner, header.sink_from), rests(owner, header.quiet_from));
        if owner == VACANT || !(sinks || quiet) {
            continue;
        }
        let class = index - owner;
        let stays = class == u32::from(OTHER) && edge.target == owner;
        let wakes = class == u32::from(slash) && quiet && !sinks && !shared;
        // Every such state has the edge that keeps it where it is.
        let own = table.get(owner as usize).is_some_and(|other| other.owner == owner);
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

fn is_of(cell: Cell, rules: usize) -> bool {
    cell.verdict().is_some() && (cell.rule() as usize) < rules
}

fn check_header(header: &Header, rules: usize) -> Result<(), VerifyError> {
    for (column, cell) in header.defaults.iter().enumerate() {
        let default = cell.verdict().is_some() && cell.rule() == RULE_DEFAULT;
        if !(default || (column >= Operation::ALL.len() && *cell == Cell::SILENT)) {
            return Err(VerifyError::Cell { row: u32::MAX, column, cell: cell.0 });
        }
    }
    for (number, cell) in header.capabilities.iter().enumerate() {
        if *cell != Cell::SILENT && !is_of(*cell, rules) {
            return Err(VerifyError::Capability { number, cell: cell.0 });
        }
    }
    if !(1..=ARGUMENT_BYTES_MOST).contains(&header.argument_bytes) {
        return Err(VerifyError::ArgumentBytes(header.argument_bytes));
    }
    Ok(())
}

/// The rows, with every cell found good. The states in them are still to be looked at.
fn check_rows(head: &[u8], header: &Header, rules: usize) -> Result<Vec<Row>, VerifyError> {
    let length = header.rows as usize * size_of::<Row>();
    let bytes =
        head.get(ROWS_AT..ROWS_AT + length).ok_or(VerifyError::Short { plane: 0, bytes: head.len() })?;
    let rows: Vec<Row> = bytes.chunks_exact(size_of::<Row>()).map(bytemuck::pod_read_unaligned).collect();
    for (number, row) in rows.iter().enumerate() {
        for (column, cell) in row.iter().enumerate() {
            let state = column == ARGUMENTS || column == ENVIRONMENT;
            let spoken = number > 0 && (state || is_ruled(column) && is_of(*cell, rules));
            if *cell != Cell::SILENT && !spoken {
                return Err(VerifyError::Cell { row: number as u32, column, cell: cell.0 });
            }
        }
    }
    Ok(rows)
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

/// The entries, with every owner and target found good, and the states that header and rows name.
fn check_edges(comb: &[u8], header: &Header, rows: &[Row]) -> Result<Vec<Edge>, VerifyError> {
    let length = header.edges as usize * size_of::<Edge>();
    let bytes = comb.get(..length).ok_or(VerifyError::Short { plane: 1, bytes: comb.len() })?;
    let table: Vec<Edge> = bytes.chunks_exact(size_of::<Edge>()).map(bytemuck::pod_read_unaligned).collect();
    let mut owns = vec![false; header.edges as usize];
    for (index, edge) in (0_u32..).zip(&table) {
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
    for (index, edge) in (0_u32..).zip(&table) {
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
        ("the start of UNIX sockets", header.start_unix),
        ("the start of signals", header.start_signal),
    ] {
        if !is_state(target) {
            return Err(VerifyError::Target { what, target });
        }
    }
    for row in rows {
        for (what, cell) in
            [("the start of arguments", row[ARGUMENTS]), ("the start of environments", row[ENVIRONMENT])]
        {
            if !is_state(cell.0) {
                return Err(VerifyError::Target { what, target: cell.0 });
            }
        }
    }
    Ok(table)
}
