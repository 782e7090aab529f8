//! Taking down a session's terminal, told by the process that keeps it.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;

use super::dispatch::Outcome;
use super::messages::{Answer, Record};
use super::peer::Peer;
use super::verbs::Scope;
use super::wire;
use crate::session::gate::Gate;
use crate::session::open::refuse;
use crate::session::record::{Kind, Session};
use gatekeeper_record::record::Change;
use gatekeeper_record::refusal::{Reason, Refusal};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;
use gatekeeper_trail::cast::{CastEvent, Recording, Terminal};

/// Bytes of one line, at most.
const LINE: u64 = 512 << 10;

/// Takes down what the peer tells until it hangs up. The peer is in no session: the governed tell nothing here.
pub async fn record(
    gate: &Gate,
    peer: &Peer,
    stream: &mut UnixStream,
    scope: Scope,
    request: Record,
) -> Outcome {
    let (session, recording) = match begin(gate, peer, scope, request) {
        Ok(begun) => begun,
        Err(refusal) => return Ok(Err(refusal)),
    };
    wire::send(stream, &Answer::Recording).await?;
    let (recording, told) = take_down(gate, stream, session.id, recording).await;
    let note = match recording.end() {
        Ok((bytes, digest)) => format!("recording of {bytes} bytes, sha256:{digest}"),
        Err(error) => format!("recording not closed: {error}"),
    };
    gate.note(&session, Change::Recorded, Some(note));
    Ok(told.map_err(refuse(Reason::Failed)))
}

fn begin(gate: &Gate, peer: &Peer, scope: Scope, request: Record) -> Result<(Session, Recording), Refusal> {
    let Record { session, columns, rows, terminal } = request;
    let sessions = gate.sessions.borrow();
    let mine = |session: &&Session| scope == Scope::All || session.owner.uid == peer.uid;
    let known = sessions.get(&session).filter(mine).filter(|session| session.kind == Kind::Run);
    let known = known.ok_or_else(|| Refusal::new(Reason::Malformed, "you have no such session"))?;
    let kind = terminal.filter(|name| name.len() <= 64 && name.chars().all(|c| c.is_ascii_graphic()));
    let term = Terminal { cols: columns, rows, kind };
    let now = Moment::now();
    let command = gate.trail.borrow().masked(Some(session), &known.command).join(" ");
    let recording = Recording::begin(&gate.config.state, session, term, command, now)
        .map_err(|error| Refusal::new(Reason::Failed, format!("the recording can't be begun: {error}")))?;
    Ok((known.clone(), recording))
}

/// Reads lines and writes them down beside the daemon's own thread, so that a slow disk slows only this terminal.
async fn take_down(
    gate: &Gate,
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
        let happening = match serde_json::from_slice(&line) {
            Ok(CastEvent::Output(text)) => {
                CastEvent::Output(gate.trail.borrow().masked_text(Some(session), &text))
            }
            Ok(happening) => happening,
            Err(error) => return (recording, Err(error.into())),
        };
        let write = move || {
            let written = recording.add(&happening, Moment::now());
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
