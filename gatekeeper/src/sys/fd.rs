//! File descriptors of this process.

use std::io;
use std::os::fd::RawFd;

/// Closes every descriptor from `first` on.
///
/// Only for a process about to exec: whatever owned one of them must not be used again.
///
/// # Errors
/// Where close_range(2) fails.
pub fn close_from(first: RawFd) -> io::Result<()> {
    // SAFETY: close_range takes no pointers. The kernel has it since 5.9, before anything we support.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first as libc::c_uint, libc::c_uint::MAX, 0) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Takes permission bits away from every file this process makes from now on.
pub fn umask(mask: u32) {
    // SAFETY: umask takes no pointers and can't fail.
    unsafe { libc::umask(mask) };
}
