//! Subset construction: one deterministic state for each set of nodes that can be reached by the same bytes.
//!
//! Work begins with the set of the start node. Each step takes a set, follows the edges of all its nodes
//! for each class of bytes, and gives every set that it meets for the first time a state and a place in the
//! queue. It ends where no new set appears.
//!
//! The number of sets is exponential in the worst case. Three things keep it small:
//!
//! - A set forgets every node from which nothing stricter can come than what already holds for all that
//!   follows (`dir/**` once inside `dir`). Without that, `k` patterns of the form `**/x/**` would make 2^k
//!   states; with it they make `k`.
//! - Equal beginnings of patterns share their nodes (see [`super::nfa`]), so most sets have one node. Such a
//!   set is found by its node, without hashing.
//! - Edges are kept only where they differ from the edge of class `OTHER`, as in the table itself.
//!
//! An automaton that grows all the same is given up at a bound: on entries of the table (the caller's `limit`), on
//! [`SET_NUMBERS`] and on [`WIDE`].

use std::rc::Rc;

use gatekeeper_common::automaton::FIRST_CLASS;
use rustc_hash::FxHashMap;

use super::alphabet::{Alphabet, Classes};
use super::nfa::{Label, Nfa, NodeId, START};
use super::rows::Rows;

/// Marks a number in a set as no node but "everything from here on is accepted with this row".
const BELOW: u32 = 1 << 31;
/// The largest number of members of all sets together: 128 MiB.
const SET_NUMBERS: usize = 32 << 20;
/// The largest number of different byte sets on the edges of one state: the bits of a mask.
const WIDE: usize = 64;

/// A deterministic automaton, or several in one list of states. State 0 is dead.
#[derive(Debug)]
pub struct Dfa {
    /// The states.
    pub states: Vec<State>,
    /// The edges of all states: class and target.
    pub edges: Vec<(u16, u32)>,
    /// Entries that the states need in the table of edges.
    pub entries: usize,
}

/// One state.
#[derive(Debug, Clone, Copy, Default)]
pub struct State {
    /// The row it accepts with.
    pub row: u32,
    /// The target of every class without an edge of its own.
    pub other: u32,
    /// The place of its first edge in [`Dfa::edges`].
    pub first: u32,
    /// The number of its edges.
    pub count: u32,
}

impl State {
    /// Entries that it needs in the table of edges.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.count as usize + usize::from(self.other != 0) + usize::from(self.row != 0)
    }
}

impl Default for Dfa {
    fn default() -> Self {
        Self { states: vec![State::default()], edges: Vec::new(), entries: 0 }
    }
}

impl Dfa {
    /// The edges of a state.
    #[must_use]
    pub fn edges_of(&self, state: &State) -> &[(u16, u32)] {
        &self.edges[state.first as usize..][..state.count as usize]
    }
}

/// An automaton that grew past a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the automaton has more than {entries} table entries")]
pub struct TooLarge {
    /// Entries when it was given up.
    pub entries: usize,
}

/// Adds the states of an automaton to `dfa`, up to `limit` entries in all, and returns its start.
///
/// # Errors
/// Where the automaton grows past `limit`, or past a bound of this module.
pub fn determinize(
    nfa: &Nfa,
    alphabet: &Alphabet,
    rows: &mut Rows,
    dfa: &mut Dfa,
    limit: usize,
) -> Result<u32, TooLarge> {
    let mut work = Work {
        reach: nfa.reach(rows),
        classes: nfa.sets.iter().map(|set| alphabet.classes(set)).collect(),
        single: vec![0; nfa.len()],
        known: FxHashMap::default(),
        groups: FxHashMap::default(),
        sets: Vec::new(),
        numbers: 0,
        first: dfa.states.len(),
        nfa,
        alphabet,
        rows,
        dfa,
    };
    let start = work.state(vec![START]);
    // The list of sets is the queue: expanding a set may push further sets behind it.
    let mut at = 0;
    while let Some(set) = work.sets.get(at).cloned() {
        work.expand(work.first + at, set.as_slice())?;
        if work.dfa.entries > limit || work.numbers > SET_NUMBERS {
            return Err(TooLarge { entries: work.dfa.entries });
        }
        at += 1;
    }
    Ok(start)
}

