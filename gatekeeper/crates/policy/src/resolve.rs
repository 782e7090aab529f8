//! A policy with its variables put in: what one session is bound by, ready to compile.

use gatekeeper_common::verdict::Verdict;

use crate::approval::Terms;
use crate::builtin;
use crate::defaults::Defaults;
use crate::error::PolicyError;
use crate::extends::Policy;
use crate::links::{Fenced, Links};
use crate::rules::{Collector, Rule};
use crate::secrets::Secrets;
use crate::selftest::{Test, tests_of};
use crate::vars::{Scope, Vars};

/// A policy resolved for one session.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The policy's name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// The file it came from, as shown in errors.
    pub file: String,
    /// The verdicts where no rule matches.
    pub defaults: Defaults,
    /// The terms on which holds are decided, where a rule has none of its own.
    pub approval: Terms,
    /// Secrets to mask in the record, besides those that always are.
    pub secrets: Secrets,
    /// The rules; a rule's place is its number.
    pub rules: Vec<Rule>,
    /// The policy's own tests. Those of policies it extends were theirs to pass.
    pub tests: Vec<Test>,
}

impl Policy {
    /// Puts the variables in and follows the links of literal prefixes.
    ///
    /// # Errors
    /// Where a rule, a variable or a test of any document can't be read.
    pub fn resolve(&self, vars: &Vars, links: &dyn Links) -> Result<Resolved, PolicyError> {
        let fenced = Fenced::new(links, vars);
        let mut collector = Collector::new(builtin::rules(&self.places, links)?, &fenced);
        let mut tests = Vec::new();
        let mut secrets = Secrets::default();
        // The approval table of each document, and where its rules end.
        let mut approvals = Vec::new();
        for loaded in &self.documents {
            let scope = Scope::new(vars, &loaded.document.vars, &loaded.source)?;
            collector.add(loaded, &scope)?;
            let approval = Terms::of_table(&loaded.source, &loaded.document.approval)?;
            approvals.push((approval, collector.rules.len()));
            secrets.add(&loaded.source, &loaded.document.record)?;
            // Every document's tests are read, so that a fault in one is found; the last one's are kept.
            tests = tests_of(loaded, &scope, links)?;
        }
        let defaults = Defaults::of_all(&self.documents.iter().map(|loaded| &loaded.document));
        complete_terms(&mut collector.rules, &approvals);
        for rule in &mut collector.rules {
            rule.required |= rule.family().is_some_and(|family| defaults.required.holds(family));
        }
        Ok(Resolved {
            name: self.name.clone(),
            description: self.description.clone(),
            file: self.documents.last().map(|last| last.source.name.clone()).unwrap_or_default(),
            defaults,
            approval: self.approval(approvals.iter().map(|(approval, _)| approval)),
            secrets,
            rules: collector.rules,
            tests,
        })
    }

    /// The terms of holds for which a default asks, and no rule.
    fn approval<'a>(&self, approvals: impl Iterator<Item = &'a Terms>) -> Terms {
        let (mut all, mut asks) = (Terms::default(), false);
        for (loaded, approval) in self.documents.iter().zip(approvals) {
            all = if asks { all.extended_by(approval) } else { all.and(approval) };
            let defaults = Defaults::of_all(&std::iter::once(&loaded.document));
            asks |= defaults.named().iter().any(|(_, verdict)| *verdict == Verdict::Ask);
        }
        all
    }
}

/// Completes the terms of rules that ask. A rule overrides its own document; of other documents the stricter counts.
fn complete_terms(rules: &mut [Rule], approvals: &[(Terms, usize)]) {
    let mut begin = 0;
    for (number, (own, end)) in approvals.iter().enumerate() {
        let before = approvals.iter().take(number);
        let after = approvals.iter().skip(number + 1);
        let asking = rules.iter_mut().enumerate().filter(|(place, _)| (begin..*end).contains(place));
        for (_, rule) in asking.filter(|(_, rule)| rule.verdict == Verdict::Ask) {
            let terms = before.clone().fold(rule.terms.or(own), |all, (approval, _)| all.and(approval));
            rule.terms = after.clone().fold(terms, |all, (approval, _)| all.extended_by(approval));
        }
        begin = *end;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::approval::{Approver, Check};
    use crate::extends::{SearchPath, load};
    use crate::links::NoLinks;

    /// The terms of each rule that asks, of a policy that extends another.
    fn terms(parent: &str, child: &str) -> (Vec<Terms>, Terms) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("parent.toml"), format!("version = 1\n{parent}")).unwrap();
        fs::write(folder.path().join("child.toml"), format!("version = 1\nextends = ['parent']\n{child}"))
            .unwrap();
        let search = SearchPath { directories: vec![folder.path().into()] };
        let policy = load("child", &search).unwrap();
        let resolved = policy.resolve(&crate::tests::vars(), &NoLinks).unwrap();
        let asking = resolved.rules.into_iter().filter(|rule| rule.verdict == Verdict::Ask);
        (asking.map(|rule| rule.terms).collect(), resolved.approval)
    }

    const ASKS: &str = "[[file]]\nverdict = 'ask'\npath = ['/srv/**']\n";

    #[test]
    fn a_rule_loosens_what_its_own_file_says_and_nothing_else() {
        let strict = "[approval]\nquorum = 2\napprovers = ['user:alice']\n";
        let loose = ASKS.to_owned() + "quorum = 1\napprovers = ['user:bob']\n";
        let (rules, _) = terms(strict, &loose);
        let named = |name: &str| vec![Approver::User(name.into())];
        let lists: Vec<_> = rules[0].lists().map(<[_]>::to_vec).collect();
        assert_eq!((rules[0].needed(), lists), (2, vec![named("bob"), named("alice")]));
        let (rules, _) = terms("", &(strict.to_owned() + &loose));
        assert_eq!((rules[0].needed(), rules[0].lists().count()), (1, 1));
        let (rules, _) = terms(&loose, strict);
        assert_eq!((rules[0].needed(), rules[0].lists().count()), (2, 2));
    }

    #[test]
    fn checks_of_who_extends_let_nothing_pass_that_people_were_to_decide() {
        let checks = "[approval]\ncheck = ['hash']\n";
        let (rules, approval) = terms(ASKS, &(checks.to_owned() + ASKS));
        assert_eq!(rules.iter().map(|rule| rule.people_required).collect::<Vec<_>>(), [true, false]);
        assert_eq!(rules[0].checks.as_deref(), Some(&[Check::Hash][..]));
        assert!(!approval.people_required);
        let (rules, _) = terms(checks, ASKS);
        assert_eq!((rules[0].people_required, rules[0].checks.is_some()), (false, true));
        let (_, approval) = terms("[defaults]\nfile = 'ask'\n", checks);
        assert!(approval.people_required, "the default asks people");
    }
}
