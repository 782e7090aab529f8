//! A policy with its variables put in: what one session is bound by, ready to compile.

use super::builtin;
use super::defaults::Defaults;
use super::error::PolicyError;
use super::extends::Policy;
use super::links::{Fenced, Links};
use super::rules::{Collector, Rule};
use super::selftest::{Test, tests_of};
use super::vars::{Scope, Vars};

/// A policy resolved for one session.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The policy's name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// The file it came from, as shown in errors.
    pub file: String,
    /// What holds where no rule speaks.
    pub defaults: Defaults,
    /// The rules; a rule's place is its number.
    pub rules: Vec<Rule>,
    /// The policy's own tests. Those of policies it extends were theirs to pass.
    pub tests: Vec<Test>,
}

impl Policy {
    /// Puts the variables in and follows the links of literal prefixes.
    pub fn resolve(&self, vars: &Vars, links: &dyn Links) -> Result<Resolved, PolicyError> {
        let fenced = Fenced::new(links, vars);
        let mut collector = Collector::new(builtin::rules(&self.places, links)?, &fenced);
        let mut tests = Vec::new();
        for loaded in &self.documents {
            let scope = Scope::new(vars, &loaded.document.vars, &loaded.source)?;
            collector.add(loaded, &scope)?;
            // Every document's tests are read, so that a fault in one is found; the last one's are kept.
            tests = tests_of(loaded, &scope, links)?;
        }
        Ok(Resolved {
            name: self.name.clone(),
            description: self.description.clone(),
            file: self.documents.last().map(|last| last.source.name.clone()).unwrap_or_default(),
            defaults: Defaults::of_all(self.documents.iter().map(|loaded| &loaded.document)),
            rules: collector.rules,
            tests,
        })
    }
}
