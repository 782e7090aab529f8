//! The kind of file system that a path lies on.

use std::io;
use std::mem::MaybeUninit;
use std::path::Path;

/// The file systems gatekeeper cares for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The unified cgroup hierarchy.
    Cgroup2,
    /// The file system in which BPF objects are pinned.
    Bpf,
    /// Any other.
    Other,
}

/// The kind of file system `path` lies on.
///
/// # Errors
/// Where the path holds a NUL, or statfs(2) fails.
pub fn kind_of(path: &Path) -> io::Result<Kind> {
    let path = super::text(path)?;
    let mut answer = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the path ends with NUL and lives through the call; the answer is a statfs of ours.
    super::check(unsafe { libc::statfs(path.as_ptr(), answer.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, so it wrote the whole structure.
    let answer = unsafe { answer.assume_init() };
    Ok(match answer.f_type {
        libc::CGROUP2_SUPER_MAGIC => Kind::Cgroup2,
        libc::BPF_FS_MAGIC => Kind::Bpf,
        _ => Kind::Other,
    })
}
