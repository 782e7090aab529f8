//! Layout of the states in the double array ("row displacement"): each gets a number such that its entries
//! fall on free places.
//!
//! Entry `number + class` holds the edge for `class`, so a state's number is its base. The layout is first fit,
//! states with many edges first: large ones find few gaps and small ones fill those that are left. Finding the best
//! layout is NP-hard, and first fit wastes little.
//!
//! Two things make it fast. 64 numbers are tried at once, as the bits of a word. And for each set of classes
//! the search goes on where it last ended, since places only fill up.
//!
//! The order has a second purpose. States that lead to themselves on every byte but a slash, and those that
//! do on every byte, come last. The kernel compares a state with two bounds to know that it need not read on.

use gatekeeper_common::automaton::{ACCEPT, DEAD, Edge, LAST_CLASS, OTHER, VACANT};
use rustc_hash::FxHashMap;

use super::determinize::Dfa;

/// The table of edges, and the numbers of the states that something refers to.
#[derive(Debug)]
pub struct Packed {
    /// The table of edges, with room after the last state for every class.
    pub edges: Vec<Edge>,
    /// The number of each start.
    pub starts: Vec<u32>,
    /// The rows used, in the order of their new numbers; the first is row 0.
    pub rows: Vec<u32>,
    /// See [`gatekeeper_common::image::Header::quiet_from`].
    pub quiet_from: u32,
    /// See [`gatekeeper_common::image::Header::sink_from`].
    pub sink_from: u32,
}

/// The time for which a state leads to itself; states with longer ones lie further back in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rest {
    None,
    /// Until the next slash.
    Name,
    /// For ever.
    Path,
}

/// Packs the states that can be reached from the starts, given the class of the slash.
#[must_use]
pub fn pack(dfa: &Dfa, starts: &[u32], slash: u16) -> Packed {
    let rest = |number: u32| {
        let state = &dfa.states[number as usize];
        match dfa.edges_of(state) {
            _ if state.other != number => Rest::None,
            [] => Rest::Path,
            [(class, _)] if *class == slash => Rest::Name,
            _ => Rest::None,
        }
    };
    let mut order = reachable(dfa, starts);
    // The sort is stable: between equals, parents stay before children, near each other in memory.
    order.sort_by_key(|state| (rest(*state), std::cmp::Reverse(dfa.states[*state as usize].entries())));
    let mut table = Table::default();
    let mut base = vec![DEAD; dfa.states.len()];
    let (mut quiet_from, mut sink_from) = (0, 0);
    for state in &order {
        let rest = rest(*state);
        // Each bound lies above all numbers given before it, so that one comparison tells the parts apart.
        if rest >= Rest::Name && quiet_from == 0 {
            quiet_from = table.begin_anew();
        }
        if rest == Rest::Path && sink_from == 0 {
            sink_from = table.begin_anew();
        }
        base[*state as usize] = table.place(&classes(dfa, *state));
    }
    // Rows are numbered anew in the order of their first use: many were only steps to others.
    let mut rows = vec![0];
    let mut row_numbers: FxHashMap<u32, u32> = FxHashMap::default();
    // The entries of all classes of the last state lie in the table, as `verify` checks.
    let length =
        order.iter().map(|state| base[*state as usize] + 1).max().unwrap_or(1) + u32::from(LAST_CLASS);
    let mut edges = vec![Edge { owner: VACANT, target: DEAD }; length as usize];
    for number in &order {
        let state = &dfa.states[*number as usize];
        let owner = base[*number as usize];
        let mut set =
            |class: u16, target: u32| edges[(owner + u32::from(class)) as usize] = Edge { owner, target };
        if state.other != 0 {
            set(OTHER, base[state.other as usize]);
        }
        if state.row != 0 {
            let row = *row_numbers.entry(state.row).or_insert_with(|| {
                rows.push(state.row);
                rows.len() as u32 - 1
            });
            set(ACCEPT, row);
        }
        for (class, target) in dfa.edges_of(state) {
            set(*class, base[*target as usize]);
        }
    }
    let starts = starts.iter().map(|start| base[*start as usize]).collect();
    Packed { edges, starts, rows, quiet_from, sink_from }
}

/// The classes under which a state keeps an entry.
fn classes(dfa: &Dfa, number: u32) -> Vec<u16> {
    let state = &dfa.states[number as usize];
    let mut classes: Vec<u16> = dfa.edges_of(state).iter().map(|(class, _)| *class).collect();
    classes.extend((state.other != 0).then_some(OTHER));
    classes.extend((state.row != 0).then_some(ACCEPT));
    classes.sort_unstable();
    classes
}

