//! A rule, resolved for one session.

use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::{Cell, Verdict};
use serde::{Deserialize, Serialize};

use crate::address::Target;
use crate::approval::Terms;
use crate::byte_set::ByteSet;
use crate::document::Severity;
use crate::links::{Follow, Links, resolve};
use crate::pattern::Pattern;
use crate::pattern::word::Word;
use crate::rules::Invocation;

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its number in cells and events.
    pub number: u32,
    /// Its name, unique in the policy: `base/secrets`, or derived: `base/file-3`.
    pub id: String,
    /// The verdict on operations that match.
    pub verdict: Verdict,
    /// Whether what it lets pass may pass only if it is recorded.
    pub required: bool,
    /// The operations it applies to, as [`Operation::bit`]s.
    pub operations: u32,
    /// The objects it matches.
    pub subject: Subject,
    /// Why.
    pub reason: Option<String>,
    /// The importance of its records.
    pub severity: Severity,
    /// Free words for searching.
    pub tags: Vec<String>,
    /// The terms on which a hold of it is decided.
    pub terms: Terms,
    /// The file it stands in.
    pub file: String,
    /// The line it stands on; 0 for built-in rules.
    pub line: usize,
}

impl Rule {
    /// Its verdict and number, as a cell.
    #[must_use]
    pub fn cell(&self) -> Cell {
        let cell = Cell::new(self.verdict, self.number);
        if self.required { cell.required() } else { cell }
    }

    /// Whether it keeps what it matches from passing by itself.
    #[must_use]
    pub fn forbids(&self) -> bool {
        matches!(self.verdict, Verdict::Ask | Verdict::Deny)
    }

    /// Whether it also forbids renaming what it matches and the folders above.
    ///
    /// A file keeps its content under a new name, which no rule would know.
    #[must_use]
    pub fn holds_names(&self) -> bool {
        self.forbids() && self.family() == Some(Family::File)
    }

    /// The class it belongs to.
    #[must_use]
    pub fn family(&self) -> Option<Family> {
        Operation::ALL
            .into_iter()
            .find(|operation| self.operations & operation.bit() != 0)
            .map(Operation::family)
    }
}

/// All operations of a family, as bits.
#[must_use]
pub fn all_of(family: Family) -> u32 {
    let of_family = Operation::ALL.into_iter().filter(|operation| operation.family() == family);
    of_family.fold(0, |bits, operation| bits | operation.bit())
}

/// The objects that a rule matches.
#[derive(Debug, Clone)]
pub enum Subject {
    /// Real paths, of files or of programs whatever they are given.
    Paths(Vec<Written>),
    /// Programs with this name and these arguments.
    Arguments(Vec<Written>, Invocation),
    /// Programs with one of these environment variables set.
    Environment(Vec<Written>, Vec<Word>),
    /// Addresses.
    Addresses(Vec<Target>, Protocols),
    /// UNIX sockets by the real paths of their files and by abstract names.
    Unix(Vec<Written>, Vec<Word>),
    /// Signals, by number, to processes of these programs.
    Signals(ByteSet, Vec<Written>),
    /// Capabilities, as bits.
    Capabilities(u64),
}

/// The protocols that an address rule applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocols {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Every protocol.
    Any,
}

impl Protocols {
    /// Whether the rule applies to this protocol.
    #[must_use]
    pub fn holds(self, protocol: Protocol) -> bool {
        match self {
            Self::Any => true,
            Self::Tcp => protocol == Protocol::Tcp,
            Self::Udp => protocol == Protocol::Udp,
        }
    }
}

/// A pattern of paths with all it stands for.
#[derive(Debug, Clone)]
pub struct Written {
    /// As the policy's author wrote it.
    pub text: String,
    /// With the variables put in.
    pub expanded: Vec<u8>,
    /// Braces multiplied out.
    pub patterns: Vec<Pattern>,
    /// The same patterns with links followed, where that changes them.
    pub resolved: Vec<Pattern>,
}

impl Written {
    /// Follows the links of patterns.
    #[must_use]
    pub fn new(
        text: String,
        expanded: Vec<u8>,
        patterns: Vec<Pattern>,
        links: &dyn Links,
        follow: Follow,
    ) -> Self {
        let resolved = patterns.iter().flat_map(|pattern| resolve(pattern, links, follow)).collect();
        Self { text, expanded, patterns, resolved }
    }

    /// The patterns as written, and those with links followed.
    pub fn all(&self) -> impl Iterator<Item = &Pattern> {
        self.patterns.iter().chain(&self.resolved)
    }
}
