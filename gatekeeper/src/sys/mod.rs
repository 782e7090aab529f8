//! Every unsafe and libc call of user space, one small safe wrapper each.

pub mod acts;
pub mod bpf;
pub mod clock;
pub mod fd;
pub mod filesystem;
pub mod inotify;
pub mod passwd;
pub mod process;
pub mod random;
pub mod socket;
pub mod watch;

use std::io;

/// Turns the return value of a libc call that answers -1 on error into a result.
fn check(value: libc::c_int) -> io::Result<libc::c_int> {
    if value == -1 { Err(io::Error::last_os_error()) } else { Ok(value) }
}
