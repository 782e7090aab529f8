//! The calls of a canary that neither the standard library nor rustix makes safe. Each is harmless by itself: it sets a
//! value to what it is, asks for what it gives back at once, or fails behind its hook.
//!
//! Each fails as its system call does.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::ptr;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, UserfaultfdFlags, mmap, mprotect, munmap, userfaultfd};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use super::path_text;

fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Returns the id or descriptor that a call made.
fn id(result: libc::c_long) -> io::Result<libc::c_int> {
    libc::c_int::try_from(checked(result)?).map_err(io::Error::other)
}

/// Truncates a file by its path (truncate(2)).
pub fn truncate(path: &Path) -> io::Result<()> {
    let path = path_text(path)?;
    // SAFETY: a NUL-terminated path.
    checked(unsafe { libc::truncate(path.as_ptr(), 0) }.into()).map(drop)
}

/// Bytes of a page, or fewer.
const PAGE: usize = 4096;

/// Maps the first page of a file as executable, at once or by a later mprotect(2).
pub fn map_executable(file: BorrowedFd<'_>, later: bool) -> io::Result<()> {
    let executable = ProtFlags::READ | ProtFlags::EXEC;
    let first = if later { ProtFlags::READ } else { executable };
    // SAFETY: a fresh private mapping at an address of the kernel's choice; nobody reads or runs it, and it is taken
    // away before the function ends.
    unsafe {
        let page = mmap(ptr::null_mut(), PAGE, first, MapFlags::PRIVATE, file, 0)?;
        let result =
            if later { mprotect(page, PAGE, MprotectFlags::READ | MprotectFlags::EXEC) } else { Ok(()) };
        munmap(page, PAGE)?;
        Ok(result?)
    }
}

/// Compares address spaces with another process (kcmp(2)): needs the right to trace it, and does nothing.
pub fn compare_with(process: u32) -> io::Result<()> {
    const KCMP_VM: libc::c_int = 1;
    // SAFETY: takes numbers.
    checked(unsafe { libc::syscall(libc::SYS_kcmp, std::process::id(), process, KCMP_VM, 0, 0) }).map(drop)
}

/// Asks to be traced by the parent (ptrace(2) `PTRACE_TRACEME`).
pub fn be_traced() -> io::Result<()> {
    // SAFETY: PTRACE_TRACEME takes no further arguments.
    checked(unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) }).map(drop)
}

/// Enters a mount namespace of one's own, from which nothing spreads, and one for System V objects, which end with it.
pub fn isolate() -> io::Result<()> {
    // SAFETY: no descriptor or memory is shared less than before.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::NEWIPC) }?;
    Ok(mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)?)
}

/// Enters a user namespace. Changes the caller for good: to be done in a child.
pub fn unshare_user() -> io::Result<()> {
    // SAFETY: as in `isolate`.
    Ok(unsafe { unshare_unsafe(UnshareFlags::NEWUSER) }?)
}

/// Types a character into a file that is no terminal: `ENOTTY`, behind the hook.
pub fn type_into(file: BorrowedFd<'_>) -> io::Result<()> {
    let character = b'x';
    // SAFETY: TIOCSTI reads one byte.
    checked(unsafe { libc::ioctl(file.as_raw_fd(), libc::TIOCSTI, &raw const character) }.into()).map(drop)
}

/// Binds a socket to the loopback device (`SO_BINDTODEVICE`).
pub fn bind_to_device(socket: BorrowedFd<'_>) -> io::Result<()> {
    let (name, length) = (c"lo".as_ptr().cast(), 3);
    // SAFETY: three bytes of a string.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_BINDTODEVICE, name, length)
    };
    checked(result.into()).map(drop)
}

/// Gives another process no I/O priority of its own (`ioprio_set(2)`).
pub fn set_io_priority(process: u32) -> io::Result<()> {
    const IOPRIO_WHO_PROCESS: libc::c_int = 1;
    // SAFETY: takes numbers.
    checked(unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, process, 0) }).map(drop)
}

/// Gives another process the limit on core dumps that it has. rustix has no prlimit(2) that only reads.
pub fn set_limit(process: u32) -> io::Result<()> {
    let process = process.cast_signed();
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a limit to be written, then read.
    unsafe {
        checked(libc::prlimit(process, libc::RLIMIT_CORE, ptr::null(), &raw mut limit).into())?;
        checked(libc::prlimit(process, libc::RLIMIT_CORE, &raw const limit, ptr::null_mut()).into()).map(drop)
    }
}

/// Asks for the number of unread bytes of the kernel's log (syslog(2)).
pub fn ask_log() -> io::Result<()> {
    const SYSLOG_ACTION_SIZE_UNREAD: libc::c_int = 9;
    // SAFETY: takes a number and no buffer.
    checked(unsafe { libc::klogctl(SYSLOG_ACTION_SIZE_UNREAD, ptr::null_mut(), 0) }.into()).map(drop)
}

