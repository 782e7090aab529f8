//! systemd's watchdog, fed only while the daemon's own thread answers: a thread that hangs is restarted, and
//! enforcement goes on meanwhile.

use std::io;
use std::thread;
use std::time::Duration;

use sd_notify::NotifyState;
use tracing::warn;

use super::handle::Handle;

/// Starts to feed it, where the unit has one (`WatchdogSec=`).
///
/// # Errors
/// Where there is no thread to be had.
pub fn start(handle: Handle) -> io::Result<()> {
    let Some(patience) = sd_notify::watchdog_enabled() else { return Ok(()) };
    // Twice within the time, as sd_watchdog_enabled(3) recommends.
    let pause = patience / 2;
    thread::Builder::new().name("watchdog".to_owned()).spawn(move || feed(&handle, pause)).map(drop)
}

fn feed(handle: &Handle, pause: Duration) {
    // Not ready is an answer, too: a restart would not help.
    while handle.ready().is_ok() {
        if let Err(error) = sd_notify::notify(&[NotifyState::Watchdog]) {
            warn!("feeding the watchdog: {error}");
        }
        thread::sleep(pause);
    }
}
