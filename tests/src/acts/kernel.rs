//! Acts that no policy can allow.

use std::os::fd::AsRawFd;

use super::Done;
use super::file::{nothing, owned};
use crate::sys::{c, check};

const BPF_PROG_GET_NEXT_ID: i32 = 11;

pub fn act(verb: &str, arguments: &[Vec<u8>]) -> Option<Done> {
    let done = match (verb, arguments.len()) {
        // Mounts a file system in memory, and takes it away again.
        ("mount", 1) => nothing(c(&arguments[0]).and_then(|at| {
            let kind = c"tmpfs".as_ptr();
            // SAFETY: all end in NUL; no data.
            check(unsafe { libc::mount(kind, at.as_ptr(), kind, 0, std::ptr::null()) })?;
            // SAFETY: as above.
            check(unsafe { libc::umount2(at.as_ptr(), libc::MNT_DETACH) })
        })),
        ("unmount", 1) => nothing(c(&arguments[0]).and_then(|at| {
            // SAFETY: ends in NUL.
            check(unsafe { libc::umount2(at.as_ptr(), libc::MNT_DETACH) })
        })),
        // In a child's place: the caller wraps it in `in-child`.
        ("change-root", 1) => nothing(c(&arguments[0]).and_then(|at| {
            // SAFETY: ends in NUL.
            check(unsafe { libc::chroot(at.as_ptr()) })
        })),
        ("bpf", 0) => {
            let mut attributes = [0_u8; 128];
            // SAFETY: the kernel reads and writes at most the size told.
            let next = unsafe {
                libc::syscall(libc::SYS_bpf, BPF_PROG_GET_NEXT_ID, attributes.as_mut_ptr(), attributes.len())
            };
            nothing(check(next))
        }
        ("type-into-terminal", 0) => nothing(type_into_terminal()),
        _ => return None,
    };
    Some(done)
}

/// Puts a byte into a terminal's input, as if its owner had typed it.
fn type_into_terminal() -> Result<i64, i32> {
    let (mut near, mut far) = (0, 0);
    // SAFETY: room for both descriptors; no name, no settings.
    check(unsafe {
        libc::openpty(
            &raw mut near,
            &raw mut far,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        )
    })?;
    let (_near, far) = (owned(near.into()), owned(far.into()));
    let byte = b'x';
    // SAFETY: a byte to read from.
    check(unsafe { libc::ioctl(far.as_raw_fd(), libc::TIOCSTI, &raw const byte) })
}
