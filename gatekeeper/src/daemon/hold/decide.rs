//! A decision, made of answers and carried out. First the journal, then the
//! record, then the kernel: whatever is cut off is finished by the next daemon, and nothing passes unrecorded.

use std::collections::BTreeSet;
use std::time::Duration;

use gatekeeper_common::hold::{Hold, Scope};
use tracing::error;

use crate::daemon::state::State;
use crate::hold::queue::Entry;
use crate::hold::wake::wake;
use crate::protocol::messages::HoldAnswer;
use gatekeeper_record::decision::{Breadth, DecidedBy, Decision, GrantScope, HoldId};
use gatekeeper_record::record::Record;
use gatekeeper_record::refusal::{Reason, Refusal};
use gatekeeper_record::time::Moment;
use gatekeeper_record::time::{nanos, since_boot};

/// Whether this answer decides the hold, and what it covers.
///
/// # Errors
/// [`Reason::Forbidden`] where this person has approved already or the scope is too broad for this hold.
pub(super) fn evaluate(entry: &Entry, uid: u32, answer: &HoldAnswer) -> Result<(bool, GrantScope), Refusal> {
    if !answer.approve {
        return Ok((true, GrantScope::default()));
    }
    let mut agreed: BTreeSet<u32> = entry.approved().map(|person| person.uid).collect();
    if !agreed.insert(uid) {
        return Err(Refusal::new(Reason::Forbidden, "you have approved it already; others must agree"));
    }
    if answer.scope.breadth == Breadth::Rule && entry.hold.event.asking > 1 {
        let message = "more than one policy asks about this: it can't be approved for a whole rule";
        return Err(Refusal::new(Reason::Forbidden, message).help("approve it once, or with --session"));
    }
    if answer.scope.breadth == Breadth::Rule && !entry.rule_alone {
        let message = "another rule asks about some of what this one does, on stricter terms: it can't be approved for a \
                       whole rule";
        return Err(Refusal::new(Reason::Forbidden, message).help("approve it once, or with --session"));
    }
    let owner = entry.event.owner;
    let owner_only = entry.terms.separation == Some(true) && agreed.iter().all(|uid| Some(*uid) == owner);
    let settled = agreed.len() >= entry.terms.needed() && !owner_only;
    let scope = GrantScope::from(answer.scope);
    Ok((settled, if settled { entry.granted(scope) } else { scope }))
}

/// Makes a decision on a hold.
pub(super) fn new_decision(
    entry: &Entry,
    hold: HoldId,
    approves: bool,
    by: DecidedBy,
    scope: GrantScope,
    reason: Option<String>,
    settled: bool,
) -> Decision {
    Decision {
        event: Some(Box::new(entry.event.clone())),
        approved: approves,
        summary: entry.asked.clone(),
        decided_by: by,
        checks: entry.checks.clone(),
        hold,
        owner: entry.event.owner,
        reason,
        scope,
        session: entry.event.session,
        session_name: entry.event.session_name.clone(),
        is_final: settled,
        time: Moment::now(),
    }
}

/// Writes down a decision, and applies it where it is final.
///
/// # Errors
/// [`Reason::Failed`] where the decision can't be kept; else the errors of [`apply`].
pub(super) fn settle(daemon: &State, decision: &Decision) -> Result<(), Refusal> {
    let written = daemon.holds_mut().journal.note(decision.clone());
    written.map_err(|error| Refusal::new(Reason::Failed, format!("the decision can't be kept: {error}")))?;
    daemon.trail_mut().note(Record::Decision(Box::new(decision.clone())));
    let mut queue = daemon.holds_mut();
    let Some(entry) = queue.entries.get_mut(&decision.hold) else { return Ok(()) };
    entry.decisions.push(decision.clone());
    if entry.people_asked {
        daemon.notifier().decided(decision);
    }
    let hold = entry.hold;
    queue.change();
    drop(queue);
    if decision.is_final { apply(daemon, &hold, decision) } else { Ok(()) }
}

/// Passes it to the kernel, and lets the task ask again.
///
/// # Errors
/// Where the kernel side takes neither the grant nor the decision.
pub(super) fn apply(daemon: &State, hold: &Hold, decision: &Decision) -> Result<(), Refusal> {
    let scope = match decision.scope.breadth {
        Breadth::Once => None,
        Breadth::Exact => Some(Scope::Exact),
        Breadth::Rule => Some(Scope::Rule),
    };
    let granted = match (decision.approved, scope) {
        (true, Some(scope)) => grant(daemon, hold, scope, decision.scope.seconds),
        _ => Ok(()),
    };
    // It is decided whether or not it could be approved for more than this once.
    daemon.with_kernel(|kernel| kernel.decide(hold.event.sequence, decision.approved))?;
    if let Err(error) = wake(&hold.event) {
        // It is tried again until the task has its answer.
        error!("hold {}: {error}", decision.hold);
    }
    daemon.bell().0.notify_one();
    granted
}

