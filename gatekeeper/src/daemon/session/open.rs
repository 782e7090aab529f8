//! Opening a session for the process that asks.

use std::path::PathBuf;

use gatekeeper_common::label::Label;

use super::establish::{compile, establish, new_id};
use super::limits::{check_count, check_size, end};
use super::request::{check_command, check_words, check_workspace};
use crate::daemon::state::State;
use crate::protocol::messages::{PolicyChoice, Run};
use crate::protocol::peer::Peer;
use crate::protocol::summary::Kind;
use crate::session::cgroup;
use crate::session::layers::{Requester, choose};
use crate::session::namespace::{Namespace, NamespaceError};
use crate::session::policy::Variables;
use crate::session::record::{LayerRef, Owner, Session, layers_of};
use crate::sys::passwd;
use gatekeeper_record::container::Container;
use gatekeeper_record::record::Change;
use gatekeeper_record::refusal::{Reason, Refusal, refuse};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;
use gatekeeper_record::time::since_boot;

/// Opens a session and takes the peer into it; on an error the peer is as free or bound as it was, or in a
/// session that no answer named, whose policy binds it all the same.
///
/// # Errors
/// Where the kernel would not enforce, the request is malformed, a limit is reached, the policy is refused, or the
/// caller is gone or sees another file tree than the daemon.
pub async fn run(daemon: &State, peer: &Peer, request: Run) -> Result<SessionId, Refusal> {
    daemon.ready()?;
    check_words(request.name.as_deref(), request.purpose.as_deref())?;
    check_command(&request.command)?;
    daemons_tree(peer.pid).map_err(refuse(Reason::Namespace))?;

    let before = daemon.label_of(peer.pidfd())?;
    let around = before.as_ref().map(|label| Surroundings::of(daemon, label)).transpose()?;
    let owner = match &around {
        // A task keeps acting for whom its session acts, whatever user it became.
        Some(around) => around.owner.clone(),
        None => owner_by_uid(peer.uid).await?,
    };
    check_workspace(&request.workspace, &owner.home)?;
    check_count(daemon, owner.uid)?;

    let id = new_id(daemon)?;
    let requester = match (&around, peer.uid) {
        (Some(_), _) => Requester::Nested,
        (None, 0) => Requester::Root,
        (None, _) => Requester::User,
    };
    let variables = Variables { workspace: request.workspace.clone(), owner: owner.clone(), session: id };
    let asked = request.policy.as_ref().map_or(daemon.config().default_policy.as_str(), PolicyChoice::asked);
    let asked = asked.to_owned();
    let choices = choose(daemon.config(), requester, request.policy);
    let compiled = compile(daemon, peer.uid, choices, variables).await;
    let compiled = daemon.record_refused(owner.uid, &asked, compiled)?;
    if requester != Requester::Root {
        check_size(&compiled)?;
    }

    // Nothing from here on waits, so no other task of the daemon can see the half of it.
    daemon.ready()?;
    check_count(daemon, owner.uid)?;
    let namespace = daemons_tree(peer.pid).map_err(refuse(Reason::Namespace))?;
    let now = daemon.label_of(peer.pidfd())?;
    let same = |a: &Option<Label>, b: &Option<Label>| {
        a.map(|label| (label.session, label.layers)) == b.map(|label| (label.session, label.layers))
    };
    if !same(&before, &now) {
        return Err(Refusal::new(Reason::Failed, "the caller was taken into another session meanwhile"));
    }
    let container = match &around {
        // The caller's cgroup is the session's by now.
        Some(around) => around.container.clone(),
        None => cgroup::of_process(peer.pid)
            .map_err(refuse(Reason::Namespace))?
            .as_deref()
            .and_then(Container::of),
    };
    let now = since_boot();
    let outer = around.as_ref().and_then(|around| around.ends);
    let ends = end(now, request.seconds, daemon.config().longest_session, outer)?;
    let (parent, inherited, folder) = match around {
        None => (None, Vec::new(), daemon.config().cgroup.clone()),
        Some(around) => (Some(around.session), around.layers, around.cgroup),
    };
    let draft = Session {
        id,
        name: request.name,
        purpose: request.purpose,
        command: request.command,
        owner,
        workspace: request.workspace,
        kind: Kind::Run,
        cgroup: folder.join(id.to_string()),
        cgroup_id: 0,
        namespace: Some(namespace),
        container,
        parent,
        opened: Moment::now(),
        ends,
        expired: false,
        boot: daemon.boot().to_owned(),
        inherited,
        own: Vec::new(),
    };
    let session = establish(daemon, draft, compiled, true)?;
    daemon.record_change(&session, Change::Opened, None);
    take_in(daemon, peer, &session)?;
    Ok(id)
}

