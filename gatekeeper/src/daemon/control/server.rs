//! Listening on the control socket.

use gatekeeper_record::time::since_boot;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tracing::{debug, warn};

use super::dispatch;
use crate::daemon::state::State;
use crate::protocol::messages::Answer;
use crate::protocol::peer::Peer;
use crate::protocol::peer::PeerClass;
use crate::protocol::wire;
use gatekeeper_record::refusal::{Reason, Refusal};
use gatekeeper_trail::files;

/// Connections one user may have open.
const PER_USER: usize = 32;
/// Connections that all tasks in a user's sessions may have open: apart from the user's own, so that an
/// assistant can't keep its owner out.
const PER_GOVERNED: usize = 8;
/// Connections open in all, root's not counted: a user can make other user ids (subuid) out of thin air.
const IN_ALL: usize = 512;

/// Time that a refused caller has to send its request.
const HARDLY: Duration = Duration::from_millis(1);

/// Binds the socket so that every user can connect. The daemon's lock is held: a socket left there is stale.
///
/// # Errors
/// Where the folder or the socket can't be made, or a file that is no socket is at `path`.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    if let Some(folder) = path.parent() {
        files::make_folder(folder, 0o755)?;
    }
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path)?,
        Ok(_) => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is no socket"));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o666))?;
    Ok(listener)
}

/// The owner of a connection, for limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Account {
    uid: u32,
    governed: bool,
}

impl Account {
    /// Root's connections are not limited: nobody may be able to keep root out.
    fn limit(self) -> Option<usize> {
        match self {
            Self { governed: true, .. } => Some(PER_GOVERNED),
            Self { uid: 0, .. } => None,
            Self { .. } => Some(PER_USER),
        }
    }
}

/// Open connections.
#[derive(Debug, Default)]
struct Connections(RefCell<BTreeMap<Account, usize>>);

impl Connections {
    fn enter(self: &Rc<Self>, account: Account) -> Option<Guest> {
        let mut open = self.0.borrow_mut();
        let own = open.get(&account).copied().unwrap_or(0);
        if let Some(limit) = account.limit() {
            let limited = open.iter().filter(|(account, _)| account.limit().is_some());
            let all: usize = limited.map(|(_, count)| count).sum();
            if own >= limit || all >= IN_ALL {
                return None;
            }
        }
        open.insert(account, own + 1);
        Some(Guest { account, connections: Rc::clone(self) })
    }
}

/// One open connection.
struct Guest {
    account: Account,
    connections: Rc<Connections>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut open = self.connections.0.borrow_mut();
        if let Some(count) = open.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.account);
            }
        }
    }
}

/// Accepts connections for ever. Must run inside a `LocalSet`.
pub async fn serve(daemon: Rc<State>, listener: UnixListener) {
    let connections = Rc::new(Connections::default());
    loop {
        let mut stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors: those that are open close sooner or later.
                warn!("accepting a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        match admit(&daemon, &connections, &stream) {
            Ok((guest, peer)) => {
                let daemon = Rc::clone(&daemon);
                tokio::task::spawn_local(async move {
                    serve_one(&daemon, stream, peer).await;
                    drop(guest);
                });
            }
            Err(refusal) => {
                // A fresh socket has room for it; whoever does not read it gets nothing.
                let answer = Answer::Refused(refusal);
                let _ = tokio::time::timeout(HARDLY, wire::send(&mut stream, &answer)).await;
            }
        }
    }
}

/// Identifies the caller and checks that there is room. Its rights are checked once it has asked.
fn admit(
    daemon: &State,
    connections: &Rc<Connections>,
    stream: &UnixStream,
) -> Result<(Guest, Peer), Refusal> {
    let unknown = |error: io::Error| Refusal::new(Reason::Failed, format!("who is calling? {error}"));
    let accepted = since_boot();
    let peer = Peer::of(stream.as_fd(), accepted).map_err(unknown)?;
    let governed = dispatch::class_of(daemon, &peer)? == PeerClass::Labelled;
    let guest = connections.enter(Account { uid: peer.uid, governed });
    let guest = guest.ok_or_else(|| Refusal::new(Reason::Limit, "too many connections are open"))?;
    Ok((guest, peer))
}

async fn serve_one(daemon: &State, mut stream: UnixStream, peer: Peer) {
    let result = match wire::request(&mut stream).await {
        Ok(None) => return,
        Ok(Some(request)) => dispatch::answer(daemon, &peer, &mut stream, request).await,
        Err(refusal) => Ok(Err(refusal)),
    };
    let last = match result {
        Ok(Ok(())) => Answer::Done,
        Ok(Err(refusal)) => Answer::Refused(refusal),
        Err(error) => return debug!("connection of process {}: {error}", peer.pid),
    };
    if let Err(error) = wire::send(&mut stream, &last).await {
        debug!("connection of process {}: {error}", peer.pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_keeps_neither_another_nor_root_out() {
        let connections = Rc::new(Connections::default());
        let free = |uid| Account { uid, governed: false };
        let held: Vec<_> = (0..PER_USER).map(|_| connections.enter(free(1000)).unwrap()).collect();
        assert!(connections.enter(free(1000)).is_none());
        assert!(connections.enter(free(1001)).is_some());
        drop(held);
        assert!(connections.enter(free(1000)).is_some());
        assert!(connections.0.borrow().is_empty());

        let many: Vec<_> = (1..=IN_ALL as u32).map(|uid| connections.enter(free(uid)).unwrap()).collect();
        assert!(connections.enter(free(70_000)).is_none());
        assert!(connections.enter(free(0)).is_some());
        drop(many);
    }

    #[test]
    fn an_assistant_does_not_keep_its_owner_out() {
        let connections = Rc::new(Connections::default());
        for uid in [0, 1000] {
            let governed = Account { uid, governed: true };
            let held: Vec<_> = (0..PER_GOVERNED).map(|_| connections.enter(governed).unwrap()).collect();
            assert!(connections.enter(governed).is_none());
            assert!(connections.enter(Account { uid, governed: false }).is_some());
            drop(held);
        }
    }
}
