//! Checks, which come before a person is asked. The strictest answer counts; a check that fails leaves it to a person.

mod command;
mod hash;

use std::time::Duration;

use gatekeeper_common::hold::Hold;
use gatekeeper_policy::approval::Check;
use gatekeeper_record::held::{CheckVerdict, Checked, Held};
use tokio::sync::Semaphore;

use crate::config::checks::Setting;
use command::CommandError;
use hash::HashError;

/// Checks at work at a time, of all sessions.
const AT_ONCE: usize = 8;

/// Permits to check: so many at a time.
#[derive(Debug)]
pub struct Permits(Semaphore);

impl Default for Permits {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

/// A check that failed.
#[derive(Debug, thiserror::Error)]
enum CheckError {
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Hash(#[from] HashError),
}

/// The answers of these checks, in order; none after the first denial.
pub async fn ask_all(
    setting: &Setting,
    permits: &Permits,
    checks: &[Check],
    held: &Held,
    raw: &Hold,
) -> Vec<Checked> {
    let mut answers = Vec::new();
    for check in checks {
        let asked = async {
            // It is never closed.
            let _permit = permits.0.acquire().await;
            one(setting, check, held, raw).await
        };
        // A permit that does not come is no answer either.
        let longest = setting.time + Duration::from_secs(1);
        let late = || format!("failed: no answer after {} s", setting.time.as_secs());
        let (verdict, why) =
            tokio::time::timeout(longest, asked).await.unwrap_or_else(|_| (CheckVerdict::Ask, Some(late())));
        answers.push(Checked { check: check.to_string(), verdict, reason: why });
        if verdict == CheckVerdict::Deny {
            break;
        }
    }
    answers
}

async fn one(setting: &Setting, check: &Check, held: &Held, raw: &Hold) -> (CheckVerdict, Option<String>) {
    let answer = match check {
        Check::Hash => hash::check(setting, held, raw).await.map_err(CheckError::from),
        Check::Command(path) => command::check(setting, path, held).await.map_err(CheckError::from),
    };
    answer.unwrap_or_else(|why| (CheckVerdict::Ask, Some(format!("failed: {why}"))))
}

/// The verdict of all checks: the strictest, with the check that gave it. Where people must decide, because more than
/// one policy asks or a rule that has no checks, they can only deny.
#[must_use]
pub fn verdict(answers: &[Checked], people: bool) -> (CheckVerdict, Option<&Checked>) {
    if let Some(denies) = answers.iter().find(|answer| answer.verdict == CheckVerdict::Deny) {
        return (CheckVerdict::Deny, Some(denies));
    }
    let all = !answers.is_empty() && answers.iter().all(|answer| answer.verdict == CheckVerdict::Allow);
    if all && !people { (CheckVerdict::Allow, answers.first()) } else { (CheckVerdict::Ask, None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(verdicts: &[CheckVerdict]) -> Vec<Checked> {
        let one = |(number, verdict): (usize, &CheckVerdict)| Checked {
            check: format!("command:/{number}"),
            verdict: *verdict,
            reason: None,
        };
        verdicts.iter().enumerate().map(one).collect()
    }

    #[test]
    fn the_strictest_answer_counts() {
        use CheckVerdict::{Allow, Ask, Deny};
        for (given, people, expected) in [
            (&[Allow][..], false, Allow),
            (&[Allow, Allow], false, Allow),
            (&[Allow, Ask], false, Ask),
            (&[Ask, Deny], false, Deny),
            (&[Allow, Deny], true, Deny),
            (&[Allow], true, Ask),
            (&[], false, Ask),
        ] {
            assert_eq!(verdict(&answers(given), people).0, expected, "{given:?}, {people}");
        }
        let given = answers(&[Ask, Deny]);
        assert_eq!(verdict(&given, false).1.unwrap().check, "command:/1");
    }
}
