//! Checks: what is asked before a person is. The strictest answer counts, and what fails says that a person must decide.

mod command;
mod hash;
pub mod setting;

use std::rc::Rc;
use std::time::Duration;

use gatekeeper_common::hold::Hold;
use tokio::sync::Semaphore;
use tracing::error;

use super::decide::{said, settle};
use super::serve;
use crate::session::gate::Gate;
use gatekeeper_policy::approval::Check;
use gatekeeper_record::decision::{DecidedBy, GrantScope, HoldId};
use gatekeeper_record::held::{Checked, Held, Says};
use gatekeeper_record::time::since_boot;
use setting::Setting;

/// Checks at work at a time, of all sessions.
const AT_ONCE: usize = 8;

/// Leave to check.
#[derive(Debug)]
pub struct Permits(Semaphore);

impl Default for Permits {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

/// Checks a hold, and then has it decided or asks people.
pub async fn check(gate: Rc<Gate>, id: HoldId) {
    let now = since_boot();
    let found = {
        let queue = gate.holds.borrow();
        queue.entries.get(&id).map(|entry| (queue.shown(entry, now), entry.hold))
    };
    let Some((Some(held), hold)) = found else { return };
    let checks = held.terms.checks.clone().unwrap_or_default();
    let answers = ask_all(&gate, &checks, &held, &hold).await;
    done(&gate, id, answers);
}

async fn ask_all(gate: &Gate, checks: &[Check], held: &Held, hold: &Hold) -> Vec<Checked> {
    let setting = &gate.config.checks;
    let mut answers = Vec::new();
    for check in checks {
        let asked = async {
            // Closed never.
            let _turn = gate.checking.0.acquire().await;
            one(setting, check, held, hold).await
        };
        // A turn that does not come is no answer either.
        let longest = setting.time + Duration::from_secs(1);
        let late = || format!("failed: no answer after {} s", setting.time.as_secs());
        let (says, why) =
            tokio::time::timeout(longest, asked).await.unwrap_or_else(|_| (Says::Ask, Some(late())));
        answers.push(Checked { check: check.to_string(), says, why });
        if says == Says::Deny {
            break;
        }
    }
    answers
}

async fn one(setting: &Setting, check: &Check, held: &Held, hold: &Hold) -> (Says, Option<String>) {
    let answer = match check {
        Check::Hash => hash::check(setting, held, hold).await,
        Check::Command(path) => command::check(setting, path, held).await,
    };
    answer.unwrap_or_else(|why| (Says::Ask, Some(format!("failed: {why}"))))
}

/// What checks come to: the strictest, with those who gave it. Where people must decide, because more than one policy asks
/// or a rule that has no checks, they can only deny.
fn verdict(answers: &[Checked], people: bool) -> (Says, Option<&Checked>) {
    if let Some(denies) = answers.iter().find(|answer| answer.says == Says::Deny) {
        return (Says::Deny, Some(denies));
    }
    let all = !answers.is_empty() && answers.iter().all(|answer| answer.says == Says::Allow);
    if all && !people { (Says::Allow, answers.first()) } else { (Says::Ask, None) }
}

fn done(gate: &Gate, id: HoldId, answers: Vec<Checked>) {
    let mut queue = gate.holds.borrow_mut();
    let Some(entry) = queue.entries.get_mut(&id) else { return };
    entry.checking = false;
    entry.checks = answers;
    if entry.decision().is_some() {
        return;
    }
    let people = entry.terms.people || entry.hold.event.asking > 1;
    let (says, by) = verdict(&entry.checks, people);
    let decision = match (says, by) {
        (Says::Ask, _) | (_, None) => None,
        (Says::Deny, Some(by)) => {
            let (name, why) = (DecidedBy::Check(by.check.clone()), by.why.clone());
            Some(said(entry, id, false, name, GrantScope::default(), why, true))
        }
        (Says::Allow, Some(first)) => {
            let names: Vec<&str> = entry.checks.iter().map(|answer| answer.check.as_str()).collect();
            let by = DecidedBy::Check(names.join(" and "));
            Some(said(entry, id, true, by, GrantScope::default(), first.why.clone(), true))
        }
    };
    drop(queue);
    let Some(decision) = decision else { return serve::ask_people(gate, id) };
    if let Err(refusal) = settle(gate, decision) {
        error!("hold {id}: {refusal}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(says: &[Says]) -> Vec<Checked> {
        let one = |(number, says): (usize, &Says)| Checked {
            check: format!("command:/{number}"),
            says: *says,
            why: None,
        };
        says.iter().enumerate().map(one).collect()
    }

    #[test]
    fn the_strictest_answer_counts() {
        use Says::{Allow, Ask, Deny};
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
