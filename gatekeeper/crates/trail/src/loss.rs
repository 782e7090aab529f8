//! Noticing what never arrived: the kernel counts what it could not send, and numbers all it made.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gatekeeper_common::counters::{SEQUENCE, lost};
use gatekeeper_common::operation::Family;
use serde::{Deserialize, Serialize};

use gatekeeper_record::record::FamilyName;

/// An event is numbered before it finds its place in the ring buffer, so neighbours can arrive in
/// another order. A number still missing after this long never comes.
const PATIENCE: Duration = Duration::from_secs(2);
/// Events among which the order of numbers is not looked at where reading back begins.
pub const NEIGHBOURS: usize = 64;

/// The losses that are known, kept over restarts of the daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// The boot it speaks of.
    pub boot: String,
    /// Counted by the kernel and reported, by family.
    pub families: BTreeMap<FamilyName, u64>,
    /// Reported without a counter to explain them.
    pub unexplained: u64,
    /// Numbers found missing.
    pub missing: u64,
    /// The number below which all that is missing is among those; unknown of what earlier versions wrote.
    #[serde(default)]
    pub settled: Option<u64>,
}

impl Reported {
    /// Nothing is reported of this boot yet.
    #[must_use]
    pub fn none(boot: &str) -> Self {
        Self { boot: boot.into(), settled: Some(1), ..Self::default() }
    }

    /// Whether it says something else, and not only of more numbers.
    #[must_use]
    pub fn differs(&self, other: &Self) -> bool {
        let bare = |of: &Self| Self { settled: None, ..of.clone() };
        bare(self) != bare(other)
    }
}

/// Losses not reported before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fresh {
    /// By family, as the kernel counted them.
    pub families: BTreeMap<FamilyName, u64>,
    /// Missing numbers no counter explains.
    pub unexplained: u64,
}

/// The book of losses.
#[derive(Debug)]
pub struct Losses {
    /// The number after the highest one seen.
    next: u64,
    /// Numbers missing below `next`: first number → (one past the last, when noticed).
    gaps: BTreeMap<u64, (u64, Instant)>,
    reported: Reported,
}

impl Losses {
    /// Goes on where an earlier daemon stopped, `written` being the numbers that it wrote down last: one that was killed may
    /// have noticed what is missing among them and not reported it.
    #[must_use]
    pub fn resume(reported: Reported, mut written: Vec<u64>, now: Instant) -> Self {
        // Neighbours of the first may have been written before it, in what is not read any more.
        let known = match written.first_chunk::<NEIGHBOURS>() {
            Some(first) => first.iter().max().map_or(1, |last| last.saturating_add(1)),
            None => 1,
        };
        written.sort_unstable();
        let end = written.last().map(|last| last.saturating_add(1));
        let next = match reported.settled {
            // What arrived and was not written is missing, too.
            Some(settled) => end.map_or(settled, |end| settled.min(end)).max(known),
            None => end.unwrap_or(1),
        };
        let mut losses = Self { next, gaps: BTreeMap::new(), reported };
        written.into_iter().filter(|number| *number >= next).for_each(|number| losses.arrived(number, now));
        losses
    }

    /// Begins anew where the kernel's counters say that its maps did.
    pub fn check_start(&mut self, counters: &[u64]) {
        let made = counters.get(SEQUENCE as usize).copied().unwrap_or(0);
        let counted_less =
            Family::ALL.into_iter().any(|family| counter(counters, family) < self.reported_of(family));
        if made.saturating_add(1) < self.next || counted_less {
            let reported = Reported::none(&self.reported.boot);
            *self = Self { next: 1, gaps: BTreeMap::new(), reported };
        }
    }

    /// Returns the losses that have been reported so far.
    #[must_use]
    pub fn reported(&self) -> &Reported {
        &self.reported
    }

    /// Notes that the event with this number arrived.
    pub fn arrived(&mut self, sequence: u64, now: Instant) {
        if sequence >= self.next {
            if sequence > self.next {
                self.gaps.insert(self.next, (sequence, now));
            }
            self.next = sequence.saturating_add(1);
            return;
        }
        let Some((&start, &(end, noticed))) = self.gaps.range(..=sequence).next_back() else { return };
        if sequence >= end {
            return;
        }
        self.gaps.remove(&start);
        if start < sequence {
            self.gaps.insert(start, (sequence, noticed));
        }
        let after = sequence.saturating_add(1);
        if after < end {
            self.gaps.insert(after, (end, noticed));
        }
    }

