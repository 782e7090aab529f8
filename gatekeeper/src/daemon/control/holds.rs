//! Holds listed and followed for people, and denials explained to sessions.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep_until};

use super::outcome::Outcome;
use crate::daemon::hold::look::look;
use crate::daemon::state::State;
use crate::hold::rights;
use crate::protocol::messages::{Answer, Holds};
use crate::protocol::peer::Peer;
use crate::protocol::wire;
use gatekeeper_record::decision::HoldId;
use gatekeeper_record::held::Held;
use gatekeeper_record::record::Record;
use gatekeeper_record::refusal::{Reason, Refusal};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::since_boot;

/// Denials that one answer shows a session, at most.
const DENIALS: usize = 20;
/// The least time between two updates of holds: a flood is counted fast.
const AMENDED: Duration = Duration::from_secs(1);

/// The holds that concern the peer: those it may decide, and those of its own sessions.
fn waiting(daemon: &State, peer: &Peer, wanted: Option<HoldId>) -> Vec<Held> {
    let now = since_boot();
    let queue = daemon.holds();
    let entries = queue.entries.iter().filter(|(id, entry)| {
        let owner = entry.event.owner;
        wanted.is_none_or(|wanted| **id == wanted)
            && entry.decision().is_none()
            && !entry.checking
            && (owner == Some(peer.uid)
                || rights::may_decide(peer.uid, &peer.groups, &entry.terms, owner).is_ok())
    });
    entries.filter_map(|(_, entry)| queue.shown(entry, now)).collect()
}

/// Sends the holds that wait, and with `follow` every change until the client hangs up.
///
/// # Errors
/// Where the connection breaks. The refusal within is that of the verb.
pub async fn list(daemon: &State, peer: &Peer, stream: &mut UnixStream, wanted: Holds) -> Outcome {
    daemon.freshen().await;
    look(daemon);
    let mut changes = daemon.holds().changes();
    let mut sent: BTreeMap<HoldId, Progress> = BTreeMap::new();
    let first = waiting(daemon, peer, wanted.hold);
    if let (Some(hold), true) = (wanted.hold, first.is_empty()) {
        let message = format!("no hold {hold} waits for a decision of yours");
        let refusal = Refusal::new(Reason::NotFound, message);
        return Ok(Err(refusal.help("`gatekeeper holds` lists those that do")));
    }
    for held in first {
        sent.insert(held.hold, progress(&held));
        wire::send_patiently(stream, &Answer::Hold(Box::new(held))).await?;
    }
    if !wanted.follow {
        return Ok(Ok(()));
    }
    wire::send_patiently(stream, &Answer::Live).await?;
    let mut nothing = [0; 64];
    let mut amend = Instant::now() + AMENDED;
    loop {
        tokio::select! {
            alive = changes.changed() => if alive.is_err() { return Ok(Ok(())) },
            () = sleep_until(amend), if !sent.is_empty() => {}
            // The client has nothing more to send; what it sends is ignored.
            read = stream.read(&mut nothing) => match read? {
                0 => return Ok(Ok(())),
                _ => continue,
            },
        }
        let now = waiting(daemon, peer, wanted.hold);
        let there: BTreeSet<HoldId> = now.iter().map(|held| held.hold).collect();
        for (hold, _) in sent.extract_if(.., |hold, _| !there.contains(hold)) {
            wire::send_patiently(stream, &Answer::Closed { hold }).await?;
        }
        let may_amend = Instant::now() >= amend;
        for held in now {
            match sent.entry(held.hold) {
                Entry::Vacant(new) => {
                    new.insert(progress(&held));
                    wire::send_patiently(stream, &Answer::Hold(Box::new(held))).await?;
                }
                Entry::Occupied(mut known) if may_amend && *known.get() != progress(&held) => {
                    known.insert(progress(&held));
                    let Held { hold, approved_by: approved, flood_denied: flood, .. } = held;
                    wire::send_patiently(
                        stream,
                        &Answer::Updated { hold, approved_by: approved, flood_denied: flood },
                    )
                    .await?;
                }
                Entry::Occupied(_) => {}
            }
        }
        if may_amend {
            amend = Instant::now() + AMENDED;
        }
    }
}

/// The parts of a hold that change while it waits: the number of approvals, and of denials in its flood.
type Progress = (usize, Option<u64>);

fn progress(held: &Held) -> Progress {
    (held.approved_by.len(), held.flood_denied)
}

/// Sends a session its last denials. Nothing of other sessions, and nothing that passed.
///
/// # Errors
/// Where the connection breaks. The refusal within: the caller is in no session, or is gone.
pub async fn why(daemon: &State, peer: &Peer, stream: &mut UnixStream) -> Outcome {
    daemon.freshen().await;
    let label = match daemon.label_of(peer.pidfd()) {
        Ok(label) => label,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some(session) = label.and_then(|label| SessionId::from_kernel(label.session)) else {
        return Ok(Err(Refusal::new(Reason::Forbidden, "this is for programs in a session")));
    };
    let refused = |record: &Record| match record {
        Record::Event(event) => event.session == Some(session) && !event.passed,
        Record::Decision(decision) => decision.session == Some(session),
        _ => false,
    };
    let (past, _) = daemon.trail().feed().read(DENIALS, refused);
    for record in past {
        wire::send_patiently(stream, &Answer::Record(Box::new(Record::clone(&record)))).await?;
    }
    Ok(Ok(()))
}
