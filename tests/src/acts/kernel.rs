//! Acts that no policy can allow.

use std::os::fd::AsRawFd;

use super::Done;
use super::file::{nothing, owned};
use crate::sys::{Errno, c, check, errno};

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
            // SAFETY: the kernel reads and writes at most the given size.
            let next = unsafe {
                libc::syscall(libc::SYS_bpf, BPF_PROG_GET_NEXT_ID, attributes.as_mut_ptr(), attributes.len())
            };
            nothing(check(next))
        }
        // Counts the caller's own page faults.
        ("count-faults", 0) => {
            // `struct perf_event_attr` in its first version: PERF_TYPE_SOFTWARE, its size, PERF_COUNT_SW_PAGE_FAULTS.
            let mut attributes = [0_u64; 8];
            (attributes[0], attributes[1]) = (1 | 64 << 32, 2);
            // SAFETY: of the length that it names.
            let event =
                unsafe { libc::syscall(libc::SYS_perf_event_open, attributes.as_ptr(), 0, -1, -1, 0) };
            nothing(check(event).map(owned))
        }
        ("read-log", 0) => {
            const READ_ALL: i32 = 3;
            let mut text = [0_u8; 64];
            // SAFETY: room for the given size.
            nothing(check(unsafe { libc::klogctl(READ_ALL, text.as_mut_ptr().cast(), 64) }))
        }
        // SAFETY: no pointers.
        ("handle-faults", 0) => nothing(check(unsafe { libc::syscall(libc::SYS_userfaultfd, 0) }).map(owned)),
        ("sync-quotas", 0) => {
            let all = libc::QCMD(libc::Q_SYNC, libc::USRQUOTA);
            // SAFETY: neither a device nor an address is named.
            nothing(check(unsafe { libc::quotactl(all, std::ptr::null(), 0, std::ptr::null_mut()) }))
        }
        ("filter-socket", 0) => nothing(filter_socket()),
        ("make-ring", 0) => {
            let mut parameters = [0_u8; 120];
            // SAFETY: the kernel fills `struct io_uring_params`, of 120 bytes.
            let ring = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) };
            nothing(check(ring).map(owned))
        }
        // Memory that others could share; its number.
        ("make-shared", 0) => {
            // SAFETY: no pointers.
            let made = check(unsafe { libc::shmget(libc::IPC_PRIVATE, 4096, 0o666) });
            made.map(|id| id.to_string().into_bytes())
        }
        ("attach-shared", 1) => number(&arguments[0]).and_then(|id| {
            // SAFETY: a new mapping, taken away again.
            let at = unsafe { libc::shmat(id, std::ptr::null(), libc::SHM_RDONLY) };
            if at as isize == -1 {
                return Err(errno(&std::io::Error::last_os_error()));
            }
            // SAFETY: attached above.
            nothing(check(unsafe { libc::shmdt(at) }))
        }),
        ("remove-shared", 1) => number(&arguments[0]).and_then(|id| {
            // SAFETY: no pointers.
            nothing(check(unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) }))
        }),
        ("type-into-terminal", 0) => nothing(type_into_terminal()),
        _ => return None,
    };
    Some(done)
}

fn number(text: &[u8]) -> Errno<i32> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(libc::EINVAL)
}

/// Puts a filter that lets everything pass on a socket of its own.
fn filter_socket() -> Errno<i64> {
    // BPF_RET | BPF_K
    let mut pass = libc::sock_filter { code: 6, jt: 0, jf: 0, k: 0xffff };
    let program = libc::sock_fprog { len: 1, filter: &raw mut pass };
    // SAFETY: no pointers.
    let socket = owned(check(unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0) })?);
    let (at, length) = ((&raw const program).cast(), size_of::<libc::sock_fprog>() as libc::socklen_t);
    // SAFETY: the program and its one instruction live until the call returns.
    check(unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, at, length)
    })
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
