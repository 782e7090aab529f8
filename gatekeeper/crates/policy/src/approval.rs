//! The terms on which a hold is decided: how long it waits, who may decide, how many must, and the checks before.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::document::{ApprovalTable, AskKeys};
use crate::error::PolicyError;
use crate::source::Source;
use crate::trusted;

/// The longest time that a hold can wait.
const LONGEST: Duration = Duration::from_hours(7 * 24);
/// The largest quorum.
const QUORUM: u32 = 16;
/// The largest number of holds a minute.
const PER_MINUTE: u32 = 10_000;

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
    /// The time that a hold waits; 5 minutes unless given.
    #[must_use]
    pub fn wait(&self) -> Duration {
        Duration::from_secs(self.timeout.unwrap_or(5 * 60))
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

    /// These terms, and those of `other` where these have none.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let named = if self.approvers.is_some() { self } else { other };
        let checked = if self.checks.is_some() { self } else { other };
        Self {
            timeout: self.timeout.or(other.timeout),
            quorum: self.quorum.or(other.quorum),
            approvers: named.approvers.clone(),
            and_approvers: named.and_approvers.clone(),
            separation: self.separation.or(other.separation),
            checks: checked.checks.clone(),
            people_required: checked.people_required,
            per_minute: self.per_minute.or(other.per_minute),
        }
    }

    /// The stricter of both in everything; whoever decides must be one whom both name.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        fn both<T: Copy>(a: Option<T>, b: Option<T>, pick: fn(T, T) -> T) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(pick(a, b)),
                (a, b) => a.or(b),
            }
        }
        fn all(a: Option<&[Check]>, b: Option<&[Check]>) -> Option<Vec<Check>> {
            let (first, second) = (a.or(b)?, b.unwrap_or_default());
            let more = second.iter().filter(|check| !first.contains(check));
            Some(first.iter().chain(more).cloned().collect())
        }
        let mut lists: Vec<&[Approver]> = Vec::new();
        for list in self.lists().chain(other.lists()) {
            if !lists.contains(&list) {
                lists.push(list);
            }
        }
        let mut lists = lists.into_iter().map(<[Approver]>::to_vec);
        Self {
            timeout: both(self.timeout, other.timeout, u64::min),
            quorum: both(self.quorum, other.quorum, u32::max),
            approvers: lists.next(),
            and_approvers: lists.collect(),
            separation: both(self.separation, other.separation, |a, b| a || b),
            checks: all(self.checks.as_deref(), other.checks.as_deref()),
            people_required: self.people_required || other.people_required,
            per_minute: both(self.per_minute, other.per_minute, u32::min),
        }
    }

    /// The stricter of both, where `other` comes from a policy that extends this one. Its checks can deny, and let
    /// nothing pass that people were to decide.
    #[must_use]
    pub fn extended_by(&self, other: &Self) -> Self {
        let unchecked = self.checks.is_none() && other.checks.is_some();
        let both = self.and(other);
        Self { people_required: both.people_required || unchecked, ..both }
    }

    /// The stricter of both, where both ask about one operation. Checks alone let it pass only where both have some.
    #[must_use]
    pub fn combined_with(&self, other: &Self) -> Self {
        let unchecked = self.checks.is_some() != other.checks.is_some();
        let both = self.and(other);
        Self { people_required: both.people_required || unchecked, ..both }
    }

    /// Whether whoever may approve on these terms may do so on `other`, too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let both = self.combined_with(other);
        let lists = |terms: &Self| terms.lists().count();
        let checks = |terms: &Self| terms.checks.as_ref().map_or(0, Vec::len);
        let alone = |terms: &Self| terms.separation == Some(true);
        both.needed() == self.needed()
            && lists(&both) == lists(self)
            && alone(&both) == alone(self)
            && checks(&both) == checks(self)
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

    /// The terms in a document's `[approval]`.
    ///
    /// # Errors
    /// Where a value is out of range, or names nobody or no check.
    pub fn of_table(source: &Source, table: &ApprovalTable) -> Result<Self, PolicyError> {
        let keys = AskKeys {
            timeout: table.timeout.as_ref(),
            quorum: table.quorum.as_ref(),
            approvers: table.approvers.as_ref(),
            separation: None,
            check: table.check.as_ref(),
        };
        let per_minute = table.per_minute.as_ref();
        Ok(Self {
            separation: table.separation,
            per_minute: per_minute.map(|n| number(source, n, PER_MINUTE)).transpose()?,
            ..Self::of_rule(source, &keys)?
        })
    }

    /// The terms in the table of a rule.
    ///
    /// # Errors
    /// Where a value is out of range, or names nobody or no check.
    pub fn of_rule(source: &Source, keys: &AskKeys<'_>) -> Result<Self, PolicyError> {
        let approvers = |list| -> Result<Vec<_>, PolicyError> {
            source.non_empty(list, "approvers")?.iter().map(|word| approver(source, word)).collect()
        };
        let checks = |list| -> Result<Vec<_>, PolicyError> {
            source.non_empty(list, "check")?.iter().map(|word| check(source, word)).collect()
        };
        Ok(Self {
            timeout: keys.timeout.map(|text| span(source, text)).transpose()?,
            quorum: keys.quorum.map(|n| number(source, n, QUORUM)).transpose()?,
            approvers: keys.approvers.map(approvers).transpose()?,
            separation: keys.separation.map(|word| *word.get_ref()),
            checks: keys.check.map(checks).transpose()?,
            ..Self::default()
        })
    }
}

