//! A policy compiled for one session: the image, and the rules that its numbers stand for.

use crate::approval::Terms;
use crate::defaults::Defaults;
use crate::image::Image;
use crate::rules::Rule;
use crate::secrets::Secrets;

/// Which rule a number in a cell or an event stands for.
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

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule; never so, since some are built in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// A policy compiled for one session.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The policy's name.
    pub name: String,
    /// What goes into the kernel.
    pub image: Image,
    /// What the numbers in it stand for.
    pub rules: RuleTable,
    /// What holds where no rule speaks.
    pub defaults: Defaults,
    /// How holds are decided, where a rule doesn't say otherwise.
    pub approval: Terms,
    /// What is masked in the record besides what always is.
    pub secrets: Secrets,
}
