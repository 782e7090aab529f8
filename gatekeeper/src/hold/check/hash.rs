//! `hash`: the SHA-256 of the program's content against two lists: of the program that is to start, or else of the one
//! that asks. The very file that the kernel named is read, whatever stands at its path by now.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gatekeeper_common::hold::Hold;
use gatekeeper_common::operation::Operation;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::config::checks::Setting;
use gatekeeper_policy::trusted::is_roots_alone;
use gatekeeper_record::held::{CheckVerdict, Held};
use gatekeeper_record::record::FileId;
use gatekeeper_trail::log::merkle::hex;

/// Files read at a time. A file system that does not answer keeps its reader, and no more than so many.
const READERS: usize = 4;
static READING: AtomicUsize = AtomicUsize::new(0);
/// Bytes read at once.
const CHUNK: usize = 128 << 10;

type Hash = [u8; 32];

/// A program or a list that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// A configuration without a list.
    #[error("[checks] of the configuration names no list")]
    NoList,
    /// Readers that all wait for a file system.
    #[error("too many files are read already")]
    Busy,
    /// A thread that can't be started.
    #[error(transparent)]
    Thread(io::Error),
    /// A thread that ended without a result.
    #[error("the reader ended")]
    Ended,
    /// A file that can't be read.
    #[error("{path}: {source}", path = path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file that is too long, or too slow to read.
    #[error("{path}: not read after {} s", limit.as_secs(), path = path.display())]
    Late {
        /// Its path.
        path: PathBuf,
        /// The time that reading may take.
        limit: Duration,
    },
    /// A line of a list that has no hash.
    #[error("{path}:{line}: no SHA-256", path = path.display())]
    Line {
        /// The list.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

impl HashError {
    fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read { path: path.to_owned(), source }
    }
}

/// Looks the program up in the lists.
///
/// # Errors
/// Where the program or a list can't be read in time, or no list is configured.
pub async fn check(
    setting: &Setting,
    held: &Held,
    raw: &Hold,
) -> Result<(CheckVerdict, Option<String>), HashError> {
    let (path, wanted) = program(held, raw);
    let limit = setting.time;
    let (hash, about) = in_thread(move || content(&path, wanted, limit)).await?;
    let (allowed, denied) = (setting.allowed.clone(), setting.denied.clone());
    if allowed.is_none() && denied.is_none() {
        return Err(HashError::NoList);
    }
    let lists = move || Ok((listed(allowed.as_deref(), &hash)?, listed(denied.as_deref(), &hash)?));
    let (allowed, denied) = in_thread(lists).await?;
    Ok(judge(&hash, allowed, denied, &about, raw.event.uid))
}

fn judge(
    hash: &Hash,
    allowed: bool,
    denied: bool,
    about: &Metadata,
    asks: u32,
) -> (CheckVerdict, Option<String>) {
    let name = format!("sha256:{}", hex(hash));
    let roots_alone = is_roots_alone(about) && asks != 0;
    match (denied, allowed) {
        (true, _) => (CheckVerdict::Deny, Some(format!("{name} is on the list of those denied"))),
        (false, true) if roots_alone => {
            (CheckVerdict::Allow, Some(format!("{name} is on the list of those allowed")))
        }
        // Between this look and the start somebody could write something else into it.
        (false, true) => (
            CheckVerdict::Ask,
            Some(format!("{name} is on the list of those allowed, but who asks could change the file")),
        ),
        (false, false) => (CheckVerdict::Ask, Some(format!("{name} is on no list"))),
    }
}

/// The file to hash, and a path that should lead to it.
fn program(held: &Held, raw: &Hold) -> (PathBuf, FileId) {
    if held.event.operation == Operation::Exec {
        let bytes = raw.object.get(..raw.event.length as usize).unwrap_or(&raw.object);
        let file = FileId { device: raw.event.device, inode: raw.event.inode };
        (PathBuf::from(OsStr::from_bytes(bytes)), file)
    } else {
        let path = PathBuf::from(format!("/proc/{}/exe", raw.event.pid));
        (path, FileId { device: raw.device, inode: raw.inode })
    }
}

/// Does something slow in a thread of its own, which nobody waits for in vain.
async fn in_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
) -> Result<T, HashError> {
    if READING.fetch_add(1, Ordering::AcqRel) >= READERS {
        READING.fetch_sub(1, Ordering::AcqRel);
        return Err(HashError::Busy);
    }
    let (sender, receiver) = oneshot::channel();
    let thread = std::thread::Builder::new().name("hash".to_owned()).spawn(move || {
        let result = work();
        READING.fetch_sub(1, Ordering::AcqRel);
        // Whoever asked may have gone.
        let _ = sender.send(result);
    });
    if let Err(error) = thread {
        READING.fetch_sub(1, Ordering::AcqRel);
        return Err(HashError::Thread(error));
    }
    receiver.await.map_err(|_| HashError::Ended)?
}

