//! The trail's folder: what lies in it, and how it is named.
//!
//! ```text
//! key.pub                        the public key, as C2SP's signed notes have it
//! checkpoints                    signed notes, five lines each
//! heads                          where each closed segment ended, one JSON object a line
//! 0000000000000000.jsonl.gz      a closed segment; the number is its first record's
//! 0000000000000000.leaves        the hashes of its records, 32 bytes each
//! 0000000000052311.jsonl         the segment being written
//! 0000000000052311.leaves
//! index.sqlite                   made from the segments by whoever searches them
//! ```

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use super::merkle::{Edge, Hash};
use super::signed_note::{Checkpoint, NoteError, Verifier};
use crate::files;
use crate::ocsf::Link;
use crate::state_file;

/// The file of the public key.
pub const PUBLIC_KEY: &str = "key.pub";
/// The file of the checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";
/// The file of the ends of closed segments.
pub const HEADS: &str = "heads";
/// The beginning of the names of the index's files.
pub const INDEX: &str = "index.sqlite";
/// Lines of a checkpoint: origin, size, root, an empty one, the signature.
pub const NOTE_LINES: usize = 5;

/// Bytes of one record's hash in a segment's `.leaves` file.
pub const LEAF_BYTES: u64 = 32;

/// A file of records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// Its first record's number.
    pub first: u64,
    /// Whether it is compressed.
    pub packed: bool,
}

impl Segment {
    /// Its file.
    #[must_use]
    pub fn path(&self, folder: &Path) -> PathBuf {
        let ending = if self.packed { ".gz" } else { "" };
        folder.join(format!("{:016}.jsonl{ending}", self.first))
    }

    /// The file of its records' hashes.
    #[must_use]
    pub fn leaves(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{:016}.leaves", self.first))
    }

    /// Reads its lines from the beginning.
    ///
    /// # Errors
    /// Where its file can't be opened.
    pub fn read(&self, folder: &Path) -> io::Result<Lines> {
        let file = File::open(self.path(folder))?;
        let source: Box<dyn Read + Send> =
            if self.packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        Ok(Lines { source: BufReader::with_capacity(1 << 16, source) })
    }
}

/// The lines of a segment.
pub struct Lines {
    source: BufReader<Box<dyn Read + Send>>,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

impl Lines {
    /// The next line, without its line break; `whole` says whether it had one.
    ///
    /// # Errors
    /// Where the file can't be read or unpacked.
    pub fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Option<Whole>> {
        line.clear();
        if self.source.read_until(b'\n', line)? == 0 {
            return Ok(None);
        }
        let whole = line.pop_if(|byte| *byte == b'\n').is_some();
        Ok(Some(Whole(whole)))
    }
}

/// Whether a line ended as a line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole(pub bool);

/// The segments, first to last. Where a segment is there both plain and compressed, the plain one counts: it
/// is removed last.
///
/// # Errors
/// Where the folder can't be read.
pub fn segments(folder: &Path) -> io::Result<Vec<Segment>> {
    let mut found: Vec<Segment> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        found.extend(name.to_str().and_then(segment_of));
    }
    found.sort();
    found.dedup_by_key(|segment| segment.first);
    Ok(found)
}

/// The segment with this file name.
#[must_use]
pub fn segment_of(name: &str) -> Option<Segment> {
    let (number, ending) = name.split_once('.')?;
    let packed = match ending {
        "jsonl" => false,
        "jsonl.gz" => true,
        _ => return None,
    };
    let first = number.parse().ok().filter(|_| number.len() == 16)?;
    Some(Segment { first, packed })
}

/// The end of a closed segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Its first record's number.
    pub first: u64,
    /// The tree after its last record.
    pub edge: Edge,
    /// Its last record.
    pub last: Link,
    /// SHA-256 of the compressed file, once it is compressed.
    pub packed: Option<Hash>,
}

/// The ends of closed segments, first to last.
///
/// # Errors
/// Where the file can't be read, or a line of it is no head.
pub fn read_heads(folder: &Path) -> io::Result<Vec<Head>> {
    let text = read_or_empty(&folder.join(HEADS))?;
    text.lines().map(|line| serde_json::from_str(line).map_err(io::Error::from)).collect()
}

/// Writes them down anew.
///
/// # Errors
/// Where the file can't be written.
pub fn write_heads(folder: &Path, heads: &[Head]) -> io::Result<()> {
    files::write_atomically(&folder.join(HEADS), &heads_text(heads)?)
}

/// The one way in which they are written.
///
/// # Errors
/// Where a head can't be written as JSON, which none is.
pub fn heads_text(heads: &[Head]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for head in heads {
        serde_json::to_writer(&mut bytes, head)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// The checkpoints as they lie there; what is wrong with one does not keep the others from being read.
///
/// # Errors
/// Where the file can't be read.
pub fn read_checkpoints(
    folder: &Path,
    verifier: &Verifier,
) -> io::Result<Vec<Result<Checkpoint, NoteError>>> {
    let text = read_or_empty(&folder.join(CHECKPOINTS))?;
    Ok(notes(&text).map(|note| Checkpoint::open(note, verifier)).collect())
}

/// Splits a text into notes.
pub fn notes(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut breaks = rest.match_indices('\n').map(|(at, _)| at.saturating_add(1));
        let end = breaks.nth(NOTE_LINES - 1).unwrap_or(rest.len());
        let (note, after) = rest.split_at(end);
        rest = after;
        (!note.is_empty()).then_some(note)
    })
}

/// The hashes of a segment's records as they lie there.
///
/// # Errors
/// Where the file is there and can't be read.
pub fn read_leaves(path: &Path) -> io::Result<Vec<Hash>> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read?,
    };
    Ok(bytes.as_chunks::<32>().0.iter().map(|hash| Hash(*hash)).collect())
}

/// A file's text; of one that does not exist, none. Bytes that are no text are wrong wherever they stand.
fn read_or_empty(path: &Path) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&state_file::read(path)?.unwrap_or_default()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let segment = Segment { first: 52_311, packed: true };
        let path = segment.path(Path::new("/t"));
        assert_eq!(path, Path::new("/t/0000000000052311.jsonl.gz"));
        assert_eq!(segment_of("0000000000052311.jsonl.gz"), Some(segment));
        for other in ["52311.jsonl", "000000000005231x.jsonl", "key.pub", "0000000000052311.leaves"] {
            assert_eq!(segment_of(other), None, "{other}");
        }
    }

    #[test]
    fn notes_are_five_lines_each() {
        let found: Vec<&str> = notes("a\n1\nr\n\ns\nb\n2\nr\n\ns\ntorn").collect();
        assert_eq!(found, ["a\n1\nr\n\ns\n", "b\n2\nr\n\ns\n", "torn"]);
    }
}
