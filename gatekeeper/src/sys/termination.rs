//! Requests to end: SIGTERM, SIGHUP and SIGINT.

use std::io;
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

/// Has a thread do this once the process is asked to end, instead of ending it: a terminal is put back first.
///
/// # Errors
/// Where signals can't be listened for, or no thread can be started.
pub fn on_termination(then: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let entered = runtime.enter();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    drop(entered);
    let wait = move || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        then();
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}
