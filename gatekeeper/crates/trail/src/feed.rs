//! Records to whoever reads them: the past from memory, the present as it happens.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::broadcast;

use gatekeeper_record::record::Record;

/// Records a follower may lag behind before it misses some.
const LAG: usize = 8192;

/// The latest records, and those who follow.
#[derive(Debug)]
pub struct Feed {
    past: VecDeque<Arc<Record>>,
    kept: usize,
    followers: broadcast::Sender<Arc<Record>>,
}

impl Feed {
    /// A feed that keeps so many records.
    #[must_use]
    pub fn new(kept: usize) -> Self {
        Self { past: VecDeque::new(), kept, followers: broadcast::Sender::new(LAG) }
    }

    /// Takes in a record from before the start.
    pub fn recall(&mut self, record: Record) {
        self.keep(Arc::new(record));
    }

    /// Takes in a record and tells it to all followers. Never waits for one.
    pub fn tell(&mut self, record: Arc<Record>) {
        self.keep(Arc::clone(&record));
        // An error means that nobody follows.
        let _ = self.followers.send(record);
    }

    fn keep(&mut self, record: Arc<Record>) {
        if self.past.len() == self.kept {
            self.past.pop_front();
        }
        self.past.push_back(record);
    }

    /// The latest `last` records that pass the filter, oldest first, and from exactly there on the present.
    pub fn read(
        &self,
        last: usize,
        wanted: impl Fn(&Record) -> bool,
    ) -> (Vec<Arc<Record>>, broadcast::Receiver<Arc<Record>>) {
        let latest = self.past.iter().rev().filter(|record| wanted(record)).take(last);
        let mut found: Vec<_> = latest.cloned().collect();
        found.reverse();
        (found, self.followers.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(record: &Record) -> u64 {
        match record {
            Record::Missed { count } => *count,
            _ => 0,
        }
    }

    #[tokio::test]
    async fn past_and_present_meet_without_a_seam() {
        let mut feed = Feed::new(3);
        for count in 0..5 {
            feed.tell(Record::Missed { count }.into());
        }
        let (past, mut present) = feed.read(2, |record| count(record).is_multiple_of(2));
        assert_eq!(past.iter().map(|record| count(record)).collect::<Vec<_>>(), [2, 4]);
        feed.tell(Record::Missed { count: 5 }.into());
        assert_eq!(count(&present.recv().await.unwrap()), 5);
    }

    #[tokio::test]
    async fn a_slow_follower_learns_how_many_it_missed() {
        let mut feed = Feed::new(1);
        let (_, mut present) = feed.read(0, |_| true);
        for count in 0..LAG as u64 + 7 {
            feed.tell(Record::Missed { count }.into());
        }
        assert_eq!(present.recv().await.unwrap_err(), broadcast::error::RecvError::Lagged(7));
    }
}