/// The classes of bytes, sorted by which of a state's byte sets hold them. A mask has bit `i` for the `i`th set.
#[derive(Debug)]
struct Groups {
    /// The mask of class [`gatekeeper_common::automaton::OTHER`].
    other: u64,
    /// The mask of each class.
    of: Vec<u64>,
    /// Each mask that differs from `other`, with its classes.
    different: Vec<(u64, Vec<u16>)>,
}

/// The nodes of a state; mostly one.
#[derive(Debug, Clone)]
enum Set {
    One(u32),
    Many(Rc<[u32]>),
}

impl Set {
    fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(node) => std::slice::from_ref(node),
            Self::Many(nodes) => nodes,
        }
    }
}

/// The construction for one automaton.
struct Work<'a> {
    nfa: &'a Nfa,
    alphabet: &'a Alphabet,
    rows: &'a mut Rows,
    dfa: &'a mut Dfa,
    /// For each node a bound on the rows that can still be accepted with: see [`Nfa::reach`].
    reach: Vec<u32>,
    /// The byte sets of the automaton, in terms of classes.
    classes: Vec<Classes>,
    /// States of sets of one node, by node; 0 where there is none yet.
    single: Vec<u32>,
    /// States of larger sets.
    known: FxHashMap<Rc<[u32]>, u32>,
    /// The groups of each list of byte sets met so far: few lists, met by many states.
    groups: FxHashMap<Vec<u32>, Rc<Groups>>,
    /// The set of each state, from state `first` on.
    sets: Vec<Set>,
    /// Members of all sets together.
    numbers: usize,
    /// The state of the first set; states before it belong to other automata.
    first: usize,
}

