//! Ending sessions whose last task is gone.

use std::collections::BTreeSet;

use gatekeeper_common::label::Layer;
use tracing::error;

use super::cgroup;
use super::gate::Gate;
use super::record::{Kind, Session};
use gatekeeper_record::record::Change;
use gatekeeper_record::session_id::SessionId;

/// Ends every session that is over. A parent's layers bind its children too, so children go first.
pub fn sweep(gate: &Gate) {
    let empty: BTreeSet<SessionId> = gate
        .sessions
        .borrow()
        .values()
        .filter(|session| looks_empty(session))
        .map(|session| session.id)
        .collect();
    if empty.is_empty() {
        return;
    }
    // A task can leave its cgroup and keeps its label: only the census knows.
    let census = match gate.with_kernel(|kernel| kernel.census()) {
        Ok(census) => census,
        Err(error) => return error!("sessions can't be ended: {error}"),
    };
    let unused = |id: &SessionId| census.processes.get(&id.number()).is_none_or(BTreeSet::is_empty);
    let mut over: BTreeSet<SessionId> = empty.into_iter().filter(unused).collect();
    loop {
        let next = over.iter().copied().find(|id| !has_children(gate, *id));
        let Some(id) = next else { return };
        over.remove(&id);
        let session = gate.sessions.borrow().get(&id).cloned();
        if let Some(session) = session {
            end(gate, &session);
        }
    }
}

fn has_children(gate: &Gate, id: SessionId) -> bool {
    gate.sessions.borrow().values().any(|session| session.parent == Some(id))
}

/// Whether the session's cgroup says that nobody is left.
fn looks_empty(session: &Session) -> bool {
    match (cgroup::state(&session.cgroup), session.kind) {
        (Ok(None), _) => true,
        (Ok(Some(state)), Kind::Run) => !state.populated,
        // Until it is removed, a task may enter.
        (Ok(Some(_)), Kind::Label) => false,
        (Err(error), _) => {
            error!("session {}: {}: {error}", session.id, session.cgroup.display());
            false
        }
    }
}

/// Ends a session. What can't be undone now is left for the next sweep: the session stays listed.
fn end(gate: &Gate, session: &Session) {
    if let Err(error) = dismantle(gate, session) {
        error!("session {} can't be ended yet: {error}", session.id);
        return;
    }
    // While it is still known whose they are.
    super::hook::settle(gate);
    gate.sessions.borrow_mut().remove(&session.id);
    if let Some(watch) = gate.watches.borrow_mut().remove(&session.id) {
        gate.watch.unwatch(watch);
    }
    gate.tellings.borrow_mut().forget(session.id);
    gate.note(session, Change::Ended, None);
    gate.trail.borrow_mut().ended(session.id, session.own.iter().map(|own| own.layer.serial));
}

/// The cgroup goes first: once it is removed nobody can enter it, and only then are its mark and its
/// layers of no use.
fn dismantle(gate: &Gate, session: &Session) -> Result<(), Box<dyn std::error::Error>> {
    if session.kind == Kind::Run {
        cgroup::remove(&session.cgroup)?;
    }
    gate.with_kernel(|kernel| kernel.unmark(session.cgroup_id))?;
    gate.with_kernel(|kernel| kernel.revoke(session.id.number()))?;
    for own in &session.own {
        gate.with_kernel(|kernel| kernel.retire(Layer::from(own.layer)))?;
    }
    gate.store.remove(session.id)?;
    Ok(())
}