fn span(source: &Source, text: &Spanned<String>) -> Result<u64, PolicyError> {
    let bad = |problem: String| {
        source.error(text.span(), problem, "write a time from 1s to 7days, such as `30s`, `5m` or `1h`")
    };
    let time = humantime::parse_duration(text.get_ref())
        .map_err(|error| bad(format!("`{}` is no length of time: {error}", text.get_ref())))?;
    if time < Duration::from_secs(1) || time > LONGEST {
        return Err(bad(format!("a hold can't wait `{}`", text.get_ref())));
    }
    Ok(time.as_secs())
}

fn number(source: &Source, number: &Spanned<u32>, most: u32) -> Result<u32, PolicyError> {
    if (1..=most).contains(number.get_ref()) {
        return Ok(*number.get_ref());
    }
    let problem = format!("{} is out of range", number.get_ref());
    Err(source.error(number.span(), problem, format!("write a number from 1 to {most}")))
}

fn approver(source: &Source, word: &Spanned<String>) -> Result<Approver, PolicyError> {
    match word.get_ref().split_once(':') {
        Some(("user", name)) if !name.is_empty() => Ok(Approver::User(name.to_owned())),
        Some(("group", name)) if !name.is_empty() => Ok(Approver::Group(name.to_owned())),
        _ => Err(source.error(
            word.span(),
            format!("`{}` is nobody who could approve", word.get_ref()),
            "write `user:NAME` or `group:NAME`",
        )),
    }
}

fn check(source: &Source, word: &Spanned<String>) -> Result<Check, PolicyError> {
    match word.get_ref().split_once(':') {
        None if word.get_ref() == "hash" => Ok(Check::Hash),
        Some(("command", path)) if path.starts_with('/') => command(source, word, path.into()),
        _ => Err(source.error(
            word.span(),
            format!("`{}` is no check", word.get_ref()),
            "write `hash`, or `command:` and the whole path of a program",
        )),
    }
}

