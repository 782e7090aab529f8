//! The rows that an automaton can accept with: each may have cells only for operations that it answers for.

use gatekeeper_common::automaton::{ACCEPT, DEAD, Edge, VACANT};
use gatekeeper_common::image::{ARGUMENTS, COLUMNS, ENVIRONMENT, Header, Row};
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::Cell;

use super::error::VerifyError;
use crate::automaton::Automaton;

/// A set of automata, one bit each.
type Walks = u8;

/// The automata for arguments and environments, which lie behind those of [`Automaton`].
const WORDS: Walks = 1 << Automaton::ALL.len();
/// The two automata for paths.
const PATHS: Walks = bit(Automaton::Anchored) | bit(Automaton::Floating);

const fn bit(automaton: Automaton) -> Walks {
    1 << automaton as u8
}

/// Checks that every row has cells only for operations that are asked of the automata which accept with it,
/// and that no path leads to two start states for arguments. Edges and starts were checked before.
///
/// # Errors
/// Where a row has another cell, or a path could lead to two start states.
pub fn check(header: &Header, table: &[Edge], rows: &[Row]) -> Result<(), VerifyError> {
    let words = rows.iter().flat_map(|[.., arguments, environment]| [arguments.0, environment.0]);
    let starts = Automaton::ALL.into_iter().map(|automaton| (automaton.start(header), bit(automaton)));
    let reached = walks_of_states(table, starts.chain(words.map(|start| (start, WORDS))));
    let mut of_column: [Walks; COLUMNS] = [0; COLUMNS];
    for (index, edge) in (0_u32..).zip(table) {
        if edge.owner == VACANT || class_of(index, *edge) != Some(u32::from(ACCEPT)) {
            continue;
        }
        let walks = reached.get(edge.owner as usize).copied().unwrap_or_default();
        let row = rows.get(edge.target as usize).into_iter().flatten();
        for ((column, cell), all) in row.enumerate().zip(&mut of_column) {
            if *cell == Cell::NO_RULE {
                continue;
            }
            if walks & !may_fill(column) != 0 {
                return Err(VerifyError::Misplaced { row: edge.target, column });
            }
            *all |= walks;
        }
    }
    let both = |column: &usize| of_column.get(*column).is_some_and(|walks| *walks == PATHS);
    match [ARGUMENTS, ENVIRONMENT].into_iter().find(both) {
        Some(column) => Err(VerifyError::TwoStarts(column)),
        None => Ok(()),
    }
}

/// The class of the entry at `index`, as its owner sees it; `None` where the owner lies behind it.
pub fn class_of(index: u32, edge: Edge) -> Option<u32> {
    index.checked_sub(edge.owner)
}

/// The automata whose rows may have a cell in a column.
fn may_fill(column: usize) -> Walks {
    if column == ARGUMENTS || column == ENVIRONMENT {
        return PATHS;
    }
    let operation = u8::try_from(column).ok().and_then(Operation::from_code);
    operation.map_or(0, |operation| {
        let family = operation.family();
        let words = if family == Family::Exec { WORDS } else { 0 };
        Automaton::of_family(family).iter().fold(words, |walks, automaton| walks | bit(*automaton))
    })
}

/// For each state the automata that can reach it: a flood from every start.
fn walks_of_states(table: &[Edge], starts: impl Iterator<Item = (u32, Walks)>) -> Vec<Walks> {
    let targets = Targets::new(table);
    let mut reached: Vec<Walks> = vec![0; table.len()];
    let mut open: Vec<(u32, Walks)> = starts.collect();
    while let Some((state, walk)) = open.pop() {
        let Some(known) = reached.get_mut(state as usize).filter(|known| **known & walk != walk) else {
            continue;
        };
        if state != DEAD {
            *known |= walk;
            open.extend(targets.of(state).map(|target| (target, walk)));
        }
    }
    reached
}

/// The targets of all edges, sorted by the states that own them.
struct Targets {
    /// Owner and target.
    edges: Vec<(u32, u32)>,
}

impl Targets {
    fn new(table: &[Edge]) -> Self {
        let edges = (0_u32..).zip(table);
        let edges = edges.filter(|(index, edge)| {
            edge.owner != VACANT && class_of(*index, **edge) != Some(u32::from(ACCEPT))
        });
        let mut edges: Vec<(u32, u32)> = edges.map(|(_, edge)| (edge.owner, edge.target)).collect();
        edges.sort_unstable();
        Self { edges }
    }

    fn of(&self, state: u32) -> impl Iterator<Item = u32> {
        let from = self.edges.partition_point(|(owner, _)| *owner < state);
        let of_state = self.edges.get(from..).unwrap_or_default().iter();
        of_state.take_while(move |(owner, _)| *owner == state).map(|(_, target)| *target)
    }
}
