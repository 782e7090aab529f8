//! Removing the oldest segments. What stays can still be verified: the tree's edge before it is kept, and
//! the checkpoint that signs it.

use std::fs;
use std::io;
use std::time::{Duration, SystemTime};

use super::folder::{CHECKPOINTS, Segment, notes, segments, write_heads};
use super::open::note_of;
use super::signed_note::Checkpoint;
use super::writer::Log;
use crate::files;
use gatekeeper_record::record::Upkeep;

/// The longest time between two segments that counts as time that passed. More is taken for a clock that was set, or for a
/// machine that was off.
const LONGEST_GAP: Duration = Duration::from_hours(7 * 24);

/// The ages of segments that were last written to at these times, oldest first. Each gap between two of them counts up to a
/// limit: a clock that is years ahead makes nothing old by itself.
fn ages(times: &[SystemTime], now: SystemTime, keep: Duration) -> Vec<Duration> {
    let longest = LONGEST_GAP.min(keep.checked_div(2).unwrap_or_default());
    let mut age = Duration::ZERO;
    let mut ages: Vec<Duration> = times
        .iter()
        .enumerate()
        .rev()
        .map(|(at, time)| {
            let next = times.get(at.saturating_add(1)).copied().unwrap_or(now);
            let gap = next.duration_since(*time).unwrap_or_default();
            age = age.saturating_add(gap.min(longest));
            age
        })
        .collect();
    ages.reverse();
    ages
}

/// The records that were removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The first record that was removed.
    pub from: u64,
    /// The first record that stays.
    pub to: u64,
}

impl Log {
    /// Removes the segments that are too many or too old; the one being written stays.
    ///
    /// # Errors
    /// Where a file of the trail can't be read, written or removed.
    pub fn retain(&mut self) -> io::Result<Option<Removed>> {
        let all = segments(&self.folder)?;
        let sizes: Vec<u64> = all.iter().map(|segment| self.size_of(segment)).collect::<Result<_, _>>()?;
        let mut total: u64 = sizes.iter().sum();
        let times: Vec<SystemTime> =
            all.iter().map(|segment| self.written(segment)).collect::<Result<_, _>>()?;
        let ages = ages(&times, SystemTime::now(), self.options.keep_age);
        let mut gone = Vec::new();
        for ((segment, size), age) in all.iter().zip(sizes).zip(ages) {
            if segment.first == self.segment.first
                || (total <= self.options.keep_bytes && age < self.options.keep_age)
            {
                break;
            }
            total = total.saturating_sub(size);
            gone.push(segment);
        }
        let (Some(first), Some(last)) = (gone.first(), gone.last()) else { return Ok(None) };
        let head = self.heads.iter().enumerate().find(|(_, head)| head.first == last.first);
        let Some((at, head)) = head else { return Ok(None) };
        let removed = Removed { from: first.first, to: head.edge.size() };
        // Signed before anything is gone: without this record, it would be as if somebody else had done it.
        let Removed { from, to } = removed;
        let note =
            format!("records {from} to {} are removed, as the configuration says", to.saturating_sub(1));
        self.append(&[note_of(Upkeep::Removed, note, Some(to))])?;
        self.checkpoint()?;
        for segment in &gone {
            fs::remove_file(segment.path(&self.folder))?;
            fs::remove_file(segment.leaves(&self.folder))?;
        }
        // The end of the last one that is gone is where verifying begins.
        let heads = self.heads.split_off(at);
        write_heads(&self.folder, &heads)?;
        self.heads = heads;
        self.thin_checkpoints(removed.to)?;
        Ok(Some(removed))
    }

    fn size_of(&self, segment: &Segment) -> io::Result<u64> {
        Ok(fs::metadata(segment.path(&self.folder))?.len())
    }

    /// The time at which a segment was last written to.
    fn written(&self, segment: &Segment) -> io::Result<SystemTime> {
        fs::metadata(segment.leaves(&self.folder))?.modified()
    }

    /// Of the checkpoints before what is kept, only the last says anything that can be checked.
    fn thin_checkpoints(&self, kept_from: u64) -> io::Result<()> {
        let path = self.folder.join(CHECKPOINTS);
        let text = fs::read_to_string(&path)?;
        let verifier = self.key.verifier();
        let wanted = |note: &&str| match Checkpoint::open(note, &verifier) {
            Ok(checkpoint) => checkpoint.size >= kept_from,
            // Evidence: it is for `verify` to name it.
            Err(_) => true,
        };
        let kept: String = notes(&text).filter(wanted).collect();
        files::write_atomically(&path, kept.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);
    const KEEP: Duration = DAY.saturating_mul(400);

    #[test]
    fn a_clock_that_is_set_makes_nothing_old() {
        let begin = SystemTime::UNIX_EPOCH + DAY * 20_000;
        let daily: Vec<_> = (0..30).map(|day| begin + DAY * day).collect();
        let old = |now: SystemTime, times: &[SystemTime]| {
            ages(times, now, KEEP).iter().filter(|age| **age >= KEEP).count()
        };
        assert_eq!(ages(&daily, begin + DAY * 30, KEEP)[0], DAY * 30);
        // Ahead, as it is noticed, and after a while with it.
        let ahead = begin + DAY * 430;
        assert_eq!(old(ahead, &daily), 0);
        let mut after = daily.clone();
        after.extend((0..100).map(|day| ahead + DAY * day));
        assert_eq!(old(ahead + DAY * 100, &after), 0);
        // And set right again.
        after.push(begin + DAY * 131);
        assert_eq!(old(begin + DAY * 132, &after), 0);
        // Time that passes counts.
        let years: Vec<_> = (0..1000).map(|day| begin + DAY * day).collect();
        assert_eq!(old(begin + DAY * 1000, &years), 601);
        // Also where less than a gap's longest time is kept.
        assert_eq!(ages(&daily[..3], begin + DAY * 3, DAY * 4), [DAY * 3, DAY * 2, DAY]);
    }
}