/// States that can be reached and have an entry, parents before children.
///
/// A state without an entry accepts nothing and leads nowhere: it keeps the number of DEAD.
fn reachable(dfa: &Dfa, starts: &[u32]) -> Vec<u32> {
    let mut seen = vec![false; dfa.states.len()];
    let mut order: Vec<u32> = Vec::new();
    let mut meet = |state: u32, order: &mut Vec<u32>| {
        if !std::mem::replace(&mut seen[state as usize], true) && dfa.states[state as usize].entries() > 0 {
            order.push(state);
        }
    };
    for start in starts {
        meet(*start, &mut order);
    }
    let mut at = 0;
    while let Some(number) = order.get(at).copied() {
        let state = &dfa.states[number as usize];
        meet(state.other, &mut order);
        for (_, target) in dfa.edges_of(state) {
            meet(*target, &mut order);
        }
        at += 1;
    }
    order
}

/// Which entries and which numbers are taken, 64 to a word.
#[derive(Debug, Default)]
struct Table {
    entries: Vec<u64>,
    numbers: Vec<u64>,
    /// For each set of classes, the word before which no number fits any more.
    from: FxHashMap<Vec<u16>, usize>,
    /// The word of the first number that may be given now.
    first: usize,
}

impl Table {
    /// Starts a new part of the table: returns its first number, which is above all given so far.
    fn begin_anew(&mut self) -> u32 {
        self.first = self.numbers.len().max(1);
        self.first as u32 * 64
    }

    /// Finds the first number that fits, and takes it.
    fn place(&mut self, classes: &[u16]) -> u32 {
        let mut word = self.from.get(classes).copied().unwrap_or(0).max(self.first);
        // It ends at the latest behind everything that is taken.
        let fitting = loop {
            let taken = classes
                .iter()
                .fold(self.taken_numbers(word), |taken, class| taken | self.taken(word, *class));
            if taken != u64::MAX {
                break (!taken).trailing_zeros();
            }
            word += 1;
        };
        match self.from.get_mut(classes) {
            Some(from) => *from = word,
            None => {
                self.from.insert(classes.to_vec(), word);
            }
        }
        let number = word as u32 * 64 + fitting;
        mark(&mut self.numbers, number);
        for class in classes {
            mark(&mut self.entries, number + u32::from(*class));
        }
        number
    }

    /// Bit `i` is set where number `64 * word + i` is taken. Number 0 is DEAD's.
    fn taken_numbers(&self, word: usize) -> u64 {
        self.numbers.get(word).copied().unwrap_or(0) | u64::from(word == 0)
    }

    /// Bit `i` is set where entry `64 * word + i + class` is taken.
    fn taken(&self, word: usize, class: u16) -> u64 {
        let (skip, shift) = (word + usize::from(class / 64), class % 64);
        let at = |word: usize| self.entries.get(word).copied().unwrap_or(0);
        // The 64 entries begin in one word and end in the next.
        if shift == 0 { at(skip) } else { at(skip) >> shift | at(skip + 1) << (64 - shift) }
    }
}

/// Sets a bit, with as many words as it takes.
fn mark(bits: &mut Vec<u64>, at: u32) {
    let word = (at / 64) as usize;
    if word >= bits.len() {
        bits.resize(word + 1, 0);
    }
    bits[word] |= 1 << (at % 64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automaton::determinize::State;

    #[test]
    fn no_entry_is_taken_twice() {
        let mut dfa = Dfa::default();
        for state in 1..=1000_u32 {
            let edges: Vec<(u16, u32)> =
                (0..state % 7).map(|k| (2 + (state * 31 + k * 11) as u16 % 200, state % 999 + 1)).collect();
            let first = dfa.edges.len() as u32;
            dfa.states.push(State { row: state % 3, other: state % 2, first, count: edges.len() as u32 });
            dfa.edges.extend(edges);
        }
        // State 42 does nothing: with 42 % 7, 42 % 3 and 42 % 2 all zero it has no entry.
        let starts: [u32; 41] = std::array::from_fn(|at| at as u32 + 1);
        let packed = pack(&dfa, &starts, 2);
        for (at, start) in starts.iter().enumerate() {
            for (class, _) in dfa.edges_of(&dfa.states[*start as usize]) {
                let entry = packed.edges[(packed.starts[at] + u32::from(*class)) as usize];
                assert_eq!(entry.owner, packed.starts[at]);
            }
        }
        let mut numbers = packed.starts.clone();
        numbers.dedup();
        numbers.sort_unstable();
        assert_eq!(numbers.len(), starts.len());
        assert!(!numbers.contains(&DEAD));
    }
}