fn grant(daemon: &State, hold: &Hold, scope: Scope, seconds: Option<u64>) -> Result<(), Refusal> {
    let now = since_boot();
    daemon.with_kernel(|kernel| kernel.grant(hold, scope, grant_end(now, seconds), nanos(now)))
}

/// Returns when a grant ends, in nanoseconds since boot. A journal of an earlier version may have any number of seconds:
/// one that no clock reaches is no end.
fn grant_end(now: Duration, seconds: Option<u64>) -> u64 {
    seconds.map_or(u64::MAX, |seconds| nanos(now.saturating_add(Duration::from_secs(seconds))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hold::queue::tests::entry;
    use crate::protocol::messages::RequestedScope;
    use gatekeeper_record::decision::Person;

    fn approval(breadth: Breadth, seconds: Option<u64>) -> HoldAnswer {
        let seconds = seconds.map(|seconds| seconds.try_into().unwrap());
        let scope = RequestedScope { breadth, seconds };
        HoldAnswer { hold: HoldId::from_kernel(17).unwrap(), approve: true, scope, reason: None }
    }

    /// Has somebody approve; whether that settles it, and the scope.
    fn approve(entry: &mut Entry, uid: u32, answer: &HoldAnswer) -> (bool, GrantScope) {
        let (settled, scope) = evaluate(entry, uid, answer).unwrap();
        let by = DecidedBy::Person(Person { name: "x".into(), program: "x".into(), terminal: None, uid });
        let decision = new_decision(entry, answer.hold, true, by, scope, None, settled);
        entry.decisions.push(decision);
        (settled, scope)
    }

    #[test]
    fn a_grant_of_any_number_of_seconds_has_an_end() {
        let now = Duration::from_secs(5);
        assert_eq!(grant_end(now, Some(2)), 7_000_000_000);
        assert_eq!((grant_end(now, Some(u64::MAX)), grant_end(now, None)), (u64::MAX, u64::MAX));
    }

    #[test]
    fn the_last_of_several_does_not_say_alone_what_is_granted() {
        let mut entry = entry();
        entry.terms.quorum = Some(3);
        let first = approval(Breadth::Exact, Some(600));
        assert_eq!(approve(&mut entry, 1001, &first), (false, first.scope.into()));
        assert!(evaluate(&entry, 1001, &first).is_err(), "the same person counts twice");
        let second = approval(Breadth::Rule, Some(60));
        assert_eq!(approve(&mut entry, 1002, &second), (false, second.scope.into()));
        let last = approval(Breadth::Rule, None);
        let (settled, scope) = approve(&mut entry, 1000, &last);
        assert_eq!((settled, scope), (true, GrantScope { seconds: Some(60), breadth: Breadth::Exact }));
        let narrowed = entry.decision().unwrap().narrowed(last.scope.into()).unwrap();
        assert!(narrowed.ends_with("no more than exactly this, for 60 s"), "{narrowed}");
        assert_eq!(entry.decision().unwrap().narrowed(scope), None);
    }

    #[test]
    fn once_of_one_is_once_of_all() {
        let mut entry = entry();
        entry.terms.quorum = Some(2);
        approve(&mut entry, 1001, &approval(Breadth::Once, None));
        let (settled, scope) = approve(&mut entry, 1000, &approval(Breadth::Rule, None));
        assert_eq!((settled, scope), (true, GrantScope::default()));
    }

    #[test]
    fn who_decides_alone_gets_what_was_asked_for() {
        let rule = approval(Breadth::Rule, Some(60));
        assert_eq!(approve(&mut entry(), 1000, &rule), (true, rule.scope.into()));
        let mut several = entry();
        several.hold.event.asking = 2;
        assert!(evaluate(&several, 1000, &rule).is_err());
        let other = Entry { rule_alone: false, ..entry() };
        assert!(evaluate(&other, 1000, &rule).is_err());
        assert!(evaluate(&other, 1000, &approval(Breadth::Exact, None)).is_ok());
        several.terms.separation = Some(true);
        assert!(!approve(&mut several, 1000, &approval(Breadth::Once, None)).0, "the owner alone");
    }
}
