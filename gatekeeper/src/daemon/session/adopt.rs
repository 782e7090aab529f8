//! Taking over what an earlier daemon left: its sessions run on, bound all the while.

use std::collections::BTreeSet;
use std::fs;

use tracing::{error, info, warn};

use super::end;
use super::expire;
use crate::daemon::state::State;
use crate::session::cgroup;
use crate::session::record::Session;
use crate::session::store::StoreError;
use gatekeeper_kernel::Census;
use gatekeeper_record::record::Change;
use gatekeeper_record::session_id::SessionId;
use gatekeeper_trail::trail::Others;

/// Sessions of an earlier daemon can't be taken over.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// The file of a session of an earlier boot can't be removed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder of the policies' rules can't be read.
    #[error("the rules of open sessions: {0}")]
    Rules(#[from] std::io::Error),
}

/// Sessions that were taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// Whether rules of their policies are lost: the policies have to be loaded anew.
    pub rules_lost: bool,
}

/// Takes over. Sessions of an earlier boot are over; those without a task left end at the sweep. `others` says what becomes
/// of rules that no session has.
///
/// # Errors
/// Where the file of a past session can't be removed, or the rules of open ones can't be looked for.
pub fn adopt(daemon: &State, found: Vec<Session>, others: Others) -> Result<Adopted, AdoptError> {
    let (live, past): (Vec<_>, Vec<_>) = found.into_iter().partition(|session| session.boot == daemon.boot());
    for session in past {
        // Its slots and serials mean other things now: nothing in the kernel is touched.
        daemon.record_change(&session, Change::Ended, Some("the machine was restarted".to_owned()));
        daemon.store().remove(session.id)?;
    }
    let serials: Vec<u32> =
        live.iter().flat_map(|session| &session.own).map(|own| own.layer.serial).collect();
    let adopted = Adopted { rules_lost: daemon.trail_mut().recall_rules(&serials, others)? };
    for session in live {
        info!("session {} goes on", session.id);
        daemon.enroll(session);
    }
    // Its clock went on while no daemon did.
    expire::expire(daemon);
    if daemon.kernel().is_err() {
        if !daemon.sessions().is_empty() {
            warn!("sessions are listed and not looked after: the kernel side is not loaded");
        }
        return Ok(adopted);
    }
    end::sweep(daemon);
    match daemon.with_kernel(|kernel| kernel.census()) {
        Ok(census) => {
            check_bound(daemon, &census);
            clear_up(daemon, &census);
        }
        Err(error) => error!("{error}"),
    }
    Ok(adopted)
}

/// Says so where a session's tasks carry no label: somebody removed the pins.
fn check_bound(daemon: &State, census: &Census) {
    for session in daemon.sessions().values() {
        let populated = crate::session::cgroup::state(&session.cgroup)
            .ok()
            .flatten()
            .is_some_and(|state| state.populated);
        let child_there = daemon.sessions().values().any(|other| other.parent == Some(session.id));
        if populated && !child_there && !census.processes.contains_key(&session.id.number()) {
            error!(
                "session {}: its tasks carry no label, so nothing binds them: were the pins removed?",
                session.id
            );
        }
    }
}

/// Removes what a daemon left that was killed while it opened or ended a session.
fn clear_up(daemon: &State, census: &Census) {
    let known = |number: &u64| SessionId::from_kernel(*number).is_none_or(|id| is_open(daemon, id));
    if !census.processes.keys().all(known) {
        // Their record is lost, their policy is not: it goes on binding them.
        return error!("tasks carry the label of a session that is not known: the state folder was changed");
    }
    let used: BTreeSet<u32> = daemon
        .sessions()
        .values()
        .flat_map(|session| session.inherited.iter().chain(session.own.iter().map(|own| &own.layer)))
        .map(|layer| layer.serial)
        .collect();
    let retired = daemon.with_kernel(|kernel| {
        let unused = kernel.layers().into_iter().filter(|layer| !used.contains(&layer.serial));
        unused.map(|layer| kernel.retire(layer)).collect::<Result<Vec<()>, _>>()
    });
    if let Err(error) = retired {
        error!("{error}");
    }
    for entry in fs::read_dir(&daemon.config().cgroup).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.parse::<SessionId>().ok());
        // One with tasks in it can't be removed, and need not be.
        if id.is_some_and(|id| !is_open(daemon, id)) && cgroup::remove(&entry.path()).is_err() {
            warn!("{} is no session's and can't be removed", entry.path().display());
        }
    }
}

fn is_open(daemon: &State, id: SessionId) -> bool {
    daemon.sessions().contains_key(&id)
}
