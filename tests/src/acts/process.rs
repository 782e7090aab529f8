//! Acts done by children, threads and strangers.

use std::io::{Read, Write};
use std::os::unix::process::parent_id;

use super::{Done, act as any};
use crate::sys::{check, errno, hex, unhex};

pub fn act(verb: &str, arguments: &[Vec<u8>]) -> Option<Done> {
    let number = |at: usize| {
        std::str::from_utf8(&arguments[at]).ok().and_then(|text| text.parse::<i32>().ok()).ok_or(libc::EINVAL)
    };
    let done = match (verb, arguments.len()) {
        ("pid", 0) => Ok(std::process::id().to_string().into_bytes()),
        ("parent", 0) => Ok(parent_id().to_string().into_bytes()),
        ("in-child", 1..) => elsewhere(arguments, 1),
        // A grandchild in a session (of the kernel's kind) of its own, whose parent is gone.
        ("as-orphan", 1..) => elsewhere(arguments, 2),
        ("in-thread", 1..) => in_thread(arguments),
        ("signal", 2) => number(0).and_then(|pid| {
            let signal = number(1)?;
            // SAFETY: no pointers.
            check(unsafe { libc::kill(pid, signal) }).map(|_| Vec::new())
        }),
        ("adjust", 2) => number(1).and_then(|pid| adjust(&arguments[0], pid)),
        ("trace", 1) => number(0).and_then(trace),
        ("become-user", 1) => number(0).and_then(become_user),
        // Into namespaces of its own, as whoever it is in them.
        ("unshare", 0) => {
            let apart = libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
            // SAFETY: no pointers.
            check(unsafe { libc::unshare(apart) }).map(|_| Vec::new())
        }
        ("rename-self", 1) => std::fs::write("/proc/self/comm", &arguments[0])
            .map(|()| Vec::new())
            .map_err(|error| errno(&error)),
        _ => return None,
    };
    Some(done)
}

fn inner(arguments: &[Vec<u8>]) -> Done {
    let verb = std::str::from_utf8(&arguments[0]).map_err(|_| libc::EINVAL)?;
    any(verb, &arguments[1..])
}

fn in_thread(arguments: &[Vec<u8>]) -> Done {
    std::thread::scope(|scope| scope.spawn(|| inner(arguments)).join()).unwrap_or(Err(libc::EFAULT))
}

/// Does an act so many forks away; the answer comes back through a pipe.
fn elsewhere(arguments: &[Vec<u8>], forks: u32) -> Done {
    let (mut reader, mut writer) = std::io::pipe().map_err(|error| errno(&error))?;
    // SAFETY: this process has one thread, so the child is a whole copy.
    let child = check(unsafe { libc::fork() })?;
    if child == 0 {
        drop(reader);
        if forks > 1 {
            // SAFETY: as above.
            unsafe { libc::setsid() };
            let parent = std::process::id();
            // SAFETY: as above.
            if unsafe { libc::fork() } != 0 {
                // SAFETY: leaves at once.
                unsafe { libc::_exit(0) };
            }
            // Until the parent is gone.
            while parent_id() == parent {
                std::thread::yield_now();
            }
        }
        let answer = match inner(arguments) {
            Ok(bytes) => format!("ok {}", hex(&bytes)),
            Err(errno) => format!("no {errno}"),
        };
        let _ = writer.write_all(answer.as_bytes());
        // SAFETY: leaves at once.
        unsafe { libc::_exit(0) };
    }
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).map_err(|error| errno(&error))?;
    let mut status = 0;
    // SAFETY: the child is ours and the pointer good.
    check(unsafe { libc::waitpid(child as i32, &raw mut status, 0) })?;
    answer(&text).unwrap_or(Err(libc::EPROTO))
}

/// Parses an answer: bytes, or the error's number.
pub fn answer(text: &str) -> Option<Done> {
    match text.trim_end().split_once(' ')? {
        ("ok", bytes) => unhex(bytes).map(Ok),
        ("no", errno) => errno.parse().ok().map(Err),
        _ => None,
    }
}

fn trace(pid: i32) -> Done {
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: attaching has no pointers.
    check(unsafe { libc::ptrace(libc::PTRACE_ATTACH, pid, none, none) })?;
    let mut status = 0;
    // SAFETY: the tracee reports its stop to us; then it is let go.
    unsafe {
        libc::waitpid(pid, &raw mut status, libc::__WALL);
        libc::ptrace(libc::PTRACE_DETACH, pid, none, none);
    }
    Ok(Vec::new())
}

/// Sets of a process what is set already.
fn adjust(what: &[u8], pid: i32) -> Done {
    let id = pid as libc::id_t;
    // SAFETY: a set of zeros is an empty one.
    let mut processors: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::cpu_set_t>();
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let returned: i64 = match what {
        // SAFETY: take numbers.
        b"priority" => unsafe {
            libc::setpriority(libc::PRIO_PROCESS, id, libc::getpriority(libc::PRIO_PROCESS, id)).into()
        },
        // IOPRIO_WHO_PROCESS, and no class.
        // SAFETY: as above.
        b"io-priority" => unsafe { libc::syscall(libc::SYS_ioprio_set, 1, pid, 0) },
        // SAFETY: a set of the given length.
        b"processors" => unsafe {
            check(libc::sched_getaffinity(pid, size, &raw mut processors))?;
            libc::sched_setaffinity(pid, size, &raw const processors).into()
        },
        // Whoever sets a limit may see what it was; who only asks is not judged, so it is set to all there is.
        // SAFETY: room for a limit.
        b"limit" => unsafe {
            (limit.rlim_cur, limit.rlim_max) = (libc::RLIM_INFINITY, libc::RLIM_INFINITY);
            libc::prlimit(pid, libc::RLIMIT_MEMLOCK, &raw const limit, std::ptr::null_mut()).into()
        },
        _ => return Err(libc::EINVAL),
    };
    check(returned).map(|_| Vec::new())
}

fn become_user(uid: i32) -> Done {
    let uid = uid as u32;
    // SAFETY: no pointers but an empty list.
    check(unsafe { libc::setgroups(0, std::ptr::null()) })?;
    // SAFETY: no pointers.
    check(unsafe { libc::setresgid(uid, uid, uid) })?;
    // SAFETY: no pointers.
    check(unsafe { libc::setresuid(uid, uid, uid) }).map(|_| Vec::new())
}
