//! Compressing closed segments, beside the thread that writes.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

use super::folder::Segment;
use super::merkle::Hash;

/// Returns the file that a segment is compressed into.
#[must_use]
pub fn draft(folder: &Path, first: u64) -> PathBuf {
    Segment { first, packed: true }.path(folder).with_extension("draft")
}

/// Compresses a segment into its draft; gives the hash of that. What becomes of it is for the writer to say: meanwhile the
/// segment may have been removed.
///
/// # Errors
/// Where the segment can't be read, or the draft can't be written.
pub fn pack(folder: &Path, first: u64) -> io::Result<Hash> {
    let mut source = File::open(Segment { first, packed: false }.path(folder))?;
    let file =
        OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(draft(folder, first))?;
    // No name and no time in the header: the same records make the same file.
    let mut packer = GzBuilder::new().write(Hashed { file, hash: Sha256::new() }, Compression::default());
    io::copy(&mut source, &mut packer)?;
    let Hashed { file, hash } = packer.finish()?;
    file.sync_all()?;
    Ok(Hash(hash.finalize().into()))
}

/// The hash of a file.
///
/// # Errors
/// Where it can't be read.
pub fn hash_of(path: &Path) -> io::Result<Hash> {
    let (mut file, mut hash, mut bytes) = (File::open(path)?, Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(Hash(hash.finalize().into())),
            count => hash.update(bytes.get(..count).unwrap_or_default()),
        }
    }
}

struct Hashed {
    file: File,
    hash: Sha256,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
