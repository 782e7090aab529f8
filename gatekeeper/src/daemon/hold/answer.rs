//! A person's answer to a hold, judged: is there such a hold, may this person decide, is it enough.

use std::collections::BTreeSet;

use gatekeeper_record::decision::{Breadth, DecidedBy, Decision};
use gatekeeper_record::refusal::{Reason, Refusal};
use gatekeeper_record::time::{nanos, since_boot};

use super::decide::{evaluate, new_decision, settle};
use super::look::look;
use crate::daemon::state::State;
use crate::hold::rights;
use crate::protocol::messages::HoldAnswer;
use crate::protocol::peer::Peer;

/// Bytes of a reason, at most.
const REASON: usize = 1024;

/// Takes a person's answer; gives what it came to.
///
/// # Errors
/// Where the answer is malformed, no such hold waits, this person may not decide it, or the decision can't be kept.
pub fn answer(daemon: &State, peer: &Peer, answer: HoldAnswer) -> Result<Decision, Refusal> {
    look(daemon);
    if answer.reason.as_ref().is_some_and(|reason| reason.len() > REASON) {
        return Err(Refusal::new(Reason::Malformed, format!("a reason has at most {REASON} bytes")));
    }
    let labelled: BTreeSet<u32> =
        daemon.with_kernel(|kernel| kernel.census())?.processes.into_values().flatten().collect();
    let person = rights::person(peer, &labelled)?;
    let queue = daemon.holds();
    let missing = || {
        let message = format!("no hold {} waits for a decision", answer.hold);
        Refusal::new(Reason::NotFound, message).help("`gatekeeper holds` lists those that do")
    };
    // While checks are at work nobody has been shown it.
    let entry = queue.entries.get(&answer.hold).filter(|entry| !entry.checking).ok_or_else(missing)?;
    let owner = entry.event.owner;
    rights::may_decide(peer.uid, &peer.groups, &entry.terms, owner)?;
    if let Some(decision) = entry.decision() {
        return Err(Refusal::new(Reason::NotFound, decision.to_string()));
    }
    let (settled, scope) = evaluate(entry, peer.uid, &answer)?;
    if settled && answer.approve && scope.breadth != Breadth::Once {
        // Before anything is written: what can't be done was not decided.
        let now = nanos(since_boot());
        daemon.with_kernel(|kernel| kernel.room(&entry.hold, now)).map_err(|refusal| {
            refusal.help("approve it once; the others end with the session, their time, or a new version of the policy")
        })?;
    }
    let decision = new_decision(
        entry,
        answer.hold,
        answer.approve,
        DecidedBy::Person(person),
        scope,
        answer.reason,
        settled,
    );
    drop(queue);
    settle(daemon, &decision)?;
    Ok(decision)
}
