//! The recording of a session's terminal, sent by the process that keeps it.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;

use super::outcome::Outcome;
use super::verbs::Scope;
use crate::daemon::state::State;
use crate::protocol::messages::{Answer, Record};
use crate::protocol::peer::Peer;
use crate::protocol::summary::Kind;
use crate::protocol::wire;
use crate::session::record::Session;
use gatekeeper_record::record::Change;
use gatekeeper_record::refusal::refuse;
use gatekeeper_record::refusal::{Reason, Refusal};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;
use gatekeeper_trail::cast::{CastEvent, Recording, Terminal};

/// Bytes of one line, at most.
const LINE: u64 = 512 << 10;

/// Records what the peer sends until it hangs up. The peer is in no session: the governed record nothing here.
///
/// # Errors
/// Where the connection breaks. The refusal within: no such session, or the recording can't be written.
pub async fn record(
    daemon: &State,
    peer: &Peer,
    stream: &mut UnixStream,
    scope: Scope,
    request: Record,
) -> Outcome {
    let (session, recording) = match begin(daemon, peer, scope, request) {
        Ok(begun) => begun,
        Err(refusal) => return Ok(Err(refusal)),
    };
    wire::send(stream, &Answer::Recording).await?;
    let (recording, result) = take_down(daemon, stream, session.id, recording).await;
    let note = match recording.end() {
        Ok((bytes, digest)) => format!("recording of {bytes} bytes, sha256:{digest}"),
        Err(error) => format!("recording not closed: {error}"),
    };
    daemon.record_change(&session, Change::Recorded, Some(note));
    Ok(result.map_err(refuse(Reason::Failed)))
}

fn begin(
    daemon: &State,
    peer: &Peer,
    scope: Scope,
    request: Record,
) -> Result<(Session, Recording), Refusal> {
    let Record { session, columns, rows, terminal } = request;
    let sessions = daemon.sessions();
    let mine = |session: &&Session| scope == Scope::All || session.owner.uid == peer.uid;
    let known = sessions.get(&session).filter(mine).filter(|session| session.kind == Kind::Run);
    let known = known.ok_or_else(|| Refusal::new(Reason::Malformed, "you have no such session"))?;
    let kind = terminal.filter(|name| name.len() <= 64 && name.chars().all(|c| c.is_ascii_graphic()));
    let term = Terminal { cols: columns, rows, kind };
    let now = Moment::now();
    let command = daemon.trail().masked(Some(session), &known.command).join(" ");
    let recording = Recording::begin(&daemon.config().state, session, term, command, now)
        .map_err(|error| Refusal::new(Reason::Failed, format!("the recording can't be begun: {error}")))?;
    Ok((known.clone(), recording))
}

/// Reads lines and writes them outside the daemon's own thread, so that a slow disk slows only this terminal.
async fn take_down(
    daemon: &State,
    stream: &mut UnixStream,
    session: SessionId,
    mut recording: Recording,
) -> (Recording, io::Result<()>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        match (&mut reader).take(LINE).read_until(b'\n', &mut line).await {
            Ok(0) => return (recording, Ok(())),
            Ok(_) => {}
            Err(error) => return (recording, Err(error)),
        }
        let event = match serde_json::from_slice(&line) {
            Ok(CastEvent::Output(text)) => {
                CastEvent::Output(daemon.trail().masked_text(Some(session), &text))
            }
            Ok(event) => event,
            Err(error) => return (recording, Err(error.into())),
        };
        let write = move || {
            let written = recording.add(&event, Moment::now());
            (recording, written)
        };
        match tokio::task::spawn_blocking(write).await {
            Ok((back, Ok(()))) => recording = back,
            Ok((back, Err(error))) => return (back, Err(error)),
            // The writing panicked, and the recording with it.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}
