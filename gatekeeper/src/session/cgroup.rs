//! Cgroups: made, entered, frozen, emptied, removed.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::sys::filesystem::{Kind, kind_of};
use crate::sys::process;

/// The unified hierarchy's root, where it always is since distributions dropped version 1.
pub const ROOT: &str = "/sys/fs/cgroup";

/// A cgroup's own account of itself: `cgroup.events`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Whether a process is in it or in a descendant.
    pub populated: bool,
    /// Whether all of them are frozen.
    pub frozen: bool,
}

/// The id by which the kernel side knows a cgroup.
///
/// # Errors
/// Where the folder can't be looked at or is not on cgroup v2.
pub fn id(folder: &Path) -> io::Result<u64> {
    if kind_of(folder)? != Kind::Cgroup2 {
        let message = format!("{} does not lie on cgroup v2", folder.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(fs::metadata(folder)?.ino())
}

/// Makes a cgroup and gives its id. Others may look, not touch.
///
/// # Errors
/// Where the folder exists, can't be made, or is not on cgroup v2.
pub fn make(folder: &Path) -> io::Result<u64> {
    fs::DirBuilder::new().mode(0o755).create(folder)?;
    id(folder)
}

/// Makes the folder under which sessions lie, unless it is there.
///
/// # Errors
/// Where the folder can't be made or is not on cgroup v2.
pub fn make_root(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    id(folder).map(drop)
}

/// Moves a process, all its threads with it.
///
/// # Errors
/// Where the kernel refuses the move.
pub fn enter(folder: &Path, pid: i32) -> io::Result<()> {
    fs::write(folder.join("cgroup.procs"), pid.to_string())
}

/// Stops everything in the cgroup, or lets it go on. The kernel takes its time: see [`State::frozen`].
///
/// # Errors
/// Where `cgroup.freeze` can't be written.
pub fn freeze(folder: &Path, frozen: bool) -> io::Result<()> {
    fs::write(folder.join("cgroup.freeze"), if frozen { "1" } else { "0" })
}

/// Kills everything in the cgroup and below it, whatever it forks meanwhile. One that is removed has nothing in it.
///
/// # Errors
/// Where `cgroup.kill` can't be written, unless the cgroup is removed.
pub fn kill(folder: &Path) -> io::Result<()> {
    // Not `fs::write`, which would make a file where the kernel has none.
    let opened = File::options().write(true).open(folder.join("cgroup.kill"));
    match opened.and_then(|mut file| file.write_all(b"1")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.exists() => Ok(()),
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(()),
        done => done,
    }
}

/// The file to watch for changes of [`State`].
#[must_use]
pub fn events_file(folder: &Path) -> PathBuf {
    folder.join("cgroup.events")
}

/// The state of the cgroup; `None` once it is removed.
///
/// # Errors
/// Where `cgroup.events` can't be read, unless the cgroup is removed.
pub fn state(folder: &Path) -> io::Result<Option<State>> {
    let mut text = String::new();
    let read = File::open(events_file(folder)).and_then(|mut file| file.read_to_string(&mut text));
    match read {
        Ok(_) => Ok(Some(parse(&text))),
        // ENODEV: removed between opening and reading.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(text: &str) -> State {
    let set = |line: &str| text.lines().any(|found| found == line);
    // An unknown state counts as populated: a session ended too early would be worse than one ended late.
    State { populated: !set("populated 0"), frozen: set("frozen 1") }
}

/// Removes an unpopulated cgroup, and first the ones that its tasks left below it.
///
/// # Errors
/// Where a folder can't be read or removed.
pub fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir(folder) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(_) => {}
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir(folder)
}

/// Whether a process is in a cgroup at or below `folder`. Says nothing of its label, which it keeps when
/// it leaves: only for when the kernel side can't be asked.
///
/// # Errors
/// Where the process's cgroup can't be read from `/proc`.
pub fn is_below(pid: i32, folder: &Path) -> io::Result<bool> {
    Ok(of_process(pid)?.is_some_and(|path| path.starts_with(folder)))
}

/// The folder of a process's cgroup; none where it has none in the unified hierarchy.
///
/// # Errors
/// Where `/proc/PID/cgroup` can't be read.
pub fn of_process(pid: i32) -> io::Result<Option<PathBuf>> {
    let path = process::cgroup(pid)?;
    Ok(path.and_then(|path| Some(Path::new(ROOT).join(path.strip_prefix('/')?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_state_counts_as_populated() {
        assert_eq!(parse("populated 0\nfrozen 1\n"), State { populated: false, frozen: true });
        assert_eq!(parse("populated 1\nfrozen 0\n"), State { populated: true, frozen: false });
        assert_eq!(parse(""), State { populated: true, frozen: false });
    }

    #[test]
    fn a_removed_cgroup_has_no_state_and_other_folders_no_id() {
        assert_eq!(state(Path::new("/no/such/cgroup")).unwrap(), None);
        assert!(id(Path::new("/")).is_err());
    }
}
