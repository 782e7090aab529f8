//! Limits on the rate at which sessions ask. One that asks too often is shown as a flood, once, and what it asks beyond is denied: nobody
//! is worn down, and nobody is left in the dark.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use gatekeeper_record::session_id::SessionId;

/// The time in which people are asked only so often.
const MINUTE: Duration = Duration::from_mins(1);

/// A session that asks too often.
#[derive(Debug, Default)]
struct Flood {
    /// Requests denied without anybody being asked.
    denied: u64,
    last: Duration,
}

#[derive(Debug, Default)]
struct Asking {
    /// The times at which people were asked.
    times: VecDeque<Duration>,
    flood: Option<Flood>,
}

/// The rate at which each session asks.
#[derive(Debug, Default)]
pub struct Floods(BTreeMap<SessionId, Asking>);

impl Floods {
    /// Whether people may be asked about one more hold of this session now. They are asked `rate` times a minute, and
    /// once more by what begins a flood.
    pub fn may_ask(&mut self, session: SessionId, rate: usize, now: Duration) -> bool {
        let asking = self.0.entry(session).or_default();
        while asking.times.front().is_some_and(|then| now.saturating_sub(*then) >= MINUTE) {
            asking.times.pop_front();
        }
        if asking.times.len() < rate {
            asking.flood = None;
        } else if let Some(flood) = &mut asking.flood {
            flood.denied += 1;
            flood.last = now;
            return false;
        } else {
            asking.flood = Some(Flood { denied: 0, last: now });
        }
        asking.times.push_back(now);
        true
    }

    /// The kernel has denied an operation of this session, for as much waits as can.
    pub fn denied(&mut self, session: SessionId, now: Duration) {
        let flood = self.0.entry(session).or_default().flood.get_or_insert_default();
        flood.denied += 1;
        flood.last = now;
    }

    /// The number of requests denied without anybody being asked, where this session asks too often.
    #[must_use]
    pub fn of(&self, session: Option<SessionId>) -> Option<u64> {
        self.0.get(&session?)?.flood.as_ref().map(|flood| flood.denied)
    }

    /// Forgets what was long ago.
    pub fn tidy(&mut self, now: Duration) {
        let is_fresh = |then: &Duration| now.saturating_sub(*then) < MINUTE;
        self.0.retain(|_, asking| {
            asking.times.back().is_some_and(is_fresh)
                || asking.flood.as_ref().is_some_and(|flood| is_fresh(&flood.last))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: usize = 3;

    fn session(number: u64) -> SessionId {
        SessionId::from_kernel(number).unwrap()
    }

    #[test]
    fn a_flood_is_shown_once_and_then_denied() {
        let mut floods = Floods::default();
        let mut ask = |seconds| floods.may_ask(session(1), RATE, Duration::from_secs(seconds));
        assert!((0..3).all(&mut ask));
        assert_eq!((3..40).map(&mut ask).filter(|may| *may).count(), 1);
        assert_eq!(floods.of(Some(session(1))), Some(36));
        assert_eq!((floods.of(Some(session(2))), floods.of(None)), (None, None));
        assert!(floods.may_ask(session(2), RATE, Duration::from_secs(40)), "another session pays for it");
    }

    #[test]
    fn who_asks_on_and_on_is_asked_about_no_oftener() {
        let mut floods = Floods::default();
        let asked: Vec<u64> = (0..6000)
            .filter(|tenths| floods.may_ask(session(1), RATE, Duration::from_millis(tenths * 100)))
            .collect();
        assert!(asked.len() > 2 * RATE);
        let in_a_minute = |from: &u64| asked.iter().filter(|at| (*from..from + 600).contains(at)).count();
        assert!(asked.iter().all(|from| in_a_minute(from) <= RATE + 1), "{asked:?}");
    }

    #[test]
    fn a_flood_ends_with_a_minute_of_quiet() {
        let mut floods = Floods::default();
        let at = Duration::from_secs;
        let asked = (0..9).filter(|_| floods.may_ask(session(1), RATE, at(0))).count();
        assert_eq!(asked, RATE + 1);
        assert_eq!(floods.of(Some(session(1))), Some(5));
        assert!(floods.may_ask(session(1), RATE, at(60)));
        assert_eq!(floods.of(Some(session(1))), None);
        floods.tidy(at(119));
        assert_eq!(floods.0.len(), 1);
        floods.tidy(at(120));
        assert!(floods.0.is_empty());
    }

    #[test]
    fn denials_of_the_kernel_count() {
        let mut floods = Floods::default();
        floods.denied(session(1), Duration::from_secs(5));
        floods.denied(session(1), Duration::from_secs(6));
        assert_eq!(floods.of(Some(session(1))), Some(2));
        floods.tidy(Duration::from_secs(65));
        assert_eq!(floods.of(Some(session(1))), Some(2));
        floods.tidy(Duration::from_secs(66));
        assert_eq!(floods.of(Some(session(1))), None);
    }
}
