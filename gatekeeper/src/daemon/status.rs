//! The state of the daemon and of the kernel side, collected for `gatekeeper status`.

use gatekeeper_kernel::Liveness;

use super::state::State;
use crate::protocol::status::{Counters, HookLiveness, HookState, Status, TrailState};

/// The state of the daemon and the kernel side now.
#[must_use]
pub fn status(daemon: &State) -> Status {
    let refusal = daemon.ready().err();
    let hooks = match &*daemon.kernel() {
        Err(_) => Vec::new(),
        Ok(kernel) => kernel
            .hooks()
            .iter()
            .map(|hook| {
                let (state, why) = match &hook.liveness {
                    Liveness::Live => (HookLiveness::Live, None),
                    Liveness::Attached => (HookLiveness::Attached, None),
                    Liveness::Unproved => (HookLiveness::Untested, None),
                    Liveness::Dead(why) => (HookLiveness::Dead, Some(why.clone())),
                };
                HookState { hook: hook.name.to_owned(), attach_type: hook.attach_type, state, reason: why }
            })
            .collect(),
    };
    let counters = daemon.with_kernel(|kernel| kernel.counters()).ok();
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ready: refusal.is_none(),
        help: refusal.as_ref().and_then(|refusal| refusal.help.clone()),
        refusal: refusal.map(|refusal| refusal.message),
        hooks,
        unsupported: match &*daemon.kernel() {
            Ok(kernel) => kernel.unsupported().to_vec(),
            Err(_) => Vec::new(),
        },
        counters: counters.map(|values| Counters::read(&values)),
        sessions: daemon.sessions().len(),
        unwritten: daemon.trail().health().unwritten(),
        trail: TrailState::of(daemon.trail().health()),
        exports: daemon.trail().exports(),
        notices: daemon.notifier().state(),
        pins: daemon.config().pins.clone(),
        default_policy: daemon.config().default_policy.clone(),
        floor: daemon.config().floor.clone(),
    }
}
