//! Who is at the other end of a UNIX socket.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// `SO_PEERPIDFD` (include/uapi/asm-generic/socket.h), since Linux 6.5; libc does not name it yet.
const SO_PEERPIDFD: libc::c_int = 77;

/// Who connected, as the kernel noted it at that moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Process id.
    pub pid: i32,
    /// Effective user id.
    pub uid: u32,
}

fn option<T: Copy>(socket: BorrowedFd<'_>, name: libc::c_int) -> io::Result<T> {
    let mut value = MaybeUninit::<T>::uninit();
    let mut length = size_of::<T>() as libc::socklen_t;
    // SAFETY: the pointers are to a value and a length of ours, and the length is the value's.
    super::check(unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, name, value.as_mut_ptr().cast(), &mut length)
    })?;
    if length as usize != size_of::<T>() {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    // SAFETY: the kernel wrote as many bytes as T has; callers use plain C types only.
    Ok(unsafe { value.assume_init() })
}

/// Who connected.
pub fn peer_credentials(socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    let found: libc::ucred = option(socket, libc::SO_PEERCRED)?;
    Ok(Credentials { pid: found.pid, uid: found.uid })
}

/// A handle on the very process that connected; `ENOPROTOOPT` before Linux 6.5.
pub fn peer_pidfd(socket: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let found: RawFd = option(socket, SO_PEERPIDFD)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(found) })
}