/// The namespace of a process, which must be the daemon's: rules and links are worked out there.
fn daemons_tree(pid: i32) -> Result<Namespace, NamespaceError> {
    let namespace = Namespace::of_process(pid)?;
    namespace.must_be(&Namespace::of_daemon()?)?;
    Ok(namespace)
}

/// The session that a labelled caller is in.
struct Surroundings {
    session: SessionId,
    owner: Owner,
    layers: Vec<LayerRef>,
    cgroup: PathBuf,
    ends: Option<u64>,
    container: Option<Container>,
}

impl Surroundings {
    fn of(daemon: &State, label: &Label) -> Result<Self, Refusal> {
        let sessions = daemon.sessions();
        let session =
            SessionId::from_kernel(label.session).and_then(|id| sessions.get(&id)).ok_or_else(|| {
                Refusal::new(
                    Reason::Failed,
                    "the caller is bound to a session that this daemon does not know",
                )
            })?;
        let layers = layers_of(label).iter().copied().map(LayerRef::from).collect();
        // A label on a cgroup somebody else owns: nested sessions get theirs from us.
        let cgroup = match session.kind {
            Kind::Run => session.cgroup.clone(),
            Kind::Label => daemon.config().cgroup.clone(),
        };
        let (owner, ends, container) = (session.owner.clone(), session.ends, session.container.clone());
        Ok(Self { session: session.id, owner, layers, cgroup, ends, container })
    }
}

/// Moves the peer into the session and checks that the kernel took it. Whatever fails here, the session
/// stays as it is and ends when its cgroup is found empty.
fn take_in(daemon: &State, peer: &Peer, session: &Session) -> Result<(), Refusal> {
    let gone = || Refusal::new(Reason::Failed, "the caller is gone");
    let there = || peer.still_there().map_err(refuse(Reason::Failed));
    if !there()? {
        return Err(gone());
    }
    cgroup::enter(&session.cgroup, peer.pid).map_err(|error| {
        Refusal::new(Reason::Failed, format!("moving the caller into its cgroup: {error}"))
    })?;
    // Alive now means that the number meant this process all along.
    if !there()? {
        return Err(gone());
    }
    let expected = session.label().map_err(refuse(Reason::Limit))?;
    let found = daemon.label_of(peer.pidfd())?;
    match found {
        Some(label) if label.session == expected.session && layers_of(&label) == layers_of(&expected) => {
            Ok(())
        }
        _ => Err(Refusal::new(
            Reason::NotEnforcing,
            "the kernel did not put the session's label on the caller: nothing would bind it",
        )
        .help("`gatekeeper status` shows which hook is not live")),
    }
}

/// The user with this id. The name service may ask the network, so not on the daemon's own thread.
async fn owner_by_uid(uid: u32) -> Result<Owner, Refusal> {
    let found = tokio::task::spawn_blocking(move || passwd::by_uid(uid)).await;
    let found = found.map_err(refuse(Reason::Failed))?.map_err(refuse(Reason::Failed))?;
    let entry = found.ok_or_else(|| {
        let message = format!("user id {uid} has no entry in the user database, so its home is unknown");
        Refusal::new(Reason::Namespace, message)
    })?;
    owner(entry)
}

/// A user as a session's owner.
///
/// # Errors
/// [`Reason::Namespace`] where the home directory is not absolute.
pub fn owner(entry: passwd::Entry) -> Result<Owner, Refusal> {
    if !entry.home.is_absolute() {
        let message = format!("user {} has no absolute home directory in the user database", entry.name);
        return Err(Refusal::new(Reason::Namespace, message));
    }
    Ok(Owner { uid: entry.uid, name: entry.name, home: entry.home })
}
