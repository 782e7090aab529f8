//! The digest of what the pinned programs were made from. A daemon that would load the same again lets them be: its start
//! takes a moment instead of the verifier's seconds, and nothing changes hands.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::KernelError;
use super::programs::Program;
use crate::sys::bpf::{PinnedMap, lookup, open_pinned, update};

/// Bytes of a digest.
const BYTES: usize = 32;

/// The object file, the values of its globals and the list of programs, in a few bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Built([u8; BYTES]);

impl Built {
    /// Returns that of an object file with these globals, from which these programs are attached.
    #[must_use]
    pub fn of<'a>(
        object: &[u8],
        globals: impl IntoIterator<Item = (&'a str, u64)>,
        programs: &[&Program],
    ) -> Self {
        let mut digest = Sha256::new();
        digest.update(Sha256::digest(object));
        for (name, value) in globals {
            digest.update(name);
            digest.update([0]);
            digest.update(value.to_le_bytes());
        }
        for program in programs {
            digest.update(program.name);
            digest.update([0]);
        }
        Self(digest.finalize().into())
    }

    /// Returns whether the programs pinned under `pins` are these, every one of them; not where that can't be read.
    #[must_use]
    pub fn stands(self, pins: &Path, programs: &[&Program]) -> bool {
        let mut found = [0; BYTES];
        let read = PinnedMap::open(&place(pins))
            .and_then(|map| lookup(map.as_fd(), &0_u32.to_ne_bytes(), &mut found))
            .unwrap_or(false);
        let links = pins.join("links");
        read && found == self.0
            && programs.iter().all(|program| open_pinned(&links.join(program.name)).is_ok())
    }

    /// Notes that all of them are attached.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn note(self, pins: &Path) -> Result<(), KernelError> {
        let path = place(pins);
        PinnedMap::open_or_create(&path, "BUILT", BYTES, 1)
            .and_then(|map| update(map.as_fd(), &0_u32.to_ne_bytes(), &self.0))
            .map_err(KernelError::call(format!("noting what was loaded at {}", path.display())))
    }
}

/// Forgets what is attached, before it changes: a daemon that is killed half-way leaves no false digest.
///
/// # Errors
/// Where the kernel refuses.
pub fn forget(pins: &Path) -> Result<(), KernelError> {
    let path = place(pins);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(KernelError::call(format!("removing {}", path.display()))(error))
        }
        _ => Ok(()),
    }
}

fn place(pins: &Path) -> PathBuf {
    pins.join("built")
}

#[cfg(test)]
mod tests {
    use super::super::programs::PROGRAMS;
    use super::*;

    #[test]
    fn whatever_differs_is_another() {
        let all: Vec<&Program> = PROGRAMS.iter().collect();
        let globals = [("A", 1), ("B", 2)];
        let built = Built::of(b"object", globals, &all);
        assert_eq!(built, Built::of(b"object", globals, &all));
        assert_ne!(built, Built::of(b"objects", globals, &all));
        assert_ne!(built, Built::of(b"object", [("A", 1), ("B", 3)], &all));
        assert_ne!(built, Built::of(b"object", [("A", 1)], &all));
        assert_ne!(built, Built::of(b"object", globals, &all[1..]));
    }

    #[test]
    fn nothing_stands_where_nothing_is_pinned() {
        let folder = tempfile::tempdir().unwrap();
        let built = Built::of(b"object", [], &[]);
        assert!(!built.stands(folder.path(), &[]));
        fs::write(place(folder.path()), b"no map").unwrap();
        assert!(!built.stands(folder.path(), &[]));
        forget(folder.path()).unwrap();
        forget(folder.path()).unwrap();
        assert!(!place(folder.path()).exists());
    }
}
