//! What the numbers in an event mean: which rule of which policy, in which generation.

mod reach;

use std::collections::{BTreeMap, BTreeSet};

use gatekeeper_common::event::{Header, Object as Form};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;
use serde::{Deserialize, Serialize};

use self::reach::{Reach, families};
use crate::approval::Terms;
use crate::compiled::Compiled;
use crate::document::Severity;
use crate::question::Question;
use crate::rules::Rule;

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

impl RuleInfo {
    fn of(rule: &Rule) -> Self {
        Self {
            id: rule.id.clone(),
            reason: rule.reason.clone(),
            severity: rule.severity,
            tags: rule.tags.clone(),
        }
    }
}

/// The rules of one compiled policy, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// The policy's name.
    pub policy: String,
    /// Its rules, in the order of their numbers.
    pub rules: Vec<RuleInfo>,
    /// On what terms holds are decided, where no rule says otherwise.
    #[serde(default)]
    pub approval: Terms,
    /// What the rules that ask say of it, by their numbers.
    #[serde(default)]
    pub terms: BTreeMap<u32, Terms>,
    /// What those speak of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reaches: BTreeMap<u32, Reach>,
    /// The operations of which people are asked where no rule speaks, as bits.
    #[serde(default)]
    pub asks: u32,
    /// Patterns of what is masked in records besides what always is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
}

impl Rules {
    /// The rules of a compiled policy.
    #[must_use]
    pub fn of(compiled: &Compiled) -> Self {
        let asking = || compiled.rules.iter().filter(|rule| rule.verdict == Verdict::Ask);
        let by_default = |operation: &Operation| compiled.defaults.of(*operation) == Verdict::Ask;
        Self {
            policy: compiled.name.clone(),
            rules: compiled.rules.iter().map(RuleInfo::of).collect(),
            approval: compiled.approval.clone(),
            terms: asking().map(|rule| (rule.number, rule.terms.clone())).collect(),
            reaches: asking().map(|rule| (rule.number, Reach::of(rule))).collect(),
            asks: Operation::ALL.into_iter().filter(by_default).fold(0, |bits, one| bits | one.bit()),
            secrets: Vec::new(),
        }
    }

    /// On what terms a hold of the rule with this number is decided.
    #[must_use]
    pub fn terms(&self, rule: u32) -> Terms {
        self.terms.get(&rule).map_or_else(|| self.approval.clone(), |own| own.or(&self.approval))
    }

    /// The rules that ask and fit, by their numbers; those of which it isn't known do.
    fn asking(&self, fits: impl Fn(&Reach) -> bool) -> impl Iterator<Item = u32> {
        let fits = move |number: &u32| self.reaches.get(number).is_none_or(&fits);
        self.terms.keys().copied().filter(fits)
    }
}

/// An operation that waits, as far as it says who has a say in it.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The event that announced it.
    pub header: &'a Header,
    /// What is asked of a policy; `None` where that isn't known.
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

/// On what terms an operation is decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The strictest of all that ask about it.
    pub terms: Terms,
    /// Whether nothing that the deciding rule speaks of is another's, too, on other terms.
    pub rule_alone: bool,
}

/// Which compiled policy: the layer's serial, and the generation in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PolicyVersion {
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
pub struct Rulebook {
    versions: BTreeMap<PolicyVersion, Rules>,
}

impl Rulebook {
    /// Takes in the rules of an version_key; gives those that are now too old to keep.
    pub fn add(&mut self, version_key: PolicyVersion, rules: Rules) -> Vec<PolicyVersion> {
        self.versions.insert(version_key, rules);
        let of_layer = self.of(version_key.serial);
        let old: Vec<PolicyVersion> = of_layer.iter().rev().skip(GENERATIONS).copied().collect();
        for version_key in &old {
            self.versions.remove(version_key);
        }
        old
    }

    /// Forgets a layer; gives the versions it had.
    pub fn forget(&mut self, serial: u32) -> Vec<PolicyVersion> {
        let all = self.of(serial);
        for version_key in &all {
            self.versions.remove(version_key);
        }
        all
    }

    /// The rules of an version_key.
    #[must_use]
    pub fn get(&self, version_key: PolicyVersion) -> Option<&Rules> {
        self.versions.get(&version_key)
    }

