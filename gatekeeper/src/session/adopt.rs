//! Taking over what an earlier daemon left: its sessions run on, bound all the while.

use std::collections::BTreeSet;
use std::fs;

use tracing::{error, info, warn};

use super::cgroup;
use super::end;
use super::expire;
use super::gate::Gate;
use super::record::Session;
use gatekeeper_kernel::Census;
use gatekeeper_record::record::Change;
use gatekeeper_record::session_id::SessionId;

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
    // Its clock went on while no daemon did.
    expire::expire(gate);
    if gate.kernel.borrow().is_err() {
        if !gate.sessions.borrow().is_empty() {
            warn!("sessions are listed and not looked after: the kernel side is not loaded");
        }
        return Ok(());
    }
    end::sweep(gate);
    match gate.with_kernel(|kernel| kernel.census()) {
        Ok(census) => {
            check_bound(gate, &census);
            clear_up(gate, &census);
        }
        Err(error) => error!("{error}"),
    }
    Ok(())
}

/// Says so where a session's tasks carry no label: somebody removed the pins.
fn check_bound(gate: &Gate, census: &Census) {
    for session in gate.sessions.borrow().values() {
        let populated =
            super::cgroup::state(&session.cgroup).ok().flatten().is_some_and(|state| state.populated);
        let child_there = gate.sessions.borrow().values().any(|other| other.parent == Some(session.id));
        if populated && !child_there && !census.processes.contains_key(&session.id.number()) {
            error!(
                "session {}: its tasks carry no label, so nothing binds them: were the pins removed?",
                session.id
            );
        }
    }
}

/// Removes what a daemon left that was killed while it opened or ended a session.
fn clear_up(gate: &Gate, census: &Census) {
    let known = |number: &u64| SessionId::from_kernel(*number).is_none_or(|id| is_open(gate, id));
    if !census.processes.keys().all(known) {
        // Their record is lost, their policy is not: it goes on binding them.
        return error!("tasks carry the label of a session that is not known: the state folder was changed");
    }
    let used: BTreeSet<u32> = gate
        .sessions
        .borrow()
        .values()
        .flat_map(|session| session.inherited.iter().chain(session.own.iter().map(|own| &own.layer)))
        .map(|layer| layer.serial)
        .collect();
    let retired = gate.with_kernel(|kernel| {
        let unused = kernel.layers().into_iter().filter(|layer| !used.contains(&layer.serial));
        unused.map(|layer| kernel.retire(layer)).collect::<Result<Vec<()>, _>>()
    });
    if let Err(error) = retired {
        error!("{error}");
    }
    for entry in fs::read_dir(&gate.config.cgroup).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.parse::<SessionId>().ok());
        // One with tasks in it can't be removed, and need not be.
        if id.is_some_and(|id| !is_open(gate, id)) && cgroup::remove(&entry.path()).is_err() {
            warn!("{} is no session's and can't be removed", entry.path().display());
        }
    }
}

fn is_open(gate: &Gate, id: SessionId) -> bool {
    gate.sessions.borrow().contains_key(&id)
}
