//! The process at the other end of a UNIX socket.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// `SO_PEERPIDFD` (include/uapi/asm-generic/socket.h), since Linux 6.5; libc does not name it yet.
const SO_PEERPIDFD: libc::c_int = 77;

/// The credentials of the process that connected, as the kernel noted them at that moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Process id.
    pub pid: i32,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
}

fn length_of(bytes: usize) -> io::Result<libc::socklen_t> {
    bytes.try_into().map_err(io::Error::other)
}

fn option<T: Copy>(socket: BorrowedFd<'_>, name: libc::c_int) -> io::Result<T> {
    let mut value = MaybeUninit::<T>::uninit();
    let mut length = length_of(size_of::<T>())?;
    // SAFETY: the pointers are to a value and a length of ours, and the length is the value's.
    super::check(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            name,
            value.as_mut_ptr().cast(),
            &raw mut length,
        )
    })?;
    if length as usize != size_of::<T>() {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    // SAFETY: the kernel wrote as many bytes as T has; callers use plain C types only.
    Ok(unsafe { value.assume_init() })
}

/// Returns the credentials of the process that connected (`SO_PEERCRED`).
///
/// rustix's `socket_peercred` has no room for the process id 0, which the kernel gives for a process that is in no
/// process namespace of ours (net/core/sock.c `cred_to_ucred`, `pid_vnr`).
///
/// # Errors
/// Where the socket is no UNIX socket.
pub fn peer_credentials(socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    let found: libc::ucred = option(socket, libc::SO_PEERCRED)?;
    Ok(Credentials { pid: found.pid, uid: found.uid, gid: found.gid })
}

/// Returns the supplementary groups of the process that connected, as the kernel noted them at that moment
/// (`SO_PEERGROUPS`, which rustix lacks).
///
/// # Errors
/// Where the socket is no UNIX socket.
pub fn peer_groups(socket: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    /// The kernel's own limit (`NGROUPS_MAX`, include/uapi/linux/limits.h).
    const MOST: usize = 65_536;
    let mut groups: Vec<libc::gid_t> = vec![0; 64];
    loop {
        let mut length = length_of(size_of_val(groups.as_slice()))?;
        // SAFETY: the pointers are to memory and a length of ours, and the length is the memory's.
        let asked = super::check(unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut length,
            )
        });
        match asked {
            Ok(_) => {
                groups.truncate(length as usize / size_of::<libc::gid_t>());
                return Ok(groups);
            }
            Err(error) if error.raw_os_error() == Some(libc::ERANGE) && groups.len() < MOST => {
                groups.resize(MOST, 0);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Opens a handle on the very process that connected (`SO_PEERPIDFD`, which rustix lacks).
///
/// # Errors
/// `ENOPROTOOPT` before Linux 6.5.
pub fn peer_pidfd(socket: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let found: RawFd = option(socket, SO_PEERPIDFD)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(found) })
}
