//! Notices of changes to files.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;

/// One file that is watched.
#[derive(Debug)]
pub struct Watch(i32);

/// A queue of changes; becomes readable when there is one.
#[derive(Debug)]
pub struct Inotify(OwnedFd);

impl Inotify {
    /// Makes an empty, non-blocking queue.
    ///
    /// # Errors
    /// Where the user has too many.
    pub fn new() -> io::Result<Self> {
        Ok(Self(inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?))
    }

    /// Watches a file for changes.
    ///
    /// # Errors
    /// Where there is no such file, or the user watches too many.
    pub fn watch(&self, path: &Path) -> io::Result<Watch> {
        Ok(Watch(inotify::add_watch(&self.0, path, WatchFlags::MODIFY)?))
    }

    /// Ends a watch. Needed even when the file is gone: the files of a removed cgroup are not deleted one by one, and a
    /// watch would keep them in memory.
    #[expect(clippy::needless_pass_by_value, reason = "a watch ends once")]
    pub fn unwatch(&self, watch: Watch) {
        // That the watch is gone already is no error.
        let _ = inotify::remove_watch(&self.0, watch.0);
    }

    /// Empties the queue.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn drain(&self) -> io::Result<()> {
        let mut buffer = [0_u8; 4096];
        loop {
            match rustix::io::read(&self.0, &mut buffer) {
                Ok(0) | Err(Errno::WOULDBLOCK) => return Ok(()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsRawFd for Inotify {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl AsFd for Inotify {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
