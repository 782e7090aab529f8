//! The places that an attack may not change: their state before, the difference after, and the restoration.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::sys::c;

/// A file that grows without end must not be read so.
const LONGEST: u64 = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
enum ReportKind {
    Folder,
    File(Vec<u8>),
    Link(PathBuf),
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    what: ReportKind,
    mode: u32,
    owner: (u32, u32),
    changed: i64,
    attributes: Vec<u8>,
    flags: Option<Flags>,
}

/// Flags that file systems keep apart from the mode (`ioctl_iflags(2)`), but for what they set themselves; and the generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flags {
    flags: u32,
    generation: u32,
}

/// Some places, with all below them, as they were.
pub struct Guard {
    places: Vec<PathBuf>,
    was: BTreeMap<PathBuf, Entry>,
}

impl Guard {
    pub fn set(places: Vec<PathBuf>) -> Self {
        let was = look(&places);
        Self { places, was }
    }

    /// The first thing that is not as it was.
    pub fn difference(&self) -> Option<String> {
        let is = look(&self.places);
        let gone = self.was.iter().find(|(path, _)| !is.contains_key(*path));
        if let Some((path, _)) = gone {
            return Some(format!("{} is gone", path.display()));
        }
        let (path, entry) = is.iter().find(|(path, entry)| self.was.get(*path) != Some(entry))?;
        let how = match (self.was.get(path), &entry.what) {
            (None, _) => "is new".to_owned(),
            (Some(was), ReportKind::File(now)) if was.what != entry.what => {
                format!("now holds {:?}", String::from_utf8_lossy(&now[..now.len().min(60)]))
            }
            (Some(was), _) if was.flags != entry.flags => {
                format!("has {:x?} and had {:x?}", entry.flags, was.flags)
            }
            (Some(was), _) if was.changed != entry.changed && was.mode == entry.mode => {
                "has another time".into()
            }
            _ => "is changed".to_owned(),
        };
        Some(format!("{} {how}", path.display()))
    }

    /// Puts back what can be put back.
    pub fn restore(&self) -> Result<()> {
        let is = look(&self.places);
        // First what keeps files from being changed.
        for (path, entry) in &is {
            let before = self.was.get(path).and_then(|was| was.flags);
            if entry.flags.is_some() && before.is_none_or(|before| entry.flags != Some(before)) {
                set_flags(path, before.unwrap_or(Flags { flags: 0, generation: 0 }));
            }
        }
        for path in is.keys().rev().filter(|path| !self.was.contains_key(*path)) {
            let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
        }
        for (path, entry) in self.was.iter().filter(|(path, entry)| is.get(*path) != Some(entry)) {
            let put = put(path, entry).with_context(|| format!("putting {} back", path.display()));
            // Of the kernel's own files some only report; `undo` takes back what they report.
            if !is_of_the_kernel(path) {
                put?;
            }
        }
        Ok(())
    }
}

fn put(path: &Path, entry: &Entry) -> Result<()> {
    match &entry.what {
        ReportKind::Folder => fs::create_dir_all(path)?,
        ReportKind::File(content) => {
            // What took the file's place may be no file.
            if fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_file()) {
                let _ = fs::remove_file(path).or_else(|_| fs::remove_dir_all(path));
            }
            // The kernel's own files take a line at a time, and keep their owners.
            fs::write(path, content)?;
            if is_of_the_kernel(path) {
                return Ok(());
            }
        }
        ReportKind::Link(to) => {
            let _ = fs::remove_file(path);
            symlink(to, path)?;
            return Ok(());
        }
        ReportKind::Other => return Ok(()),
    }
    chown(path, Some(entry.owner.0), Some(entry.owner.1))?;
    fs::set_permissions(path, fs::Permissions::from_mode(entry.mode & 0o7777))?;
    Ok(())
}

fn look(places: &[PathBuf]) -> BTreeMap<PathBuf, Entry> {
    let mut found = BTreeMap::new();
    for place in places {
        look_at(place, &mut found, 0);
    }
    found
}

