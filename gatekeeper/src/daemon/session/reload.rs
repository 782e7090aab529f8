//! Compiling the policies of all sessions anew, each session's as a whole or not at all.

use gatekeeper_common::label::Layer;
use tracing::{error, warn};

use super::establish::compile;
use crate::daemon::state::State;
use crate::session::policy::Variables;
use crate::session::record::Session;
use gatekeeper_policy::rulebook::PolicyVersion;
use gatekeeper_record::record::Change;
use gatekeeper_record::refusal::Refusal;
use gatekeeper_record::session_id::SessionId;

/// The result for one session: its new generation, or why the old policies stay.
#[derive(Debug)]
pub struct Outcome {
    /// The session.
    pub session: SessionId,
    /// The new generation of its innermost policy.
    pub result: Result<u64, Refusal>,
}

/// Reloads every session.
pub async fn reload(daemon: &State) -> Vec<Outcome> {
    let _alone = daemon.reload_lock().lock().await;
    let ids: Vec<SessionId> = daemon.sessions().keys().copied().collect();
    let mut outcomes = Vec::new();
    for id in ids {
        // It may have ended while others were compiled.
        let Some(session) = daemon.sessions().get(&id).cloned() else { continue };
        let result = one(daemon, &session).await;
        if let Err(refusal) = &result {
            warn!("session {id} keeps its policies: {refusal}");
            daemon.record_change(&session, Change::ReloadFailed, Some(refusal.message.clone()));
        }
        match result {
            Ok(None) => {}
            Ok(Some(generation)) => outcomes.push(Outcome { session: id, result: Ok(generation) }),
            Err(refusal) => outcomes.push(Outcome { session: id, result: Err(refusal) }),
        }
    }
    outcomes
}

async fn one(daemon: &State, session: &Session) -> Result<Option<u64>, Refusal> {
    let variables =
        Variables { workspace: session.workspace.clone(), owner: session.owner.clone(), session: session.id };
    let choices = session.own.iter().map(|own| own.source.clone()).collect();
    let compiled = compile(daemon, 0, choices, variables).await?;
    // From here on nothing waits.
    let Some(mut changed) = daemon.sessions().get(&session.id).cloned() else { return Ok(None) };
    let mut failed = None;
    for (own, (_, compiled)) in changed.own.iter_mut().zip(compiled) {
        let version = PolicyVersion { serial: own.layer.serial, generation: own.generation + 1 };
        // The rules are known before the first event can name them.
        let replaced = daemon
            .trail_mut()
            .rules(version, compiled.rules(session.parent.is_some()))
            .map_err(|error| error.to_string())
            .and_then(|()| {
                let layer = Layer::from(own.layer);
                daemon
                    .with_kernel(|kernel| {
                        kernel.replace(layer, &compiled.head, &compiled.comb, version.generation)
                    })
                    .map_err(|refusal| refusal.message)
            });
        if let Err(message) = replaced {
            failed = Some(message);
            break;
        }
        own.generation = version.generation;
        own.policy = compiled.name;
    }
    // Also after a failure: the layers that were replaced are at their new generation.
    if let Err(error) = daemon.store().save(&changed) {
        error!("session {}: {error}", session.id);
    }
    let generation = changed.own.last().map(|own| own.generation);
    daemon.sessions_mut().insert(session.id, changed.clone());
    if let Some(message) = failed {
        let message = format!("some layers were replaced: {message}");
        return Err(Refusal::new(gatekeeper_record::refusal::Reason::Failed, message));
    }
    daemon.record_change(&changed, Change::Reloaded, None);
    crate::daemon::hold::look::wake_all(daemon);
    Ok(generation)
}
