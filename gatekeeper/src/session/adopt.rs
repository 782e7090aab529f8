//! Taking over what an earlier daemon left: its sessions run on, bound all the while.

use std::fmt::Display;

use tracing::{info, warn};

use super::end;
use super::gate::Gate;
use super::record::Session;
use crate::audit::record::Change;

/// Takes over. Sessions of an earlier boot are over; those without a task left end at the sweep.
pub fn adopt(gate: &Gate, found: Vec<Session>) -> Result<(), Box<dyn std::error::Error>> {
    let (live, past): (Vec<_>, Vec<_>) = found.into_iter().partition(|session| session.boot == gate.boot);
    for session in past {
        // Its slots and serials mean other things now: nothing in the kernel is touched.
        gate.note(&session, Change::Ended, Some("the machine was restarted".to_owned()));
        gate.store.remove(session.id)?;
    }
    let serials: Vec<u32> =
        live.iter().flat_map(|session| &session.own).map(|own| own.layer.serial).collect();
    gate.trail.borrow_mut().recall_rules(&serials)?;
    for session in live {
        info!("session {} goes on", session.id);
        gate.enroll(session);
    }
    if gate.sessions.borrow().is_empty() {
        return Ok(());
    }
    match gate.with_kernel(|_| Ok::<_, String>(())) {
        Ok(()) => {
            end::sweep(gate);
            check_bound(gate);
        }
        Err(why) => warn!("sessions are listed and not looked after: {why}"),
    }
    Ok(())
}

/// Says so where a session's tasks carry no label: somebody removed the pins.
fn check_bound(gate: &Gate) {
    let census = match gate.with_kernel(|kernel| kernel.census()) {
        Ok(census) => census,
        Err(error) => return complain(&error),
    };
    for session in gate.sessions.borrow().values() {
        let populated =
            super::cgroup::state(&session.cgroup).ok().flatten().is_some_and(|state| state.populated);
        let child_there = gate.sessions.borrow().values().any(|other| other.parent == Some(session.id));
        if populated && !child_there && !census.processes.contains_key(&session.id.number()) {
            complain(&format!(
                "session {}: its tasks carry no label, so nothing binds them: were the pins removed?",
                session.id
            ));
        }
    }
}

fn complain(what: &dyn Display) {
    tracing::error!("{what}");
}
