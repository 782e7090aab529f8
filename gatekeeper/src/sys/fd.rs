//! File descriptors and the file mode mask of this process.

use std::io;
use std::os::fd::RawFd;

use rustix::fs::Mode;

/// Closes every descriptor from `first` on. Only for a process about to exec: the owner of one of them must not be used
/// again.
///
/// # Errors
/// Where a seccomp filter refuses the call.
pub fn close_from(first: RawFd) -> io::Result<()> {
    // SAFETY: close_range takes no pointers. rustix lacks it; the kernel has it since 5.9.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first.cast_unsigned(), libc::c_uint::MAX, 0) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Takes permission bits away from every file that this process makes from now on.
pub fn umask(mask: u32) {
    rustix::process::umask(Mode::from_raw_mode(mask));
}
