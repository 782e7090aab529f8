//! The independent check before an image goes into the kernel.
//!
//! With it passed, the kernel's walk never leaves the tables and never meets a cell it can't read. It shares
//! nothing with the compiler but the names of the automata, and every number that it reads may be damaged.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod error;
mod reach;

use gatekeeper_common::automaton::{ACCEPT, DEAD, Edge, FIRST_CLASS, LAST_CLASS, OTHER, VACANT};
use gatekeeper_common::image::{
    ARGUMENTS, COLUMNS, COMB, ENVIRONMENT, HEAD, Header, MAGIC, ROWS_AT, Row, Size, VERSION, edges_in,
    rows_in,
};
use gatekeeper_common::limits::ARGUMENT_BYTES_MOST;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cell, RULE_DEFAULT};

use crate::automaton::Automaton;

use reach::class_of;

pub use error::{Origin, VerifyError};

/// Checks the two planes of an image made from this many rules.
///
/// # Errors
/// The first damage found.
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
    check_settled(&table, &header)?;
    reach::check(&header, &table, &rows)
}

/// The class of a slash in paths.
fn slash_class(header: &Header) -> u16 {
    header.path_class.get(usize::from(b'/')).copied().unwrap_or(OTHER)
}

/// Checks the states at which the kernel ends a walk early: each must lead to itself.
fn check_settled(table: &[Edge], header: &Header) -> Result<(), VerifyError> {
    let slash = slash_class(header);
    let classes = || (0..=u8::MAX).zip(header.path_class);
    let shared = classes().any(|(byte, class)| byte != b'/' && class == slash);
    let settled = |state: u32, from: u32| from != 0 && state >= from;
    for (index, edge) in (0_u32..).zip(table) {
        let owner = edge.owner;
        let (sinks, quiet) = (settled(owner, header.sink_from), settled(owner, header.quiet_from));
        if owner == VACANT || !(sinks || quiet) {
            continue;
        }
        let class = class_of(index, *edge);
        let stays = class == Some(u32::from(OTHER)) && edge.target == owner;
        let wakes = class == Some(u32::from(slash)) && quiet && !sinks && !shared;
        // Every such state has the edge that keeps it where it is.
        let own = table.get(owner as usize).is_some_and(|other| other.owner == owner);
        if !(own && (stays || wakes || class == Some(u32::from(ACCEPT)))) {
            return Err(VerifyError::Unsettled(owner));
        }
    }
    Ok(())
}

fn header_of(head: &[u8]) -> Result<Header, VerifyError> {
    let bytes = head.get(..size_of::<Header>()).filter(|_| head.len() >= ROWS_AT);
    let bytes = bytes.ok_or(VerifyError::Short { plane: HEAD, bytes: head.len() })?;
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
        if !(default || (column >= Operation::ALL.len() && *cell == Cell::NO_RULE)) {
            return Err(VerifyError::Cell { row: u32::MAX, column, cell: cell.0 });
        }
    }
    for (number, cell) in header.capabilities.iter().enumerate() {
        if *cell != Cell::NO_RULE && !is_of(*cell, rules) {
            return Err(VerifyError::Capability { number, cell: cell.0 });
        }
    }
    if !(1..=ARGUMENT_BYTES_MOST).contains(&header.argument_bytes) {
        return Err(VerifyError::ArgumentBytes(header.argument_bytes));
    }
    Ok(())
}

/// The `count` values of a plane, from byte `from` on.
fn values<T: bytemuck::AnyBitPattern>(
    plane: u32,
    bytes: &[u8],
    from: usize,
    count: u32,
) -> Result<Vec<T>, VerifyError> {
    let range = (count as usize)
        .checked_mul(size_of::<T>())
        .and_then(|length| from.checked_add(length))
        .and_then(|end| bytes.get(from..end));
    let range = range.ok_or(VerifyError::Short { plane, bytes: bytes.len() })?;
    Ok(range.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned).collect())
}

/// The rows, every cell checked. The states in them are still to be looked at.
fn check_rows(head: &[u8], header: &Header, rules: usize) -> Result<Vec<Row>, VerifyError> {
    let rows: Vec<Row> = values(HEAD, head, ROWS_AT, header.rows)?;
    for (number, row) in (0_u32..).zip(&rows) {
        for (column, cell) in row.iter().enumerate() {
            let state = column == ARGUMENTS || column == ENVIRONMENT;
            let allowed = number > 0 && (state || is_ruled(column) && is_of(*cell, rules));
            if *cell != Cell::NO_RULE && !allowed {
                return Err(VerifyError::Cell { row: number, column, cell: cell.0 });
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

/// The entries, every owner and target checked, and the states that header and rows name.
fn check_edges(comb: &[u8], header: &Header, rows: &[Row]) -> Result<Vec<Edge>, VerifyError> {
    let table: Vec<Edge> = values(COMB, comb, 0, header.edges)?;
    let mut owns = vec![false; table.len()];
    for (index, edge) in (0_u32..).zip(&table) {
        if edge.owner == VACANT {
            continue;
        }
        let class = class_of(index, *edge).filter(|class| *class <= u32::from(LAST_CLASS));
        match owns.get_mut(edge.owner as usize) {
            Some(owns) if class.is_some() && edge.owner != DEAD => *owns = true,
            _ => return Err(VerifyError::Owner { index, owner: edge.owner }),
        }
    }
    // A state has at least one entry, and the entry of its last class lies in the table.
    let check_state = |from: Origin, target: u32| {
        let room = target.checked_add(u32::from(LAST_CLASS)).is_some_and(|last| last < header.edges);
        if target == DEAD || (room && owns.get(target as usize) == Some(&true)) {
            return Ok(());
        }
        Err(VerifyError::Target { from, target })
    };
    for (index, edge) in (0_u32..).zip(&table) {
        if edge.owner == VACANT {
            continue;
        }
        if class_of(index, *edge) != Some(u32::from(ACCEPT)) {
            check_state(Origin::Edge, edge.target)?;
        } else if edge.target >= header.rows {
            return Err(VerifyError::AcceptRow { index, row: edge.target });
        }
    }
    for automaton in Automaton::ALL {
        check_state(Origin::Start(automaton), automaton.start(header))?;
    }
    for row in rows {
        let [.., arguments, environment] = row;
        check_state(Origin::Arguments, arguments.0)?;
        check_state(Origin::Environment, environment.0)?;
    }
    const { assert!(ARGUMENTS + 2 == COLUMNS && ENVIRONMENT + 1 == COLUMNS) };
    Ok(table)
}
