//! A seccomp filter that asks a supervisor about each openat(2) (`seccomp_unotify(2)`).

use std::io::Error;
use std::mem::{offset_of, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use anyhow::{Result, ensure};

use super::opener::{Requester, Way, here};
use super::{Figures, Notice, now};

/// Has every openat(2) of this process asked about; the listener.
pub fn install() -> Result<i32> {
    let number = offset_of!(libc::seccomp_data, nr) as u32;
    let statement = |code: u32, k| libc::sock_filter { code: code as u16, jt: 0, jf: 0, k };
    let mut filter = [
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, number),
        libc::sock_filter {
            code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
            jt: 0,
            jf: 1,
            k: libc::SYS_openat as u32,
        },
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_USER_NOTIF),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: a filter of the length given, which lives as long as the call.
    let listener = unsafe {
        ensure!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "prctl: {}", Error::last_os_error());
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const program,
        )
    };
    ensure!(listener >= 0, "seccomp: {}", Error::last_os_error());
    Ok(listener as i32)
}

/// The opener's listener, in this process.
fn listener_of(opener: &Requester) -> Result<OwnedFd> {
    let owned = |fd: i64, what: &str| {
        ensure!(fd >= 0, "{what}: {}", Error::last_os_error());
        // SAFETY: just made, and nobody else's.
        Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
    };
    // SAFETY: no pointers.
    let process = owned(unsafe { libc::syscall(libc::SYS_pidfd_open, opener.pid(), 0) }, "pidfd_open")?;
    let get =
        // SAFETY: no pointers.
        unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), opener.listener, 0) };
    owned(get, "pidfd_getfd")
}

pub fn measure() -> Result<Figures> {
    let opener = Requester::start(here(Way::Filter)?)?;
    let listener = listener_of(&opener)?;
    opener.decide(&mut || {
        // SAFETY: plain numbers; the kernel wants zeros.
        let mut asked: libc::seccomp_notif = unsafe { zeroed() };
        // SAFETY: the call writes a notification to what lives here.
        let failed =
            unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut asked) };
        ensure!(failed == 0, "SECCOMP_IOCTL_NOTIF_RECV: {}", Error::last_os_error());
        let noticed = now()?;
        let mut answer = libc::seccomp_notif_resp {
            id: asked.id,
            val: 0,
            error: 0,
            flags: libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
        };
        let decided = now()?;
        // SAFETY: the call reads an answer that lives here.
        let failed =
            unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer) };
        ensure!(failed == 0, "SECCOMP_IOCTL_NOTIF_SEND: {}", Error::last_os_error());
        Ok(Notice { noticed, decided })
    })
}
