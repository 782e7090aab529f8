//! The calls a canary makes at the doors of sockets, processes and objects of System V. Each is harmless by
//! itself: it sets what is set already, or asks for what it gives back at once.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;

use super::text;

fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn owned(result: libc::c_long) -> io::Result<OwnedFd> {
    // SAFETY: a descriptor the kernel has just made for us.
    checked(result).map(|number| unsafe { OwnedFd::from_raw_fd(number as i32) })
}

fn tcp() -> io::Result<OwnedFd> {
    // SAFETY: takes numbers.
    owned(unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) }.into())
}

/// listen(2) on a port of the kernel's choice.
///
/// # Errors
/// What the kernel says; so for every call here.
pub fn listen() -> io::Result<()> {
    // SAFETY: takes numbers.
    checked(unsafe { libc::listen(tcp()?.as_raw_fd(), 1) }.into()).map(drop)
}

/// accept(2) on a socket that does not listen: EINVAL, behind the hook.
pub fn accept() -> io::Result<()> {
    // SAFETY: takes numbers and no address.
    let accepted = unsafe { libc::accept(tcp()?.as_raw_fd(), std::ptr::null_mut(), std::ptr::null_mut()) };
    owned(accepted.into()).map(drop)
}

/// Binds a socket to the loopback device.
pub fn bind_to_device() -> io::Result<()> {
    let (name, length) = (c"lo".as_ptr().cast(), 3);
    let socket = tcp()?;
    // SAFETY: three bytes of a string.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_BINDTODEVICE, name, length)
    };
    checked(result.into()).map(drop)
}

/// Sends a file over a socket pair and takes it at the other end; EPERM where it does not arrive.
pub fn receive(file: BorrowedFd<'_>) -> io::Result<()> {
    let (one, other) = std::os::unix::net::UnixDatagram::pair()?;
    let (mut byte, mut control) = ([0_u8], [0_u64; 4]);
    let mut part = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    // SAFETY: all zeros is a valid msghdr.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    // SAFETY: the control buffer is aligned and has room for one descriptor; the message names only what lives
    // to the end of the function.
    unsafe {
        message.msg_controllen = libc::CMSG_SPACE(4) as usize;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(4) as usize;
        libc::CMSG_DATA(header).cast::<i32>().write_unaligned(file.as_raw_fd());
        checked(libc::sendmsg(one.as_raw_fd(), &raw const message, 0) as libc::c_long)?;
        checked(libc::recvmsg(other.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) as libc::c_long)?;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if message.msg_flags & libc::MSG_CTRUNC != 0 || header.is_null() {
            return Err(io::Error::from_raw_os_error(libc::EPERM));
        }
        drop(OwnedFd::from_raw_fd(libc::CMSG_DATA(header).cast::<i32>().read_unaligned()));
    }
    Ok(())
}

/// Watches a folder.
pub fn watch(path: &Path) -> io::Result<()> {
    let path = text(path)?;
    // SAFETY: takes a number.
    let watcher = owned(unsafe { libc::inotify_init1(libc::IN_CLOEXEC) }.into())?;
    // SAFETY: a NUL-terminated path.
    let watch = unsafe { libc::inotify_add_watch(watcher.as_raw_fd(), path.as_ptr(), libc::IN_CREATE) };
    checked(watch.into()).map(drop)
}

/// Gives another process the priority it has.
pub fn set_nice(process: u32) -> io::Result<()> {
    // SAFETY: take numbers; a priority of -1 is no error, and then setting it says so.
    unsafe {
        let nice = libc::getpriority(libc::PRIO_PROCESS, process);
        checked(libc::setpriority(libc::PRIO_PROCESS, process, nice).into()).map(drop)
    }
}

/// Gives another process no I/O priority of its own.
pub fn set_io_priority(process: u32) -> io::Result<()> {
    const IOPRIO_WHO_PROCESS: libc::c_int = 1;
    // SAFETY: takes numbers.
    checked(unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, process, 0) }).map(drop)
}

/// Puts another process on the processors it may run on.
pub fn set_affinity(process: u32) -> io::Result<()> {
    let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
    let process = process as libc::pid_t;
    // SAFETY: a set of its own size, all zeros to begin with.
    unsafe {
        let size = size_of::<libc::cpu_set_t>();
        checked(libc::sched_getaffinity(process, size, set.as_mut_ptr()).into())?;
        checked(libc::sched_setaffinity(process, size, set.as_ptr()).into()).map(drop)
    }
}

