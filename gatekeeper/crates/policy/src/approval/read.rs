//! Terms from a document's tables, each value in its bounds.

use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;

use super::{Approver, Check, LONGEST, Terms};
use crate::document::{ApprovalTable, AskKeys};
use crate::error::PolicyError;
use crate::source::Source;
use crate::trusted;

/// The largest quorum.
const QUORUM: u32 = 16;
/// The largest number of holds a minute.
const PER_MINUTE: u32 = 10_000;

impl Terms {
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
