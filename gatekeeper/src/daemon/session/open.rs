//! Opening a session for the process that asks.

use std::time::Duration;

use gatekeeper_common::label::{Label, Layer};
use gatekeeper_common::limits::PLANE_SMALL;

use crate::daemon::state::State;
use crate::protocol::messages::{PolicyChoice, Run};
use crate::protocol::peer::Peer;
use crate::protocol::summary::Kind;
use crate::session::cgroup;
use crate::session::layers::{Requester, choose};
use crate::session::namespace::{Namespace, NamespaceError};
use crate::session::policy::{self, SessionPolicy, Variables};
use crate::session::record::{LayerRef, OwnLayer, Owner, Session, layers_of};
use crate::sys::passwd;
use gatekeeper_policy::rulebook::PolicyVersion;
use gatekeeper_record::container::Container;
use gatekeeper_record::record::Change;
use gatekeeper_record::refusal::{Reason, Refusal, refuse};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;
use gatekeeper_record::time::since_boot;

/// Characters of a purpose, at most: it is shown on a line.
const PURPOSE: usize = 500;
/// Bytes of the command as the record shows it, at most: the client cuts what is longer.
pub const COMMAND: usize = 4000;
/// Words of it, at most.
pub const COMMAND_WORDS: usize = 200;
/// Characters of a name, at most: it is shown in a column.
const NAME: usize = 40;