fn is_of_the_kernel(path: &Path) -> bool {
    path.starts_with("/proc") || path.starts_with("/sys")
}

fn look_at(path: &Path, found: &mut BTreeMap<PathBuf, Entry>, depth: usize) {
    let Ok(meta) = fs::symlink_metadata(path) else { return };
    let kind = meta.file_type();
    let what = if kind.is_dir() {
        ReportKind::Folder
    } else if kind.is_symlink() {
        ReportKind::Link(fs::read_link(path).unwrap_or_default())
    } else if kind.is_file() && meta.size() <= LONGEST && !kind.is_socket() {
        ReportKind::File(fs::read(path).unwrap_or_default())
    } else {
        ReportKind::Other
    };
    // A folder's time follows its entries, which are looked at; the kernel's own files have none.
    let timeless = kind.is_dir() || is_of_the_kernel(path);
    let changed = if timeless { 0 } else { meta.mtime() * 1_000_000_000 + meta.mtime_nsec() };
    let attributes = if timeless { Vec::new() } else { attributes(path) };
    let (mode, owner) = (meta.mode(), (meta.uid(), meta.gid()));
    let flagged = (kind.is_dir() || kind.is_file()) && !is_of_the_kernel(path);
    let flags = flagged.then(|| flags(path)).flatten();
    found.insert(path.to_owned(), Entry { what, mode, owner, changed, attributes, flags });
    if kind.is_dir() && depth < 8 {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            look_at(&entry.path(), found, depth + 1);
        }
    }
}

/// Names of extended attributes.
fn attributes(path: &Path) -> Vec<u8> {
    let Ok(name) = c(path.as_os_str().as_bytes()) else { return Vec::new() };
    let mut names = vec![0_u8; 1024];
    // SAFETY: the name ends in NUL; the list has the given length.
    let length = unsafe { libc::llistxattr(name.as_ptr(), names.as_mut_ptr().cast(), names.len()) };
    names.truncate(usize::try_from(length).unwrap_or(0));
    names
}

/// `FS_EXTENT_FL`, `FS_INDEX_FL`, `FS_HUGE_FILE_FL`, `FS_INLINE_DATA_FL`: the file system's own.
const OWN_FLAGS: u32 = 0x8_0000 | 0x1000 | 0x4_0000 | 0x1000_0000;
const GETFLAGS: u64 = 0x8008_6601;
const SETFLAGS: u64 = 0x4008_6602;
const GETVERSION: u64 = 0x8008_7601;
const SETVERSION: u64 = 0x4008_7602;

/// None where the file system has none.
fn flags(path: &Path) -> Option<Flags> {
    let file = fs::File::open(path).ok()?;
    let get = |command| {
        let mut word = 0_u64;
        // SAFETY: these write four bytes, though their numbers name eight.
        let result = unsafe { libc::ioctl(file.as_raw_fd(), command, &raw mut word) };
        (result == 0).then_some(word as u32)
    };
    Some(Flags { flags: get(GETFLAGS)? & !OWN_FLAGS, generation: get(GETVERSION).unwrap_or(0) })
}

/// Sets flags and generation as far as that is possible.
fn set_flags(path: &Path, wanted: Flags) {
    let Ok(file) = fs::File::open(path) else { return };
    let set = |command, word: u32| {
        let word = u64::from(word);
        // SAFETY: these read four bytes.
        unsafe { libc::ioctl(file.as_raw_fd(), command, &raw const word) }
    };
    let mut own = 0_u64;
    // SAFETY: as in `flags`.
    unsafe { libc::ioctl(file.as_raw_fd(), GETFLAGS, &raw mut own) };
    set(SETFLAGS, wanted.flags | own as u32 & OWN_FLAGS);
    if flags(path).is_some_and(|is| is.generation != wanted.generation) {
        set(SETVERSION, wanted.generation);
    }
}
