//! Handles on processes, which a recycled process id can't fool.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// A handle on the process that has this id now.
pub fn open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open takes no pointers.
    let found = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    if found == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(found as RawFd) })
}

/// Whether the process has not ended yet.
pub fn is_alive(pidfd: BorrowedFd<'_>) -> io::Result<bool> {
    let mut entry = libc::pollfd { fd: pidfd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one entry of ours, and we say one.
    let ready = super::check(unsafe { libc::poll(&mut entry, 1, 0) })?;
    Ok(ready == 0)
}

/// The effective user id of this process.
#[must_use]
pub fn effective_uid() -> u32 {
    // SAFETY: geteuid takes nothing and can't fail.
    unsafe { libc::geteuid() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_child_is_alive_until_it_ends() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let handle = open(child.id() as i32).unwrap();
        assert!(is_alive(handle.as_fd()).unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_alive(handle.as_fd()).unwrap());
    }
}
