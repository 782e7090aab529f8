//! Work that is due from time to time, and when a session's cgroup changes.

use std::rc::Rc;
use std::time::Duration;

use tracing::error;

use super::hook;
use super::session::{end, expire, recordings};
use super::state::State;

/// Interval between looks for losses.
const SETTLING: Duration = Duration::from_secs(1);
/// Interval between looks at sessions that no watch reports: those whose tasks left their cgroup.
const SWEEPING: Duration = Duration::from_secs(5);
/// Time between looks for recordings that are too old.
const PRUNING: Duration = Duration::from_hours(1);
/// The least time between two sweeps, however often cgroups change.
const PAUSE: Duration = Duration::from_millis(20);

/// Ends sessions as their cgroups become empty.
pub(super) async fn watch(daemon: Rc<State>) {
    let changes = match gatekeeper_kernel::watch(Rc::clone(daemon.cgroup_changes())) {
        Ok(changes) => changes,
        Err(error) => return error!("watching cgroups: {error}"),
    };
    loop {
        // An error would mean that the runtime is shutting down.
        let Ok(mut guard) = changes.readable().await else { return };
        guard.clear_ready();
        if let Err(error) = daemon.cgroup_changes().drain() {
            error!("watching cgroups: {error}");
        }
        // Its last events come before its end.
        daemon.freshen().await;
        end::sweep(&daemon);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Does what is due, for ever.
pub(super) async fn tick(daemon: Rc<State>) {
    let mut settling = tokio::time::interval(SETTLING);
    let mut sweeping = tokio::time::interval(SWEEPING);
    let mut pruning = tokio::time::interval(PRUNING);
    loop {
        tokio::select! {
            _ = settling.tick() => {
                daemon.record_losses();
                hook::settle(&daemon);
                expire::expire(&daemon);
            }
            _ = sweeping.tick() => end::sweep(&daemon),
            _ = pruning.tick() => recordings::prune(&daemon),
        }
    }
}
