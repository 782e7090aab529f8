//! Acts done by the kernel's own threads on behalf of a process: through an `io_uring`.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use super::Done;
use super::file::owned;
use crate::sys::{Errno, c, check, errno};

const SETUP: libc::c_long = libc::SYS_io_uring_setup;
const ENTER: libc::c_long = libc::SYS_io_uring_enter;
/// `include/uapi/linux/io_uring.h`, of which the libc crate has nothing.
const IORING_SETUP_SQPOLL: u32 = 1 << 1;
const IORING_ENTER_GETEVENTS: u32 = 1;
const IORING_ENTER_SQ_WAKEUP: u32 = 1 << 1;
const IORING_OP_OPENAT: u8 = 18;
const IOSQE_ASYNC: u8 = 1 << 4;
const IORING_OFF_SQES: i64 = 0x1000_0000;
const PAGE: usize = 4096;

pub fn act(verb: &str, arguments: &[Vec<u8>]) -> Option<Done> {
    let done = match (verb, arguments.len()) {
        // By a worker thread that the kernel makes for this.
        ("open-by-worker", 1) => open(&arguments[0], 0),
        // By the thread that looks for what is submitted.
        ("open-by-poller", 1) => open(&arguments[0], IORING_SETUP_SQPOLL),
        _ => return None,
    };
    Some(done)
}

/// `struct io_uring_params`: only the offsets of the two rings are read.
#[repr(C)]
#[derive(Default)]
struct Params {
    entries: [u32; 2],
    flags: u32,
    thread: [u32; 2],
    features: u32,
    queue: u32,
    reserved: [u32; 3],
    /// head, tail, mask, entries, flags, dropped, array, reserved, address.
    submissions: [u32; 10],
    /// head, tail, mask, entries, overflow, entries themselves, flags, reserved, address.
    completions: [u32; 10],
}

/// `struct io_uring_sqe`, as far as an openat needs it.
#[repr(C)]
struct Submission {
    opcode: u8,
    flags: u8,
    priority: u16,
    folder: i32,
    offset: u64,
    name: u64,
    mode: u32,
    open_flags: u32,
    rest: [u64; 4],
}

fn map(ring: &OwnedFd, offset: i64) -> Errno<*mut u8> {
    let both = libc::PROT_READ | libc::PROT_WRITE;
    let shared = libc::MAP_SHARED | libc::MAP_POPULATE;
    // SAFETY: a new mapping; a ring of one entry needs less than a page of each kind.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), PAGE, both, shared, ring.as_raw_fd(), offset) };
    if at == libc::MAP_FAILED { Err(errno(&std::io::Error::last_os_error())) } else { Ok(at.cast()) }
}

/// Opens a file by a ring, and closes it again.
fn open(path: &[u8], flags: u32) -> Done {
    let path = c(path)?;
    let mut params = Params { flags, ..Params::default() };
    // SAFETY: the kernel fills the parameters.
    let ring = owned(check(unsafe { libc::syscall(SETUP, 1, &raw mut params) })?);
    // One mapping holds both rings (IORING_FEAT_SINGLE_MMAP, Linux 5.4).
    let (rings, entries) = (map(&ring, 0)?, map(&ring, IORING_OFF_SQES)?);
    let word = |offset: u32| {
        // SAFETY: the kernel returned the offset, which lies in the mapping and is aligned.
        unsafe { &*rings.add(offset as usize).cast::<AtomicU32>() }
    };
    let asynchronous = if flags == 0 { IOSQE_ASYNC } else { 0 };
    let wanted = Submission {
        opcode: IORING_OP_OPENAT,
        flags: asynchronous,
        priority: 0,
        folder: libc::AT_FDCWD,
        offset: 0,
        name: path.as_ptr() as u64,
        mode: 0,
        open_flags: (libc::O_RDONLY | libc::O_CLOEXEC) as u32,
        rest: [0; 4],
    };
    // SAFETY: the mapping has room for one entry of 64 bytes, and the kernel does not look yet.
    unsafe { entries.cast::<Submission>().write(wanted) };
    word(params.submissions[6]).store(0, Ordering::Release);
    word(params.submissions[1]).store(1, Ordering::Release);
    let how = IORING_ENTER_GETEVENTS | if flags == 0 { 0 } else { IORING_ENTER_SQ_WAKEUP };
    let none = std::ptr::null::<u8>();
    // SAFETY: no pointers but the empty one.
    check(unsafe { libc::syscall(ENTER, ring.as_raw_fd(), 1, 1, how, none, 0) })?;
    if word(params.completions[1]).load(Ordering::Acquire) == 0 {
        return Err(libc::EAGAIN);
    }
    // SAFETY: the completion, whose second word is followed by the result.
    let result = unsafe { rings.add(params.completions[5] as usize + 8).cast::<i32>().read() };
    if result < 0 {
        return Err(-result);
    }
    drop(owned(result.into()));
    Ok(Vec::new())
}