    /// Compares with the kernel's counters; what has not been reported yet, if anything.
    pub fn settle(&mut self, counters: &[u64], now: Instant) -> Option<Fresh> {
        let mut families = BTreeMap::new();
        for family in Family::ALL {
            let fresh = counter(counters, family).saturating_sub(self.reported_of(family));
            if fresh > 0 {
                families.insert(FamilyName::from(family), fresh);
                let reported = self.reported.families.entry(family.into()).or_default();
                *reported = reported.saturating_add(fresh);
            }
        }
        let ripe = |&(_, noticed): &(u64, Instant)| now.duration_since(noticed) >= PATIENCE;
        let old: Vec<u64> = self.gaps.iter().filter(|(_, gap)| ripe(gap)).map(|(start, _)| *start).collect();
        for start in old {
            if let Some((end, _)) = self.gaps.remove(&start) {
                let missing = end.saturating_sub(start);
                self.reported.missing = self.reported.missing.saturating_add(missing);
            }
        }
        let counted = self.reported.families.values().copied().fold(0, u64::saturating_add);
        let explained = counted.saturating_add(self.reported.unexplained);
        let unexplained = self.reported.missing.saturating_sub(explained);
        self.reported.unexplained = self.reported.unexplained.saturating_add(unexplained);
        self.reported.settled = Some(self.gaps.first_key_value().map_or(self.next, |(start, _)| *start));
        (!families.is_empty() || unexplained > 0).then_some(Fresh { families, unexplained })
    }

    fn reported_of(&self, family: Family) -> u64 {
        self.reported.families.get(&family.into()).copied().unwrap_or(0)
    }
}

fn counter(counters: &[u64], family: Family) -> u64 {
    counters.get(lost(family) as usize).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(made: u64, files_lost: u64) -> Vec<u64> {
        let mut counters = vec![0; 64];
        counters[SEQUENCE as usize] = made;
        counters[lost(Family::File) as usize] = files_lost;
        counters
    }

    fn fresh() -> Losses {
        Losses::resume(Reported::none("b"), Vec::new(), Instant::now())
    }

    #[test]
    fn another_order_is_no_loss() {
        let (mut losses, now) = (fresh(), Instant::now());
        for sequence in [2, 1, 5, 3, 4, 6] {
            losses.arrived(sequence, now);
        }
        assert_eq!(losses.settle(&counters(6, 0), now + PATIENCE), None);
    }

    #[test]
    fn what_the_kernel_counted_is_reported_once() {
        let (mut losses, now) = (fresh(), Instant::now());
        losses.arrived(1, now);
        losses.arrived(5, now);
        let found = losses.settle(&counters(5, 3), now).unwrap();
        assert_eq!((found.families[&FamilyName::File], found.unexplained), (3, 0));
        assert_eq!(losses.settle(&counters(5, 3), now + PATIENCE), None);
    }

    #[test]
    fn a_gap_nobody_counted_is_reported_after_a_while() {
        let (mut losses, now) = (fresh(), Instant::now());
        losses.arrived(1, now);
        losses.arrived(9, now);
        losses.arrived(4, now);
        assert_eq!(losses.settle(&counters(9, 0), now), None);
        let found = losses.settle(&counters(9, 2), now + PATIENCE).unwrap();
        assert_eq!((found.families[&FamilyName::File], found.unexplained), (2, 4));
        assert_eq!(losses.settle(&counters(9, 2), now + PATIENCE), None);
    }

    #[test]
    fn a_restart_goes_on_and_new_maps_begin_anew() {
        let (mut losses, now) = (fresh(), Instant::now());
        losses.arrived(4, now);
        losses.settle(&counters(4, 3), now);
        let mut later = Losses::resume(losses.reported().clone(), vec![4], now);
        later.check_start(&counters(8, 4));
        later.arrived(7, now);
        later.arrived(8, now);
        let found = later.settle(&counters(8, 4), now + PATIENCE).unwrap();
        // Of the old life three are missing and were counted; 5 and 6 are missing, one counted.
        assert_eq!((found.families[&FamilyName::File], found.unexplained), (1, 1));

        let mut anew = Losses::resume(losses.reported().clone(), vec![4], now);
        anew.check_start(&counters(2, 0));
        anew.arrived(1, now);
        anew.arrived(2, now);
        assert_eq!(anew.settle(&counters(2, 0), now + PATIENCE), None);
    }

    #[test]
    fn what_was_noticed_and_not_reported_is_reported_by_the_next() {
        let now = Instant::now();
        let mut losses = fresh();
        (1..=100).chain(150..=200).for_each(|number| losses.arrived(number, now));
        assert_eq!(losses.settle(&counters(200, 0), now), None);
        // It is killed before it could be sure, and wrote down all that it got; so is the next, with a loss of its own.
        let written: Vec<u64> = (1..=100).chain(150..=200).collect();
        let mut next = Losses::resume(losses.reported().clone(), written.clone(), now);
        next.arrived(300, now);
        let written = written.into_iter().chain([300]).collect();
        let mut last = Losses::resume(next.reported().clone(), written, now);
        let found = last.settle(&counters(300, 0), now + PATIENCE).unwrap();
        assert_eq!(found.unexplained, 49 + 99);
        // Once reported, it is not found again.
        let written = (150..=200).chain([300]).collect();
        let mut after = Losses::resume(last.reported().clone(), written, now);
        assert_eq!(after.settle(&counters(300, 0), now + PATIENCE), None);
    }

    #[test]
    fn where_reading_back_begins_nothing_is_missing() {
        let now = Instant::now();
        let mut written: Vec<u64> = (5000..5200).collect();
        written.swap(0, 3);
        written.remove(1);
        let mut losses = Losses::resume(Reported::none("b"), written, now);
        assert_eq!(losses.settle(&counters(5199, 0), now + PATIENCE), None);
    }
}
