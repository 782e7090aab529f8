//! The lines of a segment from its end backwards: a start needs the newest, and a segment is long.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::folder::Segment;

/// Bytes read at once.
const BLOCK: usize = 1 << 18;

/// The lines of a segment, last first.
#[derive(Debug)]
pub struct Backward {
    /// None once the rest of the file is in `rest`.
    file: Option<File>,
    /// The offset in the file at which `rest` begins.
    at: u64,
    /// Bytes that were read and not handed out yet.
    rest: Vec<u8>,
}

impl Backward {
    /// Opens a segment. A compressed one is unpacked whole, for it can only be read forwards.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn open(folder: &Path, segment: &Segment) -> io::Result<Self> {
        let file = File::open(segment.path(folder))?;
        if segment.packed {
            let mut rest = Vec::new();
            MultiGzDecoder::new(file).read_to_end(&mut rest)?;
            return Ok(Self { file: None, at: 0, rest });
        }
        let at = file.metadata()?.len();
        Ok(Self { file: Some(file), at, rest: Vec::new() })
    }

    /// Returns the line before the last one returned, without its line break; none where that was the first.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn line_before(&mut self) -> io::Result<Option<Vec<u8>>> {
        let _ended = self.fill()? && self.rest.pop_if(|byte| *byte == b'\n').is_some();
        let mut seen = 0;
        loop {
            // What was looked through once holds no line break.
            let fresh = self.rest.len().saturating_sub(seen);
            let found =
                self.rest.get(..fresh).and_then(|bytes| bytes.iter().rposition(|byte| *byte == b'\n'));
            if let Some(end) = found {
                return Ok(Some(self.rest.split_off(end.saturating_add(1))));
            }
            seen = self.rest.len();
            if !self.fill_before()? {
                let line = std::mem::take(&mut self.rest);
                return Ok((!line.is_empty()).then_some(line));
            }
        }
    }

    /// Whether there is anything to hand out.
    fn fill(&mut self) -> io::Result<bool> {
        Ok(!self.rest.is_empty() || self.fill_before()?)
    }

    /// Reads the block before `rest`; false where that begins the file.
    fn fill_before(&mut self) -> io::Result<bool> {
        let Some(file) = self.file.as_ref().filter(|_| self.at > 0) else { return Ok(false) };
        // Twice as much each time where one line is longer than all before.
        let length = BLOCK.max(self.rest.len()).min(usize::try_from(self.at).unwrap_or(usize::MAX));
        let begin = self.at.saturating_sub(length as u64);
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, begin)?;
        bytes.append(&mut self.rest);
        (self.rest, self.at) = (bytes, begin);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines(folder: &Path, segment: &Segment) -> Vec<Vec<u8>> {
        let mut lines = Backward::open(folder, segment).unwrap();
        let mut found = Vec::new();
        while let Some(line) = lines.line_before().unwrap() {
            found.push(line);
        }
        found
    }

    #[test]
    fn lines_of_all_lengths_last_first() {
        let folder = tempfile::tempdir().unwrap();
        for lengths in [
            vec![],
            vec![1],
            vec![5, 0, 7],
            vec![BLOCK, 1, BLOCK - 2, BLOCK + 1],
            vec![3 * BLOCK, 2, 2 * BLOCK + 1],
        ] {
            let written: Vec<Vec<u8>> =
                lengths.iter().zip(b'a'..).map(|(length, byte)| vec![byte; *length]).collect();
            for torn in [false, true] {
                let mut bytes: Vec<u8> =
                    written.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
                let mut expected: Vec<Vec<u8>> = written.iter().rev().cloned().collect();
                if torn {
                    bytes.extend_from_slice(b"{\"torn");
                    expected.insert(0, b"{\"torn".to_vec());
                }
                for packed in [false, true] {
                    let segment = Segment { first: u64::from(packed), packed };
                    let mut file = File::create(segment.path(folder.path())).unwrap();
                    if packed {
                        let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
                        packer.write_all(&bytes).unwrap();
                        packer.finish().unwrap();
                    } else {
                        file.write_all(&bytes).unwrap();
                    }
                    assert!(lines(folder.path(), &segment) == expected, "{lengths:?} {torn} {packed}");
                }
            }
        }
    }
}
