//! The identity of the client: from the kernel, never from its messages.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use crate::sys::{process, socket};

/// The class of a client, for its rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerClass {
    /// In a session, whatever its uid: the governed.
    Labelled,
    /// An ordinary user.
    User,
    /// Root, in no session.
    Root,
}

/// The process that connected.
#[derive(Debug)]
pub struct Peer {
    /// Process id; only to be used together with [`Peer::still_there`].
    pub pid: i32,
    /// Effective user id when it connected.
    pub uid: u32,
    /// Effective group id and supplementary groups when it connected.
    pub groups: Vec<u32>,
    pidfd: OwnedFd,
}

/// Clock ticks of /proc/PID/stat a second: fixed at 100 (`USER_HZ`) in Linux's interface.
const TICKS: u64 = 100;

impl Peer {
    /// The process at the other end of `socket`, which was accepted `accepted` after boot.
    ///
    /// # Errors
    /// Where the process is gone, or the kernel does not name it.
    pub fn of(connection: BorrowedFd<'_>, accepted: Duration) -> io::Result<Self> {
        let found = socket::peer_credentials(connection)?;
        let pidfd = match socket::peer_pidfd(connection) {
            Ok(pidfd) => pidfd,
            Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => by_pid(found, accepted)?,
            Err(error) => return Err(error),
        };
        let mut groups = socket::peer_groups(connection)?;
        groups.push(found.gid);
        Ok(Self { pid: found.pid, uid: found.uid, groups, pidfd })
    }

    /// The handle on the process.
    #[must_use]
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Whether [`Peer::pid`] still means the process that connected.
    ///
    /// # Errors
    /// Where the handle can't be polled.
    pub fn still_there(&self) -> io::Result<bool> {
        process::is_alive(self.pidfd.as_fd())
    }

    /// The rights of the peer.
    #[must_use]
    pub fn class(&self, labelled: bool) -> PeerClass {
        match (labelled, self.uid) {
            (true, _) => PeerClass::Labelled,
            (false, 0) => PeerClass::Root,
            (false, _) => PeerClass::User,
        }
    }
}

/// Before Linux 6.5 there is only the number, which could by now belong to another process: one that
/// started after the connection was accepted. The process a number means can't change while we hold a
/// handle on it, so looking after opening is enough.
fn by_pid(found: socket::Credentials, accepted: Duration) -> io::Result<OwnedFd> {
    let pidfd = process::open(found.pid)?;
    let started = start_time(found.pid)?;
    // Start times are cut to a hundredth of a second; one later than the cut moment is another process.
    let ceiling = Duration::new(accepted.as_secs(), accepted.subsec_nanos() / 10_000_000 * 10_000_000);
    if started > ceiling || !process::is_alive(pidfd.as_fd())? {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the process that connected is gone"));
    }
    Ok(pidfd)
}

/// The start time of a process, since boot.
///
/// # Errors
/// `NotFound` where there is no such process.
pub fn start_time(pid: i32) -> io::Result<Duration> {
    Ok(Duration::from_millis(process::stat(pid)?.starttime.saturating_mul(1000 / TICKS)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatekeeper_record::time::since_boot;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_name_full_of_parentheses_hides_nothing() {
        let folder = tempfile::tempdir().unwrap();
        // A process's name need not be UTF-8 either.
        let path = folder.path().join(std::ffi::OsStr::from_bytes(b"a) S \xff (c"));
        std::fs::copy("/bin/sleep", &path).unwrap();
        let before = since_boot();
        let mut child = std::process::Command::new(&path).arg("60").spawn().unwrap();
        let pid = child.id().cast_signed();
        let (started, name) = (start_time(pid), process::stat(pid).map(|stat| stat.comm));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(started.unwrap() + Duration::from_millis(1000 / TICKS) >= before);
        assert_eq!(name.unwrap(), "a) S \u{fffd} (c");
    }

    #[test]
    fn the_peer_of_our_own_socket_is_this_process() {
        let (near, _far) = UnixStream::pair().unwrap();
        let peer = Peer::of(near.as_fd(), since_boot()).unwrap();
        assert_eq!(peer.pid, std::process::id().cast_signed());
        assert_eq!(peer.uid, process::effective_uid());
        assert!(peer.still_there().unwrap());
    }

    #[test]
    fn the_old_way_finds_the_same_process_and_refuses_a_later_one() {
        let found = socket::Credentials { pid: std::process::id().cast_signed(), uid: 0, gid: 0 };
        assert!(by_pid(found, since_boot()).is_ok());
        assert!(by_pid(found, Duration::ZERO).is_err());
    }

    #[test]
    fn a_label_outweighs_root() {
        let (near, _far) = UnixStream::pair().unwrap();
        let peer = Peer { uid: 0, ..Peer::of(near.as_fd(), since_boot()).unwrap() };
        assert_eq!(peer.class(true), PeerClass::Labelled);
        assert_eq!(peer.class(false), PeerClass::Root);
    }
}
