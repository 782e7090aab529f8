//! The rules that the numbers in events stand for: of which policy, in which generation.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod reach;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use gatekeeper_common::event::{Header, Object as Form};
use gatekeeper_common::operation::Operation;
use serde::{Deserialize, Serialize};

use self::reach::{Reach, families};
use crate::approval::{Approver, Terms};
use crate::question::Question;

pub use rules::{RuleInfo, Rules};

/// An operation that waits for a decision.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The event that announced it.
    pub header: &'a Header,
    /// The question to a policy; `None` where it isn't known.
    pub question: Option<Question>,
}

impl Asked<'_> {
    /// The operations asked at once, as bits.
    fn operations(&self) -> u32 {
        let header = self.header;
        let named = Operation::from_code(header.operation).map_or(u32::MAX, Operation::bit);
        let several = header.object == Form::Path as u8 || header.object == Form::None as u8;
        if several { named | header.detail } else { named }
    }
}

/// The terms on which an operation is decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The strictest terms of all rules and defaults that ask about it.
    pub terms: Terms,
    /// Whether all that the deciding rule applies to may be approved at once: no other rule asks about a part of
    /// it on stricter terms.
    pub rule_alone: bool,
}

impl Conditions {
    /// The terms where the rules of a layer are lost: root alone decides, each request by itself.
    fn of_unknown_rules() -> Self {
        let approvers = Some(vec![Approver::User("root".to_owned())]);
        Self { terms: Terms { approvers, people_required: true, ..Terms::default() }, rule_alone: false }
    }
}

/// The version of a compiled policy: the layer's serial, and the generation in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// [`gatekeeper_common::label::Layer::serial`].
    pub serial: u32,
    /// [`gatekeeper_common::image::Header::generation`].
    pub generation: u64,
}

/// The number of generations of a layer whose rules are kept: events of a replaced policy arrive late by as much
/// as the ring buffer holds.
const GENERATIONS: usize = 4;

/// The rules of every layer that is live, and of those just replaced.
#[derive(Debug, Default)]
pub struct Rulebook {
    policies: BTreeMap<PolicyVersion, Rules>,
}

impl Rulebook {
    /// Adds the rules of a version; returns the versions that are now too old and were removed.
    pub fn add(&mut self, version: PolicyVersion, rules: Rules) -> Vec<PolicyVersion> {
        self.policies.insert(version, rules);
        let of_layer = self.versions(version.serial);
        let old: Vec<PolicyVersion> = of_layer.iter().rev().skip(GENERATIONS).copied().collect();
        for version in &old {
            self.policies.remove(version);
        }
        old
    }

    /// Removes a layer; returns the versions it had.
    pub fn forget(&mut self, serial: u32) -> Vec<PolicyVersion> {
        let all = self.versions(serial);
        for version in &all {
            self.policies.remove(version);
        }
        all
    }

    /// Whether rules of a layer are known.
    #[must_use]
    pub fn has(&self, serial: u32) -> bool {
        self.latest(serial).is_some()
    }

    /// The rules of a version.
    #[must_use]
    pub fn get(&self, version: PolicyVersion) -> Option<&Rules> {
        self.policies.get(&version)
    }

    /// The terms on which an operation of a session with these layers is decided.
    ///
    /// The kernel names one of the rules that ask. Which one depends on their order, and nothing else may: so every
    /// rule and default that asks about the operation adds its terms.
    #[must_use]
    pub fn conditions(&self, serials: &[u32], asked: &Asked<'_>) -> Conditions {
        let (header, operations) = (asked.header, asked.operations());
        let decided = PolicyVersion { serial: header.serial, generation: header.generation };
        // Of a generation that was removed, the layer's rules by now come nearest.
        let latest = || self.latest(header.serial);
        let Some(rules) = self.get(decided).or_else(latest) else { return Conditions::of_unknown_rules() };
        let applies = |reach: &Reach| reach.applies_to(operations, asked.question.as_ref());
        let mut terms = rules
            .asking(applies)
            .filter(|number| *number != header.rule)
            .fold(rules.terms(header.rule), |all, other| all.combined_with(&rules.terms(other)));
        // One system call can ask for two things, of which a rule asks about one and the default about the other.
        if rules.asks & operations != 0 && operations.count_ones() > 1 {
            terms = terms.combined_with(&rules.approval);
        }
        // The terms on which the whole rule could be approved: of all that ask about anything it applies to.
        let reach = rules.reaches.get(&header.rule);
        let overlaps = |other: &Reach| reach.is_none_or(|reach| reach.may_overlap(other));
        let strictest = |all: Terms, rules: &Rules| {
            rules.asking(overlaps).fold(all, |all, other| all.combined_with(&rules.terms(other)))
        };
        let mut whole_rule = strictest(terms.clone(), rules);
        if rules.asks & families(reach.map_or(u32::MAX, |reach| reach.operations)) != 0 {
            whole_rule = whole_rule.combined_with(&rules.approval);
        }
        // A layer that asks about the arguments of a start may not be among those counted in `asking`: neither
        // here nor where an approval of a whole rule is looked up.
        let mut rule_alone = true;
        let starts = operations & families(Operation::Exec.bit()) != 0;
        if header.asking > 1 || starts {
            let others = serials.iter().filter(|serial| **serial != header.serial);
            for rules in others.filter_map(|serial| self.latest(*serial)) {
                terms =
                    rules.asking(applies).fold(terms, |all, other| all.combined_with(&rules.terms(other)));
                rule_alone &= !starts || rules.asking(overlaps).next().is_none();
                whole_rule = strictest(whole_rule, rules);
                if rules.asks & operations != 0 && header.asking > 1 {
                    terms = terms.combined_with(&rules.approval);
                }
            }
        }
        Conditions { rule_alone: rule_alone && terms.covers(&whole_rule), terms }
    }