    /// On what terms an operation of a session with these layers is decided. The kernel names one of the rules that ask;
    /// which one that is depends on their order, and nothing else may.
    #[must_use]
    pub fn conditions(&self, serials: &[u32], asked: &Asked<'_>) -> Conditions {
        let (header, operations) = (asked.header, asked.operations());
        let decided = PolicyVersion { serial: header.serial, generation: header.generation };
        // Of a generation that is forgotten, what the layer says by now comes nearest.
        let latest = || self.get(*self.of(header.serial).last()?);
        let Some(rules) = self.get(decided).or_else(latest) else { return Conditions::default() };
        let mut terms = rules.terms(header.rule);
        let speaks = |reach: &Reach| reach.speaks(operations, asked.question.as_ref());
        for other in rules.asking(speaks).filter(|number| *number != header.rule) {
            terms = terms.beside(&rules.terms(other));
        }
        // One system call can ask for two things, of which a rule asks about one and the default about the other.
        if rules.asks & operations != 0 && operations.count_ones() > 1 {
            terms = terms.beside(&rules.approval);
        }
        let reach = rules.reaches.get(&header.rule);
        let meets = |other: &Reach| reach.is_none_or(|reach| reach.may_meet(other));
        let mut wide = rules.asking(meets).fold(terms.clone(), |all, other| all.beside(&rules.terms(other)));
        if rules.asks & families(reach.map_or(u32::MAX, |reach| reach.operations)) != 0 {
            wide = wide.beside(&rules.approval);
        }
        // Of a start, a layer that asks by its arguments may not be counted: neither here nor where an approval of a rule is
        // looked up.
        let mut rule_alone = true;
        let starts = operations & families(Operation::Exec.bit()) != 0;
        if header.asking > 1 || starts {
            let others = serials.iter().filter(|serial| **serial != header.serial);
            for rules in others.filter_map(|serial| self.get(*self.of(*serial).last()?)) {
                for other in rules.asking(speaks) {
                    terms = terms.beside(&rules.terms(other));
                }
                rule_alone &= !starts || rules.asking(meets).next().is_none();
                wide = rules.asking(meets).fold(wide, |all, other| all.beside(&rules.terms(other)));
                if rules.asks & operations != 0 && header.asking > 1 {
                    terms = terms.beside(&rules.approval);
                }
            }
        }
        Conditions { rule_alone: rule_alone && terms.cover(&wide), terms }
    }

    /// What the policies in these layers say of all holds together.
    #[must_use]
    pub fn approval(&self, serials: &[u32]) -> Terms {
        let last = serials.iter().filter_map(|serial| self.get(*self.of(*serial).last()?));
        last.fold(Terms::default(), |all, rules| all.and(&rules.approval))
    }

    /// The patterns of secrets of these layers; also those just replaced, whose events may be on the way.
    #[must_use]
    pub fn secrets(&self, serials: &[u32]) -> BTreeSet<&str> {
        let of_these = self.versions.iter().filter(|(version_key, _)| serials.contains(&version_key.serial));
        of_these.flat_map(|(_, rules)| &rules.secrets).map(String::as_str).collect()
    }

