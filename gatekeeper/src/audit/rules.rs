//! What the numbers in an event mean: which rule of which policy, in which generation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::policy::document::Severity;

/// A rule as records show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleInfo {
    /// The rule's id, as written or derived.
    pub id: String,
    /// Why, in the policy's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How much a record of it matters.
    #[serde(default)]
    pub severity: Severity,
    /// The policy's tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// The rules of one compiled policy, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// The policy's name.
    pub policy: String,
    /// Its rules, in the order of their numbers.
    pub rules: Vec<RuleInfo>,
}

/// Which compiled policy: the layer's serial, and the generation in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Edition {
    /// [`gatekeeper_common::label::Layer::serial`].
    pub serial: u32,
    /// [`gatekeeper_common::image::Header::generation`].
    pub generation: u64,
}

/// Generations of a layer whose rules are kept: events of a replaced policy arrive late by as much as
/// the ring buffer holds.
const GENERATIONS: usize = 4;

/// The rules of every layer that is live, and of those just replaced.
#[derive(Debug, Default)]
pub struct Library {
    editions: BTreeMap<Edition, Rules>,
}

impl Library {
    /// Takes in the rules of an edition; gives those that are now too old to keep.
    pub fn add(&mut self, edition: Edition, rules: Rules) -> Vec<Edition> {
        self.editions.insert(edition, rules);
        let of_layer = self.of(edition.serial);
        let old: Vec<Edition> = of_layer.iter().rev().skip(GENERATIONS).copied().collect();
        for edition in &old {
            self.editions.remove(edition);
        }
        old
    }

    /// Forgets a layer; gives the editions it had.
    pub fn forget(&mut self, serial: u32) -> Vec<Edition> {
        let all = self.of(serial);
        for edition in &all {
            self.editions.remove(edition);
        }
        all
    }

    /// The rules of an edition.
    #[must_use]
    pub fn get(&self, edition: Edition) -> Option<&Rules> {
        self.editions.get(&edition)
    }

    fn of(&self, serial: u32) -> Vec<Edition> {
        let from = Edition { serial, generation: 0 };
        let to = Edition { serial, generation: u64::MAX };
        self.editions.range(from..=to).map(|(edition, _)| *edition).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_generations_are_kept() {
        let mut library = Library::default();
        let mut dropped = Vec::new();
        for generation in 1..=6 {
            dropped.extend(library.add(Edition { serial: 7, generation }, Rules::default()));
        }
        assert_eq!(dropped.iter().map(|e| e.generation).collect::<Vec<_>>(), [1, 2]);
        assert!(library.get(Edition { serial: 7, generation: 3 }).is_some());
        assert_eq!(library.forget(7).len(), 4);
        assert!(library.get(Edition { serial: 7, generation: 6 }).is_none());
    }
}
