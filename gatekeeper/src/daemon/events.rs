//! The kernel's events: read from the ring buffer and handed to the trail.

use std::rc::Rc;
use std::time::{Duration, Instant};

use gatekeeper_common::event::Header;
use gatekeeper_common::limits::RING_BYTES;
use gatekeeper_common::verdict::Cause;
use gatekeeper_kernel::EventStream;
use gatekeeper_record::raw_event::RawEvent;
use gatekeeper_record::session_id::SessionId;
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use super::state::State;

/// Pause where the trail's writer is behind.
const CATCHING_UP: Duration = Duration::from_millis(5);
/// Pause after the kernel's events could not be read.
const READING: Duration = Duration::from_secs(1);

/// Time limit of taking in what is there; systemd waits 90 s for the daemon's end.
const DRAINING: Duration = Duration::from_secs(30);

/// Reads the kernel's events for ever.
pub(super) async fn pump(
    daemon: Rc<State>,
    mut events: EventStream,
    mut draining: mpsc::Receiver<oneshot::Sender<()>>,
) {
    loop {
        // What waits to be written is bounded: the kernel's buffer waits with it, and counts what it can't hold.
        let behind = daemon.trail().is_behind();
        tokio::select! {
            () = tokio::time::sleep(CATCHING_UP), if behind => {}
            batch = events.next(), if !behind => match batch {
                Ok(batch) => take_in(&daemon, &batch),
                Err(error) => {
                    error!("{error}");
                    tokio::time::sleep(READING).await;
                }
            },
            Some(done) = draining.recv() => {
                drain(&daemon, &mut events).await;
                // Whoever asked may have gone.
                let _ = done.send(());
            }
        }
        // A flood of events must not keep the rest of the daemon waiting.
        tokio::task::yield_now().await;
    }
}

/// Takes in the events that are there: at most as many as the kernel's buffer holds, so that a flood does not keep
/// whoever asked waiting for ever, and none while the writer is behind.
async fn drain(daemon: &State, events: &mut EventStream) {
    let end = Instant::now() + DRAINING;
    let mut left = RING_BYTES as usize / size_of::<Header>();
    while left > 0 && Instant::now() < end {
        if daemon.trail().is_behind() {
            tokio::time::sleep(CATCHING_UP).await;
            continue;
        }
        let batch = events.ready();
        if batch.is_empty() {
            return;
        }
        left = left.saturating_sub(batch.len());
        take_in(daemon, &batch);
        tokio::task::yield_now().await;
    }
}

fn take_in(daemon: &State, batch: &[RawEvent]) {
    daemon.trail_mut().events(batch);
    for RawEvent { header, .. } in batch {
        if header.cause == Cause::TooManyHolds as u8
            && let Some(session) = SessionId::from_kernel(header.session)
        {
            let session = daemon.outermost(session);
            daemon.holds_mut().floods.denied(session, Duration::from_nanos(header.time));
        }
    }
    if batch.iter().any(|event| event.header.hold != 0) {
        daemon.bell().0.notify_one();
    }
}
