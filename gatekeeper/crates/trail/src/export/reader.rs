//! Reading the trail from a record on, behind its writer.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::PathBuf;

use crate::log::folder::{Lines, Segment, segments};
use crate::log::merkle::{Hash, leaf};

/// Bytes of records sent at once, at most; one record alone may have more.
const BYTES: usize = 1 << 20;

/// Records to be sent, in order.
#[derive(Debug, Default)]
pub struct Batch {
    /// Each as it is stored, without a line break.
    pub lines: Vec<Vec<u8>>,
}

impl Batch {
    /// The hash of one of them.
    pub fn hash(&self, at: usize) -> Option<Hash> {
        self.lines.get(at).map(|line| leaf(line))
    }
}

/// The reason why there is nothing to read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The oldest records were removed.
    #[error("records before {0} are not kept any more")]
    Gone(u64),
    /// The trail can't be read.
    #[error("reading the trail: {0}")]
    Io(#[from] io::Error),
}

/// The place in the trail.
#[derive(Debug)]
pub struct Reader {
    folder: PathBuf,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    /// The number of the next line.
    next: u64,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// The file may still be written to: nothing is read ahead of what is known to be whole.
    Plain {
        file: File,
        at: u64,
    },
    Packed(Lines),
}

impl Reader {
    /// A reader of the trail in this folder.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, open: None }
    }

    /// The records from `next` on, of those before `end`; so many at most, at least one.
    pub fn read(&mut self, next: u64, end: u64, most: usize) -> Result<Batch, ReadError> {
        let mut open = match self.open.take() {
            Some(open) if open.next == next => open,
            _ => self.seek(next)?,
        };
        let mut batch = Batch::default();
        open.read(end, most, &mut batch.lines)?;
        if batch.lines.is_empty() {
            // The segment ends here.
            open = self.seek(next)?;
            open.read(end, most, &mut batch.lines)?;
        }
        self.open = Some(open);
        if batch.lines.is_empty() {
            let missing = format!("record {next} is not where it should be");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, missing).into());
        }
        Ok(batch)
    }

    fn seek(&self, next: u64) -> Result<Open, ReadError> {
        let all = segments(&self.folder)?;
        let Some(segment) = all.iter().rev().find(|segment| segment.first <= next) else {
            let missing = || io::Error::from(io::ErrorKind::NotFound);
            return Err(all.first().map_or_else(|| missing().into(), |first| ReadError::Gone(first.first)));
        };
        let source = match self.source(segment) {
            // It was compressed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.source(&Segment { first: segment.first, packed: true })
            }
            source => source,
        };
        let mut open = Open { next: segment.first, source: source? };
        while open.next < next {
            let mut skipped = Vec::new();
            open.read(next, usize::MAX, &mut skipped)?;
            if skipped.is_empty() {
                break;
            }
        }
        if open.next < next {
            let missing = format!("record {} is not where it should be", open.next);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, missing).into());
        }
        Ok(open)
    }

    fn source(&self, segment: &Segment) -> io::Result<Source> {
        if segment.packed {
            return segment.read(&self.folder).map(Source::Packed);
        }
        Ok(Source::Plain { file: File::open(segment.path(&self.folder))?, at: 0 })
    }
}

impl Open {
    fn read(&mut self, end: u64, most: usize, lines: &mut Vec<Vec<u8>>) -> io::Result<()> {
        let mut wanted = Wanted { next: &mut self.next, end, most, bytes: 0, lines };
        match &mut self.source {
            Source::Packed(packed) => wanted.take(|line| Ok(packed.next(line)?.is_some())).map(drop),
            Source::Plain { file, at } => {
                file.seek(SeekFrom::Start(*at))?;
                let mut reader = BufReader::with_capacity(1 << 16, file);
                let read = wanted.take(|line| {
                    reader.read_until(b'\n', line)?;
                    Ok(line.pop_if(|byte| *byte == b'\n').is_some())
                })?;
                *at = at.saturating_add(read);
                Ok(())
            }
        }
    }
}

/// The lines that a read is to bring.
struct Wanted<'a> {
    next: &'a mut u64,
    end: u64,
    most: usize,
    bytes: usize,
    lines: &'a mut Vec<Vec<u8>>,
}

impl Wanted<'_> {
    /// Takes lines until there are enough, or no more; the bytes they had with their line breaks.
    fn take(&mut self, mut line: impl FnMut(&mut Vec<u8>) -> io::Result<bool>) -> io::Result<u64> {
        let mut read = 0_u64;
        while *self.next < self.end && self.lines.len() < self.most && self.bytes < BYTES {
            let mut bytes = Vec::new();
            if !line(&mut bytes)? {
                break;
            }
            read = read.saturating_add(bytes.len() as u64).saturating_add(1);
            self.bytes = self.bytes.saturating_add(bytes.len());
            *self.next = self.next.saturating_add(1);
            self.lines.push(bytes);
        }
        Ok(read)
    }
}
