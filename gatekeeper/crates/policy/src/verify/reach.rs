//! Which rows an automaton can accept with: what is walked decides what its rows may speak of.

use gatekeeper_common::automaton::{ACCEPT, DEAD, Edge, VACANT};
use gatekeeper_common::image::{ARGUMENTS, COLUMNS, ENVIRONMENT, Header, Row};
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::Cell;

use super::error::VerifyError;

const ANCHORED: u8 = 1;
const FLOATING: u8 = 2;
const NET: u8 = 4;
const UNIX: u8 = 8;
const SIGNAL: u8 = 16;
const WORDS: u8 = 32;

/// Checks that every row met from a start speaks only of what is asked there, and that no path leads to
/// two states to walk arguments from. Edges and starts were found good before.
pub fn check(header: &Header, table: &[Edge], rows: &[Row]) -> Result<(), VerifyError> {
    let words = rows.iter().flat_map(|row| [row[ARGUMENTS].0, row[ENVIRONMENT].0]);
    let starts = [
        (header.start_anchored, ANCHORED),
        (header.start_floating, FLOATING),
        (header.start_net4, NET),
        (header.start_net6, NET),
        (header.start_unix, UNIX),
        (header.start_signal, SIGNAL),
    ];
    let met = meet(table, starts.into_iter().chain(words.map(|start| (start, WORDS))));
    let mut by = [0_u8; COLUMNS];
    for (index, edge) in (0_u32..).zip(table) {
        if edge.owner == VACANT || index - edge.owner != u32::from(ACCEPT) {
            continue;
        }
        let kinds = met[edge.owner as usize];
        for (column, cell) in rows[edge.target as usize].iter().enumerate() {
            if *cell != Cell::SILENT && kinds & !may_speak(column) != 0 {
                return Err(VerifyError::Misplaced { row: edge.target, column });
            }
            by[column] |= if *cell == Cell::SILENT { 0 } else { kinds };
        }
    }
    match [ARGUMENTS, ENVIRONMENT].into_iter().find(|column| by[*column] == ANCHORED | FLOATING) {
        Some(column) => Err(VerifyError::TwoStarts(column)),
        None => Ok(()),
    }
}

/// The automata whose rows may speak in a column.
fn may_speak(column: usize) -> u8 {
    let operation = u8::try_from(column).ok().and_then(Operation::from_code);
    match operation.map(Operation::family) {
        None if column == ARGUMENTS || column == ENVIRONMENT => ANCHORED | FLOATING,
        Some(Family::Exec) => ANCHORED | FLOATING | WORDS,
        Some(Family::File) => ANCHORED | FLOATING,
        Some(Family::Net) => NET,
        Some(Family::Unix) => UNIX,
        Some(Family::Signal) => SIGNAL,
        Some(Family::Builtin | Family::Capability | Family::Kernel) | None => 0,
    }
}

/// For each state the kinds of start from which it can be reached.
fn meet(table: &[Edge], starts: impl Iterator<Item = (u32, u8)>) -> Vec<u8> {
    // Where each owner's entries end in `order`, the entries by owner.
    let mut end = vec![0_u32; table.len() + 1];
    let entries = || {
        (0_u32..)
            .zip(table)
            .filter(|(index, edge)| edge.owner != VACANT && index - edge.owner != u32::from(ACCEPT))
    };
    entries().for_each(|(_, edge)| end[edge.owner as usize + 1] += 1);
    for at in 1..end.len() {
        end[at] += end[at - 1];
    }
    let begin = end.clone();
    let mut order = vec![DEAD; begin.last().map_or(0, |all| *all as usize)];
    let mut next = begin.clone();
    for (_, edge) in entries() {
        let at = &mut next[edge.owner as usize];
        order[*at as usize] = edge.target;
        *at += 1;
    }
    let mut met = vec![0_u8; table.len()];
    let mut open: Vec<(u32, u8)> = starts.collect();
    while let Some((state, kind)) = open.pop() {
        let known = &mut met[state as usize];
        if state == DEAD || *known & kind == kind {
            continue;
        }
        *known |= kind;
        let (from, to) = (begin[state as usize], begin[state as usize + 1]);
        open.extend(order[from as usize..to as usize].iter().map(|target| (*target, kind)));
    }
    met
}