/// A program that the daemon may run for a hold: named by whoever writes the machine's policies, and changed by nobody
/// but root.
fn command(source: &Source, word: &Spanned<String>, path: PathBuf) -> Result<Check, PolicyError> {
    if source.path.is_none() {
        return Err(source.error(
            word.span(),
            "a policy of a user's own can't have the daemon run a program",
            "have root put the policy into a policy folder, or leave this check out",
        ));
    }
    trusted::program(&path).map_err(|error| {
        let help = "name a program by its real path that root owns and only root can change, all folders above it, too";
        source.error(word.span(), format!("can't check with {error}"), help)
    })?;
    Ok(Check::Command(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    fn terms(text: &str) -> Result<Terms, PolicyError> {
        terms_from(Some("/etc/gatekeeper/policies/t.toml".into()), text)
    }

    fn terms_from(path: Option<PathBuf>, text: &str) -> Result<Terms, PolicyError> {
        let source = Source::new("t", path, format!("version = 1\n[approval]\n{text}\n"));
        let document = Document::parse(&source)?;
        Terms::of_table(&source, &document.approval)
    }

    #[test]
    fn a_table_is_read_whole() {
        let read = terms(
            "timeout = '90s'\nquorum = 2\napprovers = ['group:wheel', 'user:alice']\nseparation = true\n\
             check = ['hash', 'command:/usr/bin/env']\nper_minute = 5",
        )
        .unwrap();
        assert_eq!((read.wait(), read.needed(), read.rate()), (Duration::from_secs(90), 2, 5));
        assert_eq!(
            read.approvers.unwrap(),
            [Approver::Group("wheel".into()), Approver::User("alice".into())]
        );
        assert_eq!(read.checks.unwrap()[1], Check::Command("/usr/bin/env".into()));
    }

    #[test]
    fn bad_values_are_refused_with_their_line() {
        for (text, part) in [
            ("timeout = 'soon'", "no length of time"),
            ("timeout = '0s'", "can't wait"),
            ("timeout = '8days'", "can't wait"),
            ("quorum = 0", "out of range"),
            ("approvers = ['wheel']", "nobody who could approve"),
            ("approvers = []", "empty list"),
            ("check = ['command:ticket']", "no check"),
            ("check = ['command:/no/such/check']", "No such file"),
            ("check = ['command:/tmp']", "can be changed by others than root"),
        ] {
            let error = terms(text).expect_err(text);
            assert!(error.problem.contains(part), "{error}");
            assert_eq!(error.line, 3, "{error}");
        }
    }

    #[test]
    fn a_users_own_policy_runs_nothing() {
        let error = terms_from(None, "check = ['hash', 'command:/usr/bin/env']").unwrap_err();
        assert!(error.problem.contains("of a user's own"), "{error}");
        assert!(terms_from(None, "check = ['hash']").is_ok());
    }

    #[test]
    fn a_rule_overrides_its_policy_and_a_child_only_adds_to_its_parent() {
        let (parent, child) = (
            terms("timeout = '1m'\nquorum = 2").unwrap(),
            terms("timeout = '5m'\ncheck = ['hash']").unwrap(),
        );
        assert_eq!((parent.and(&child).wait().as_secs(), parent.and(&child).needed()), (60, 2));
        let command = terms("check = ['command:/usr/bin/env', 'hash']").unwrap();
        assert_eq!(
            parent.and(&child).and(&command).checks.unwrap(),
            [Check::Hash, Check::Command("/usr/bin/env".into())]
        );
        let rule = Terms { timeout: Some(7), ..Terms::default() };
        assert_eq!((rule.or(&parent).wait().as_secs(), rule.or(&parent).needed()), (7, 2));
    }

    #[test]
    fn who_decides_is_in_every_list() {
        let named = |name: &str| terms(&format!("approvers = ['user:{name}']")).unwrap();
        let (alice, bob) = (named("alice"), named("bob"));
        let both = alice.and(&bob).and(&alice).and(&Terms::default());
        let lists: Vec<_> = both.lists().map(<[_]>::to_vec).collect();
        assert_eq!(lists, [[Approver::User("alice".into())], [Approver::User("bob".into())]]);
        assert_eq!(Terms::default().and(&alice), alice);
        assert!(both.covers(&alice) && both.covers(&bob) && !alice.covers(&both) && !alice.covers(&bob));
        let two = terms("quorum = 2\nseparation = true").unwrap();
        assert!(two.covers(&Terms::default()) && !Terms::default().covers(&two));
    }

    #[test]
    fn checks_of_one_do_not_decide_for_another() {
        let (plain, hash) = (Terms::default(), terms("check = ['hash']").unwrap());
        assert!(plain.combined_with(&hash).people_required && hash.combined_with(&plain).people_required);
        assert!(plain.extended_by(&hash).people_required && !hash.extended_by(&plain).people_required);
        assert!(!hash.combined_with(&hash).people_required);
        assert_eq!(plain.combined_with(&hash).checks.unwrap(), [Check::Hash]);
    }

    #[test]
    fn terms_stored_before_an_upgrade_are_read() {
        let stored = r#"{"quorum":2,"checks":["hash"],"people":true}"#;
        let read: Terms = serde_json::from_str(stored).unwrap();
        assert_eq!((read.needed(), read.people_required), (2, true));
        let again = serde_json::to_string(&read).unwrap();
        assert_eq!(again, r#"{"quorum":2,"checks":["hash"],"people_required":true}"#);
    }

    #[test]
    fn a_quorum_out_of_reach_is_found() {
        for (text, part) in [
            ("", None),
            ("approvers = ['user:alice']", None),
            ("quorum = 2\napprovers = ['user:alice', 'user:bob']", None),
            ("quorum = 3\napprovers = ['user:alice', 'group:wheel']", None),
            ("quorum = 2\napprovers = ['user:alice', 'user:alice']", Some("without root")),
            ("quorum = 2", Some("without root")),
            ("approvers = ['user:root']", Some("without root")),
            ("quorum = 3", Some("never")),
            ("quorum = 3\napprovers = ['user:alice', 'user:root']", Some("never")),
        ] {
            let found = terms(text).unwrap().too_few();
            assert_eq!(found.is_some(), part.is_some(), "{text}: {found:?}");
            assert!(part.is_none_or(|part| found.unwrap().contains(part)), "{text}");
        }
        let named =
            |name: &str| terms(&format!("approvers = ['user:{name}', 'user:x']\nquorum = 2")).unwrap();
        assert!(named("alice").and(&named("bob")).too_few().is_some(), "only one is in both lists");
        let group = terms("approvers = ['group:wheel']\nquorum = 3").unwrap();
        assert!(named("alice").and(&group).too_few().is_some(), "no group adds to who is named");
    }
}
