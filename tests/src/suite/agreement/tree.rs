//! A tree of files and folders with names of all kinds.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::{Context, Result};

use crate::acts::owned;
use crate::random::Random;
use crate::sys::{c, check};

/// Bytes of the longest path made: beyond the limit.
const LONGEST: usize = 4_400;
/// Components of the deepest: beyond the limit.
const DEEPEST: usize = 280;

/// A path that is there.
pub struct Leaf {
    pub path: Vec<u8>,
    pub is_folder: bool,
}

impl Leaf {
    pub fn shown(&self) -> String {
        self.path.escape_ascii().to_string()
    }

    /// The kind of path, so that a test can check that each came up.
    pub fn kind(&self) -> &'static str {
        let names = self.path.iter().filter(|byte| **byte == b'/').count();
        match (names, self.path.len()) {
            (256.., _) | (_, 4097..) => "beyond",
            (40.., _) | (_, 1000..) => "deep",
            _ => "shallow",
        }
    }
}

/// Names that patterns distinguish, and names of any bytes.
fn name(random: &mut Random) -> Vec<u8> {
    let fixed: [&[u8]; 16] = [
        b"a",
        b"b",
        b"ab",
        b"abc",
        b".env",
        b"c",
        b"*",
        b"[a]",
        b"\xc3\xa9",
        b"\xc3",
        b"\xe2\x82\xac",
        b"\xff",
        b"-b",
        b"a.b",
        b"a b",
        b"\\",
    ];
    let any = |random: &mut Random, length: usize| -> Vec<u8> {
        let byte = |byte: usize| if byte == 0 || byte == usize::from(b'/') { b'a' } else { byte as u8 };
        let name: Vec<u8> = (0..length).map(|_| byte(random.below(256))).collect();
        if name == b"." || name == b".." { b"dots".to_vec() } else { name }
    };
    match random.below(16) {
        0 => {
            let length = 1 + random.below(255);
            any(random, length)
        }
        1..4 => {
            let length = 1 + random.below(6);
            any(random, length)
        }
        _ => random.pick(&fixed).to_vec(),
    }
}

/// Makes so many paths below `base`.
pub fn dig(base: &str, count: usize, random: &mut Random) -> Result<Vec<Leaf>> {
    let mut kinds: BTreeMap<Vec<u8>, bool> = BTreeMap::new();
    for number in 0..count {
        let depth = match number % 16 {
            0 => 255 - 3 - random.below(4),
            1 => random.below(DEEPEST - 4),
            2 => 256 - 3 + random.below(20),
            _ => 1 + random.below(6),
        };
        let mut path = base.as_bytes().to_vec();
        let mut at = open(libc::AT_FDCWD, base.as_bytes(), libc::O_PATH | libc::O_DIRECTORY)?;
        for step in 1..=depth {
            let next = name(random);
            if path.len() + 1 + next.len() > LONGEST {
                break;
            }
            let whole = [&path[..], b"/", &next].concat();
            let last = step == depth;
            let is_folder = if let Some(is_folder) = kinds.get(&whole) {
                *is_folder
            } else {
                let is_folder = !last || random.below(4) == 0;
                make(&at, &next, is_folder).with_context(|| whole.escape_ascii().to_string())?;
                kinds.insert(whole.clone(), is_folder);
                is_folder
            };
            path = whole;
            if !is_folder {
                break;
            }
            at = open(at.as_raw_fd(), &next, libc::O_PATH | libc::O_DIRECTORY)?;
        }
    }
    // Of the folders passed through on the way down, those near the fixtures; else the deep would be most.
    let near = |path: &[u8]| path.iter().filter(|byte| **byte == b'/').count() < 12;
    let deep = |path: &[u8], random: &mut Random| random.below(40) == 0 || path.len() > 3_900;
    let kept = kinds.into_iter().filter(|(path, is_folder)| !is_folder || near(path) || deep(path, random));
    Ok(kept.map(|(path, is_folder)| Leaf { path, is_folder }).collect())
}

fn open(at: i32, name: &[u8], flags: i32) -> Result<OwnedFd> {
    let name = c(name).map_err(std::io::Error::from_raw_os_error)?;
    // SAFETY: the string ends in NUL.
    let opened = check(unsafe { libc::openat(at, name.as_ptr(), flags | libc::O_CLOEXEC, 0o666) });
    opened.map(owned).map_err(std::io::Error::from_raw_os_error).context("opening")
}

/// Anybody may open it, so that only a policy refuses.
fn make(at: &OwnedFd, name: &[u8], folder: bool) -> Result<()> {
    if !folder {
        let made = open(at.as_raw_fd(), name, libc::O_CREAT | libc::O_WRONLY)?;
        // SAFETY: no pointers.
        check(unsafe { libc::fchmod(made.as_raw_fd(), 0o666) }).map_err(std::io::Error::from_raw_os_error)?;
        return Ok(());
    }
    let name = c(name).map_err(std::io::Error::from_raw_os_error)?;
    // SAFETY: the string ends in NUL.
    let made = check(unsafe { libc::mkdirat(at.as_raw_fd(), name.as_ptr(), 0o755) });
    made.map(drop).map_err(std::io::Error::from_raw_os_error).context("making a folder")
}
