//! Privileges dropped by the programs that the daemon starts for others.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::io::Errno;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, kill_process_group, set_parent_process_death_signal, setrlimit,
};
use rustix::thread::set_no_new_privs;

use super::passwd::Entry;

/// Has a command run as this user: in no other group, without capabilities, unable to gain any, in a process group of
/// its own, with an environment that is always the same, and ending with the thread that starts it.
pub fn drop_privileges(command: &mut Command, user: &Entry) {
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8").current_dir("/");
    // The supplementary groups of root go with its uid (std::os::unix::process::CommandExt::uid), and so do its
    // capabilities (capabilities(7)).
    command.gid(user.gid).uid(user.uid).process_group(0);
    let give_up = || {
        set_no_new_privs(true)?;
        set_parent_process_death_signal(Some(Signal::KILL))?;
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
        // Signals that the daemon ignores or blocks reach the program. rustix leaves signal masks to the C library.
        // SAFETY: an all-zero sigset_t is what sigemptyset makes on Linux, and the pointers are to it or null.
        super::check(unsafe {
            let empty = std::mem::zeroed::<libc::sigset_t>();
            libc::sigprocmask(libc::SIG_SETMASK, &raw const empty, std::ptr::null_mut())
        })
        .map(drop)
    };
    // SAFETY: between fork and exec the closure makes system calls only: it allocates nothing and takes no lock.
    unsafe { command.pre_exec(give_up) };
}

/// Kills every process of a group. That there is none any more is no error.
///
/// # Errors
/// Where the number can't be a group's, or the kernel refuses.
pub fn kill_group(leader: u32) -> io::Result<()> {
    let group = i32::try_from(leader).ok().filter(|group| *group > 1).and_then(Pid::from_raw);
    let group = group.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    match kill_process_group(group, Signal::KILL) {
        Err(Errno::SRCH) => Ok(()),
        result => Ok(result?),
    }
}
