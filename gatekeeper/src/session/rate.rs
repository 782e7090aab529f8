//! Limits on a session's hook reports: enough for any assistant at work, too little to fill the trail or to keep the
//! daemon busy. What is turned away is counted.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::assistant::Assistant;
use gatekeeper_record::session_id::SessionId;

/// Reports at once, and then a second.
const COUNT: (f64, f64) = (400.0, 20.0);
/// Bytes at once, and then a second.
const BYTES: (f64, f64) = (8.0 * 1024.0 * 1024.0, 64.0 * 1024.0);

/// The amount of a report that is accepted now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// All of it.
    Whole,
    /// The report without its long texts.
    Short,
    /// No part of it.
    No,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Duration,
}

impl Bucket {
    fn full((burst, _): (f64, f64), now: Duration) -> Self {
        Self { left: burst, at: now }
    }

    fn take(&mut self, (burst, rate): (f64, f64), much: f64, now: Duration) -> bool {
        let since = now.saturating_sub(self.at).as_secs_f64();
        self.left = (self.left + since * rate).min(burst);
        self.at = now;
        let enough = self.left >= much;
        self.left -= if enough { much } else { 0.0 };
        enough
    }
}

#[derive(Debug)]
struct Allowance {
    count: Bucket,
    bytes: Bucket,
    dropped: BTreeMap<Assistant, u64>,
}

/// The remaining allowance of each session.
#[derive(Debug, Default)]
pub struct HookReportQuotas(BTreeMap<SessionId, Allowance>);

impl HookReportQuotas {
    /// Takes so many bytes from the allowance.
    pub fn take(&mut self, session: SessionId, assistant: Assistant, bytes: usize, now: Duration) -> Quota {
        let allowance = self.0.entry(session).or_insert_with(|| Allowance {
            count: Bucket::full(COUNT, now),
            bytes: Bucket::full(BYTES, now),
            dropped: BTreeMap::new(),
        });
        if !allowance.count.take(COUNT, 1.0, now) {
            *allowance.dropped.entry(assistant).or_default() += 1;
            return Quota::No;
        }
        let bytes = u32::try_from(bytes).map_or(f64::INFINITY, f64::from);
        if allowance.bytes.take(BYTES, bytes, now) { Quota::Whole } else { Quota::Short }
    }

    /// The number of reports dropped since the last call, by session and assistant.
    pub fn take_dropped(&mut self) -> Vec<(SessionId, Assistant, u64)> {
        let take = |(id, allowance): (&SessionId, &mut Allowance)| {
            let (id, dropped) = (*id, std::mem::take(&mut allowance.dropped));
            dropped.into_iter().map(move |(assistant, count)| (id, assistant, count))
        };
        self.0.iter_mut().flat_map(take).collect()
    }

    /// Forgets a session.
    pub fn forget(&mut self, session: SessionId) {
        self.0.remove(&session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHO: Assistant = Assistant::Gemini;

    #[test]
    fn a_flood_is_turned_away_counted_and_nobody_elses() {
        let mut quotas = HookReportQuotas::default();
        let [one, other] = [7, 8].map(|number| SessionId::from_kernel(number).unwrap());
        let now = Duration::from_secs(100);
        let passed = (0..10_000).filter(|_| quotas.take(one, WHO, 10, now) == Quota::Whole).count();
        assert_eq!(passed, 400);
        assert_eq!(quotas.take(other, WHO, 10, now), Quota::Whole);
        assert_eq!(quotas.take_dropped(), [(one, WHO, 9600)]);
        assert_eq!(quotas.take_dropped(), []);
        let later = now + Duration::from_secs(2);
        assert_eq!((0..100).filter(|_| quotas.take(one, WHO, 10, later) == Quota::Whole).count(), 40);
    }

    #[test]
    fn many_bytes_are_left_out_before_the_report_is() {
        let mut quotas = HookReportQuotas::default();
        let one = SessionId::from_kernel(7).unwrap();
        let now = Duration::from_secs(100);
        let granted: Vec<Quota> = (0..200).map(|_| quotas.take(one, WHO, 96 << 10, now)).collect();
        assert_eq!(granted.iter().filter(|quota| **quota == Quota::Whole).count(), 85);
        assert_eq!(granted.iter().filter(|quota| **quota == Quota::Short).count(), 115);
    }
}
