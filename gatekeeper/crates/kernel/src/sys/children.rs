//! Children that try one operation.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::process::{Pid, WaitOptions, waitpid};

/// Runs an operation in a child process and returns its result. The caller must have one thread.
///
/// # Errors
/// The operation's error, as errno, or that of making the child.
pub fn in_child(operation: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    // SAFETY: with one thread, the child may do all that the parent may.
    finish(unsafe { libc::fork() }.into(), operation)
}

/// `CLONE_INTO_CGROUP` (include/uapi/linux/sched.h); libc's constant of this name is too narrow for its value.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Runs an operation in a child that is born into a cgroup, of which `cgroup` is the open folder.
///
/// # Errors
/// As for [`in_child`].
pub fn in_child_of_cgroup(
    cgroup: BorrowedFd<'_>,
    operation: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    // SAFETY: all zeros is a valid clone_args.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.exit_signal = libc::SIGCHLD as u64;
    arguments.cgroup = u64::from(cgroup.as_raw_fd().cast_unsigned());
    // SAFETY: as for fork: no stack of its own, a copy of this process.
    let child = unsafe { libc::syscall(libc::SYS_clone3, &raw mut arguments, size_of::<libc::clone_args>()) };
    finish(child, operation)
}

fn finish(child: libc::c_long, operation: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    if child < 0 {
        return Err(io::Error::last_os_error());
    }
    let child = libc::pid_t::try_from(child).map_err(io::Error::other)?;
    let Some(child) = Pid::from_raw(child) else {
        let code = operation().err().map_or(0, |error| error.raw_os_error().unwrap_or(libc::EIO));
        // SAFETY: ends the child at once, without the parent's destructors.
        unsafe { libc::_exit(code & 0xff) };
    };
    match waitpid(Some(child), WaitOptions::empty())?.and_then(|(_, status)| status.exit_status()) {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(code)),
        None => Err(io::Error::other("the child was killed")),
    }
}
