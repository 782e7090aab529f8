//! Descriptors that an attack holds, seen from outside.

use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::sys::{Errno, check};

/// The first descriptor of these processes whose name begins so, or that is a socket of this family
/// (`socket:17`).
pub fn find(pids: &[u32], what: &str) -> Option<String> {
    let family = what.strip_prefix("socket:").and_then(|number| number.parse::<i32>().ok());
    for pid in pids {
        for entry in fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
            let Ok(link) = fs::read_link(entry.path()) else { continue };
            let link = link.to_string_lossy().into_owned();
            let found = match family {
                None => link.starts_with(what),
                Some(wanted) => {
                    let fd = entry.file_name().to_string_lossy().parse().unwrap_or(-1);
                    link.starts_with("socket:") && family_of(*pid, fd) == Ok(wanted)
                }
            };
            if found {
                return Some(format!("it holds {what}"));
            }
        }
    }
    None
}

/// The family of another process's socket.
fn family_of(pid: u32, fd: i32) -> Errno<i32> {
    // SAFETY: no pointers; what the calls return is ours.
    let process = check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    // SAFETY: as above.
    let process = unsafe { OwnedFd::from_raw_fd(process as i32) };
    // SAFETY: as above.
    let copy = check(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), fd, 0) })?;
    // SAFETY: as above.
    let copy = unsafe { OwnedFd::from_raw_fd(copy as i32) };
    let (mut family, mut length) = (0_i32, 4_u32);
    // SAFETY: an int of the given length.
    check(unsafe {
        libc::getsockopt(
            copy.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_DOMAIN,
            (&raw mut family).cast(),
            &raw mut length,
        )
    })?;
    Ok(family)
}
