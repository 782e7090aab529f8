//! A hold checked, and then decided or handed to people.

use std::rc::Rc;

use gatekeeper_record::decision::{DecidedBy, GrantScope, HoldId};
use gatekeeper_record::held::{CheckVerdict, Checked};
use gatekeeper_record::time::since_boot;
use tracing::error;

use super::ask_people::ask_people;
use super::decide::{new_decision, settle};
use crate::daemon::state::State;
use crate::hold::check::{ask_all, verdict};

/// Checks a hold, and then has it decided or asks people.
pub async fn check(daemon: Rc<State>, id: HoldId) {
    let now = since_boot();
    let found = {
        let queue = daemon.holds();
        queue.entries.get(&id).map(|entry| (queue.shown(entry, now), entry.hold))
    };
    let Some((Some(held), raw)) = found else { return };
    let checks = held.terms.checks.clone().unwrap_or_default();
    let answers = ask_all(&daemon.config().checks, daemon.check_permits(), &checks, &held, &raw).await;
    done(&daemon, id, answers);
}

fn done(daemon: &State, id: HoldId, answers: Vec<Checked>) {
    let mut queue = daemon.holds_mut();
    let Some(entry) = queue.entries.get_mut(&id) else { return };
    entry.checking = false;
    entry.checks = answers;
    if entry.decision().is_some() {
        return;
    }
    let people = entry.terms.people_required || entry.hold.event.asking > 1;
    let (outcome, by) = verdict(&entry.checks, people);
    let decision = match (outcome, by) {
        (CheckVerdict::Ask, _) | (_, None) => None,
        (CheckVerdict::Deny, Some(by)) => {
            let (name, why) = (DecidedBy::Check(by.check.clone()), by.reason.clone());
            Some(new_decision(entry, id, false, name, GrantScope::default(), why, true))
        }
        (CheckVerdict::Allow, Some(first)) => {
            let names: Vec<&str> = entry.checks.iter().map(|answer| answer.check.as_str()).collect();
            let by = DecidedBy::Check(names.join(" and "));
            Some(new_decision(entry, id, true, by, GrantScope::default(), first.reason.clone(), true))
        }
    };
    drop(queue);
    let Some(decision) = decision else { return ask_people(daemon, id) };
    if let Err(refusal) = settle(daemon, &decision) {
        error!("hold {id}: {refusal}");
    }
}
