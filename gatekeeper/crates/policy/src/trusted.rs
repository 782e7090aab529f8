//! Files that nobody but root can change or replace.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Bits of a mode that let others than the owner write.
const OTHERS_WRITE: u32 = 0o022;
/// Bits of a mode that let anybody start a program.
const STARTS: u32 = 0o001;

/// The reason for which a program is not root's alone.
#[derive(Debug, thiserror::Error)]
pub enum Untrusted {
    /// A path that can't be looked at.
    #[error("`{0}`: {1}")]
    Unseen(String, #[source] std::io::Error),
    /// A path that leads through a symbolic link.
    #[error("`{0}` is a symbolic link")]
    Link(String),
    /// A file that somebody else could change, or put another in the place of.
    #[error("`{0}` can be changed by others than root")]
    Changeable(String),
    /// A file that is no program, or not everybody's to start.
    #[error("`{0}` is no program that every user may start")]
    NoProgram(String),
}

/// Whether the mode of what is there lets nobody but root change it.
#[must_use]
pub fn is_roots_alone(about: &Metadata) -> bool {
    about.uid() == 0 && about.mode() & OTHERS_WRITE == 0
}

/// Checks that this path leads to a program that nobody but root can change or replace.
///
/// # Errors
/// Where it does not. The error names the file or folder that others can change.
pub fn program(path: &Path) -> Result<(), Untrusted> {
    let name = |at: &Path| at.display().to_string();
    for at in path.ancestors() {
        let about = fs::symlink_metadata(at).map_err(|error| Untrusted::Unseen(name(at), error))?;
        if about.is_symlink() {
            return Err(Untrusted::Link(name(at)));
        }
        if !is_roots_alone(&about) {
            return Err(Untrusted::Changeable(name(at)));
        }
        if at == path && !(about.is_file() && about.mode() & STARTS != 0) {
            return Err(Untrusted::NoProgram(name(at)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(path: &Path) -> String {
        program(path).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_program_of_roots_is_trusted_and_a_folder_a_link_and_a_missing_one_are_not() {
        assert_eq!(why(Path::new("/usr/bin/env")), "");
        assert!(why(Path::new("/usr/bin")).contains("no program"));
        assert!(why(Path::new("/proc/self/exe")).contains("symbolic link"));
        assert!(why(Path::new("/usr/bin/no-such-program")).contains("No such file"));
    }

    #[test]
    fn a_program_that_others_could_replace_is_named() {
        // Others can make files in /tmp, whoever owns this one.
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let path = folder.path().join("check");
        fs::copy("/usr/bin/env", &path).unwrap();
        let error = why(&path);
        assert!(error.contains("can be changed by others") && error.contains("/tmp"), "{error}");
    }
}
