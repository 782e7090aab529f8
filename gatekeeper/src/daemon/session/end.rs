//! Ending sessions whose last task is gone.

use std::collections::BTreeSet;

use gatekeeper_common::label::Layer;
use tracing::error;

use crate::daemon::hook;
use gatekeeper_record::refusal::{Reason, Refusal, refuse};

use crate::daemon::state::State;
use crate::protocol::summary::Kind;
use crate::session::cgroup;
use crate::session::record::Session;
use gatekeeper_record::record::Change;
use gatekeeper_record::session_id::SessionId;

/// Ends every session that is over. A parent's layers bind its children too, so children go first.
pub fn sweep(daemon: &State) {
    let empty: BTreeSet<SessionId> =
        daemon.sessions().values().filter(|session| looks_empty(session)).map(|session| session.id).collect();
    if empty.is_empty() {
        return;
    }
    // A task can leave its cgroup and keeps its label: only the census knows.
    let census = match daemon.with_kernel(|kernel| kernel.census()) {
        Ok(census) => census,
        Err(error) => return error!("sessions can't be ended: {error}"),
    };
    let unused = |id: &SessionId| census.processes.get(&id.number()).is_none_or(BTreeSet::is_empty);
    let mut over: BTreeSet<SessionId> = empty.into_iter().filter(unused).collect();
    loop {
        let next = over.iter().copied().find(|id| !has_children(daemon, *id));
        let Some(id) = next else { return };
        over.remove(&id);
        let session = daemon.sessions().get(&id).cloned();
        if let Some(session) = session {
            end(daemon, &session);
        }
    }
}

fn has_children(daemon: &State, id: SessionId) -> bool {
    daemon.sessions().values().any(|session| session.parent == Some(id))
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

/// The steps of a session's end, in order. The cgroup goes first: once it is removed nobody can enter it, and
/// only then are its mark and its layers of no use. A step that fails is tried again with all before it, so each may be
/// repeated.
const STEPS: [Step; 5] = [
    Step { name: "its cgroup is removed", run: remove_cgroup },
    Step {
        name: "its mark is removed",
        run: |daemon, session| daemon.with_kernel(|kernel| kernel.unmark(session.cgroup_id)),
    },
    Step {
        name: "its approvals are revoked",
        run: |daemon, session| daemon.with_kernel(|kernel| kernel.revoke(session.id.number())),
    },
    Step { name: "its layers are retired", run: retire_layers },
    Step {
        name: "its file is removed",
        run: |daemon, session| daemon.store().remove(session.id).map_err(refuse(Reason::Failed)),
    },
];

/// One step of a session's end.
struct Step {
    /// The name of the step, for the log.
    name: &'static str,
    run: fn(&State, &Session) -> Result<(), Refusal>,
}

/// Ends a session. What can't be undone now is left for the next sweep: the session stays listed.
fn end(daemon: &State, session: &Session) {
    for Step { name, run } in STEPS {
        if let Err(error) = run(daemon, session) {
            error!("session {} can't be ended yet: {name}: {error}", session.id);
            return;
        }
    }
    // While it is still known whose they are.
    hook::settle(daemon);
    daemon.forget(session.id);
    daemon.record_change(session, Change::Ended, None);
    daemon.trail_mut().ended(session.id, session.own.iter().map(|own| own.layer.serial));
}

fn remove_cgroup(_: &State, session: &Session) -> Result<(), Refusal> {
    match session.kind {
        Kind::Run => cgroup::remove(&session.cgroup).map_err(refuse(Reason::Failed)),
        // Somebody else's, and gone already.
        Kind::Label => Ok(()),
    }
}

fn retire_layers(daemon: &State, session: &Session) -> Result<(), Refusal> {
    let mut layers = session.own.iter().map(|own| Layer::from(own.layer));
    layers.try_for_each(|layer| daemon.with_kernel(|kernel| kernel.retire(layer)))
}
