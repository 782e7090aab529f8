//! The calls a canary makes that the standard library doesn't wrap. Each is harmless by itself.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::Path;

use super::bpf::first_program_id;
use super::text;

fn checked(result: libc::c_long) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// mknod(2) of a fifo.
///
/// # Errors
/// What the kernel says; so for every call here.
pub fn make_fifo(path: &Path) -> io::Result<()> {
    let path = text(path)?;
    // SAFETY: a NUL-terminated path.
    checked(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }.into())
}

/// truncate(2) by path.
pub fn truncate(path: &Path) -> io::Result<()> {
    let path = text(path)?;
    // SAFETY: a NUL-terminated path.
    checked(unsafe { libc::truncate(path.as_ptr(), 0) }.into())
}

/// chown(2) to what it is: root.
pub fn chown(path: &Path) -> io::Result<()> {
    let path = text(path)?;
    // SAFETY: a NUL-terminated path.
    checked(unsafe { libc::chown(path.as_ptr(), 0, 0) }.into())
}

const PAGE: usize = 4096;

/// Maps the first page of a file as executable, at once or by a later mprotect(2).
pub fn map_executable(file: BorrowedFd<'_>, later: bool) -> io::Result<()> {
    let first = if later { libc::PROT_READ } else { libc::PROT_READ | libc::PROT_EXEC };
    // SAFETY: a fresh private mapping at an address of the kernel's choice; nobody reads or runs it, and
    // it is taken away before the function ends.
    unsafe {
        let page = libc::mmap(std::ptr::null_mut(), PAGE, first, libc::MAP_PRIVATE, file.as_raw_fd(), 0);
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let result = if later {
            checked(libc::mprotect(page, PAGE, libc::PROT_READ | libc::PROT_EXEC).into())
        } else {
            Ok(())
        };
        libc::munmap(page, PAGE);
        result
    }
}

/// Makes a socket of a family that no rule can speak of.
pub fn odd_socket() -> io::Result<()> {
    // SAFETY: takes numbers, gives a descriptor that is closed here.
    unsafe {
        let socket = libc::socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_GENERIC);
        checked(socket.into())?;
        libc::close(socket);
    }
    Ok(())
}

/// Compares address spaces with another process (kcmp(2)): needs leave to trace it, and does nothing.
pub fn compare_with(process: u32) -> io::Result<()> {
    const KCMP_VM: libc::c_int = 1;
    // SAFETY: takes numbers.
    checked(unsafe { libc::syscall(libc::SYS_kcmp, std::process::id(), process, KCMP_VM, 0, 0) })
}

/// Asks to be traced by the parent.
pub fn be_traced() -> io::Result<()> {
    // SAFETY: PTRACE_TRACEME takes no further arguments.
    checked(unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) })
}

/// Sends a signal that is ignored unless it is waited for.
pub fn nudge(process: u32) -> io::Result<()> {
    // SAFETY: takes numbers.
    checked(unsafe { libc::kill(process as libc::pid_t, libc::SIGURG) }.into())
}

/// A mount namespace of one's own, from which nothing spreads, and one for System V objects, that end with it.
pub fn leave() -> io::Result<()> {
    // SAFETY: take numbers and NUL-terminated strings.
    unsafe {
        checked(libc::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWIPC).into())?;
        let flags = libc::MS_REC | libc::MS_PRIVATE;
        checked(
            libc::mount(c"none".as_ptr(), c"/".as_ptr(), std::ptr::null(), flags, std::ptr::null()).into(),
        )
    }
}

/// Mounts a tmpfs.
pub fn mount(on: &Path) -> io::Result<()> {
    let on = text(on)?;
    // SAFETY: NUL-terminated strings.
    checked(
        unsafe { libc::mount(c"none".as_ptr(), on.as_ptr(), c"tmpfs".as_ptr(), 0, std::ptr::null()) }.into(),
    )
}

/// Takes a mount away.
pub fn unmount(on: &Path) -> io::Result<()> {
    let on = text(on)?;
    // SAFETY: a NUL-terminated path.
    checked(unsafe { libc::umount2(on.as_ptr(), 0) }.into())
}

/// pivot_root(2) to what is no mount: EINVAL, behind the hook.
pub fn pivot(path: &Path) -> io::Result<()> {
    let path = text(path)?;
    // SAFETY: NUL-terminated paths.
    checked(unsafe { libc::syscall(libc::SYS_pivot_root, path.as_ptr(), path.as_ptr()) })
}

/// move_mount(2) of what is no mount: EINVAL, behind the hook.
pub fn move_mount(path: &Path) -> io::Result<()> {
    let path = text(path)?;
    let here = libc::AT_FDCWD;
    // SAFETY: NUL-terminated paths.
    checked(unsafe { libc::syscall(libc::SYS_move_mount, here, path.as_ptr(), here, path.as_ptr(), 0) })
}

/// Asks for the first BPF program's id.
pub fn ask_bpf() -> io::Result<()> {
    first_program_id()
}

/// Types a character into what is no terminal: ENOTTY, behind the hook.
pub fn type_into(file: BorrowedFd<'_>) -> io::Result<()> {
    let character = b'x';
    // SAFETY: TIOCSTI reads one byte.
    checked(unsafe { libc::ioctl(file.as_raw_fd(), libc::TIOCSTI, &raw const character) }.into())
}

/// Runs `act` in a child process and hands back what it said. The caller must have one thread.
pub fn in_child(act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    // SAFETY: with one thread, the child may do all that the parent may.
    finish(unsafe { libc::fork() }, act)
}

/// include/uapi/linux/sched.h; libc's constant of this name is too narrow for its value.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// The same in a child born into the cgroup that `cgroup` is an open folder of.
pub fn in_child_of_cgroup(cgroup: BorrowedFd<'_>, act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    // SAFETY: all zeros is a valid clone_args.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.exit_signal = libc::SIGCHLD as u64;
    arguments.cgroup = cgroup.as_raw_fd() as u64;
    // SAFETY: as for fork: no stack of its own, a copy of this process.
    let child = unsafe { libc::syscall(libc::SYS_clone3, &raw mut arguments, size_of::<libc::clone_args>()) };
    finish(child as libc::pid_t, act)
}

fn finish(child: libc::pid_t, act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    if child < 0 {
        return Err(io::Error::last_os_error());
    }
    if child == 0 {
        let code = act().err().map_or(0, |error| error.raw_os_error().unwrap_or(libc::EIO));
        // SAFETY: ends the child at once, without the parent's destructors.
        unsafe { libc::_exit(code & 0xff) };
    }
    let mut status = 0;
    // SAFETY: waits for the child just made.
    if unsafe { libc::waitpid(child, &raw mut status, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    match (libc::WIFEXITED(status), libc::WEXITSTATUS(status)) {
        (true, 0) => Ok(()),
        (true, code) => Err(io::Error::from_raw_os_error(code)),
        _ => Err(io::Error::other("the child was killed")),
    }
}