    /// The strictest terms that the policies in these layers have for all holds.
    #[must_use]
    pub fn approval(&self, serials: &[u32]) -> Terms {
        let latest = serials.iter().filter_map(|serial| self.latest(*serial));
        latest.fold(Terms::default(), |all, rules| all.and(&rules.approval))
    }

    /// The patterns of secrets of these layers. Those just replaced count, since their events may be on the way.
    #[must_use]
    pub fn secrets(&self, serials: &[u32]) -> BTreeSet<&str> {
        let of_these = self.policies.iter().filter(|(version, _)| serials.contains(&version.serial));
        of_these.flat_map(|(_, rules)| &rules.secrets).map(String::as_str).collect()
    }

    /// The rules of a layer's latest version.
    fn latest(&self, serial: u32) -> Option<&Rules> {
        self.of_layer(serial).next_back().map(|(_, rules)| rules)
    }

    /// The versions of a layer, oldest first.
    fn versions(&self, serial: u32) -> Vec<PolicyVersion> {
        self.of_layer(serial).map(|(version, _)| *version).collect()
    }

    fn of_layer(&self, serial: u32) -> impl DoubleEndedIterator<Item = (&PolicyVersion, &Rules)> {
        let first = PolicyVersion { serial, generation: 0 };
        let last = PolicyVersion { serial, generation: u64::MAX };
        self.policies.range(first..=last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_generations_are_kept() {
        let mut rulebook = Rulebook::default();
        let mut dropped = Vec::new();
        for generation in 1..=6 {
            dropped.extend(rulebook.add(PolicyVersion { serial: 7, generation }, Rules::default()));
        }
        assert_eq!(dropped.iter().map(|e| e.generation).collect::<Vec<_>>(), [1, 2]);
        assert!(rulebook.get(PolicyVersion { serial: 7, generation: 3 }).is_some());
        assert_eq!(rulebook.forget(7).len(), 4);
        assert!(rulebook.get(PolicyVersion { serial: 7, generation: 6 }).is_none());
    }

    use bytemuck::Zeroable;

    use crate::approval::{Approver, Check};
    use crate::testing::compile;

    /// A rulebook with these policies as layers 1, 2…
    fn rulebook(texts: &[&str]) -> Rulebook {
        let mut rulebook = Rulebook::default();
        for (number, text) in texts.iter().enumerate() {
            let compiled = compile(&format!("version = 1\nname = 't'\n{text}")).unwrap();
            // As the next daemon reads them.
            let kept = serde_json::to_vec(&Rules::of(&compiled)).unwrap();
            let serial = number as u32 + 1;
            rulebook.add(PolicyVersion { serial, generation: 1 }, serde_json::from_slice(&kept).unwrap());
        }
        rulebook
    }

    /// The terms for a file, where the kernel names this rule of the first layer.
    fn of_file(
        rulebook: &Rulebook,
        rule: &str,
        path: &str,
        operations: &[Operation],
        asking: u8,
    ) -> Conditions {
        let rules = rulebook.get(PolicyVersion { serial: 1, generation: 1 }).unwrap();
        let number = rules.rules.iter().position(|known| known.id == rule).unwrap();
        let header = Header {
            serial: 1,
            generation: 1,
            rule: number as u32,
            operation: operations[0] as u8,
            detail: operations.iter().fold(0, |bits, one| bits | one.bit()),
            object: Form::Path as u8,
            asking,
            ..Header::zeroed()
        };
        let question = Some(Question::File(path.into(), vec![operations[0]]));
        rulebook.conditions(&[1, 2], &Asked { header: &header, question })
    }

    const BROAD: &str = "[[file]]\nid = 'broad'\nverdict = 'ask'\npath = ['/srv/**']\n";
    const PROD: &str = "[[file]]\nid = 'prod'\nverdict = 'ask'\npath = ['/srv/prod/**']\naccess = ['write']\n\
                        quorum = 2\nseparation = true\napprovers = ['user:alice']\ncheck = ['hash']\n";

    #[test]
    fn every_rule_that_asks_counts_in_whatever_order() {
        for (texts, rule) in
            [([BROAD, PROD], "t/broad"), ([PROD, BROAD], "t/prod"), ([BROAD, PROD], "t/prod")]
        {
            let rulebook = rulebook(&[&texts.concat()]);
            let prod = of_file(&rulebook, rule, "/srv/prod/x", &[Operation::Write], 1).terms;
            assert_eq!((prod.needed(), prod.separation), (2, Some(true)), "{rule}");
            assert_eq!(prod.lists().collect::<Vec<_>>(), [[Approver::User("alice".into())]]);
            // The checks of one rule do not decide for the other.
            assert_eq!((prod.checks.as_deref(), prod.people_required), (Some(&[Check::Hash][..]), true));
        }
        let rulebook = rulebook(&[&[BROAD, PROD].concat()]);
        let terms = |path, operations: &[Operation]| of_file(&rulebook, "t/broad", path, operations, 1).terms;
        assert_eq!(terms("/srv/x", &[Operation::Write]).needed(), 1);
        assert_eq!(terms("/srv/prod/x", &[Operation::Read]).needed(), 1);
        assert_eq!(terms("/srv/prod/x", &[Operation::Read, Operation::Write]).needed(), 2, "opened for both");
    }

    #[test]
    fn a_whole_rule_is_not_approved_past_a_stricter_one() {
        let alone = |text: &str, rule: &str| {
            of_file(&rulebook(&[text]), rule, "/srv/x", &[Operation::Write], 1).rule_alone
        };
        assert!(alone(BROAD, "t/broad"));
        assert!(!alone(&[BROAD, PROD].concat(), "t/broad"));
        assert!(alone(&[BROAD, &PROD.replace("/srv/prod", "/etc")].concat(), "t/broad"));
        assert!(alone(&[BROAD, &BROAD.replace("broad", "other").replace("srv", "*")].concat(), "t/broad"));
    }

    #[test]
    fn every_layer_that_asks_counts() {
        let outer = "[approval]\ntimeout = '1m'\n".to_owned() + BROAD;
        let rulebook = rulebook(&[&outer, PROD]);
        let terms = |path, asking| of_file(&rulebook, "t/broad", path, &[Operation::Write], asking).terms;
        assert_eq!((terms("/srv/prod/x", 2).needed(), terms("/srv/prod/x", 2).timeout), (2, Some(60)));
        assert_eq!(terms("/srv/x", 2).needed(), 1);
        assert_eq!(terms("/srv/prod/x", 1).needed(), 1, "the other layer does not ask");
    }

    #[test]
    fn a_rule_about_a_start_is_not_approved_past_another_layers() {
        let push = "[[exec]]\nid = 'push'\nverdict = 'ask'\nprogram = ['/usr/bin/git']\n";
        let alone = |inner: &str| {
            let rulebook = rulebook(&[push, inner]);
            let operation = Operation::Exec as u8;
            let detail = Operation::Exec.bit();
            let known = &rulebook.get(PolicyVersion { serial: 1, generation: 1 }).unwrap().rules;
            let rule = known.iter().position(|known| known.id == "t/push").unwrap() as u32;
            let header =
                Header { serial: 1, generation: 1, rule, operation, detail, asking: 1, ..Header::zeroed() };
            rulebook.conditions(&[1, 2], &Asked { header: &header, question: None }).rule_alone
        };
        assert!(alone("[[exec]]\nverdict = 'ask'\nprogram = ['/opt/bin/curl']\n"));
        assert!(!alone(&push.replace("\nprogram", "\nargs = ['push', '**']\nprogram")));
    }

    #[test]
    fn a_default_that_asks_has_its_policys_terms() {
        let inner = "[defaults]\nfile = 'ask'\n[approval]\nquorum = 3\n";
        let rulebook = rulebook(&[BROAD, inner]);
        let terms =
            |asking| of_file(&rulebook, "t/broad", "/srv/x", &[Operation::Write], asking).terms.needed();
        assert_eq!((terms(2), terms(1)), (3, 1));
    }

    #[test]
    fn a_forgotten_generation_is_not_decided_on_no_terms() {
        let rulebook = rulebook(&[&[BROAD, PROD].concat()]);
        let question = || Some(Question::File("/srv/prod/x".into(), vec![Operation::Write]));
        let operation = Operation::Write as u8;
        let header = Header { serial: 1, generation: 9, operation, asking: 1, ..Header::zeroed() };
        let conditions = |header| rulebook.conditions(&[1], &Asked { header, question: question() });
        assert_eq!(conditions(&header).terms.needed(), 2);
        assert_eq!(conditions(&Header { serial: 7, ..header }), Conditions::of_unknown_rules());
    }

    #[test]
    fn rules_of_an_earlier_daemon_are_all_asked() {
        let mut rulebook = rulebook(&[&[BROAD, PROD].concat()]);
        let version = PolicyVersion { serial: 1, generation: 1 };
        rulebook.policies.get_mut(&version).unwrap().reaches.clear();
        let conditions = of_file(&rulebook, "t/broad", "/srv/x", &[Operation::Write], 1);
        assert_eq!((conditions.terms.needed(), conditions.rule_alone), (2, true));
    }
}
