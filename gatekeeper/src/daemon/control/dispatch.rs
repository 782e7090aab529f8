//! From a request to its answers: first whether the caller may ask, then what the verb does.

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::sync::broadcast::error::RecvError;

use super::holds;
use super::outcome::Outcome;
use super::recording;
use super::verbs::{Scope, Verb, scope};
use crate::daemon::hold::answer;
use crate::daemon::hook;
use crate::daemon::session::{label, open, reload};
use crate::daemon::state::State;
use crate::daemon::status::status;
use crate::protocol::bounds::Count;
use crate::protocol::messages::{Answer, Events, Request};
use crate::protocol::peer::Peer;
use crate::protocol::peer::PeerClass;
use crate::protocol::wire;
use crate::session::cgroup;
use crate::session::enforcer::prove;
use gatekeeper_record::record::Record;
use gatekeeper_record::refusal::{Reason, Refusal, refuse};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::since_boot;

/// Answers a request, up to but not including the last word.
///
/// # Errors
/// Where the connection breaks. The refusal within is that of the verb.
pub async fn answer(daemon: &State, peer: &Peer, stream: &mut UnixStream, request: Request) -> Outcome {
    let verb = request.verb();
    let class = match class_of(daemon, peer) {
        Ok(class) => class,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let scope = scope(class, verb);
    if scope == Scope::Never {
        return Ok(Err(forbidden(class, verb)));
    }
    match request {
        Request::Run(run) => match open::run(daemon, peer, run).await {
            Ok(session) => wire::send(stream, &Answer::Opened { session, processes: None }).await.map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        },
        Request::Label(request) => match label::label(daemon, request).await {
            Ok((session, count)) => {
                wire::send(stream, &Answer::Opened { session, processes: Some(count) }).await.map(Ok)
            }
            Err(refusal) => Ok(Err(refusal)),
        },
        Request::Sessions {} => sessions(daemon, stream, scope, peer.uid).await,
        Request::Events(events) => send_events(daemon, stream, scope, peer.uid, events).await,
        Request::Status {} => {
            let status = status(daemon);
            let status = if class == PeerClass::Root { status } else { status.without_errors_of_others() };
            wire::send(stream, &Answer::Status(Box::new(status))).await.map(Ok)
        }
        Request::Reload {} => reload_all(daemon, stream).await,
        Request::Record(request) => recording::record(daemon, peer, stream, scope, request).await,
        Request::Hook(report) => match hook::receive(daemon, peer, *report).await {
            Ok(outcome) => wire::send(stream, &outcome.into()).await.map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        },
        Request::Holds(wanted) => holds::list(daemon, peer, stream, wanted).await,
        Request::Decide(answer) => match answer::answer(daemon, peer, answer) {
            Ok(decision) => wire::send(stream, &Answer::Decided(Box::new(decision))).await.map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        },
        Request::Why {} => holds::why(daemon, peer, stream).await,
    }
}

/// The rights of the caller. None where it is gone: a process it has left the socket to has others. Where the kernel
/// side can't be asked, its cgroup has to do: nothing but looking is possible then anyway.
///
/// # Errors
/// [`Reason::Failed`] where the caller is gone or can't be looked at.
pub fn class_of(daemon: &State, peer: &Peer) -> Result<PeerClass, Refusal> {
    let labelled = match daemon.label_of(peer.pidfd()) {
        Ok(label) => label.is_some(),
        Err(refusal) if refusal.reason == Reason::NotEnforcing => {
            cgroup::is_below(peer.pid, &daemon.config().cgroup).map_err(refuse(Reason::Failed))?
        }
        Err(refusal) => return Err(refusal),
    };
    // After the look: alive now means that it was this process that was looked at.
    if !peer.still_there().map_err(refuse(Reason::Failed))? {
        return Err(Refusal::new(Reason::Failed, "the process that connected is gone")
            .help("ask on a connection of your own"));
    }
    Ok(peer.class(labelled))
}

fn forbidden(class: PeerClass, verb: Verb) -> Refusal {
    let message = match class {
        PeerClass::Labelled => format!("`{}` can't be asked from inside a session", verb.name()),
        PeerClass::User | PeerClass::Root if verb == Verb::Why => {
            format!("`{}` is for programs in a session", verb.name())
        }
        PeerClass::User | PeerClass::Root => format!("`{}` is for root", verb.name()),
    };
    Refusal::new(Reason::Forbidden, message)
}

async fn sessions(daemon: &State, stream: &mut UnixStream, scope: Scope, uid: u32) -> Outcome {
    let census = daemon.with_kernel(|kernel| kernel.census()).ok();
    let now = since_boot();
    let summaries: Vec<_> = daemon
        .sessions()
        .values()
        .filter(|session| scope == Scope::All || session.owner.uid == uid)
        .map(|session| {
            let number = session.id.number();
            let processes = census
                .as_ref()
                .map(|census| census.processes.get(&number).into_iter().flatten().copied().collect());
            session.summary(processes, now)
        })
        .collect();
    for summary in summaries {
        wire::send(stream, &Answer::Session(Box::new(summary))).await?;
    }
    Ok(Ok(()))
}

/// Whether sessions can be opened; what was amended meanwhile gets a second chance.
fn prove_again(daemon: &State) -> Result<(), Refusal> {
    if daemon.ready().is_err() {
        let proved = daemon.with_kernel(|kernel| prove(kernel, daemon.config()));
        daemon.record_hooks();
        proved?;
    }
    daemon.ready()
}

async fn reload_all(daemon: &State, stream: &mut UnixStream) -> Outcome {
    if let Err(refusal) = prove_again(daemon) {
        return Ok(Err(refusal));
    }
    for outcome in reload::reload(daemon).await {
        let (generation, error) = match outcome.result {
            Ok(generation) => (Some(generation), None),
            Err(refusal) => (None, Some(refusal.message)),
        };
        wire::send(stream, &Answer::Reloaded { session: outcome.session, generation, error }).await?;
    }
    Ok(Ok(()))
}

/// Sends past records, and with `follow` new ones until the client hangs up.
async fn send_events(
    daemon: &State,
    stream: &mut UnixStream,
    scope: Scope,
    uid: u32,
    events: Events,
) -> Outcome {
    daemon.freshen().await;
    let wanted =
        |record: &Record| (scope == Scope::All || record.concerns(uid)) && of_session(record, events.session);
    let (past, mut present) =
        daemon.trail().feed().read(events.last.map_or(usize::MAX, Count::get), |record| wanted(record));
    for record in past {
        let answer = Answer::Record(Box::new(Record::clone(&record)));
        wire::send_patiently(stream, &answer).await?;
    }
    if !events.follow {
        return Ok(Ok(()));
    }
    wire::send_patiently(stream, &Answer::Live).await?;
    let mut nothing = [0; 64];
    loop {
        let record = tokio::select! {
            received = present.recv() => match received {
                Ok(record) if wanted(&record) => Record::clone(&record),
                Ok(_) => continue,
                Err(RecvError::Lagged(count)) => Record::Missed { count },
                Err(RecvError::Closed) => return Ok(Ok(())),
            },
            // The client has nothing more to send; what it sends is ignored.
            read = stream.read(&mut nothing) => match read? {
                0 => return Ok(Ok(())),
                _ => continue,
            },
        };
        wire::send_patiently(stream, &Answer::Record(Box::new(record))).await?;
    }
}

/// Losses and the daemon's own notes concern every session.
fn of_session(record: &Record, session: Option<SessionId>) -> bool {
    session.is_none() || record.session().is_none() || record.session() == session
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    use tokio::sync::mpsc;

    use super::*;
    use crate::config::Config;
    use crate::daemon::state::KernelSide;
    use crate::session::enforcer::Enforcer;
    use crate::session::enforcer::fake::Unlabelled;
    use crate::session::store::Store;
    use crate::sys::process;
    use gatekeeper_trail::trail::Trail;

    fn daemon(state: &Path, kernel: KernelSide) -> State {
        let config = Config { state: state.to_owned(), cgroup: state.join("cgroup"), ..Config::default() };
        let (store, trail) =
            (Store::open(state).unwrap(), Trail::open(&config.trail_settings(), "b").unwrap());
        State::new(config, "b".into(), kernel, store, trail, mpsc::channel(1).0).unwrap()
    }

    /// A child that has connected to the listener at `path` and waits, and the connection.
    fn connected(path: &Path) -> (Child, std::os::unix::net::UnixStream) {
        let listener = std::os::unix::net::UnixListener::bind(path).unwrap();
        let script =
            "import socket,sys,time; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); time.sleep(60)";
        let mut command = Command::new("python3");
        let child = command.args(["-c", script]).arg(path).stdin(Stdio::null()).spawn().unwrap();
        (child, listener.accept().unwrap().0)
    }

    #[tokio::test]
    async fn a_connection_whose_process_is_gone_has_no_rights() {
        let state = tempfile::tempdir().unwrap();
        for (round, kernel) in
            [Ok(Box::new(Unlabelled) as Box<dyn Enforcer>), Err("none here".into())].into_iter().enumerate()
        {
            let daemon = daemon(state.path(), kernel);
            let (mut child, stream) = connected(&state.path().join(format!("{round}.sock")));
            let peer = Peer::of(stream.as_fd(), since_boot()).unwrap();
            assert_ne!(class_of(&daemon, &peer).unwrap(), PeerClass::Labelled);
            child.kill().unwrap();
            child.wait().unwrap();
            let refusal = class_of(&daemon, &peer).unwrap_err();
            assert_eq!(refusal.reason, Reason::Failed, "{refusal}");
        }
    }

    #[tokio::test]
    async fn no_label_of_a_process_that_is_gone_is_no_answer() {
        let state = tempfile::tempdir().unwrap();
        let daemon = daemon(state.path(), Ok(Box::new(Unlabelled)));
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let handle = process::open(child.id().cast_signed()).unwrap();
        assert_eq!(daemon.label_of(handle.as_fd()).unwrap(), None);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(daemon.label_of(handle.as_fd()).is_err());
    }
}