/// Counts the caller's own page faults (`perf_event_open(2)`).
pub fn count_faults() -> io::Result<()> {
    const PERF_TYPE_SOFTWARE: u32 = 1;
    const PERF_COUNT_SW_PAGE_FAULTS: u64 = 2;
    // `struct perf_event_attr` in its first version: type, size, config, and zeros.
    let mut attributes = [0_u64; 8];
    attributes[0] = u64::from(PERF_TYPE_SOFTWARE) | 64 << 32;
    attributes[1] = PERF_COUNT_SW_PAGE_FAULTS;
    // SAFETY: 64 bytes, as they state.
    let result = unsafe { libc::syscall(libc::SYS_perf_event_open, attributes.as_ptr(), 0, -1, -1, 0) };
    // SAFETY: a descriptor that the kernel has just made for us.
    id(result).map(|number| drop(unsafe { OwnedFd::from_raw_fd(number) }))
}

/// Makes a userfaultfd.
pub fn fault_handler() -> io::Result<()> {
    // SAFETY: no memory is registered with it, and it is closed at once.
    Ok(unsafe { userfaultfd(UserfaultfdFlags::CLOEXEC) }.map(drop)?)
}

/// A System V object of each kind and a key.
pub struct Objects {
    queue: i32,
    memory: i32,
    semaphores: i32,
    key: i32,
}

impl Objects {
    /// Makes them, private and empty.
    pub fn make() -> io::Result<Self> {
        const KEY_SPEC_PROCESS_KEYRING: i32 = -2;
        // SAFETY: take numbers and NUL-terminated strings.
        unsafe {
            Ok(Self {
                queue: id(libc::msgget(libc::IPC_PRIVATE, 0o600).into())?,
                memory: id(libc::shmget(libc::IPC_PRIVATE, 4096, 0o600).into())?,
                semaphores: id(libc::semget(libc::IPC_PRIVATE, 1, 0o600).into())?,
                key: id(libc::syscall(
                    libc::SYS_add_key,
                    c"user".as_ptr(),
                    c"gatekeeper-canary".as_ptr(),
                    c"x".as_ptr(),
                    1_usize,
                    KEY_SPEC_PROCESS_KEYRING,
                ))?,
            })
        }
    }

    /// Attaches the memory. The kernel turns the hook's EPERM into EACCES (ipc/shm.c `do_shmat`), which root gets for
    /// no other reason.
    pub fn attach(&self) -> io::Result<()> {
        // SAFETY: a mapping at an address of the kernel's choice, taken away at once.
        let address = unsafe { libc::shmat(self.memory, ptr::null(), libc::SHM_RDONLY) };
        if address as isize == -1 {
            let error = io::Error::last_os_error();
            let refused = error.raw_os_error() == Some(libc::EACCES);
            return Err(if refused { io::Error::from_raw_os_error(libc::EPERM) } else { error });
        }
        // SAFETY: attached just now.
        checked(unsafe { libc::shmdt(address) }.into()).map(drop)
    }

    /// Removes the queue.
    pub fn remove_queue(&self) -> io::Result<()> {
        // SAFETY: removing needs no buffer.
        checked(unsafe { libc::msgctl(self.queue, libc::IPC_RMID, ptr::null_mut()) }.into()).map(drop)
    }

    /// Removes the memory.
    pub fn remove_memory(&self) -> io::Result<()> {
        // SAFETY: as above.
        checked(unsafe { libc::shmctl(self.memory, libc::IPC_RMID, ptr::null_mut()) }.into()).map(drop)
    }

    /// Removes the semaphores.
    pub fn remove_semaphores(&self) -> io::Result<()> {
        // SAFETY: takes numbers.
        checked(unsafe { libc::semctl(self.semaphores, 0, libc::IPC_RMID) }.into()).map(drop)
    }

    /// Reads the key.
    pub fn read_key(&self) -> io::Result<()> {
        let mut byte = [0_u8];
        // SAFETY: one byte to be written.
        let read = unsafe {
            libc::syscall(
                libc::SYS_keyctl,
                i64::from(libc::KEYCTL_READ),
                self.key,
                byte.as_mut_ptr(),
                1_usize,
            )
        };
        checked(read).map(drop)
    }
}

/// Writes the quotas in memory to every disk that has them.
pub fn sync_quotas() -> io::Result<()> {
    let command = libc::QCMD(libc::Q_SYNC, libc::USRQUOTA);
    // SAFETY: takes numbers; without a device it is about all of them, and there is no address.
    let result = unsafe { libc::quotactl(command, ptr::null(), 0, ptr::null_mut()) };
    checked(result.into()).map(drop)
}

/// Gives a file, by its path, the flags of a new one: none (include/uapi/linux/fs.h `struct file_attr`).
pub fn set_flags(path: &Path) -> io::Result<()> {
    const FILE_SETATTR: libc::c_long = 469;
    let (path, none) = (path_text(path)?, [0_u64; 3]);
    // SAFETY: a NUL-terminated path, and as many bytes as the call names.
    let result = unsafe {
        libc::syscall(FILE_SETATTR, libc::AT_FDCWD, path.as_ptr(), none.as_ptr(), size_of_val(&none), 0)
    };
    checked(result).map(drop)
}

/// Asks that signals of a file go to another process (fcntl(2) `F_SETOWN`); none will, as it sends none.
pub fn give_signals(file: BorrowedFd<'_>, process: u32) -> io::Result<()> {
    const F_SETOWN: libc::c_int = 8;
    // SAFETY: takes numbers.
    checked(unsafe { libc::fcntl(file.as_raw_fd(), F_SETOWN, process.cast_signed()) }.into()).map(drop)
}
