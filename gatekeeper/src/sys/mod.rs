//! Every unsafe and libc call of user space, each behind a small safe function.

pub mod drop_privileges;
pub mod fd;
pub mod filesystem;
pub mod inotify;
pub mod passwd;
pub mod process;
pub mod socket;
pub mod terminal;
pub mod termination;

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A path as the kernel takes it.
fn text(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// Turns the return value of a libc call that answers -1 on error into a result.
fn check(value: libc::c_int) -> io::Result<libc::c_int> {
    if value == -1 { Err(io::Error::last_os_error()) } else { Ok(value) }
}
