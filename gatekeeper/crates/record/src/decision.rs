//! Decisions about holds, and who made them. The fields stand in the order of their names, as all that is stored.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::check::Checked;
use crate::event::Event;
pub use crate::hold_id::{HoldId, NotAHold};
use crate::session_id::SessionId;
use crate::time::Moment;

/// The breadth of an approval: never more than the rule asks about, and never another session.
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

/// The operations that an approval covers, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantScope {
    /// The operations it covers.
    #[serde(default, alias = "width")]
    pub breadth: Breadth,
    /// Seconds that it holds; as long as the session where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
}

impl GrantScope {
    /// Returns the scope that both cover: the narrower, for the shorter time.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self.breadth.min(other.breadth) {
            Breadth::Once => Self::default(),
            breadth => Self { breadth, seconds: [self.seconds, other.seconds].into_iter().flatten().min() },
        }
    }
}

impl fmt::Display for GrantScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.breadth {
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

/// The decider: a person, a check or a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// A check that the policy names.
    Check(String),
    /// A person.
    Person(Person),
    /// The limit of holds a minute: so many were asked about before that nobody was asked about this one.
    #[serde(alias = "limit")]
    RateLimit,
    /// Nobody answered in time.
    Timeout,
    /// Nobody, and nobody can any more: its task is gone, or was judged anew.
    #[serde(alias = "gone")]
    Withdrawn,
}

/// One decision about a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether it approves.
    #[serde(alias = "approves")]
    pub approved: bool,
    /// The answers that checks gave before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Checked>,
    /// The decider: a person, a check or a limit.
    #[serde(alias = "by")]
    pub decided_by: DecidedBy,
    /// The operation that was asked for, as the record that announces the hold has it. Decisions of earlier versions are
    /// without.
    #[serde(default, alias = "about", skip_serializing_if = "Option::is_none")]
    pub event: Option<Box<Event>>,
    /// Whether the hold is decided by it; if not, others must agree.
    #[serde(rename = "final", alias = "settled")]
    pub is_final: bool,
    /// The hold.
    pub hold: HoldId,
    /// User id of the session's owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<u32>,
    /// The reason, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The operations that an approval covers, and for how long.
    pub scope: GrantScope,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Its short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// The request in a few words.
    #[serde(alias = "asked")]
    pub summary: String,
    /// The time of the decision.
    pub time: Moment,
}

/// The outcome of a hold or, where others must agree, of one answer.
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
    Withdrawn,
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
            Self::Withdrawn => "withdrawn",
            Self::Agreed => "agreed",
        }
    }
}

impl Decision {
    /// Returns the outcome for the hold.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match (&self.decided_by, self.approved, self.is_final) {
            (DecidedBy::Withdrawn, ..) => Outcome::Withdrawn,
            (DecidedBy::Timeout, ..) => Outcome::Expired,
            (_, true, true) => Outcome::Approved,
            (_, true, false) => Outcome::Agreed,
            (_, false, _) => Outcome::Denied,
        }
    }

    /// For who approved: that it covers less than was asked for, where it does.
    #[must_use]
    pub fn narrowed(&self, asked: GrantScope) -> Option<String> {
        let less = self.approved && self.is_final && self.scope != asked.and(asked);
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
            Self::RateLimit | Self::Timeout | Self::Withdrawn => None,
        }
    }
}

impl fmt::Display for DecidedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(name) => write!(f, "the check {name}"),
            Self::Withdrawn => f.write_str("nobody"),
            Self::RateLimit => f.write_str("the limit of holds a minute"),
            Self::Person(Person { uid: 0, name, .. }) => write!(f, "{name} (root on this machine)"),
            Self::Person(person) => write!(f, "{} (uid {})", person.name, person.uid),
            Self::Timeout => f.write_str("nobody in time"),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.decided_by == DecidedBy::Withdrawn {
            return write!(f, "hold {} ended undecided: its task is gone, or was judged anew", self.hold);
        }
        let word = if self.approved { "approved" } else { "denied" };
        write!(f, "hold {} {word} by {}", self.hold, self.decided_by)?;
        if self.approved && self.is_final {
            write!(f, ", {}", self.scope)?;
        }
        if !self.is_final {
            f.write_str("; others must agree")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_approvals_are_as_broad_as_the_narrower() {
        let scope = |breadth, seconds| GrantScope { breadth, seconds };
        let (once, exact, rule) =
            (GrantScope::default(), scope(Breadth::Exact, None), scope(Breadth::Rule, None));
        for (one, other, both) in [
            (once, rule, once),
            (exact, rule, exact),
            (rule, rule, rule),
            (scope(Breadth::Rule, Some(60)), exact, scope(Breadth::Exact, Some(60))),
            (scope(Breadth::Exact, Some(60)), scope(Breadth::Rule, Some(7)), scope(Breadth::Exact, Some(7))),
            (scope(Breadth::Exact, Some(60)), once, once),
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
