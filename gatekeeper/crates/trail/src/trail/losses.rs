//! The losses of a trail: reported, and kept for the next daemon.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tracing::error;

use super::Trail;
use crate::files;
use crate::loss::{Fresh, Reported};
use crate::state_file::{SetAside, json, read_or_set_aside};
use gatekeeper_record::record::{Lost, Record};
use gatekeeper_record::time::Moment;

/// Numbers of events after which the book of losses is kept even where nothing was lost: a start reads back all that it does
/// not account for.
const KEPT_EVERY: u64 = 10_000;

impl Trail {
    /// Reports what was lost since the last time.
    pub fn settle(&mut self, counters: &[u64]) {
        // Once what was reported is written: reported twice, where it is killed before, is better than not at all.
        if (self.unkept || self.numbers_unkept() >= KEPT_EVERY) && self.writer.is_idle() {
            self.keep_losses();
        }
        let before = self.losses.reported().clone();
        let fresh = self.losses.settle(counters, Instant::now());
        self.unkept |= self.losses.reported().differs(&before);
        self.report(fresh);
    }

    fn report(&mut self, fresh: Option<Fresh>) {
        let refusing = self.health().trouble().is_some();
        let unwritten = self.writer.take_unwritten();
        let is_fresh = fresh.is_some();
        if !is_fresh && unwritten == 0 {
            return;
        }
        let Fresh { families, unexplained } = fresh.unwrap_or_default();
        let lost = Record::Lost(Lost { time: Moment::now(), families, unexplained, unwritten });
        if !is_fresh && refusing {
            // An attempt, once more: followers have heard of it.
            return self.writer.write(vec![Arc::new(lost)]);
        }
        self.add(vec![lost]);
    }

    /// Numbers of events by which the book on disk is behind, or ahead where the kernel began anew.
    fn numbers_unkept(&self) -> u64 {
        self.losses.reported().settled.unwrap_or(0).abs_diff(self.kept)
    }

    /// Writes the book of losses down, for the next daemon.
    fn keep_losses(&mut self) {
        self.unkept = false;
        self.kept = self.losses.reported().settled.unwrap_or(0);
        let path = self.folder.join("losses.json");
        if let Err(error) = serde_json::to_vec(self.losses.reported())
            .map_err(io::Error::from)
            .and_then(|bytes| files::write_atomically(&path, &bytes))
        {
            error!("{}: {error}", path.display());
        }
    }
}

/// Keeps the book of losses. Records that wait are written by the writer thread, which ends after this.
impl Drop for Trail {
    fn drop(&mut self) {
        if self.unkept || self.numbers_unkept() > 0 {
            self.keep_losses();
        }
    }
}

/// Reads the book that an earlier daemon of this boot kept; an empty one where there is none. Without a book that was
/// damaged, the trail is read back further, and what was lost is reported once more.
pub(super) fn read_reported(path: &Path, boot: &str, set_aside: &mut Vec<SetAside>) -> io::Result<Reported> {
    let found: Option<Reported> = read_or_set_aside(path, set_aside, json)?;
    Ok(found.filter(|found| found.boot == boot).unwrap_or_else(|| Reported::none(boot)))
}
