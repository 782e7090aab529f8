//! Sets of rules, each content once: those that look at the arguments, or the environment, of a program.

use std::rc::Rc;

use rustc_hash::FxHashMap;

/// The empty set.
pub const NONE: u32 = 0;
/// Stands for all rules: a bound for [`super::nfa::Nfa::reach`], and never the set of a state.
const ANY: u32 = u32::MAX;

/// A table of sets without doubles.
#[derive(Debug)]
pub struct Sets {
    list: Vec<Rc<[u32]>>,
    numbers: FxHashMap<Rc<[u32]>, u32>,
    /// Members of all sets together.
    members: usize,
}

impl Default for Sets {
    fn default() -> Self {
        let none: Rc<[u32]> = Rc::new([]);
        Self { list: vec![Rc::clone(&none)], numbers: FxHashMap::from_iter([(none, NONE)]), members: 0 }
    }
}

impl Sets {
    /// The number of a set, whose members are in order.
    pub fn intern(&mut self, set: Vec<u32>) -> u32 {
        let set: Rc<[u32]> = Rc::from(set);
        if let Some(known) = self.numbers.get(&set) {
            return *known;
        }
        self.members += set.len();
        self.list.push(Rc::clone(&set));
        let number = self.list.len() as u32 - 1;
        self.numbers.insert(set, number);
        number
    }

    /// The members of a set.
    #[must_use]
    pub fn get(&self, number: u32) -> &[u32] {
        &self.list[number as usize]
    }

    /// Members of all sets together.
    #[must_use]
    pub fn members(&self) -> usize {
        self.members
    }

    /// The number of the union of two sets.
    pub fn union(&mut self, one: u32, other: u32) -> u32 {
        if one == other || other == NONE {
            return one;
        }
        if one == NONE {
            return other;
        }
        let mut both = [self.get(one), self.get(other)].concat();
        both.sort_unstable();
        both.dedup();
        self.intern(both)
    }

    /// The number of a set no smaller than either, without making new ones.
    #[must_use]
    pub fn bound(one: u32, other: u32) -> u32 {
        match (one, other) {
            (NONE, set) | (set, NONE) => set,
            (one, other) if one == other => one,
            _ => ANY,
        }
    }

    /// Whether every rule in `other` is in `one`.
    #[must_use]
    pub fn holds(&self, one: u32, other: u32) -> bool {
        if one == other || other == NONE {
            return true;
        }
        if one == ANY || other == ANY {
            return false;
        }
        let one = self.get(one);
        self.get(other).iter().all(|rule| one.binary_search(rule).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unions_are_kept_once_and_bounds_hold() {
        let mut sets = Sets::default();
        let (one, two) = (sets.intern(vec![3]), sets.intern(vec![5]));
        let both = sets.union(one, two);
        assert_eq!(sets.get(both), [3, 5]);
        assert_eq!((sets.union(two, one), sets.union(both, one), sets.union(NONE, two)), (both, both, two));
        assert_eq!(sets.members(), 4);
        assert!(sets.holds(both, one) && sets.holds(one, NONE) && !sets.holds(one, both));
        assert_eq!((Sets::bound(one, NONE), Sets::bound(one, one)), (one, one));
        let any = Sets::bound(one, two);
        assert!(!sets.holds(both, any) && sets.holds(any, NONE));
    }
}
