//! What is said of a hold, and by whom. The fields stand in the order of their names, as all that is stored.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::held::Checked;
use crate::record::Event;
use crate::session_id::SessionId;
use crate::time::Moment;

/// Number of a hold: that of the event which announced it, unique in its boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HoldId(NonZeroU64);

/// Not the number of a hold.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{0}\" is not the number of a hold: `gatekeeper holds` lists them")]
pub struct NotAHold(String);

impl HoldId {
    /// The hold that the kernel gives this number; none is 0.
    #[must_use]
    pub fn from_kernel(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    /// The number that the kernel gives it.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for HoldId {
    type Err = NotAHold;

    fn from_str(text: &str) -> Result<Self, NotAHold> {
        text.parse().map(Self).map_err(|_| NotAHold(text.to_owned()))
    }
}

/// What an approval covers. Never more than what the rule asks about, and never another session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breadth {
    /// The one operation that waits.
    #[default]
    Once,
    /// Exactly that operation, as often as it is asked for.
    Exact,
    /// All that the same rule asks about.
    Rule,
}

/// What an approval covers, and how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantScope {
    /// Seconds that it holds; as long as the session where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// What it covers.
    #[serde(default)]
    pub width: Breadth,
}

impl GrantScope {
    /// What both cover: the narrower, for the shorter time.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self.width.min(other.width) {
            Breadth::Once => Self::default(),
            width => Self { seconds: [self.seconds, other.seconds].into_iter().flatten().min(), width },
        }
    }
}

impl fmt::Display for GrantScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.width {
            Breadth::Once => return f.write_str("once"),
            Breadth::Exact => "exactly this",
            Breadth::Rule => "all that this rule asks about",
        };
        match self.seconds {
            Some(seconds) => write!(f, "{what}, for {seconds} s"),
            None => write!(f, "{what}, for the rest of the session"),
        }
    }
}

/// A person who had a say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Login name.
    pub name: String,
    /// The program that the person spoke through, as its process called itself.
    pub program: String,
    /// The terminal of that process, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
    /// User id, by the kernel's word.
    pub uid: u32,
}

/// Who or what decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// A check that the policy names.
    Check(String),
    /// Nobody, and nobody can any more: its task is gone, or was judged anew.
    Gone,
    /// So many were asked about before that nobody was asked about this one.
    Limit,
    /// A person.
    Person(Person),
    /// Nobody answered in time.
    Timeout,
}

/// Something said of a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The operation that was asked for, as the record that announces the hold has it. Decisions of earlier versions are
    /// without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Box<Event>>,
    /// Whether it approves.
    pub approves: bool,
    /// What was asked, in a few words.
    pub asked: String,
    /// Who said so.
    pub by: DecidedBy,
    /// What checks said before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Checked>,
    /// The hold.
    pub hold: HoldId,
    /// User id of the session's owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<u32>,
    /// Why, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What an approval covers.
    pub scope: GrantScope,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Its short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// Whether the hold is decided by it; if not, others must agree.
    pub settled: bool,
    /// When.
    pub time: Moment,
}

/// What came of a hold, or, where others must agree, of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was approved.
    Approved,
    /// It was denied: by a person, a check or a limit.
    Denied,
    /// It was denied because nobody answered in time.
    Expired,
    /// Nobody decided it, and nobody can any more.
    Ended,
    /// Somebody approved it, and others must agree.
    Agreed,
}

impl Outcome {
    /// As a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Ended => "ended",
            Self::Agreed => "agreed",
        }
    }
}

impl Decision {
    /// What it means for the hold.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match (&self.by, self.approves, self.settled) {
            (DecidedBy::Gone, ..) => Outcome::Ended,
            (DecidedBy::Timeout, ..) => Outcome::Expired,
            (_, true, true) => Outcome::Approved,
            (_, true, false) => Outcome::Agreed,
            (_, false, _) => Outcome::Denied,
        }
    }

    /// For who approved: that it covers less than was asked for, where it does.
    #[must_use]
    pub fn narrowed(&self, asked: GrantScope) -> Option<String> {
        let less = self.approves && self.settled && self.scope != asked.and(asked);
        less.then(|| format!("you approved {asked}; others approved no more than {}", self.scope))
    }
}

impl DecidedBy {
    /// With the terminal and the program that a person spoke through.
    #[must_use]
    pub fn in_full(&self) -> String {
        let Self::Person(Person { program, terminal, .. }) = self else { return self.to_string() };
        let terminal = terminal.as_deref().map(|terminal| format!(" on {terminal}")).unwrap_or_default();
        format!("{self}{terminal} with {program}")
    }

    /// The name of the person or the check.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Check(name) => Some(name),
            Self::Person(person) => Some(&person.name),
            Self::Gone | Self::Limit | Self::Timeout => None,
        }
    }
}

impl fmt::Display for DecidedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(name) => write!(f, "the check {name}"),
            Self::Gone => f.write_str("nobody"),
            Self::Limit => f.write_str("the limit of holds a minute"),
            Self::Person(Person { uid: 0, name, .. }) => write!(f, "{name} (root on this machine)"),
            Self::Person(person) => write!(f, "{} (uid {})", person.name, person.uid),
            Self::Timeout => f.write_str("nobody in time"),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.by == DecidedBy::Gone {
            return write!(f, "hold {} ended undecided: its task is gone, or was judged anew", self.hold);
        }
        let word = if self.approves { "approved" } else { "denied" };
        write!(f, "hold {} {word} by {}", self.hold, self.by)?;
        if self.approves && self.settled {
            write!(f, ", {}", self.scope)?;
        }
        if !self.settled {
            f.write_str("; others must agree")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_not_zero() {
        assert_eq!("17".parse::<HoldId>().unwrap().number(), 17);
        for text in ["0", "-1", "x", ""] {
            assert!(text.parse::<HoldId>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_two_approve_is_what_both_cover() {
        let extent = |width, seconds| GrantScope { seconds, width };
        let (once, exact, rule) =
            (GrantScope::default(), extent(Breadth::Exact, None), extent(Breadth::Rule, None));
        for (one, other, both) in [
            (once, rule, once),
            (exact, rule, exact),
            (rule, rule, rule),
            (extent(Breadth::Rule, Some(60)), exact, extent(Breadth::Exact, Some(60))),
            (
                extent(Breadth::Exact, Some(60)),
                extent(Breadth::Rule, Some(7)),
                extent(Breadth::Exact, Some(7)),
            ),
            (extent(Breadth::Exact, Some(60)), once, once),
        ] {
            assert_eq!(one.and(other), both, "{one} and {other}");
            assert_eq!(other.and(one), both, "{other} and {one}");
        }
    }

    #[test]
    fn root_is_called_root() {
        let person = Person { name: "toor".into(), program: "gatekeeper".into(), terminal: None, uid: 0 };
        assert!(DecidedBy::Person(person).to_string().contains("root on this machine"));
    }
}
