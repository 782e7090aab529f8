//! The loop that looks after holds.

use std::rc::Rc;
use std::time::Duration;

use super::check::check;
use super::look::look;
use crate::daemon::state::State;

/// Between two looks while tasks are to get their answers.
const WAKING: Duration = Duration::from_millis(20);
/// Between two looks while something waits.
const WAITING: Duration = Duration::from_millis(250);
/// Between two looks while nothing is known to wait: an announcement could have been lost.
const RESTING: Duration = Duration::from_secs(1);

/// Looks after holds for ever.
pub async fn serve(daemon: Rc<State>) {
    loop {
        look(&daemon);
        let unchecked = daemon.holds_mut().take_unchecked();
        for id in unchecked {
            tokio::task::spawn_local(check(Rc::clone(&daemon), id));
        }
        let pause = {
            let queue = daemon.holds();
            if queue.entries.values().any(|entry| entry.decision().is_some()) {
                WAKING
            } else if queue.entries.is_empty() {
                RESTING
            } else {
                WAITING
            }
        };
        tokio::select! {
            () = daemon.bell().0.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}
