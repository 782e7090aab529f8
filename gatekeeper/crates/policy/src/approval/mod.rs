//! The terms on which a hold is decided: how long it waits, who may decide, how many must, and the checks before.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

mod combine;
mod read;
#[cfg(test)]
mod tests;

/// The longest time that a hold can wait.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// A user or group that may decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Approver {
    /// A user, by login name.
    User(String),
    /// Whoever is in a group, by its name.
    Group(String),
}

/// A check before a person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// The hash of the program's content, in the lists of the configuration.
    Hash,
    /// A program that is given the hold.
    Command(PathBuf),
}

/// The terms of one rule, or of a policy. A rule has those of its policy where it has none of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The time that a hold waits, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// The number of people who must approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
    /// Those who may decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvers: Option<Vec<Approver>>,
    /// Further lists, of other rules and policies: whoever decides must be in every one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub and_approvers: Vec<Vec<Approver>>,
    /// Whether the owner alone is not enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separation: Option<bool>,
    /// The checks before a person is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Vec<Check>>,
    /// Whether people must decide, whatever checks allow: not all rules that ask have these checks.
    ///
    /// Rules of sessions that were open before an upgrade are stored with the old name.
    #[serde(default, alias = "people", skip_serializing_if = "std::ops::Not::not")]
    pub people_required: bool,
    /// Holds a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_minute: Option<u32>,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hash => f.write_str("hash"),
            Self::Command(path) => write!(f, "command:{}", path.display()),
        }
    }
}

impl Terms {
    /// The time that a hold waits; 5 minutes unless given, and never more than 7 days.
    #[must_use]
    pub fn wait(&self) -> Duration {
        Duration::from_secs(self.timeout.unwrap_or(5 * 60)).min(LONGEST)
    }

    /// The number of people who must approve; 1 unless given.
    #[must_use]
    pub fn needed(&self) -> usize {
        self.quorum.unwrap_or(1) as usize
    }

    /// The number of holds a minute that people are asked about; 30 unless given.
    #[must_use]
    pub fn rate(&self) -> usize {
        self.per_minute.unwrap_or(30) as usize
    }

    /// The lists of those who may decide: whoever does is in every one. None where nobody is named.
    pub fn lists(&self) -> impl Iterator<Item = &[Approver]> {
        self.approvers.iter().chain(&self.and_approvers).map(Vec::as_slice)
    }

    /// A sentence for a quorum that can't be reached, or not without root; `None` where it can, or where that depends
    /// on who is in a group.
    #[must_use]
    pub fn too_few(&self) -> Option<String> {
        let users = |list: &[Approver]| -> Option<BTreeSet<String>> {
            let user = |approver: &Approver| match approver {
                Approver::User(name) => Some(name.clone()),
                Approver::Group(_) => None,
            };
            list.iter().map(user).collect()
        };
        let in_all = self.lists().filter_map(users).reduce(|all, list| &all & &list);
        let may = match &in_all {
            Some(names) => names.iter().filter(|name| *name != "root").count(),
            // The owner.
            None if self.approvers.is_none() => 1,
            None => return None,
        };
        let (needed, whom) = (self.needed(), if in_all.is_some() { "is named" } else { "owns the session" });
        if needed <= may {
            return None;
        }
        Some(if needed > may + 1 {
            format!(
                "{needed} must approve, and {may} who {whom} and root are all who may: it can never be approved"
            )
        } else {
            format!("{needed} must approve, and {may} who {whom} may: it can't be approved without root")
        })
    }
}
