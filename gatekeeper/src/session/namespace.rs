//! Where a process stands: paths in a policy mean what the daemon sees, so the process must see the same.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Why a process can't be taken into a session.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Another mount namespace: the same path can be another file there.
    #[error("the caller is in another mount namespace than the daemon (a container, or unshare)")]
    MountNamespace,
    /// Another root directory.
    #[error("the caller has another root directory than the daemon (chroot)")]
    Root,
    /// It could not be found out.
    #[error("{path}: {source}")]
    Unknown {
        /// What was looked at.
        path: String,
        /// Why it could not be seen.
        source: io::Error,
    },
}

/// Checks that the process sees the same tree as the daemon. The caller holds a handle on the process and
/// looks afterwards whether it is still there.
pub fn check(pid: i32) -> Result<(), PlaceError> {
    let link = |path: &str| {
        fs::read_link(path).map_err(|source| PlaceError::Unknown { path: path.to_owned(), source })
    };
    if link(&format!("/proc/{pid}/ns/mnt"))? != link("/proc/self/ns/mnt")? {
        return Err(PlaceError::MountNamespace);
    }
    let root = format!("/proc/{pid}/root");
    let identity = |path: &str| {
        let found =
            fs::metadata(path).map_err(|source| PlaceError::Unknown { path: path.to_owned(), source })?;
        Ok((found.dev(), found.ino()))
    };
    // The same directory can be mounted twice; then only the link's text tells them apart.
    if identity(&root)? != identity("/")? || link(&root)? != Path::new("/") {
        return Err(PlaceError::Root);
    }
    Ok(())
}

/// Whether a process is in a cgroup at or below `folder`. Says nothing of its label, which it keeps when
/// it leaves: only for when the kernel side can't be asked.
pub fn is_below(pid: i32, folder: &Path) -> io::Result<bool> {
    Ok(cgroup(pid)?.is_some_and(|path| path.starts_with(folder)))
}

/// The folder of a process's cgroup; none where it has none in the unified hierarchy.
pub fn cgroup(pid: i32) -> io::Result<Option<PathBuf>> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::/"));
    Ok(path.map(|path| Path::new(super::cgroup::ROOT).join(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_stands_where_it_stands() {
        check(std::process::id() as i32).unwrap();
        assert!(!is_below(std::process::id() as i32, Path::new("/sys/fs/cgroup/no-such")).unwrap());
    }
}
