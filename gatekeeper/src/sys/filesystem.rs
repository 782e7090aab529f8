//! Kinds of file systems.

use std::io;
use std::path::Path;

/// The file systems that gatekeeper distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The unified cgroup hierarchy.
    Cgroup2,
    /// The file system of pinned BPF objects.
    Bpf,
    /// Any other.
    Other,
}

/// Returns the kind of file system that a path lies on.
///
/// # Errors
/// Where the path can't be followed.
pub fn kind_of(path: &Path) -> io::Result<Kind> {
    Ok(match rustix::fs::statfs(path)?.f_type {
        libc::CGROUP2_SUPER_MAGIC => Kind::Cgroup2,
        libc::BPF_FS_MAGIC => Kind::Bpf,
        _ => Kind::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_another_and_a_missing_path_an_error() {
        assert_eq!(kind_of(Path::new("/")).unwrap(), Kind::Other);
        assert_eq!(kind_of(Path::new("/no/such/path")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
