//! Permission events of fanotify on the one file (fanotify(7)).

use std::ffi::CString;
use std::fs::File;
use std::io::{Error, Read, Write};
use std::mem::size_of;
use std::os::fd::FromRawFd;

use anyhow::{Context, Result, ensure};

use super::opener::{Requester, Way, here};
use super::{FILE, Figures, Notice, now};

/// A group that is asked before anybody opens the file.
fn group() -> Result<File> {
    let path = CString::new(FILE)?;
    // SAFETY: a path that lives; the descriptor is new and nobody else's.
    unsafe {
        let group = libc::fanotify_init(libc::FAN_CLASS_CONTENT | libc::FAN_CLOEXEC, libc::O_RDONLY as u32);
        ensure!(group >= 0, "fanotify_init: {}", Error::last_os_error());
        let group_file = File::from_raw_fd(group);
        let marked = libc::fanotify_mark(
            group,
            libc::FAN_MARK_ADD,
            libc::FAN_OPEN_PERM,
            libc::AT_FDCWD,
            path.as_ptr(),
        );
        ensure!(marked == 0, "fanotify_mark: {}", Error::last_os_error());
        Ok(group_file)
    }
}

pub fn measure() -> Result<Figures> {
    let mut group = group()?;
    let opener = Requester::start(here(Way::Plain)?)?;
    opener.decide(&mut || {
        let mut bytes = [0; size_of::<libc::fanotify_event_metadata>()];
        group.read_exact(&mut bytes).context("reading an event")?;
        let noticed = now()?;
        // SAFETY: the kernel writes this structure, and any bytes are one.
        let event: libc::fanotify_event_metadata = unsafe { std::ptr::read_unaligned(bytes.as_ptr().cast()) };
        ensure!(event.mask & libc::FAN_OPEN_PERM != 0, "an event of another kind: {:#x}", event.mask);
        let mut answer = [0; size_of::<libc::fanotify_response>()];
        answer[..4].copy_from_slice(&event.fd.to_ne_bytes());
        answer[4..].copy_from_slice(&libc::FAN_ALLOW.to_ne_bytes());
        let decided = now()?;
        group.write_all(&answer).context("answering")?;
        // SAFETY: the kernel made it for whoever read the event.
        unsafe { libc::close(event.fd) };
        Ok(Notice { noticed, decided })
    })
}
