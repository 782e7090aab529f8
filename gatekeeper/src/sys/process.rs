//! Processes: handles, which a recycled process id can't fool, and the kernel's description of one.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use procfs::ProcError;
use procfs::process::{Process, Stat};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

pub use rustix::process::Signal;

/// Opens a handle on the process that has this id now.
///
/// # Errors
/// Where there is none: `ESRCH`, or `EINVAL` for a thread that leads no process and for a number that is no id.
pub fn open(pid: i32) -> io::Result<OwnedFd> {
    let pid = Some(pid).filter(|pid| *pid > 0).and_then(Pid::from_raw).ok_or(Errno::INVAL)?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

/// Returns whether the process has not ended yet.
///
/// # Errors
/// Where the kernel refuses to tell.
pub fn is_alive(pidfd: BorrowedFd<'_>) -> io::Result<bool> {
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let ready = poll(&mut [PollFd::from_borrowed_fd(pidfd, PollFlags::IN)], Some(&at_once))?;
    Ok(ready == 0)
}

/// Sends a signal to the process.
///
/// # Errors
/// Where it is gone, or may not be signalled.
pub fn signal(pidfd: BorrowedFd<'_>, signal: Signal) -> io::Result<()> {
    Ok(pidfd_send_signal(pidfd, signal)?)
}

/// Returns the effective user id of this process.
#[must_use]
pub fn effective_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Returns the kernel's id of this boot.
///
/// # Errors
/// Where /proc can't be read.
pub fn boot_id() -> io::Result<String> {
    procfs::sys::kernel::random::boot_id().map_err(io_error)
}

/// Reads /proc/PID/stat.
///
/// # Errors
/// `NotFound` where there is no such process.
pub fn stat(pid: i32) -> io::Result<Stat> {
    Process::new(pid).and_then(|process| process.stat()).map_err(io_error)
}

/// Returns the path of a process's cgroup within the unified hierarchy; none where it has none there.
///
/// # Errors
/// `NotFound` where there is no such process.
pub fn cgroup(pid: i32) -> io::Result<Option<String>> {
    let all = Process::new(pid).and_then(|process| process.cgroups()).map_err(io_error)?;
    Ok(all.into_iter().find(|one| one.hierarchy == 0).map(|one| one.pathname))
}

/// Returns the I/O error that reading /proc came to.
#[must_use]
pub fn io_error(error: ProcError) -> io::Error {
    match error {
        ProcError::NotFound(_) => io::Error::new(io::ErrorKind::NotFound, error),
        ProcError::PermissionDenied(_) => io::Error::new(io::ErrorKind::PermissionDenied, error),
        // The process ended between opening and reading.
        ProcError::Io(cause, _) if cause.raw_os_error() == Some(libc::ESRCH) => {
            io::Error::new(io::ErrorKind::NotFound, cause)
        }
        ProcError::Io(cause, _) => cause,
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_child_is_alive_until_it_ends() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let handle = open(child.id().cast_signed()).unwrap();
        assert!(is_alive(handle.as_fd()).unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_alive(handle.as_fd()).unwrap());
        assert_eq!(stat(child.id().cast_signed()).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(signal(handle.as_fd(), Signal::CONT).unwrap_err().raw_os_error(), Some(libc::ESRCH));
    }

    #[test]
    fn numbers_that_are_no_process_have_no_handle() {
        for number in [0, -1, i32::MIN] {
            assert_eq!(open(number).unwrap_err().raw_os_error(), Some(libc::EINVAL), "{number}");
        }
    }

    #[test]
    fn this_process_is_described() {
        let own = stat(std::process::id().cast_signed()).unwrap();
        assert_eq!(own.pid, std::process::id().cast_signed());
        assert!(own.starttime > 0);
        assert_eq!(boot_id().unwrap().len(), 36);
    }
}
