//! Programs that the daemon starts for others: as somebody, with nothing of its own.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::passwd::Entry;

/// Makes a command run as this user: in no other group, without capabilities, unable to gain any, in a process group of
/// its own, with an environment that is always the same, and ending with the thread that starts it.
pub fn drop_privileges(command: &mut Command, user: &Entry) {
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8").current_dir("/");
    // The supplementary groups of root go with its uid (std::os::unix::process::CommandExt::uid), and so do its
    // capabilities (capabilities(7)).
    command.gid(user.gid).uid(user.uid).process_group(0);
    let give_up = || {
        // SAFETY: prctl with these takes numbers only.
        super::check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
        // SAFETY: as above.
        super::check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })?;
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the pointer is to a value on the stack.
        super::check(unsafe { libc::setrlimit(libc::RLIMIT_CORE, &none) })?;
        // What is ignored or blocked in the daemon is neither in the program.
        // SAFETY: an all-zero sigset_t is what sigemptyset makes on Linux, and the pointers are to it or null.
        super::check(unsafe {
            let empty = std::mem::zeroed::<libc::sigset_t>();
            libc::sigprocmask(libc::SIG_SETMASK, &empty, std::ptr::null_mut())
        })
        .map(drop)
    };
    // SAFETY: between fork and exec the closure makes system calls only: it allocates nothing and takes no lock.
    unsafe { command.pre_exec(give_up) };
}

/// Kills every process of a group. That there is none any more is no error.
///
/// # Errors
/// Where `leader` is 0, 1 or no process id, or kill(2) refuses.
pub fn kill_group(leader: u32) -> io::Result<()> {
    let group = i32::try_from(leader).ok().filter(|group| *group > 1);
    let group = group.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    // SAFETY: kill takes numbers only.
    match super::check(unsafe { libc::kill(-group, libc::SIGKILL) }) {
        Err(error) if error.raw_os_error() != Some(libc::ESRCH) => Err(error),
        _ => Ok(()),
    }
}
