//! The programs of the usual folders on this machine, and which of them are one file.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The folders in which programs are looked for.
pub const FOLDERS: &[&str] = &[
    "/usr/bin",
    "/usr/sbin",
    "/bin",
    "/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/lib/git-core",
    "/usr/libexec/git-core",
    "/usr/local/libexec/git-core",
];

/// Bits of a mode that let somebody start a file.
const STARTS: u32 = 0o111;

/// A program that was found.
#[derive(Debug)]
pub struct Found {
    /// Where it was found.
    pub path: PathBuf,
    /// Where links lead from there.
    pub real: PathBuf,
    /// Device and inode.
    pub identity: (u64, u64),
    /// Its size.
    pub bytes: u64,
}

/// The programs of some folders.
#[derive(Debug)]
pub struct Programs(Vec<Found>);

impl Programs {
    /// Looks into folders. What can't be seen is left out.
    #[must_use]
    pub fn of(folders: &[&str]) -> Self {
        let mut programs = Vec::new();
        let mut seen = BTreeSet::new();
        for folder in folders.iter().filter_map(|folder| fs::canonicalize(folder).ok()) {
            if !seen.insert(folder.clone()) {
                continue;
            }
            let entries = fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
            programs.extend(entries.filter_map(|entry| found(entry.path())));
        }
        programs.sort_by(|one, other| one.path.cmp(&other.path));
        Self(programs)
    }

    /// The real paths of the same file as this, but for itself.
    #[must_use]
    pub fn hard_links(&self, path: &Path) -> Vec<Vec<u8>> {
        let Ok(about) = fs::symlink_metadata(path) else { return Vec::new() };
        let identity = (about.dev(), about.ino());
        let others = self.0.iter().filter(|found| found.identity == identity && found.real != path);
        let mut paths: Vec<Vec<u8>> =
            others.map(|found| found.real.as_os_str().as_bytes().to_vec()).collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// Each program, by path.
    #[must_use]
    pub fn all(&self) -> &[Found] {
        &self.0
    }
}

fn found(path: PathBuf) -> Option<Found> {
    let about = fs::metadata(&path).ok().filter(|about| about.is_file() && about.mode() & STARTS != 0)?;
    let real = fs::canonicalize(&path).ok()?;
    Some(Found { path, real, identity: (about.dev(), about.ino()), bytes: about.len() })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn hard_links_are_found_by_either_name() {
        let folder = tempfile::tempdir().unwrap();
        let place = fs::canonicalize(folder.path()).unwrap();
        for name in ["tool", "copy"] {
            fs::write(place.join(name), "a").unwrap();
            fs::set_permissions(place.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::hard_link(place.join("tool"), place.join("second")).unwrap();
        let programs = Programs::of(&[place.to_str().unwrap()]);
        let links = |name: &str| programs.hard_links(&place.join(name));
        assert_eq!(links("tool"), [place.join("second").as_os_str().as_bytes()]);
        assert_eq!(links("second"), [place.join("tool").as_os_str().as_bytes()]);
        assert!(links("copy").is_empty() && links("missing").is_empty());
    }
}
