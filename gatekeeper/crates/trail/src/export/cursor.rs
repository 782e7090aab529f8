//! The progress of an export, on disk.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::warn;

use super::setting::Since;
use super::sink::Mark;
use crate::files;
use crate::log::folder::{LEAF_BYTES, segments};
use crate::log::merkle::Hash;
use crate::state_file::{SetAside, json, read_or_set_aside};

/// A cursor.
#[derive(Debug)]
pub struct Cursor {
    path: PathBuf,
    /// The number of the next record to be sent.
    pub next: u64,
    /// The hash of the one before, if any was sent.
    last: Option<Hash>,
    /// The mark that is kept for the sink.
    pub mark: Option<Mark>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    next: u64,
    last: Option<Hash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<Mark>,
}

impl Cursor {
    /// Goes on from what is stored, or begins, with `size` records in the trail. In place of a cursor that was damaged, one at
    /// the trail's beginning.
    pub fn load(
        path: &Path,
        trail: &Path,
        since: Since,
        size: u64,
        set_aside: &mut Vec<SetAside>,
    ) -> io::Result<Self> {
        let first = segments(trail)?.first().map_or(0, |segment| segment.first);
        let begin = match since {
            Since::Beginning => first,
            Since::Now => size,
        };
        let anew = |next| Self { path: path.to_owned(), next, last: None, mark: None };
        let damaged = set_aside.len();
        let stored: Stored = match read_or_set_aside(path, set_aside, json)? {
            Some(stored) => stored,
            // Sent twice is better than not at all.
            None => return Ok(anew(if set_aside.len() > damaged { first } else { begin })),
        };
        let found = Self { path: path.to_owned(), next: stored.next, last: stored.last, mark: stored.mark };
        if found.next <= size && found.is_of(trail)? {
            return Ok(found);
        }
        warn!("{}: the trail is another one: it is sent from its beginning", path.display());
        Ok(Self { mark: found.mark, ..anew(first) })
    }

    /// Whether the last record that was sent is the trail's.
    fn is_of(&self, trail: &Path) -> io::Result<bool> {
        let (Some(sent), Some(last)) = (self.last, self.next.checked_sub(1)) else { return Ok(true) };
        let all = segments(trail)?;
        let Some(segment) = all.iter().rev().find(|segment| segment.first <= last) else { return Ok(true) };
        let mut hash = [0; 32];
        let mut leaves = File::open(segment.leaves(trail))?;
        leaves.seek(SeekFrom::Start(last.saturating_sub(segment.first).saturating_mul(LEAF_BYTES)))?;
        match leaves.read_exact(&mut hash) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            read => read.map(|()| Hash(hash) == sent),
        }
    }

    /// Moves on, on disk as well.
    pub fn store(&mut self, next: u64, last: Option<Hash>, mark: Option<Mark>) -> io::Result<()> {
        let stored = Stored { next, last, mark };
        files::write_atomically(&self.path, &serde_json::to_vec(&stored)?)?;
        (self.next, self.last, self.mark) = (next, last, mark);
        Ok(())
    }
}
