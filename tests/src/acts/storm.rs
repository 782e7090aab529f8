//! Acts done very often.

use std::ffi::{CStr, OsStr};
use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};

use super::Done;
use crate::sys::{Errno, c, check, errno};

/// Threads of a storm.
const THREADS: usize = 4;

pub fn act(verb: &str, arguments: &[Vec<u8>]) -> Option<Done> {
    let done = match (verb, arguments.len()) {
        ("open-each", 2..) => open_each(&arguments[0], &arguments[1..]),
        ("fork-storm", 2) => Board::open(OsStr::from_bytes(&arguments[0])).and_then(|board| {
            let path = c(&arguments[1])?;
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| storm(&board, &path))).collect();
                threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Err(libc::EFAULT)))
            })?;
            Ok(Vec::new())
        }),
        _ => return None,
    };
    Some(done)
}

/// Opens each file so often, by turns: counts for each: allowed, refused with EPERM, failed otherwise.
fn open_each(rounds: &[u8], paths: &[Vec<u8>]) -> Done {
    let rounds = std::str::from_utf8(rounds).ok().and_then(|text| text.parse::<u32>().ok());
    let mut counts = vec![[0_u32; 3]; paths.len()];
    for _ in 0..rounds.ok_or(libc::EINVAL)? {
        for (path, count) in paths.iter().zip(&mut counts) {
            let place = match File::open(OsStr::from_bytes(path)) {
                Ok(_) => 0,
                Err(error) if errno(&error) == libc::EPERM => 1,
                Err(_) => 2,
            };
            count[place] += 1;
        }
    }
    let words: Vec<String> = counts.iter().flatten().map(u32::to_string).collect();
    Ok(words.join(" ").into_bytes())
}

/// One thread of a storm: forks, and both tries to read and lets the child try.
fn storm(board: &Board, path: &CStr) -> Errno<()> {
    while board.cell(Place::Stop).load(Ordering::SeqCst) == 0 {
        // SAFETY: the child makes system calls only, and is gone.
        let child = check(unsafe { libc::fork() })?;
        if child == 0 {
            board.attempt(path);
            // SAFETY: leaves at once.
            unsafe { libc::_exit(0) };
        }
        board.attempt(path);
        let mut status = 0;
        // SAFETY: the child is ours and the pointer good.
        check(unsafe { libc::waitpid(child as i32, &raw mut status, 0) })?;
    }
    Ok(())
}

/// Counters that a storm and its watcher share, in a file that both have mapped.
pub struct Board {
    cells: &'static [AtomicU64; 8],
}

#[derive(Clone, Copy)]
enum Place {
    Bound,
    Stop,
    LetBefore,
    LetAfter,
    RefusedAfter,
    Failed,
}

impl Board {
    /// Makes one that everybody may write to.
    pub fn make(path: &str) -> Result<Self> {
        fs::write(path, [0; 4096]).with_context(|| format!("writing {path}"))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).context("opening the board to all")?;
        let board = Self::open(OsStr::new(path)).map_err(std::io::Error::from_raw_os_error)?;
        ensure!(board.let_before() == 0, "a new board has counted already");
        Ok(board)
    }

    fn open(path: &OsStr) -> Errno<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|error| errno(&error))?;
        let both = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping of a file of that length.
        let at =
            unsafe { libc::mmap(std::ptr::null_mut(), 4096, both, libc::MAP_SHARED, file.as_raw_fd(), 0) };
        if at == libc::MAP_FAILED {
            return Err(errno(&std::io::Error::last_os_error()));
        }
        // SAFETY: the mapping is aligned to a page, zeroed, never unmapped, and only used through atomics.
        Ok(Self { cells: unsafe { &*at.cast() } })
    }

    fn cell(&self, place: Place) -> &AtomicU64 {
        &self.cells[place as usize]
    }

    /// Tries to open, and counts what came of it by whether the label was known to be on before.
    fn attempt(&self, path: &CStr) {
        let bound = self.cell(Place::Bound).load(Ordering::SeqCst) != 0;
        // SAFETY: the string ends in NUL.
        let place = match (bound, check(unsafe { libc::open(path.as_ptr(), libc::O_RDONLY) })) {
            (_, Ok(fd)) => {
                // SAFETY: just opened, and nobody else's.
                unsafe { libc::close(fd as i32) };
                if bound { Place::LetAfter } else { Place::LetBefore }
            }
            (true, Err(libc::EPERM)) => Place::RefusedAfter,
            // The label may be on before its watcher knows.
            (false, Err(libc::EPERM)) => return,
            (_, Err(_)) => Place::Failed,
        };
        self.cell(place).fetch_add(1, Ordering::SeqCst);
    }

    fn count(&self, place: Place) -> u64 {
        self.cell(place).load(Ordering::SeqCst)
    }

    pub fn let_before(&self) -> u64 {
        self.count(Place::LetBefore)
    }

    pub fn let_after(&self) -> u64 {
        self.count(Place::LetAfter)
    }

    pub fn refused_after(&self) -> u64 {
        self.count(Place::RefusedAfter)
    }

    pub fn failed(&self) -> u64 {
        self.count(Place::Failed)
    }

    pub fn say_bound(&self) {
        self.cell(Place::Bound).store(1, Ordering::SeqCst);
    }

    pub fn say_stop(&self) {
        self.cell(Place::Stop).store(1, Ordering::SeqCst);
    }
}
