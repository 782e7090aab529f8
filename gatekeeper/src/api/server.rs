//! Listening on the control socket.

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
use super::messages::{Answer, Reason, Refusal};
use super::peer::{self, Peer};
use super::wire;
use crate::files;
use crate::session::gate::Gate;
use crate::sys::socket;

/// Connections one user may have open.
const PER_USER: usize = 32;
/// Connections open in all, root's not counted: a user can make other user ids (subuid) out of thin air.
const IN_ALL: usize = 512;

/// Binds the socket so that every user can connect. The daemon's lock is held: a socket left there is stale.
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

/// Open connections, by user.
#[derive(Debug, Default)]
struct Connections(RefCell<BTreeMap<u32, usize>>);

impl Connections {
    fn enter(self: &Rc<Self>, uid: u32) -> Option<Guest> {
        let mut open = self.0.borrow_mut();
        let all: usize = open.iter().filter(|(uid, _)| **uid != 0).map(|(_, count)| count).sum();
        let own = open.get(&uid).copied().unwrap_or(0);
        // Root's connections are not limited: nobody may be able to keep root out.
        if uid != 0 && (own >= PER_USER || all >= IN_ALL) {
            return None;
        }
        open.insert(uid, own + 1);
        Some(Guest { uid, connections: Rc::clone(self) })
    }
}

/// One open connection.
struct Guest {
    uid: u32,
    connections: Rc<Connections>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut open = self.connections.0.borrow_mut();
        if let Some(count) = open.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.uid);
            }
        }
    }
}

/// Accepts connections for ever. Must run inside a `LocalSet`.
pub async fn serve(gate: Rc<Gate>, listener: UnixListener) {
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
        let Ok(accepted) = peer::now() else { continue };
        let Ok(found) = socket::peer_credentials(stream.as_fd()) else { continue };
        match connections.enter(found.uid) {
            Some(guest) => {
                let gate = Rc::clone(&gate);
                tokio::task::spawn_local(async move {
                    serve_one(&gate, stream, accepted).await;
                    drop(guest);
                });
            }
            None => {
                let refusal = Refusal::new(Reason::Limit, "too many connections are open");
                // A fresh socket has room for it; whoever does not read it gets nothing.
                let _ = tokio::time::timeout(
                    Duration::from_millis(1),
                    wire::send(&mut stream, &Answer::Refused(refusal)),
                )
                .await;
            }
        }
    }
}

async fn serve_one(gate: &Gate, mut stream: UnixStream, accepted: Duration) {
    let peer = match Peer::of(stream.as_fd(), accepted) {
        Ok(peer) => peer,
        Err(error) => {
            let refusal = Refusal::new(Reason::Failed, format!("who is calling? {error}"));
            let _ = wire::send(&mut stream, &Answer::Refused(refusal)).await;
            return;
        }
    };
    let result = match wire::request(&mut stream).await {
        Ok(None) => return,
        Ok(Some(request)) => dispatch::answer(gate, &peer, &mut stream, request).await,
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
        let held: Vec<_> = (0..PER_USER).map(|_| connections.enter(1000).unwrap()).collect();
        assert!(connections.enter(1000).is_none());
        assert!(connections.enter(1001).is_some());
        drop(held);
        assert!(connections.enter(1000).is_some());
        assert!(connections.0.borrow().is_empty());

        let many: Vec<_> = (1..=IN_ALL as u32).map(|uid| connections.enter(uid).unwrap()).collect();
        assert!(connections.enter(70_000).is_none());
        assert!(connections.enter(0).is_some());
        drop(many);
    }
}