fn content(path: &Path, wanted: FileId, limit: Duration) -> Result<(Hash, Metadata), HashError> {
    let begun = Instant::now();
    let (mut file, about) = open(path, wanted).map_err(HashError::read(path))?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = file.read(&mut chunk).map_err(HashError::read(path))?;
        if count == 0 {
            return Ok((hasher.finalize().into(), about));
        }
        hasher.update(chunk.get(..count).unwrap_or_default());
        if begun.elapsed() > limit {
            return Err(HashError::Late { path: path.to_owned(), limit });
        }
    }
}

/// Opens the file at `path` if it is the one wanted. It is looked at before it is opened for reading: what an agent
/// puts there could be a pipe.
fn open(path: &Path, wanted: FileId) -> io::Result<(File, Metadata)> {
    let found = OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(path)?;
    let about = found.metadata()?;
    let (major, minor) =
        (u64::from(rustix::fs::major(about.dev())), u64::from(rustix::fs::minor(about.dev())));
    if !about.is_file() || about.ino() != wanted.inode || (major << 20 | minor) != wanted.device {
        return Err(io::Error::other("another file is there than the one that was asked about"));
    }
    let again = format!("/proc/self/fd/{}", found.as_raw_fd());
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(again)?;
    Ok((file, about))
}

/// Whether a list has this hash: a line each, as sha256sum(1) prints them.
fn listed(list: Option<&Path>, hash: &Hash) -> Result<bool, HashError> {
    let Some(path) = list else { return Ok(false) };
    let text = fs::read_to_string(path).map_err(HashError::read(path))?;
    let mut found = false;
    for (number, line) in text.lines().enumerate() {
        let Some(word) = line.split_ascii_whitespace().next().filter(|word| !word.starts_with('#')) else {
            continue;
        };
        let listed =
            parse(word).ok_or_else(|| HashError::Line { path: path.to_owned(), line: number + 1 })?;
        found |= listed == *hash;
    }
    Ok(found)
}

fn parse(word: &str) -> Option<Hash> {
    let bytes = word.as_bytes();
    let mut hash = [0; 32];
    if bytes.len() != 64 || !bytes.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(word.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(20);
    /// Of nothing at all (FIPS 180-4's example for the empty message).
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn identity(path: &Path) -> FileId {
        let about = fs::metadata(path).unwrap();
        let (major, minor) = (rustix::fs::major(about.dev()), rustix::fs::minor(about.dev()));
        FileId { device: u64::from(major) << 20 | u64::from(minor), inode: about.ino() }
    }

    #[test]
    fn the_very_file_is_read_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        fs::write(&path, "").unwrap();
        let wanted = identity(&path);
        let (hash, _) = content(&path, wanted, TIME).unwrap();
        assert_eq!(hex(&hash), EMPTY);
        fs::rename(&path, folder.path().join("moved")).unwrap();
        fs::write(&path, "").unwrap();
        let other = |wanted| content(&path, wanted, TIME).unwrap_err().to_string().contains("another file");
        assert!(other(wanted));
        fs::remove_file(&path).unwrap();
        // A pipe without a writer keeps nobody waiting.
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        assert!(other(identity(&path)));
    }

    #[test]
    fn lists_are_as_sha256sum_writes_them() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list");
        let hash = parse(EMPTY).unwrap();
        fs::write(&list, format!("# ours\n\n{}  /bin/a\n{EMPTY}  /bin/b c\n", "0".repeat(64))).unwrap();
        assert!(listed(Some(&list), &hash).unwrap());
        assert!(!listed(Some(&list), &[1; 32]).unwrap());
        assert!(!listed(None, &hash).unwrap());
        fs::write(&list, format!("{EMPTY}\nnonsense\n")).unwrap();
        assert!(listed(Some(&list), &hash).unwrap_err().to_string().ends_with(":2: no SHA-256"));
        assert!(listed(Some(Path::new("/no/such/list")), &hash).is_err());
    }

    #[test]
    fn denied_beats_allowed_and_what_can_change_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("own");
        fs::write(&own, "").unwrap();
        fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let (roots, changeable) = (fs::metadata("/usr/bin/env").unwrap(), fs::metadata(&own).unwrap());
        let verdict = |allowed, denied, about, asks| judge(&[0; 32], allowed, denied, about, asks).0;
        assert_eq!(verdict(true, false, &roots, 1000), CheckVerdict::Allow);
        assert_eq!(verdict(true, true, &roots, 1000), CheckVerdict::Deny);
        assert_eq!(verdict(false, false, &roots, 1000), CheckVerdict::Ask);
        assert_eq!(verdict(true, false, &changeable, 1000), CheckVerdict::Ask);
        assert_eq!(verdict(true, false, &roots, 0), CheckVerdict::Ask, "root could change it");
    }
}
