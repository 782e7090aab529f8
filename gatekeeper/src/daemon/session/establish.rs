//! A session established: its policies compiled and published, its cgroup marked, its record stored; or all of it undone.

use gatekeeper_common::label::Layer;

use crate::daemon::state::State;
use crate::protocol::messages::PolicyChoice;
use crate::session::cgroup;
use crate::session::policy::{self, SessionPolicy, Variables};
use crate::session::record::{OwnLayer, Session, TooManyLayers};
use gatekeeper_policy::rulebook::PolicyVersion;
use gatekeeper_record::refusal::{Reason, Refusal, refuse};
use gatekeeper_record::session_id::SessionId;

/// An id no session has.
///
/// # Errors
/// [`Reason::Failed`] where the kernel gives no random bytes.
pub fn new_id(daemon: &State) -> Result<SessionId, Refusal> {
    loop {
        let id = SessionId::random().map_err(refuse(Reason::Failed))?;
        if !daemon.sessions().contains_key(&id) {
            return Ok(id);
        }
    }
}

/// Compiles each of the policies for this session, in the turn of the user who asked. The work runs
/// outside the daemon's own thread.
///
/// # Errors
/// [`Reason::Policy`] where a policy is missing or wrong; [`Reason::Failed`] where the work is lost.
pub async fn compile(
    daemon: &State,
    uid: u32,
    choices: Vec<PolicyChoice>,
    variables: Variables,
) -> Result<Vec<(PolicyChoice, SessionPolicy)>, Refusal> {
    let _turn = daemon.compile_permits().take(uid).await.map_err(refuse(Reason::Failed))?;
    let config = daemon.config().clone();
    let work = move || {
        choices
            .into_iter()
            .map(|choice| {
                policy::compile(&choice, &variables, &config)
                    .map(|compiled| (choice, compiled))
                    .map_err(|error| Refusal::new(Reason::Policy, error.to_string()))
            })
            .collect()
    };
    tokio::task::spawn_blocking(work).await.map_err(refuse(Reason::Failed))?
}

/// Publishes the layers, marks the cgroup (made here where `make` says so) and writes the session down:
/// whoever enters the cgroup from now on is bound. On an error all of it is undone.
///
/// # Errors
/// Where a layer can't be published, the trail, the store or the cgroup can't be written, or the label has no room.
pub fn establish(
    daemon: &State,
    mut session: Session,
    compiled: Vec<(PolicyChoice, SessionPolicy)>,
    make: bool,
) -> Result<Session, Refusal> {
    let result = build(daemon, &mut session, compiled, make);
    match result {
        Ok(()) => {
            daemon.enroll(session.clone());
            Ok(session)
        }
        Err(refusal) => {
            undo(daemon, &session, make);
            Err(refusal)
        }
    }
}

fn build(
    daemon: &State,
    session: &mut Session,
    compiled: Vec<(PolicyChoice, SessionPolicy)>,
    make: bool,
) -> Result<(), Refusal> {
    // Whether they fit in a label is known before anything is done.
    let places = session.inherited.len() + compiled.len();
    if places > gatekeeper_common::limits::LAYERS {
        return Err(refuse(Reason::Limit)(TooManyLayers(places)));
    }
    for (source, compiled) in compiled {
        let layer = daemon.with_kernel(|kernel| kernel.publish(&compiled.head, &compiled.comb, 1))?;
        let rules = compiled.rules(session.parent.is_some());
        let own = OwnLayer { layer: layer.into(), policy: compiled.name, generation: 1, source };
        session.own.push(own);
        let version = PolicyVersion { serial: layer.serial, generation: 1 };
        daemon.trail_mut().rules(version, rules).map_err(refuse(Reason::Failed))?;
    }
    // Nothing that is kept of it has what its policies call a secret.
    let mut trail = daemon.trail_mut();
    trail.layers(session.id, session.serials());
    session.command = trail.masked(Some(session.id), &session.command);
    session.purpose = session.purpose.as_deref().map(|purpose| trail.masked_text(Some(session.id), purpose));
    drop(trail);
    session.cgroup_id = if make { cgroup::make(&session.cgroup) } else { cgroup::id(&session.cgroup) }
        .map_err(|error| {
            Refusal::new(Reason::Failed, format!("cgroup {}: {error}", session.cgroup.display()))
        })?;
    daemon.store().save(session).map_err(refuse(Reason::Failed))?;
    let label = session.label().map_err(refuse(Reason::Limit))?;
    daemon.with_kernel(|kernel| kernel.mark(session.cgroup_id, &label))
}

/// Takes back what `build` did, as far as it came. Only while nobody has entered the cgroup.
fn undo(daemon: &State, session: &Session, made: bool) {
    let log = |step: &str, error: &dyn std::fmt::Display| {
        tracing::error!("session {}: {step}: {error}", session.id);
    };
    if session.cgroup_id != 0
        && let Err(error) = daemon.with_kernel(|kernel| kernel.unmark(session.cgroup_id))
    {
        log("unmarking", &error);
    }
    if made && let Err(error) = cgroup::remove(&session.cgroup) {
        log("removing its cgroup", &error);
    }
    for own in &session.own {
        if let Err(error) = daemon.with_kernel(|kernel| kernel.retire(Layer::from(own.layer))) {
            log("retiring a layer", &error);
        }
    }
    daemon.trail_mut().retire(session.own.iter().map(|own| own.layer.serial));
    if let Err(error) = daemon.store().remove(session.id) {
        log("forgetting", &error);
    }
}