/// Opens a session and takes the peer into it; on an error the peer is as free or bound as it was, or in a
/// session that no answer named, whose policy binds it all the same.
///
/// # Errors
/// Where the kernel would not enforce, the request is malformed, a limit is reached, the policy is refused, or the
/// caller is gone or sees another file tree than the daemon.
pub async fn run(daemon: &State, peer: &Peer, request: Run) -> Result<SessionId, Refusal> {
    daemon.ready()?;
    check_words(request.name.as_deref(), request.purpose.as_deref())?;
    check_workspace(&request.workspace)?;
    check_command(&request.command)?;
    daemons_tree(peer.pid).map_err(refuse(Reason::Namespace))?;

    let before = daemon.label_of(peer.pidfd())?;
    let around = before.as_ref().map(|label| Surroundings::of(daemon, label)).transpose()?;
    let owner = match &around {
        // A task keeps acting for whom its session acts, whatever user it became.
        Some(around) => around.owner.clone(),
        None => owner_by_uid(peer.uid).await?,
    };
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

/// When a session is ended, in nanoseconds since boot: after the time asked for, never later than the configuration
/// says, nor than the session around it.
fn end(
    now: Duration,
    asked: Option<u64>,
    longest: Option<Duration>,
    outer: Option<u64>,
) -> Result<Option<u64>, Refusal> {
    let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    if asked == Some(0) || outer.is_some_and(|outer| outer <= now) {
        let message =
            if asked == Some(0) { "a session can't last 0 s" } else { "the session's time is over" };
        return Err(Refusal::new(Reason::Limit, message));
    }
    let lasts = [asked.map(Duration::from_secs), longest].into_iter().flatten().min();
    let own = lasts.map(|lasts| now.saturating_add(u64::try_from(lasts.as_nanos()).unwrap_or(u64::MAX)));
    Ok([own, outer].into_iter().flatten().min())
}

/// The session that a labelled caller is in.
struct Surroundings {
    session: SessionId,
    owner: Owner,
    layers: Vec<LayerRef>,
    cgroup: std::path::PathBuf,
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

/// An id no session has.
///
/// # Errors
/// [`Reason::Failed`] where the kernel gives no random bytes.
pub fn new_id(daemon: &State) -> Result<SessionId, Refusal> {
    loop {
        let id = SessionId::random().map_err(refuse(Reason::Failed))?;
        if !daemon.sessions().contains_key(&id) {
            return Ok(id);
        }
    }
}

/// Compiles each of the policies for this session, in the turn of the user who asked. The work runs
/// outside the daemon's own thread.
///
/// # Errors
/// [`Reason::Policy`] where a policy is missing or wrong; [`Reason::Failed`] where the work is lost.
pub async fn compile(
    daemon: &State,
    uid: u32,
    choices: Vec<PolicyChoice>,
    variables: Variables,
) -> Result<Vec<(PolicyChoice, SessionPolicy)>, Refusal> {
    let _turn = daemon.compile_permits().take(uid).await.map_err(refuse(Reason::Failed))?;
    let config = daemon.config().clone();
    let work = move || {
        choices
            .into_iter()
            .map(|choice| {
                policy::compile(&choice, &variables, &config)
                    .map(|compiled| (choice, compiled))
                    .map_err(|error| Refusal::new(Reason::Policy, error.to_string()))
            })
            .collect()
    };
    tokio::task::spawn_blocking(work).await.map_err(refuse(Reason::Failed))?
}

/// Publishes the layers, marks the cgroup (made here where `make` says so) and writes the session down:
/// whoever enters the cgroup from now on is bound. On an error all of it is undone.
///
/// # Errors
/// Where a layer can't be published, the trail, the store or the cgroup can't be written, or the label has no room.
pub fn establish(
    daemon: &State,
    mut session: Session,
    compiled: Vec<(PolicyChoice, SessionPolicy)>,
    make: bool,
) -> Result<Session, Refusal> {
    let result = build(daemon, &mut session, compiled, make);
    match result {
        Ok(()) => {
            daemon.enroll(session.clone());
            Ok(session)
        }
        Err(refusal) => {
            undo(daemon, &session, make);
            Err(refusal)
        }
    }
}

fn build(
    daemon: &State,
    session: &mut Session,
    compiled: Vec<(PolicyChoice, SessionPolicy)>,
    make: bool,
) -> Result<(), Refusal> {
    // Whether they fit in a label is known before anything is done.
    let places = session.inherited.len() + compiled.len();
    if places > gatekeeper_common::limits::LAYERS {
        return Err(refuse(Reason::Limit)(crate::session::record::TooManyLayers(places)));
    }
    for (source, compiled) in compiled {
        let layer = daemon.with_kernel(|kernel| kernel.publish(&compiled.head, &compiled.comb, 1))?;
        let rules = compiled.rules(session.parent.is_some());
        let own = OwnLayer { layer: layer.into(), policy: compiled.name, generation: 1, source };
        session.own.push(own);
        let version = PolicyVersion { serial: layer.serial, generation: 1 };
        daemon.trail_mut().rules(version, rules).map_err(refuse(Reason::Failed))?;
    }
    // Nothing that is kept of it has what its policies call a secret.
    let mut trail = daemon.trail_mut();
    trail.layers(session.id, session.serials());
    session.command = trail.masked(Some(session.id), &session.command);
    session.purpose = session.purpose.as_deref().map(|purpose| trail.masked_text(Some(session.id), purpose));
    drop(trail);
    session.cgroup_id = if make { cgroup::make(&session.cgroup) } else { cgroup::id(&session.cgroup) }
        .map_err(|error| {
            Refusal::new(Reason::Failed, format!("cgroup {}: {error}", session.cgroup.display()))
        })?;
    daemon.store().save(session).map_err(refuse(Reason::Failed))?;
    let label = session.label().map_err(refuse(Reason::Limit))?;
    daemon.with_kernel(|kernel| kernel.mark(session.cgroup_id, &label))
}

/// Takes back what `build` did, as far as it came. Only while nobody has entered the cgroup.
fn undo(daemon: &State, session: &Session, made: bool) {
    let log = |step: &str, error: &dyn std::fmt::Display| {
        tracing::error!("session {}: {step}: {error}", session.id)
    };
    if session.cgroup_id != 0
        && let Err(error) = daemon.with_kernel(|kernel| kernel.unmark(session.cgroup_id))
    {
        log("unmarking", &error);
    }
    if made && let Err(error) = cgroup::remove(&session.cgroup) {
        log("removing its cgroup", &error);
    }
    for own in &session.own {
        if let Err(error) = daemon.with_kernel(|kernel| kernel.retire(Layer::from(own.layer))) {
            log("retiring a layer", &error);
        }
    }
    daemon.trail_mut().retire(session.own.iter().map(|own| own.layer.serial));
    if let Err(error) = daemon.store().remove(session.id) {
        log("forgetting", &error);
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

fn check_count(daemon: &State, uid: u32) -> Result<(), Refusal> {
    let most = daemon.config().sessions_per_user;
    let open = daemon.sessions().values().filter(|session| session.owner.uid == uid).count();
    if open < most {
        return Ok(());
    }
    let message = format!("you have {open} sessions open, and {most} is the limit");
    Err(Refusal::new(Reason::Limit, message).help("end some of them: `gatekeeper sessions` lists them"))
}

/// An image takes kernel memory that is nobody's in particular: large ones are the administrator's to give.
fn check_size(compiled: &[(PolicyChoice, SessionPolicy)]) -> Result<(), Refusal> {
    for (choice, compiled) in compiled {
        if matches!(choice, PolicyChoice::Text { .. })
            && compiled.head.len().max(compiled.comb.len()) > PLANE_SMALL
        {
            let message = format!("{}: the policy is too large for a user's own file", compiled.name);
            return Err(Refusal::new(Reason::Limit, message)
                .help("use fewer rules, or have root put it in the policy directories"));
        }
    }
    Ok(())
}

/// Checks the texts that people will read.
///
/// # Errors
/// [`Reason::Malformed`] where a text is empty, too long or has control characters.
pub fn check_words(name: Option<&str>, purpose: Option<&str>) -> Result<(), Refusal> {
    let plain = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
    if let Some(name) = name
        && !(plain(name) && name.chars().count() <= NAME)
    {
        let message = format!("a session's name has 1 to {NAME} characters and no control characters");
        return Err(Refusal::new(Reason::Malformed, message));
    }
    if let Some(purpose) = purpose
        && !(plain(purpose) && purpose.chars().count() <= PURPOSE)
    {
        let message = format!("a session's purpose has 1 to {PURPOSE} characters and no control characters");
        return Err(Refusal::new(Reason::Malformed, message));
    }
    Ok(())
}

/// Checks the command as the record will show it.
fn check_command(command: &[String]) -> Result<(), Refusal> {
    if command.iter().map(String::len).sum::<usize>() <= COMMAND && command.len() <= COMMAND_WORDS {
        return Ok(());
    }
    let message = format!("the command shown has at most {COMMAND_WORDS} words and {COMMAND} bytes");
    Err(Refusal::new(Reason::Malformed, message))
}

/// Checks a workspace by its text alone: the daemon sees more of the tree than the caller may, and must
/// not reveal it.
///
/// # Errors
/// [`Reason::Malformed`] where the path is relative, is `/`, or has `..` or control characters.
pub fn check_workspace(path: &std::path::Path) -> Result<(), Refusal> {
    use std::path::Component;
    let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    let control = path.to_string_lossy().chars().any(char::is_control);
    if !path.is_absolute() || !plain || control {
        let message =
            format!("the workspace {path:?} is not an absolute path without \"..\" and control characters");
        return Err(Refusal::new(Reason::Malformed, message));
    }
    if path.parent().is_none() {
        let message = "the workspace can't be /: a session may do nearly anything in its workspace";
        return Err(Refusal::new(Reason::Malformed, message).help("name a folder: --workspace DIR"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn workspaces_are_folders_below_the_root() {
        assert!(check_workspace(Path::new("/home/dev/app")).is_ok());
        for path in ["/", "app", "", "/home/../etc", "/a\nb"] {
            assert!(check_workspace(Path::new(path)).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_session_ends_no_later_than_it_may() {
        let end = |asked, longest: Option<u64>, outer| {
            end(Duration::from_nanos(5), asked, longest.map(Duration::from_secs), outer).map_err(drop)
        };
        let seconds = 1_000_000_000;
        assert_eq!(end(None, None, None), Ok(None));
        assert_eq!(end(Some(3), None, None), Ok(Some(3 * seconds + 5)));
        assert_eq!(end(None, Some(2), None), Ok(Some(2 * seconds + 5)));
        assert_eq!(end(Some(3), Some(2), None), Ok(Some(2 * seconds + 5)));
        assert_eq!(end(Some(1), Some(2), None), Ok(Some(seconds + 5)));
        assert_eq!(end(Some(9), None, Some(seconds)), Ok(Some(seconds)));
        assert_eq!(end(None, None, Some(seconds)), Ok(Some(seconds)));
        assert_eq!(end(Some(u64::MAX), None, None), Ok(Some(u64::MAX)));
        assert_eq!((end(Some(0), None, None), end(None, None, Some(5))), (Err(()), Err(())));
    }

    #[test]
    fn words_are_short_and_plain() {
        assert!(check_words(Some("fix-42"), Some("help the build")).is_ok());
        assert!(check_words(Some(""), None).is_err());
        assert!(check_words(Some("a\u{1b}[31m"), None).is_err());
        assert!(check_words(None, Some(&"x".repeat(501))).is_err());
    }
}
