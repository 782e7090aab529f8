//! The health of the writing, for those who ask, and for the programs in the kernel.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{error, warn};

/// Notifies the programs in the kernel of whether the trail takes records.
type Tell = Box<dyn Fn(bool) -> io::Result<()> + Send>;

/// The health of the writing.
#[derive(Debug, Default)]
pub struct Health {
    pub(super) waiting: AtomicU64,
    pub(super) unwritten: AtomicU64,
    pub(super) owed: AtomicU64,
    pub(super) size: AtomicU64,
    pub(super) signed: AtomicU64,
    state: Mutex<State>,
    grown: (Mutex<()>, Condvar),
}

#[derive(Default)]
struct State {
    trouble: Option<String>,
    tell: Option<Tell>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("trouble", &self.trouble).finish_non_exhaustive()
    }
}

impl State {
    /// Notifies the programs of how it is.
    fn pass_on(&self) {
        let Some(tell) = &self.tell else { return };
        if let Err(error) = tell(self.trouble.is_none()) {
            error!("the kernel can't be notified whether the trail is written: {error}");
        }
    }
}

impl Health {
    /// Records that could not be written down and are not yet accounted for.
    #[must_use]
    pub fn unwritten(&self) -> u64 {
        self.unwritten.load(Ordering::Acquire)
    }

    /// Records in the trail.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// Waits until there are more records than this, or for so long.
    pub fn wait_beyond(&self, size: u64, limit: Duration) {
        let (lock, grown) = &self.grown;
        let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        // Whatever comes of the wait, the caller looks again.
        drop(grown.wait_timeout_while(guard, limit, |()| self.size() <= size));
    }

    /// Says how many records there are.
    pub(super) fn grow(&self, size: u64) {
        let (lock, grown) = &self.grown;
        let _guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        if self.size.swap(size, Ordering::AcqRel) != size {
            grown.notify_all();
        }
    }

    /// Records under a signature.
    #[must_use]
    pub fn signed(&self) -> u64 {
        self.signed.load(Ordering::Acquire)
    }

    /// Returns why the trail can't be written, if it can't.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.state().trouble.clone()
    }

    /// Records of what passed on the promise that it is recorded, and that are still to be written.
    #[must_use]
    pub fn owed(&self) -> u64 {
        self.owed.load(Ordering::Acquire)
    }

    /// Has somebody notified, now and whenever it changes, of whether records are taken.
    pub fn tell(&self, tell: Tell) {
        let mut state = self.state();
        state.tell = Some(tell);
        state.pass_on();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says why the trail can't be written, if it can't.
    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        let mut state = self.state();
        let changed = state.trouble.is_some() != trouble.is_some();
        match &trouble {
            Some(why) if changed => error!("the trail can't be written: {why}"),
            None if changed => warn!("the trail is written again"),
            _ => {}
        }
        state.trouble = trouble;
        if changed {
            state.pass_on();
        }
    }
}
