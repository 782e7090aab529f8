//! A policy compiled for one session: the image, and the rules that its numbers stand for.

use crate::approval::Terms;
use crate::defaults::Defaults;
use crate::image::Image;
use crate::rules::Rule;
use crate::secrets::Secrets;

/// The rules that the numbers in cells and events stand for.
#[derive(Debug, Clone)]
pub struct RuleTable {
    rules: Vec<Rule>,
}

impl RuleTable {
    /// A table of rules; each one's place is its number.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// The rule with this number; `None` for the default.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Rule> {
        self.rules.get(number as usize)
    }

    /// Every rule, by number.
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.rules.iter()
    }

    /// The number of rules.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule. There always is one, since some are built in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

impl<'a> IntoIterator for &'a RuleTable {
    type Item = &'a Rule;
    type IntoIter = std::slice::Iter<'a, Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A policy compiled for one session.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The policy's name.
    pub name: String,
    /// The image for the kernel.
    pub image: Image,
    /// The rules that the numbers in it stand for.
    pub rules: RuleTable,
    /// The verdicts where no rule matches.
    pub defaults: Defaults,
    /// The terms on which holds are decided, where a rule has none of its own.
    pub approval: Terms,
    /// Secrets to mask in the record, besides those that always are.
    pub secrets: Secrets,
}
