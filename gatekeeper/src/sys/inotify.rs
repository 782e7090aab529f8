//! Notice of a file's changes, by inotify(7).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;

/// One file that is watched.
#[derive(Debug)]
pub struct Watch(libc::c_int);

/// A queue of changes; becomes readable when there is one.
#[derive(Debug)]
pub struct Inotify(OwnedFd);

impl Inotify {
    /// An empty, non-blocking queue.
    ///
    /// # Errors
    /// Where inotify_init1(2) fails.
    pub fn new() -> io::Result<Self> {
        // SAFETY: inotify_init1 takes no pointers.
        let made = super::check(unsafe { libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK) })?;
        // SAFETY: the kernel has just made this descriptor for us, and nobody else has it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(made) }))
    }

    /// Watches the file for changes.
    ///
    /// # Errors
    /// Where the path holds a NUL, or inotify_add_watch(2) fails.
    pub fn watch(&self, path: &Path) -> io::Result<Watch> {
        let path = super::text(path)?;
        // SAFETY: the path ends with NUL and lives through the call.
        let made = unsafe { libc::inotify_add_watch(self.0.as_raw_fd(), path.as_ptr(), libc::IN_MODIFY) };
        super::check(made).map(Watch)
    }

    /// Asks no more. Needed even when the file is gone: the files of a removed cgroup are not deleted
    /// one by one, and a watch would keep them in memory.
    pub fn unwatch(&self, watch: Watch) {
        // SAFETY: inotify_rm_watch takes no pointers. That the watch is gone already is no error to us.
        unsafe { libc::inotify_rm_watch(self.0.as_raw_fd(), watch.0) };
    }

    /// Empties the queue.
    ///
    /// # Errors
    /// Where read(2) fails, other than for an empty queue.
    pub fn drain(&self) -> io::Result<()> {
        let mut buffer = [0u8; 4096];
        loop {
            // SAFETY: the buffer is ours and as long as we say.
            let read = unsafe { libc::read(self.0.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
            if read > 0 {
                continue;
            }
            let error = io::Error::last_os_error();
            return match error.kind() {
                _ if read == 0 => Ok(()),
                io::ErrorKind::WouldBlock => Ok(()),
                io::ErrorKind::Interrupted => continue,
                _ => Err(error),
            };
        }
    }
}

impl AsRawFd for Inotify {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.0.as_raw_fd()
    }
}

impl std::os::fd::AsFd for Inotify {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