/// Gives another process the limit on core dumps that it has.
pub fn set_limit(process: u32) -> io::Result<()> {
    let process = process as libc::pid_t;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a limit to be written, then read.
    unsafe {
        checked(libc::prlimit(process, libc::RLIMIT_CORE, std::ptr::null(), &raw mut limit).into())?;
        checked(libc::prlimit(process, libc::RLIMIT_CORE, &raw const limit, std::ptr::null_mut()).into())
            .map(drop)
    }
}

/// Makes a timer that wakes the machine: needs CAP_WAKE_ALARM, and is not set.
pub fn wake_alarm() -> io::Result<()> {
    // SAFETY: takes numbers.
    owned(unsafe { libc::timerfd_create(libc::CLOCK_REALTIME_ALARM, libc::TFD_CLOEXEC) }.into()).map(drop)
}

/// Makes a user namespace. Changes the caller for good: to be done in a child.
pub fn unshare_user() -> io::Result<()> {
    // SAFETY: takes a number.
    checked(unsafe { libc::unshare(libc::CLONE_NEWUSER) }.into()).map(drop)
}

/// Asks how much of the kernel's log is unread.
pub fn ask_log() -> io::Result<()> {
    const SYSLOG_ACTION_SIZE_UNREAD: libc::c_int = 9;
    // SAFETY: takes a number and no buffer.
    checked(unsafe { libc::klogctl(SYSLOG_ACTION_SIZE_UNREAD, std::ptr::null_mut(), 0) }.into()).map(drop)
}

/// Counts the caller's own page faults (perf_event_open(2)).
pub fn count_faults() -> io::Result<()> {
    const PERF_TYPE_SOFTWARE: u32 = 1;
    const PERF_COUNT_SW_PAGE_FAULTS: u64 = 2;
    // `struct perf_event_attr` in its first version: type, size, config, and zeros.
    let mut attributes = [0_u64; 8];
    attributes[0] = u64::from(PERF_TYPE_SOFTWARE) | 64 << 32;
    attributes[1] = PERF_COUNT_SW_PAGE_FAULTS;
    // SAFETY: 64 bytes, as they say.
    owned(unsafe { libc::syscall(libc::SYS_perf_event_open, attributes.as_ptr(), 0, -1, -1, 0) }).map(drop)
}

