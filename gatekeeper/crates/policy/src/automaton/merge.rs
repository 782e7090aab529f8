//! States that say the same are merged: long lists of files in one rule share their endings.
//!
//! One pass from the last state to the first; it finds all doubles but those inside circles.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHasher};

use super::determinize::{Dfa, State};

/// Stands for a state itself, so that two states with a loop each can be found equal.
const ITSELF: u32 = u32::MAX;

/// Points every edge and every start at the one state kept of those that say the same.
pub fn merge(dfa: &mut Dfa, starts: &mut [u32]) {
    let mut kept: Vec<u32> = (0..dfa.states.len() as u32).collect();
    let mut seen: FxHashMap<u64, u32> = FxHashMap::default();
    for number in (1..dfa.states.len() as u32).rev() {
        let mut state = dfa.states[number as usize];
        state.other = kept[state.other as usize];
        let range = state.first as usize..(state.first + state.count) as usize;
        for (_, target) in &mut dfa.edges[range] {
            *target = kept[*target as usize];
        }
        dfa.states[number as usize] = state;
        let other = *seen.entry(digest(dfa, number)).or_insert(number);
        if other != number && same(dfa, number, other) {
            kept[number as usize] = other;
        }
    }
    // Edges that lead back to an earlier state were looked at before it.
    for state in &mut dfa.states {
        state.other = kept[state.other as usize];
    }
    for (_, target) in &mut dfa.edges {
        *target = kept[*target as usize];
    }
    for start in starts {
        *start = kept[*start as usize];
    }
}

fn relative(target: u32, number: u32) -> u32 {
    if target == number { ITSELF } else { target }
}

fn said<'a>(dfa: &'a Dfa, number: u32, state: &'a State) -> impl Iterator<Item = (u16, u32)> + 'a {
    dfa.edges_of(state).iter().map(move |(class, target)| (*class, relative(*target, number)))
}

fn digest(dfa: &Dfa, number: u32) -> u64 {
    let state = &dfa.states[number as usize];
    let mut hasher = FxHasher::default();
    (state.row, relative(state.other, number), state.count).hash(&mut hasher);
    said(dfa, number, state).for_each(|edge| edge.hash(&mut hasher));
    hasher.finish()
}

fn same(dfa: &Dfa, one: u32, other: u32) -> bool {
    let (a, b) = (&dfa.states[one as usize], &dfa.states[other as usize]);
    a.row == b.row
        && relative(a.other, one) == relative(b.other, other)
        && a.count == b.count
        && said(dfa, one, a).eq(said(dfa, other, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_endings_become_one() {
        let mut dfa = Dfa::default();
        let mut add = |row, other, edges: &[(u16, u32)]| {
            let first = dfa.edges.len() as u32;
            dfa.states.push(State { row, other, first, count: edges.len() as u32 });
            dfa.edges.extend(edges);
        };
        add(0, 0, &[(2, 2), (3, 3)]);
        add(0, 0, &[(2, 4)]);
        add(0, 0, &[(2, 5)]);
        add(1, 4, &[]);
        add(1, 5, &[]);
        let mut starts = [1];
        merge(&mut dfa, &mut starts);
        let edges = dfa.edges_of(&dfa.states[1]);
        assert_eq!(edges[0].1, edges[1].1);
        assert_eq!(starts, [1]);
    }
}
