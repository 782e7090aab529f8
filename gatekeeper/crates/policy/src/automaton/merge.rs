//! Merging of equal states: long lists of files in one rule share their endings.
//!
//! One pass from the last state to the first. Most edges lead to later states, so that the targets of a state
//! are merged before it, and equal states are found by comparing rows and edges once. Doubles that lie on a
//! circle with each other are not found, except for a loop of a state to itself. Full
//! minimization (Hopcroft's) would find those too; endings of paths, where the gain is, have no circles.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHasher};

use super::determinize::{Dfa, State};

/// The target of a loop, in comparisons: two states with a loop each can be equal.
const ITSELF: u32 = u32::MAX;

/// Points every edge and every start at the one state kept of equal ones.
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
        // Equal hashes are compared. Two different states with one hash stay apart, which costs room only.
        let other = *seen.entry(digest(dfa, number)).or_insert(number);
        if other != number && same(dfa, number, other) {
            kept[number as usize] = other;
        }
    }
    // An edge that leads back to an earlier state was read before that state was merged.
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

/// The edges of a state, with a loop named as one.
fn edges<'a>(dfa: &'a Dfa, number: u32, state: &'a State) -> impl Iterator<Item = (u16, u32)> + 'a {
    dfa.edges_of(state).iter().map(move |(class, target)| (*class, relative(*target, number)))
}

/// The hash of a state's row and edges.
fn digest(dfa: &Dfa, number: u32) -> u64 {
    let state = &dfa.states[number as usize];
    let mut hasher = FxHasher::default();
    (state.row, relative(state.other, number), state.count).hash(&mut hasher);
    edges(dfa, number, state).for_each(|edge| edge.hash(&mut hasher));
    hasher.finish()
}

/// Whether two states have the same row and the same edges.
fn same(dfa: &Dfa, one: u32, other: u32) -> bool {
    let (a, b) = (&dfa.states[one as usize], &dfa.states[other as usize]);
    a.row == b.row
        && relative(a.other, one) == relative(b.other, other)
        && a.count == b.count
        && edges(dfa, one, a).eq(edges(dfa, other, b))
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
