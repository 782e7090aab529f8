//! The rules of a policy as records and holds need them.

use std::collections::BTreeMap;

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;
use serde::{Deserialize, Serialize};

use super::reach::Reach;
use crate::approval::Terms;
use crate::compiled::Compiled;
use crate::document::Severity;
use crate::rules::Rule;

/// A rule as records show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleInfo {
    /// The rule's id, as written or derived.
    pub id: String,
    /// The reason, in the policy's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The importance of its records.
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

/// The rules of one compiled policy, by number. This is what the state folder keeps of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// The policy's name.
    pub policy: String,
    /// Its rules, in the order of their numbers.
    pub rules: Vec<RuleInfo>,
    /// The terms on which holds are decided, where a rule has none of its own.
    #[serde(default)]
    pub approval: Terms,
    /// The terms of the rules that ask, by their numbers.
    #[serde(default)]
    pub terms: BTreeMap<u32, Terms>,
    /// The operations and objects that those rules apply to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reaches: BTreeMap<u32, Reach>,
    /// The operations about which a default asks, as bits.
    #[serde(default)]
    pub asks: u32,
    /// Patterns of secrets to mask in records, besides those that always are.
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

    /// The terms on which a hold of the rule with this number is decided.
    #[must_use]
    pub fn terms(&self, rule: u32) -> Terms {
        self.terms.get(&rule).map_or_else(|| self.approval.clone(), |own| own.or(&self.approval))
    }

    /// The numbers of the rules that ask and fit. A rule whose reach is not known fits.
    pub fn asking(&self, fits: impl Fn(&Reach) -> bool) -> impl Iterator<Item = u32> {
        let fits = move |number: &u32| self.reaches.get(number).is_none_or(&fits);
        self.terms.keys().copied().filter(fits)
    }
}