impl Work<'_> {
    /// The state of a set of nodes; a new one where the set is met for the first time.
    fn state(&mut self, mut set: Vec<u32>) -> u32 {
        // The closure over labels without a byte. The list grows while it is read.
        let mut below = 0;
        let mut at = 0;
        while let Some(&node) = set.get(at) {
            at += 1;
            if node & BELOW != 0 {
                below = self.rows.join(below, node & !BELOW);
            } else if self.nfa.node(node).slips {
                for (label, target) in self.nfa.links(node) {
                    match label {
                        Label::Below(row) => below = self.rows.join(below, row),
                        Label::Star | Label::Deep | Label::Skip | Label::Options(_) => set.push(target),
                        Label::Byte(_)
                        | Label::OneOf(_)
                        | Label::Character(_)
                        | Label::Plus(_)
                        | Label::Inner(_) => {}
                    }
                }
            }
        }
        // One mark stands for all rows that hold from here on. A node that can add nothing to it is
        // forgotten: this is what keeps `**/x/**` from doubling the states.
        if below != 0 {
            set.retain(|node| node & BELOW == 0 && !self.rows.dominates(below, self.reach[*node as usize]));
            set.push(BELOW | below);
        }
        // Sorted and without doubles, equal sets are equal lists.
        set.sort_unstable();
        set.dedup();
        match *set.as_slice() {
            [] => 0,
            [node] if node & BELOW == 0 => self.state_of_one(node),
            _ => {
                let set: Rc<[u32]> = Rc::from(set);
                if let Some(known) = self.known.get(&set) {
                    return *known;
                }
                let state = self.fresh(Set::Many(Rc::clone(&set)));
                self.known.insert(set, state);
                state
            }
        }
    }

    /// The state of a set of one node.
    fn state_of_one(&mut self, node: NodeId) -> u32 {
        if self.single[node as usize] == 0 {
            self.single[node as usize] = self.fresh(Set::One(node));
        }
        self.single[node as usize]
    }

    /// A new state for a set. Its edges are found when its turn comes.
    fn fresh(&mut self, set: Set) -> u32 {
        self.numbers += set.as_slice().len();
        self.sets.push(set);
        self.dfa.states.push(State::default());
        self.dfa.states.len() as u32 - 1
    }

    /// Finds the row and the edges of a state.
    ///
    /// Labels of one byte (`literal`) and labels of sets (`wide`) are treated apart. Sets decide the edge of
    /// class OTHER and of all classes at once, by groups; a literal byte then overrides the edge of its class.
    fn expand(&mut self, number: usize, set: &[u32]) -> Result<(), TooLarge> {
        let mut row = 0;
        let mut everywhere = None;
        let mut literal: Vec<(u16, NodeId)> = Vec::new();
        let mut wide: Vec<(u32, NodeId)> = Vec::new();
        for &node in set {
            if node & BELOW != 0 {
                row = self.rows.join(row, node & !BELOW);
                // Whatever comes next, the mark stays in the set.
                everywhere = Some(node);
                continue;
            }
            row = self.rows.join(row, self.nfa.node(node).row);
            for (label, target) in self.nfa.links(node) {
                if let Label::Byte(byte) = label {
                    literal.push((self.alphabet.class[usize::from(byte)], target));
                } else if let Some(set) = label.set() {
                    wide.push((set, target));
                }
            }
        }
        literal.sort_unstable();
        wide.sort_unstable();
        let mut names: Vec<u32> = wide.iter().map(|(set, _)| *set).collect();
        names.dedup();
        if names.len() > WIDE {
            return Err(TooLarge { entries: self.dfa.entries });
        }
        let groups = self.groups_of(&names);
        // The nodes reached by a class that the sets of this mask hold. `wide` and `names` are in the same
        // order, so `at` only goes forward.
        let reached = |mask: u64| -> Vec<u32> {
            let mut at = 0;
            let inside = wide.iter().filter(|(set, _)| {
                while names[at] != *set {
                    at += 1;
                }
                mask >> at & 1 == 1
            });
            inside.map(|(_, target)| *target).chain(everywhere).collect()
        };
        let other =
            if wide.is_empty() && everywhere.is_none() { 0 } else { self.state(reached(groups.other)) };
        let mut edges: Vec<(u16, u32)> = Vec::new();
        for (mask, classes) in &groups.different {
            let target = self.state(reached(*mask));
            if target != other {
                // A class with a literal byte gets its edge below.
                let plain = |class: &u16| literal.binary_search_by_key(class, |(class, _)| *class).is_err();
                edges.extend(classes.iter().filter(|class| plain(class)).map(|class| (*class, target)));
            }
        }
        for same in literal.chunk_by(|one, next| one.0 == next.0) {
            let (class, node) = same[0];
            // The common case, without a set: nothing but this byte leads anywhere.
            if same.len() == 1 && wide.is_empty() && everywhere.is_none() && !self.nfa.node(node).slips {
                edges.push((class, self.state_of_one(node)));
                continue;
            }
            let mut set = reached(groups.of.get(usize::from(class)).copied().unwrap_or(0));
            set.extend(same.iter().map(|(_, target)| *target));
            let target = self.state(set);
            if target != other {
                edges.push((class, target));
            }
        }
        let state = State { row, other, first: self.dfa.edges.len() as u32, count: edges.len() as u32 };
        self.dfa.entries += state.entries();
        self.dfa.states[number] = state;
        self.dfa.edges.append(&mut edges);
        Ok(())
    }

    /// The groups of classes for a list of byte sets, of which there are at most [`WIDE`].
    fn groups_of(&mut self, names: &[u32]) -> Rc<Groups> {
        if let Some(known) = self.groups.get(names) {
            return Rc::clone(known);
        }
        let mask = |holds: &dyn Fn(&Classes) -> bool| {
            let held = names.iter().enumerate().filter(|(_, set)| holds(&self.classes[**set as usize]));
            held.fold(0_u64, |mask, (at, _)| mask | 1 << at)
        };
        let other = mask(&|set| set.other);
        let of: Vec<u64> = (0..self.alphabet.end).map(|class| mask(&|set| set.contains(class))).collect();
        let mut different: Vec<(u64, Vec<u16>)> = Vec::new();
        for class in FIRST_CLASS..self.alphabet.end {
            let mask = of[usize::from(class)];
            if mask == other {
                continue;
            }
            match different.iter_mut().find(|(known, _)| *known == mask) {
                Some((_, classes)) => classes.push(class),
                None => different.push((mask, vec![class])),
            }
        }
        let groups = Rc::new(Groups { other, of, different });
        self.groups.insert(names.to_vec(), Rc::clone(&groups));
        groups
    }
}
