//! Policies of open sessions, compiled for being asked: the same that the kernel walks.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use gatekeeper_common::label::Layer;

use crate::daemon::state::State;
use crate::session::policy::{Variables, compile_whole};
use crate::session::record::{LayerRef, OwnLayer, Session};
use gatekeeper_policy::Compiled;
use gatekeeper_policy::rulebook::{PolicyVersion, Rules};

/// Policies kept, at most: each is some megabytes.
const KEPT: usize = 16;

/// A layer's serial and generation.
type Key = (u32, u64);

/// The policies last asked.
#[derive(Debug, Default)]
pub struct PolicyCache(RefCell<BTreeMap<Key, Option<Arc<Compiled>>>>);

impl PolicyCache {
    /// The policy in this layer with its generation; `None` where it is not known, or not any more what the kernel
    /// has.
    pub async fn of(&self, daemon: &State, layer: Layer) -> Option<(Arc<Compiled>, u64)> {
        let (session, own) = find(daemon, layer.into())?;
        let key = (own.layer.serial, own.generation);
        if let Some(kept) = self.0.borrow().get(&key) {
            return kept.clone().map(|policy| (policy, key.1));
        }
        let turn = daemon.compile_permits().take(session.owner.uid).await.ok()?;
        let config = daemon.config().clone();
        let variables = Variables { workspace: session.workspace, owner: session.owner, session: session.id };
        let work = move || compile_whole(&own.source, &variables, &config).ok();
        let compiled = tokio::task::spawn_blocking(work).await.ok()?;
        drop(turn);
        // The file may have been changed since the session opened, and the kernel still has the old rules.
        let version = PolicyVersion { serial: key.0, generation: key.1 };
        let same = |compiled: &Compiled| daemon.trail().has_rules(version, &Rules::of(compiled));
        let compiled = compiled.filter(same).map(Arc::new);
        let mut kept = self.0.borrow_mut();
        while kept.len() >= KEPT {
            kept.pop_first();
        }
        kept.insert(key, compiled.clone());
        compiled.map(|policy| (policy, key.1))
    }
}

fn find(daemon: &State, layer: LayerRef) -> Option<(Session, OwnLayer)> {
    let sessions = daemon.sessions();
    sessions.values().find_map(|session| {
        let own = session.own.iter().find(|own| own.layer == layer)?;
        Some((session.clone(), own.clone()))
    })
}