    fn of(&self, serial: u32) -> Vec<PolicyVersion> {
        let from = PolicyVersion { serial, generation: 0 };
        let to = PolicyVersion { serial, generation: u64::MAX };
        self.versions.range(from..=to).map(|(version_key, _)| *version_key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_generations_are_kept() {
        let mut library = Rulebook::default();
        let mut dropped = Vec::new();
        for generation in 1..=6 {
            dropped.extend(library.add(PolicyVersion { serial: 7, generation }, Rules::default()));
        }
        assert_eq!(dropped.iter().map(|e| e.generation).collect::<Vec<_>>(), [1, 2]);
        assert!(library.get(PolicyVersion { serial: 7, generation: 3 }).is_some());
        assert_eq!(library.forget(7).len(), 4);
        assert!(library.get(PolicyVersion { serial: 7, generation: 6 }).is_none());
    }

    use bytemuck::Zeroable;

    use crate::approval::{Approver, Check};
    use crate::testing::compile;

    /// A library with these policies as layers 1, 2…
    fn library(texts: &[&str]) -> Rulebook {
        let mut library = Rulebook::default();
        for (number, text) in texts.iter().enumerate() {
            let compiled = compile(&format!("version = 1\nname = 't'\n{text}")).unwrap();
            // As the next daemon reads them.
            let kept = serde_json::to_vec(&Rules::of(&compiled)).unwrap();
            let serial = number as u32 + 1;
            library.add(PolicyVersion { serial, generation: 1 }, serde_json::from_slice(&kept).unwrap());
        }
        library
    }

    /// The terms for a file, where the kernel names this rule of the first layer.
    fn of_file(
        library: &Rulebook,
        rule: &str,
        path: &str,
        operations: &[Operation],
        asking: u8,
    ) -> Conditions {
        let rules = library.get(PolicyVersion { serial: 1, generation: 1 }).unwrap();
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
        library.conditions(&[1, 2], &Asked { header: &header, question })
    }

    const BROAD: &str = "[[file]]\nid = 'broad'\nverdict = 'ask'\npath = ['/srv/**']\n";
    const PROD: &str = "[[file]]\nid = 'prod'\nverdict = 'ask'\npath = ['/srv/prod/**']\naccess = ['write']\n\
                        quorum = 2\nseparation = true\napprovers = ['user:alice']\ncheck = ['hash']\n";

    #[test]
    fn every_rule_that_asks_has_a_say_in_whatever_order() {
        for (texts, rule) in
            [([BROAD, PROD], "t/broad"), ([PROD, BROAD], "t/prod"), ([BROAD, PROD], "t/prod")]
        {
            let library = library(&[&texts.concat()]);
            let prod = of_file(&library, rule, "/srv/prod/x", &[Operation::Write], 1).terms;
            assert_eq!((prod.needed(), prod.separation), (2, Some(true)), "{rule}");
            assert_eq!(prod.lists().collect::<Vec<_>>(), [[Approver::User("alice".into())]]);
            // The checks of one rule do not answer for the other.
            assert_eq!((prod.checks.as_deref(), prod.people_required), (Some(&[Check::Hash][..]), true));
        }
        let library = library(&[&[BROAD, PROD].concat()]);
        let terms = |path, operations: &[Operation]| of_file(&library, "t/broad", path, operations, 1).terms;
        assert_eq!(terms("/srv/x", &[Operation::Write]).needed(), 1);
        assert_eq!(terms("/srv/prod/x", &[Operation::Read]).needed(), 1);
        assert_eq!(terms("/srv/prod/x", &[Operation::Read, Operation::Write]).needed(), 2, "opened for both");
    }

    #[test]
    fn a_whole_rule_is_not_approved_past_a_stricter_one() {
        let alone = |text: &str, rule: &str| {
            of_file(&library(&[text]), rule, "/srv/x", &[Operation::Write], 1).rule_alone
        };
        assert!(alone(BROAD, "t/broad"));
        assert!(!alone(&[BROAD, PROD].concat(), "t/broad"));
        assert!(alone(&[BROAD, &PROD.replace("/srv/prod", "/etc")].concat(), "t/broad"));
        assert!(alone(&[BROAD, &BROAD.replace("broad", "other").replace("srv", "*")].concat(), "t/broad"));
    }

    #[test]
    fn every_layer_that_asks_has_a_say() {
        let outer = "[approval]\ntimeout = '1m'\n".to_owned() + BROAD;
        let library = library(&[&outer, PROD]);
        let terms = |path, asking| of_file(&library, "t/broad", path, &[Operation::Write], asking).terms;
        assert_eq!((terms("/srv/prod/x", 2).needed(), terms("/srv/prod/x", 2).timeout), (2, Some(60)));
        assert_eq!(terms("/srv/x", 2).needed(), 1);
        assert_eq!(terms("/srv/prod/x", 1).needed(), 1, "the other layer does not ask");
    }

    #[test]
    fn a_rule_about_a_start_is_not_approved_past_another_layers() {
        let push = "[[exec]]\nid = 'push'\nverdict = 'ask'\nprogram = ['/usr/bin/git']\n";
        let alone = |inner: &str| {
            let library = library(&[push, inner]);
            let operation = Operation::Exec as u8;
            let detail = Operation::Exec.bit();
            let known = &library.get(PolicyVersion { serial: 1, generation: 1 }).unwrap().rules;
            let rule = known.iter().position(|known| known.id == "t/push").unwrap() as u32;
            let header =
                Header { serial: 1, generation: 1, rule, operation, detail, asking: 1, ..Header::zeroed() };
            library.conditions(&[1, 2], &Asked { header: &header, question: None }).rule_alone
        };
        assert!(alone("[[exec]]\nverdict = 'ask'\nprogram = ['/opt/bin/curl']\n"));
        assert!(!alone(&push.replace("\nprogram", "\nargs = ['push', '**']\nprogram")));
    }

    #[test]
    fn a_default_that_asks_has_its_policys_terms() {
        let inner = "[defaults]\nfile = 'ask'\n[approval]\nquorum = 3\n";
        let library = library(&[BROAD, inner]);
        let terms =
            |asking| of_file(&library, "t/broad", "/srv/x", &[Operation::Write], asking).terms.needed();
        assert_eq!((terms(2), terms(1)), (3, 1));
    }

    #[test]
    fn a_forgotten_generation_is_not_decided_on_no_terms() {
        let library = library(&[&[BROAD, PROD].concat()]);
        let question = || Some(Question::File("/srv/prod/x".into(), vec![Operation::Write]));
        let operation = Operation::Write as u8;
        let header = Header { serial: 1, generation: 9, operation, asking: 1, ..Header::zeroed() };
        let conditions = |header| library.conditions(&[1], &Asked { header, question: question() });
        assert_eq!(conditions(&header).terms.needed(), 2);
        assert_eq!(conditions(&Header { serial: 7, ..header }), Conditions::default());
    }

    #[test]
    fn rules_of_an_earlier_daemon_are_all_asked() {
        let mut library = library(&[&[BROAD, PROD].concat()]);
        let version_key = PolicyVersion { serial: 1, generation: 1 };
        library.versions.get_mut(&version_key).unwrap().reaches.clear();
        let conditions = of_file(&library, "t/broad", "/srv/x", &[Operation::Write], 1);
        assert_eq!((conditions.terms.needed(), conditions.rule_alone), (2, true));
    }
}
