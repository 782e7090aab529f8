//! `[record]` as written: requirements on the record.

use gatekeeper_common::operation::Family;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// Requirements on the record.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordTable {
    /// Classes in which what is recorded may pass only if it can be; left out: none.
    #[schemars(with = "Option<Vec<ClassWord>>", length(min = 1))]
    pub required: Option<Spanned<Vec<ClassWord>>>,
    /// Regular expressions for secrets to mask, besides those that always are: `(?<s>…)` is the secret.
    #[schemars(with = "Option<Vec<String>>", length(min = 1, max = 64))]
    pub secrets: Option<Spanned<Vec<Spanned<String>>>>,
}

impl RecordTable {
    /// The classes it names.
    #[must_use]
    pub fn required(&self) -> Required {
        let named = self.required.iter().flat_map(Spanned::get_ref);
        Required(named.fold(0, |bits, class| bits | 1 << Family::from(*class) as u8))
    }
}

/// A class of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClassWord {
    /// Programs: every start is recorded.
    Exec,
    /// Files.
    File,
    /// Addresses.
    Net,
    /// UNIX sockets.
    Unix,
    /// Signals.
    Signal,
    /// Capabilities.
    Capability,
    /// Features of the kernel as a whole.
    Kernel,
}

impl From<ClassWord> for Family {
    fn from(class: ClassWord) -> Self {
        match class {
            ClassWord::Exec => Self::Exec,
            ClassWord::File => Self::File,
            ClassWord::Net => Self::Net,
            ClassWord::Unix => Self::Unix,
            ClassWord::Signal => Self::Signal,
            ClassWord::Capability => Self::Capability,
            ClassWord::Kernel => Self::Kernel,
        }
    }
}

/// Classes in which what is recorded may pass only if it can be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Required(u8);

const _: () = assert!(Family::ALL.len() <= u8::BITS as usize);

impl Required {
    /// The classes with these numbers.
    #[cfg(test)]
    #[must_use]
    pub const fn of_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Whether this class is one.
    #[must_use]
    pub const fn holds(self, family: Family) -> bool {
        self.0 >> family as u8 & 1 == 1
    }

    /// The classes of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The classes, in order.
    pub fn classes(self) -> impl Iterator<Item = Family> {
        Family::ALL.into_iter().filter(move |family| self.holds(*family))
    }
}
