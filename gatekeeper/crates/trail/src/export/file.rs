//! A file that records are appended to, one a line, as they are stored.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use super::reader::Batch;
use super::sink::{Mark, SendError, Sink};

/// The sink.
pub struct Appended {
    path: PathBuf,
    file: Option<File>,
    mark: Option<Mark>,
}

impl Appended {
    /// A file, which is where `mark` says, unless it was exchanged.
    pub fn new(path: PathBuf, mark: Option<Mark>) -> Self {
        Self { path, file: None, mark }
    }

    /// The file by its name, without what was written and not acknowledged.
    fn open(&mut self) -> io::Result<&mut File> {
        let named = std::fs::metadata(&self.path).ok().map(|found| found.ino());
        // logrotate may have put another in its place.
        if let (Some(_), Some(mark)) = (&self.file, self.mark)
            && named != Some(mark.inode)
        {
            self.file = None;
        }
        let file = match self.file.take() {
            Some(file) => file,
            None => OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)?,
        };
        let found = file.metadata()?;
        let mark = match self.mark {
            Some(mark) if mark.inode == found.ino() && mark.bytes <= found.len() => mark,
            _ => Mark { inode: found.ino(), bytes: found.len() },
        };
        if found.len() > mark.bytes {
            file.set_len(mark.bytes)?;
        }
        self.mark = Some(mark);
        Ok(self.file.insert(file))
    }
}

impl Sink for Appended {
    fn send(&mut self, batch: &Batch) -> Result<usize, SendError> {
        let mut bytes = Vec::new();
        for line in &batch.lines {
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
        let path = self.path.display().to_string();
        let written = self.open().and_then(|file| file.write_all(&bytes).and_then(|()| file.sync_data()));
        written.map_err(SendError::at(path))?;
        if let Some(mark) = &mut self.mark {
            mark.bytes += bytes.len() as u64;
        }
        Ok(batch.lines.len())
    }

    fn mark(&self) -> Option<Mark> {
        self.mark
    }
}
