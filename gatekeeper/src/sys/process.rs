//! Handles on processes, which a recycled process id can't fool.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// A handle on the process that has this id now.
///
/// # Errors
/// Where pidfd_open(2) fails: `ESRCH` where there is no such process.
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
///
/// # Errors
/// Where poll(2) fails.
pub fn is_alive(pidfd: BorrowedFd<'_>) -> io::Result<bool> {
    let mut entry = libc::pollfd { fd: pidfd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one entry of ours, and we say one.
    let ready = super::check(unsafe { libc::poll(&mut entry, 1, 0) })?;
    Ok(ready == 0)
}

/// Sends a signal to the process.
///
/// # Errors
/// Where pidfd_send_signal(2) fails: `ESRCH` where the process has ended.
pub fn signal(pidfd: BorrowedFd<'_>, signal: libc::c_int) -> io::Result<()> {
    let none: *const libc::siginfo_t = std::ptr::null();
    // SAFETY: takes numbers, and no description of the signal.
    let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, none, 0) };
    if sent == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The effective user id of this process.
#[must_use]
pub fn effective_uid() -> u32 {
    // SAFETY: geteuid takes nothing and can't fail.
    unsafe { libc::geteuid() }
}

/// The kernel's id of this boot.
///
/// # Errors
/// Where /proc can't be read.
pub fn boot_id() -> io::Result<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned())
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
