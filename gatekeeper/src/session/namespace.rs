//! The file tree that a process sees: its mount namespace and its root. Paths in a policy mean what a session's own
//! processes see, and the daemon looks them up in its own tree, so both must be the same or be known to differ.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use procfs::ProcError;
use procfs::process::Process;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::sys::process::io_error;

/// The view that a process has of the file tree; [`super::record::Session::workspace`] is a path in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Namespace {
    /// The mount namespace, as the kernel names it: `mnt:[NUMBER]`, unique while the machine runs
    /// (fs/nsfs.c, `ns_get_name`).
    mounts: PathBuf,
    /// The root directory.
    root: Root,
}

/// A root directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Root {
    device: u64,
    inode: u64,
    /// The path as the daemon sees it: the same directory can be mounted twice, and then only this differs.
    path: PathBuf,
}

/// A namespace that is not the daemon's, or is not known.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// Another mount namespace: the same path can be another file there.
    #[error("the caller is in another mount namespace than the daemon (a container, or unshare)")]
    Mounts,
    /// Another root directory.
    #[error("the caller has another root directory than the daemon (chroot)")]
    Root,
    /// A view that could not be found out.
    #[error("{path}: {source}")]
    Unknown {
        /// The path that was looked at.
        path: String,
        /// The reason that it could not be seen.
        source: io::Error,
    },
}

impl Namespace {
    /// The namespace of a process. The caller holds a handle on the process and looks afterwards whether it is still
    /// there.
    ///
    /// # Errors
    /// Where /proc does not show it.
    pub fn of_process(pid: i32) -> Result<Self, NamespaceError> {
        let process = Process::new(pid).map_err(unknown(format!("/proc/{pid}")))?;
        Self::read(&process)
    }

    /// The daemon's own.
    ///
    /// # Errors
    /// Where /proc does not show it.
    pub fn of_daemon() -> Result<Self, NamespaceError> {
        let process = Process::myself().map_err(unknown("/proc/self".to_owned()))?;
        Self::read(&process)
    }

    fn read(process: &Process) -> Result<Self, NamespaceError> {
        let path = |name: &str| format!("/proc/{}/{name}", process.pid);
        let look = |name: &str| {
            let file = process
                .open_relative_flags(name, OFlags::PATH | OFlags::CLOEXEC)
                .map_err(unknown(path(name)))?;
            file.metadata().map_err(|source| NamespaceError::Unknown { path: path(name), source })
        };
        // Not `Process::namespaces`: it looks at all of them, and one may have no name yet. `pid_for_children` has none
        // between unshare(2) and the first fork (kernel/pid_namespace.c, `pidns_for_children_get`).
        let mounts = format!("mnt:[{}]", look("ns/mnt")?.ino()).into();
        let found = look("root")?;
        let root = process.root().map_err(unknown(path("root")))?;
        Ok(Self { mounts, root: Root { device: found.dev(), inode: found.ino(), path: root } })
    }

    /// Refuses what is not the daemon's own tree.
    ///
    /// # Errors
    /// The part that differs.
    pub fn must_be(&self, daemon: &Self) -> Result<(), NamespaceError> {
        if self.mounts != daemon.mounts {
            return Err(NamespaceError::Mounts);
        }
        if self.root == daemon.root { Ok(()) } else { Err(NamespaceError::Root) }
    }
}

fn unknown(path: String) -> impl FnOnce(ProcError) -> NamespaceError {
    move |error| NamespaceError::Unknown { path, source: io_error(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_sees_what_the_daemon_sees() {
        let own = Namespace::of_process(std::process::id().cast_signed()).unwrap();
        own.must_be(&Namespace::of_daemon().unwrap()).unwrap();
        // As sessions of earlier versions have it stored.
        assert_eq!(own.mounts, std::fs::read_link("/proc/self/ns/mnt").unwrap());
        let kept: Namespace = serde_json::from_str(&serde_json::to_string(&own).unwrap()).unwrap();
        assert_eq!(kept, own);
    }

    #[test]
    fn another_tree_is_refused_by_its_part() {
        let own = Namespace::of_daemon().unwrap();
        let mounts = Namespace { mounts: "mnt:[1]".into(), ..own.clone() };
        assert!(matches!(mounts.must_be(&own), Err(NamespaceError::Mounts)));
        for root in [
            Root { inode: own.root.inode + 1, ..own.root.clone() },
            Root { path: "/srv/same".into(), ..own.root.clone() },
        ] {
            let other = Namespace { root, ..own.clone() };
            assert!(matches!(other.must_be(&own), Err(NamespaceError::Root)));
        }
    }
}
