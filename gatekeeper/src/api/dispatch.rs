//! From a request to its answers: first whether the caller may ask, then the session rooms.

use std::io;

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::sync::broadcast::error::RecvError;

use super::holds;
use super::messages::{Answer, Events, Request};
use super::peer::Peer;
use super::record;
use super::verbs::{PeerClass, Scope, Verb, scope};
use super::wire;
use crate::hold::decide;
use crate::session::gate::Gate;
use crate::session::status::Status;
use crate::session::{hook, label, namespace, open, reload};
use gatekeeper_record::record::Record;
use gatekeeper_record::refusal::{Reason, Refusal};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::since_boot;

/// A connection that broke, or a refusal that can still be told, or all is said.
pub type Outcome = io::Result<Result<(), Refusal>>;

/// Answers a request, up to but not including the last word.
pub async fn answer(gate: &Gate, peer: &Peer, stream: &mut UnixStream, request: Request) -> Outcome {
    let verb = request.verb();
    let standing = match standing(gate, peer) {
        Ok(standing) => standing,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let scope = scope(standing, verb);
    if scope == Scope::Never {
        return Ok(Err(forbidden(standing, verb)));
    }
    match request {
        Request::Run(run) => match open::run(gate, peer, run).await {
            Ok(session) => wire::send(stream, &Answer::Opened { session, processes: None }).await.map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        },
        Request::Label(request) => match label::label(gate, request).await {
            Ok((session, count)) => {
                wire::send(stream, &Answer::Opened { session, processes: Some(count) }).await.map(Ok)
            }
            Err(refusal) => Ok(Err(refusal)),
        },
        Request::Sessions {} => sessions(gate, stream, scope, peer.uid).await,
        Request::Events(events) => tell(gate, stream, scope, peer.uid, events).await,
        Request::Status {} => {
            let status = Status::of(gate);
            wire::send(stream, &Answer::Status(Box::new(status))).await.map(Ok)
        }
        Request::Reload {} => reload_all(gate, stream).await,
        Request::Record(request) => record::record(gate, peer, stream, scope, request).await,
        Request::Hook(told) => match hook::hear(gate, peer, *told).await {
            Ok(heard) => wire::send(stream, &heard.into()).await.map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        },
        Request::Holds(wanted) => holds::list(gate, peer, stream, wanted).await,
        Request::Decide(answer) => match decide::answer(gate, peer, answer) {
            Ok(decision) => wire::send(stream, &Answer::Decided(Box::new(decision))).await.map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        },
        Request::Why {} => holds::why(gate, peer, stream).await,
    }
}

/// What rights the caller has. None where it is gone: a process it has left the socket to has others. Where the kernel
/// side can't be asked, its cgroup has to do: nothing but looking is possible then anyway.
pub fn standing(gate: &Gate, peer: &Peer) -> Result<PeerClass, Refusal> {
    let labelled = match gate.label_of(peer.pidfd()) {
        Ok(label) => label.is_some(),
        Err(refusal) if refusal.reason == Reason::NotEnforcing => {
            namespace::is_below(peer.pid, &gate.config.cgroup).map_err(open::refuse(Reason::Failed))?
        }
        Err(refusal) => return Err(refusal),
    };
    // After the look: alive now means that it was this process that was looked at.
    if !peer.still_there().map_err(open::refuse(Reason::Failed))? {
        return Err(Refusal::new(Reason::Failed, "the process that connected is gone")
            .help("ask on a connection of your own"));
    }
    Ok(peer.standing(labelled))
}

fn forbidden(standing: PeerClass, verb: Verb) -> Refusal {
    let message = match standing {
        PeerClass::Labelled => format!("`{}` can't be asked from inside a session", verb.name()),
        PeerClass::User | PeerClass::Root if verb == Verb::Why => {
            format!("`{}` is for programs in a session", verb.name())
        }
        PeerClass::User | PeerClass::Root => format!("`{}` is for root", verb.name()),
    };
    Refusal::new(Reason::Forbidden, message)
}

async fn sessions(gate: &Gate, stream: &mut UnixStream, scope: Scope, uid: u32) -> Outcome {
    let census = gate.with_kernel(|kernel| kernel.census()).ok();
    let now = since_boot();
    let summaries: Vec<_> = gate
        .sessions
        .borrow()
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
fn prove_again(gate: &Gate) -> Result<(), Refusal> {
    if gate.ready().is_err() {
        let proved = gate.with_kernel(|kernel| kernel.prove(&gate.config));
        gate.note_hooks();
        proved?;
    }
    gate.ready()
}

async fn reload_all(gate: &Gate, stream: &mut UnixStream) -> Outcome {
    if let Err(refusal) = prove_again(gate) {
        return Ok(Err(refusal));
    }
    for outcome in reload::reload(gate).await {
        let (generation, error) = match outcome.result {
            Ok(generation) => (Some(generation), None),
            Err(refusal) => (None, Some(refusal.message)),
        };
        wire::send(stream, &Answer::Reloaded { session: outcome.session, generation, error }).await?;
    }
    Ok(Ok(()))
}

/// Tells the past, and with `follow` the present until the client hangs up.
async fn tell(gate: &Gate, stream: &mut UnixStream, scope: Scope, uid: u32, events: Events) -> Outcome {
    gate.freshen().await;
    let wanted =
        |record: &Record| (scope == Scope::All || record.concerns(uid)) && of_session(record, events.session);
    let (past, mut present) =
        gate.trail.borrow().feed().read(events.last.unwrap_or(usize::MAX), |record| wanted(record));
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
            // The client has nothing more to say; if it says something, it means nothing.
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
    use crate::session::enforcer::Enforcer;
    use crate::session::enforcer::fake::Unlabelled;
    use crate::session::store::Store;
    use crate::sys::process;
    use gatekeeper_trail::trail::Trail;

    fn gate(state: &Path, kernel: Result<Box<dyn Enforcer>, String>) -> Gate {
        let config = Config { state: state.to_owned(), cgroup: state.join("cgroup"), ..Config::default() };
        let (store, trail) =
            (Store::open(state).unwrap(), Trail::open(&config.trail_settings(), "b").unwrap());
        Gate::new(config, "b".into(), kernel, store, trail, mpsc::channel(1).0).unwrap()
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
            let gate = gate(state.path(), kernel);
            let (mut child, stream) = connected(&state.path().join(format!("{round}.sock")));
            let peer = Peer::of(stream.as_fd(), since_boot()).unwrap();
            assert_ne!(standing(&gate, &peer).unwrap(), PeerClass::Labelled);
            child.kill().unwrap();
            child.wait().unwrap();
            let refusal = standing(&gate, &peer).unwrap_err();
            assert_eq!(refusal.reason, Reason::Failed, "{refusal}");
        }
    }

    #[tokio::test]
    async fn no_label_of_a_process_that_is_gone_is_no_answer() {
        let state = tempfile::tempdir().unwrap();
        let gate = gate(state.path(), Ok(Box::new(Unlabelled)));
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let handle = process::open(child.id() as i32).unwrap();
        assert_eq!(gate.label_of(handle.as_fd()).unwrap(), None);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(gate.label_of(handle.as_fd()).is_err());
    }
}
