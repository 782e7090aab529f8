//! Notices still to be sent, bounded. Those that nobody needs any more make room for others.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::protocol::status::NoticeState;
use tracing::warn;

use gatekeeper_record::decision::HoldId;

/// Notices that wait to be sent, at most.
pub const WAITING: usize = 256;

/// The subject of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// People are asked.
    Asked,
    /// A decision.
    Decided,
}

/// A notice to be sent.
#[derive(Debug)]
pub struct Notice {
    /// The hold it is about.
    pub hold: HoldId,
    /// Its subject.
    pub about: About,
    /// The text of the message.
    pub body: Vec<u8>,
    /// The same key where it is sent again.
    pub key: String,
    /// The time from which nobody needs it any more.
    pub until: Instant,
}

/// A notice, and whether the receiver may have received it.
#[derive(Debug)]
struct Waiting {
    notice: Arc<Notice>,
    tried: bool,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: VecDeque<Waiting>,
    /// The one that is being sent, unless it is not needed any more.
    sending: Option<Arc<Notice>>,
    state: NoticeState,
    closed: bool,
}

/// The notices between the daemon and the thread that sends them.
#[derive(Debug, Default)]
pub struct Outbox {
    inner: Mutex<Inner>,
    news: Condvar,
}

impl Outbox {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a notice sent. Where too many wait, the oldest about a decision is given up, else the oldest.
    pub fn put(&self, notice: Notice) {
        let mut inner = self.inner();
        if inner.waiting.len() >= WAITING {
            let decided = |waiting: &Waiting| waiting.notice.about == About::Decided;
            let oldest = inner.waiting.iter().position(decided).unwrap_or(0);
            inner.waiting.remove(oldest);
            inner.state.dropped += 1;
        }
        inner.waiting.push_back(Waiting { notice: Arc::new(notice), tried: false });
        self.news.notify_one();
    }

    /// People need not be asked about a hold any more. Whether the receiver may know that they were.
    pub fn settle(&self, hold: HoldId) -> bool {
        let mut inner = self.inner();
        let asks = |notice: &Notice| notice.hold == hold && notice.about == About::Asked;
        inner.sending.take_if(|notice| asks(notice));
        let Some(at) = inner.waiting.iter().position(|waiting| asks(&waiting.notice)) else { return true };
        inner.waiting.remove(at).is_some_and(|waiting| waiting.tried)
    }

    /// The next notice, once there is one; nothing after the end.
    pub fn next(&self) -> Option<Arc<Notice>> {
        let mut inner = self.inner();
        loop {
            if let Some(Waiting { notice, .. }) = inner.waiting.pop_front() {
                inner.sending = Some(Arc::clone(&notice));
                return Some(notice);
            }
            if inner.closed {
                return None;
            }
            inner = self.news.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The receiver has taken it.
    pub fn taken(&self) {
        let mut inner = self.inner();
        inner.sending = None;
        inner.state.sent += 1;
        inner.state.error = None;
    }

    /// Notes a failed attempt. The notice is tried again, unless its time is over by then.
    pub fn failed(&self, why: String, next: Instant) {
        let mut inner = self.inner();
        match inner.sending.take() {
            Some(notice) if next < notice.until => {
                inner.waiting.push_front(Waiting { notice, tried: true });
            }
            Some(_) => inner.state.dropped += 1,
            None => {}
        }
        if inner.state.error.as_ref() != Some(&why) {
            warn!("notices: {why}");
        }
        inner.state.error = Some(why);
    }

    /// Closes the outbox: nothing more is put in.
    pub fn close(&self) {
        self.inner().closed = true;
        self.news.notify_one();
    }

    /// The state of the outbox.
    pub fn state(&self) -> NoticeState {
        self.inner().state.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn notice(hold: u64, about: About) -> Notice {
        let until = Instant::now() + Duration::from_mins(1);
        let hold = HoldId::from_kernel(hold).unwrap();
        Notice { hold, about, body: Vec::new(), key: String::new(), until }
    }

    fn waiting(outbox: &Outbox) -> Vec<(u64, About)> {
        outbox.close();
        std::iter::from_fn(|| outbox.next()).map(|notice| (notice.hold.number(), notice.about)).collect()
    }

    #[test]
    fn a_hold_that_is_decided_is_not_asked_any_more() {
        let outbox = Outbox::default();
        let settle = |hold| outbox.settle(HoldId::from_kernel(hold).unwrap());
        (1..=3).for_each(|hold| outbox.put(notice(hold, About::Asked)));
        outbox.put(notice(2, About::Decided));
        assert_eq!(outbox.next().unwrap().hold.number(), 1);
        assert!(settle(1), "it is just being sent");
        assert!(!settle(3), "nobody has received it");
        assert!(settle(9), "it was sent long ago");
        // Not tried again, and not given up: it is not needed.
        outbox.failed("no".to_owned(), Instant::now());
        assert_eq!(outbox.next().unwrap().hold.number(), 2);
        outbox.failed("no".to_owned(), Instant::now());
        assert!(settle(2), "it may have been received");
        assert_eq!(waiting(&outbox), [(2, About::Decided)]);
        assert_eq!(outbox.state().dropped, 0);
    }

    #[test]
    fn the_new_finds_room_and_decisions_make_it_first() {
        let outbox = Outbox::default();
        outbox.put(notice(1, About::Asked));
        outbox.put(notice(1, About::Decided));
        let last = WAITING as u64 + 1;
        (2..=last).for_each(|hold| outbox.put(notice(hold, About::Asked)));
        assert_eq!(outbox.state().dropped, 2);
        let expected: Vec<_> = (2..=last).map(|hold| (hold, About::Asked)).collect();
        assert_eq!(waiting(&outbox), expected);
    }
}
