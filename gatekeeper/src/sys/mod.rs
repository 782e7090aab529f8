//! The system calls of the program, each behind a small safe function. rustix makes them where it has the call.

pub mod drop_privileges;
pub mod fd;
pub mod filesystem;
pub mod inotify;
pub mod passwd;
pub mod process;
pub mod socket;
pub mod terminal;
pub mod termination;

use std::io;

/// Turns the return value of a libc call that answers -1 on error into a result.
fn check(value: libc::c_int) -> io::Result<libc::c_int> {
    if value == -1 { Err(io::Error::last_os_error()) } else { Ok(value) }
}
