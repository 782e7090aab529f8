//! Removing the oldest segments. What stays can still be verified: the tree's edge before it is kept, and
//! the checkpoint that signs it.

use std::fs;
use std::io;
use std::time::SystemTime;

use super::folder::{CHECKPOINTS, Segment, notes, segments, write_heads};
use super::open::note_of;
use super::signed_note::Checkpoint;
use super::writer::Log;
use crate::files;
use gatekeeper_record::record::Upkeep;

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
        let mut gone = Vec::new();
        for (segment, size) in all.iter().zip(sizes) {
            if segment.first == self.segment.first
                || (total <= self.options.keep_bytes && !self.is_old(segment)?)
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

    fn is_old(&self, segment: &Segment) -> io::Result<bool> {
        let changed = fs::metadata(segment.leaves(&self.folder))?.modified()?;
        let age = SystemTime::now().duration_since(changed).unwrap_or_default();
        Ok(age >= self.options.keep_age)
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