/// Makes a userfaultfd.
pub fn fault_handler() -> io::Result<()> {
    // SAFETY: takes a number.
    owned(unsafe { libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC) }).map(drop)
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
                queue: checked(libc::msgget(libc::IPC_PRIVATE, 0o600).into())? as i32,
                memory: checked(libc::shmget(libc::IPC_PRIVATE, 4096, 0o600).into())? as i32,
                semaphores: checked(libc::semget(libc::IPC_PRIVATE, 1, 0o600).into())? as i32,
                key: checked(libc::syscall(
                    libc::SYS_add_key,
                    c"user".as_ptr(),
                    c"gatekeeper-canary".as_ptr(),
                    c"x".as_ptr(),
                    1_usize,
                    KEY_SPEC_PROCESS_KEYRING,
                ))? as i32,
            })
        }
    }

    /// Attaches the memory. The kernel says EACCES where the hook says EPERM (ipc/shm.c `do_shmat`), and to
    /// root it says so for no other reason.
    pub fn attach(&self) -> io::Result<()> {
        // SAFETY: a mapping at an address of the kernel's choice, taken away at once.
        let place = unsafe { libc::shmat(self.memory, std::ptr::null(), libc::SHM_RDONLY) };
        if place as isize == -1 {
            let error = io::Error::last_os_error();
            let refused = error.raw_os_error() == Some(libc::EACCES);
            return Err(if refused { io::Error::from_raw_os_error(libc::EPERM) } else { error });
        }
        // SAFETY: attached just now.
        checked(unsafe { libc::shmdt(place) }.into()).map(drop)
    }

    /// Removes the queue.
    pub fn remove_queue(&self) -> io::Result<()> {
        // SAFETY: removing needs no buffer.
        checked(unsafe { libc::msgctl(self.queue, libc::IPC_RMID, std::ptr::null_mut()) }.into()).map(drop)
    }

    /// Removes the memory.
    pub fn remove_memory(&self) -> io::Result<()> {
        // SAFETY: as above.
        checked(unsafe { libc::shmctl(self.memory, libc::IPC_RMID, std::ptr::null_mut()) }.into()).map(drop)
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

/// Sets a file's times to now.
pub fn touch(path: &Path) -> io::Result<()> {
    let path = text(path)?;
    // SAFETY: a NUL-terminated path and no times: both become now.
    checked(unsafe { libc::utimensat(libc::AT_FDCWD, path.as_ptr(), std::ptr::null(), 0) }.into()).map(drop)
}

const ATTRIBUTE: &std::ffi::CStr = c"trusted.gatekeeper";
const LIST: &std::ffi::CStr = c"system.posix_acl_access";

fn set(path: &Path, name: &std::ffi::CStr, value: &[u8]) -> io::Result<()> {
    let path = text(path)?;
    // SAFETY: NUL-terminated strings, and a value of its own length.
    let result =
        unsafe { libc::setxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    checked(result.into()).map(drop)
}

fn remove(path: &Path, name: &std::ffi::CStr) -> io::Result<()> {
    let path = text(path)?;
    // SAFETY: NUL-terminated strings.
    checked(unsafe { libc::removexattr(path.as_ptr(), name.as_ptr()) }.into()).map(drop)
}

/// Gives a file an extended attribute.
pub fn set_attribute(path: &Path) -> io::Result<()> {
    set(path, ATTRIBUTE, b"x")
}

/// Takes an extended attribute from a file, or says that there is none: behind the hook.
pub fn remove_attribute(path: &Path) -> io::Result<()> {
    remove(path, ATTRIBUTE)
}

/// Reads an attribute of a user's, or says that there is none: behind the hook.
pub fn get_attribute(path: &Path) -> io::Result<()> {
    let path = text(path)?;
    let (name, nothing) = (c"user.gatekeeper".as_ptr(), std::ptr::null_mut());
    // SAFETY: NUL-terminated strings, and a buffer of no length, which asks for the value's.
    let result = unsafe { libc::getxattr(path.as_ptr(), name, nothing, 0) };
    checked(result as libc::c_long).map(drop)
}

/// Has what is known of quotas written to every disk that has them.
pub fn sync_quotas() -> io::Result<()> {
    let command = libc::QCMD(libc::Q_SYNC, libc::USRQUOTA);
    // SAFETY: takes numbers; without a device it is about all of them, and there is no address.
    let result = unsafe { libc::quotactl(command, std::ptr::null(), 0, std::ptr::null_mut()) };
    checked(result.into()).map(drop)
}

/// Gives a file the access control list that its mode is (include/uapi/linux/posix_acl_xattr.h: version, then tag,
/// permissions and id of owner, group and others).
pub fn set_list(path: &Path) -> io::Result<()> {
    let entry = |tag: u16| [tag.to_le_bytes(), 6_u16.to_le_bytes(), [0xff; 2], [0xff; 2]].concat();
    set(path, LIST, &[2_u32.to_le_bytes().to_vec(), entry(0x01), entry(0x04), entry(0x20)].concat())
}

/// Takes the list away.
pub fn remove_list(path: &Path) -> io::Result<()> {
    remove(path, LIST)
}

/// Gives a file, by its path, the flags of a new one: none (include/uapi/linux/fs.h `struct file_attr`).
pub fn set_flags(path: &Path) -> io::Result<()> {
    const FILE_SETATTR: libc::c_long = 469;
    let (path, none) = (text(path)?, [0_u64; 3]);
    // SAFETY: a NUL-terminated path, and as many bytes as are told.
    let result = unsafe {
        libc::syscall(FILE_SETATTR, libc::AT_FDCWD, path.as_ptr(), none.as_ptr(), size_of_val(&none), 0)
    };
    checked(result).map(drop)
}

/// Asks that signals of a file go to another process; none will, as it sends none.
pub fn give_signals(file: BorrowedFd<'_>, process: u32) -> io::Result<()> {
    const F_SETOWN: libc::c_int = 8;
    // SAFETY: takes numbers.
    checked(unsafe { libc::fcntl(file.as_raw_fd(), F_SETOWN, process as libc::pid_t) }.into()).map(drop)
}
