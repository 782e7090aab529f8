//! The rows that states accept with, each content once.
//!
//! Until the image is made, the columns ARGUMENTS and ENVIRONMENT hold the number of a set of rules; in the
//! image they hold the start state of the automaton for that set.

use gatekeeper_common::image::{ARGUMENTS, ENVIRONMENT, Row};
use gatekeeper_common::verdict::Cell;
use rustc_hash::FxHashMap;

use super::sets::Sets;
use crate::row::{NO_RULE, strictest};

/// A table of rows without doubles. Row 0 is [`NO_RULE`].
#[derive(Debug)]
pub struct Rows {
    list: Vec<Row>,
    numbers: FxHashMap<Row, u32>,
    /// The sets that rows name by number.
    pub sets: Sets,
}

/// The columns that hold no cell: a set of rules, and in the image a start state.
pub const START_COLUMNS: [usize; 2] = [ARGUMENTS, ENVIRONMENT];

impl Default for Rows {
    fn default() -> Self {
        Self { list: vec![NO_RULE], numbers: FxHashMap::from_iter([(NO_RULE, 0)]), sets: Sets::default() }
    }
}

impl Rows {
    /// The number of a row.
    pub fn intern(&mut self, row: Row) -> u32 {
        *self.numbers.entry(row).or_insert_with(|| {
            self.list.push(row);
            self.list.len() as u32 - 1
        })
    }

    /// The row with this number.
    #[must_use]
    pub fn get(&self, number: u32) -> &Row {
        &self.list[number as usize]
    }

    /// The number of the row with the stricter cell of two in each column, and all rules of both sets.
    pub fn join(&mut self, one: u32, other: u32) -> u32 {
        if one == other || other == 0 {
            return one;
        }
        if one == 0 {
            return other;
        }
        let (one, other) = (*self.get(one), *self.get(other));
        let mut row = strictest(&one, &other);
        for column in START_COLUMNS {
            row[column] = Cell(self.sets.union(one[column].0, other[column].0));
        }
        self.intern(row)
    }

    /// The number of a row at least as strict as either. Its sets of rules may be larger than the union: this
    /// makes no new sets, of which there could be too many.
    pub fn bound(&mut self, one: u32, other: u32) -> u32 {
        if one == other || other == 0 {
            return one;
        }
        if one == 0 {
            return other;
        }
        let (one, other) = (self.get(one), self.get(other));
        let mut row = strictest(one, other);
        for column in START_COLUMNS {
            row[column] = Cell(Sets::bound(one[column].0, other[column].0));
        }
        self.intern(row)
    }

    /// Whether `one` is at least as strict as `other` in every column.
    #[must_use]
    pub fn dominates(&self, one: u32, other: u32) -> bool {
        if one == other {
            return true;
        }
        let (one, other) = (self.get(one), self.get(other));
        let cells = one.iter().zip(other).take(ARGUMENTS);
        cells.clone().all(|(one, other)| one >= other && (one.is_required() || !other.is_required()))
            && START_COLUMNS.iter().all(|column| self.sets.holds(one[*column].0, other[*column].0))
    }
}

#[cfg(test)]
mod tests {
    use gatekeeper_common::verdict::Verdict;

    use super::*;

    #[test]
    fn joining_unites_the_rules_about_arguments() {
        let mut rows = Rows::default();
        let [one, other] = [4, 7].map(|rule| {
            let mut row = NO_RULE;
            row[ARGUMENTS] = Cell(rows.sets.intern(vec![rule]));
            rows.intern(row)
        });
        let both = rows.join(one, other);
        let set = rows.get(both)[ARGUMENTS].0;
        assert_eq!(rows.sets.get(set), [4, 7]);
        assert!(rows.dominates(both, other) && !rows.dominates(other, both) && !rows.dominates(other, one));
        let bound = rows.bound(one, other);
        assert!(!rows.dominates(both, bound) && rows.dominates(bound, 0));
    }

    #[test]
    fn joining_keeps_the_stricter_cell() {
        let mut rows = Rows::default();
        let (mut one, mut other) = (NO_RULE, NO_RULE);
        one[0] = Cell::new(Verdict::Allow, 1);
        one[1] = Cell::new(Verdict::Deny, 1);
        other[0] = Cell::new(Verdict::Deny, 2);
        let (one, other) = (rows.intern(one), rows.intern(other));
        let both = rows.join(one, other);
        assert_eq!(rows.get(both)[0], Cell::new(Verdict::Deny, 2));
        assert_eq!(rows.get(both)[1], Cell::new(Verdict::Deny, 1));
        assert!(rows.dominates(both, one) && rows.dominates(both, other) && !rows.dominates(one, other));
        assert_eq!((rows.join(one, 0), rows.join(0, one), rows.join(one, both)), (one, one, both));
    }
}
