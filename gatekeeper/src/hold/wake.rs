//! Lets the task of a hold go on, so that it asks again and finds the decision.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use gatekeeper_common::event::Header;

use crate::protocol::peer::start_time;
use crate::sys::process;

/// Times in /proc are cut to a hundredth of a second.
const TICK: u64 = 10_000_000;

/// Sends SIGCONT to the process of a hold, if it is still that process.
///
/// # Errors
/// Where it is there and can't be sent a signal.
pub fn wake(event: &Header) -> io::Result<()> {
    let gone = |error: &io::Error| matches!(error.raw_os_error(), Some(libc::ESRCH | libc::EINVAL));
    let handle = match process::open(event.pid.cast_signed()) {
        Ok(handle) => handle,
        Err(error) if gone(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    // The number can't change its meaning while there is a handle on it.
    let started = match start_time(event.pid.cast_signed()) {
        Ok(started) => started,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if started != Duration::from_nanos(event.start / TICK * TICK) {
        return Ok(());
    }
    match process::signal(handle.as_fd(), process::Signal::CONT) {
        Err(error) if gone(&error) => Ok(()),
        result => result,
    }
}
