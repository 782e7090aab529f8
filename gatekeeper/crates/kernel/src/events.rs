//! Events as they come out of the ring buffer.

use std::path::Path;

use aya::maps::{Map, MapData, RingBuf};
use gatekeeper_record::raw_event::RawEvent;
use tokio::io::unix::AsyncFd;

use super::error::{KernelError, LoadError};
use crate::sys::watch::watch;

/// The reading end of the ring buffer. One reader at a time, or events go to either.
pub struct EventStream {
    ring: AsyncFd<RingBuf<MapData>>,
}

impl std::fmt::Debug for EventStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventStream").finish_non_exhaustive()
    }
}

/// Events handed on at once, at most, so that a flood doesn't starve the rest of the daemon.
const BATCH: usize = 4096;

impl EventStream {
    /// Opens the ring buffer pinned under `pins`. Must be called within a tokio runtime.
    pub(super) fn open(pins: &Path) -> Result<Self, KernelError> {
        let path = pins.join("maps/EVENTS");
        let failed = |source| LoadError::Map { path: path.clone(), source };
        let data = MapData::from_pin(&path).map_err(failed)?;
        let ring = RingBuf::try_from(Map::RingBuf(data)).map_err(failed)?;
        let ring = watch(ring).map_err(KernelError::call("watching the ring buffer"))?;
        Ok(Self { ring })
    }

    /// Waits for events and hands on those that are there. Nothing is lost if the future is dropped.
    ///
    /// # Errors
    /// Where waiting fails.
    pub async fn next(&mut self) -> Result<Vec<RawEvent>, KernelError> {
        loop {
            let events = self.ready();
            if !events.is_empty() {
                return Ok(events);
            }
            let mut guard =
                self.ring.readable_mut().await.map_err(KernelError::call("waiting for events"))?;
            guard.clear_ready();
            // Events between the look and the wait are picked up here; the ring wakes us for the rest.
            let events = self.ready();
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }

    /// Returns the events that are there, without waiting.
    pub fn ready(&mut self) -> Vec<RawEvent> {
        let mut events = Vec::new();
        while events.len() < BATCH
            && let Some(item) = self.ring.get_mut().next()
        {
            if let Some(event) = RawEvent::parse(&item) {
                events.push(event);
            }
        }
        events
    }
}
