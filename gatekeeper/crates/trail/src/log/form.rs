//! Forming records beside the writing of those before them, where there are many.

use std::borrow::Borrow;
use std::io;
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use super::seal::Formed;
use crate::ocsf::Machine;
use gatekeeper_record::record::Record;

/// Records that are formed before they are handed over.
const CHUNK: usize = 256;
/// Chunks that may wait to be written.
const AHEAD: usize = 2;

/// Records to be formed.
pub struct Former<'a, R> {
    /// They.
    pub records: &'a [R],
    /// The parts that are the same in all.
    pub machine: &'a Machine,
    /// The first one's number.
    pub size: u64,
    /// The class and activity of the record before.
    pub before: Option<u32>,
}

impl<R: Borrow<Record> + Sync> Former<'_, R> {
    /// Forms all and hands them over, in order. Ends with the first error.
    pub fn run(
        mut self,
        formed: &mut Formed,
        mut take: impl FnMut(&mut Formed) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.records.len() > CHUNK
            && let Some(result) = self.beside(&mut take)
        {
            return result;
        }
        while self.next(formed)? {
            take(formed)?;
        }
        Ok(())
    }

    /// Forms the next chunk, if there is one.
    fn next(&mut self, formed: &mut Formed) -> io::Result<bool> {
        let (chunk, rest) = self.records.split_at(self.records.len().min(CHUNK));
        formed.form(chunk.iter().map(Borrow::borrow), self.machine, self.size, self.before)?;
        self.records = rest;
        self.size = self.size.saturating_add(chunk.len() as u64);
        self.before = formed.last().or(self.before);
        Ok(!chunk.is_empty())
    }

    /// Forms in a thread of its own; where there is none to be had, nothing is done.
    fn beside(&self, take: &mut impl FnMut(&mut Formed) -> io::Result<()>) -> Option<io::Result<()>> {
        let mut source = Former { ..*self };
        let (ready, formed) = sync_channel(AHEAD);
        let (done, used) = channel();
        thread::scope(|scope| {
            let form = move || {
                loop {
                    let mut formed: Formed = used.try_recv().unwrap_or_default();
                    let next = source.next(&mut formed);
                    let last = !matches!(next, Ok(true));
                    // Who took them may have met an error.
                    if ready.send(next.map(|_| formed)).is_err() || last {
                        return;
                    }
                }
            };
            thread::Builder::new().name("trail-form".to_owned()).spawn_scoped(scope, form).ok()?;
            Some(formed.into_iter().try_for_each(|formed| {
                let mut formed = formed?;
                take(&mut formed)?;
                // It may have formed all, and need none any more.
                let _ = done.send(formed);
                Ok(())
            }))
        })
    }
}
