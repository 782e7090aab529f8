//! Files that are whole or not there, and folders with the right mode.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Writes a file, for root only: afterwards it holds the old bytes or the new ones, also after a crash.
///
/// # Errors
/// Where the file or its folder can't be written; the old bytes stay then.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let draft = path.with_extension("draft");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(folder)?.sync_all()
}

/// Makes a folder with its parents. One that is there is left as it is: only what gatekeeper makes gets its mode.
///
/// # Errors
/// Where it can't be made, or one that is there is unsafe: it is another user's, or others may write in it. Where `mode` lets
/// others read, they may write, too, if the sticky bit keeps them from what is not theirs.
pub fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(mode).create(path) {
        // Whatever the umask took away.
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(mode)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => must_be_safe(path, mode),
        Err(error) => Err(error),
    }
}

/// Bits of a mode that let others than the owner write.
const OTHERS_WRITE: u32 = 0o022;
/// The bit of a mode that keeps a user from removing what is another's.
const STICKY: u32 = 0o1000;
/// Bits of a mode that let everybody read a folder.
const SHARED: u32 = 0o005;

/// Checks that nobody else can change what gatekeeper keeps in a folder that was there.
fn must_be_safe(path: &Path, mode: u32) -> io::Result<()> {
    let found = fs::metadata(path)?;
    if !found.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotADirectory, "it is no folder"));
    }
    let own = rustix::process::geteuid().as_raw();
    let is_kept_apart = mode & SHARED != 0 && found.mode() & STICKY != 0;
    let problem = if found.uid() != own && found.uid() != 0 {
        format!("it belongs to the user {}", found.uid())
    } else if found.mode() & OTHERS_WRITE != 0 && !is_kept_apart {
        format!("others may write in it (mode {:o})", found.mode() & 0o7777)
    } else {
        return Ok(());
    };
    let help = "name a folder of root's own in the configuration, or leave this one for gatekeeper to make";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{problem}\nhelp: {help}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        write_atomically(&path, b"old and long").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_a_folder_that_it_makes_gets_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let mode = || fs::metadata(&path).unwrap().mode() & 0o7777;
        make_folder(&path, 0o750).unwrap();
        assert_eq!(mode(), 0o750);
        // As it was there: its mode, whether it is accepted where others may read, and where they may not.
        for (was, shared, private) in [
            (0o755, true, true),
            (0o700, true, true),
            (0o1777, true, false),
            (0o777, false, false),
            (0o775, false, false),
            (0o1775, true, false),
        ] {
            fs::set_permissions(&path, Permissions::from_mode(was)).unwrap();
            for (wanted, is_accepted) in [(0o755, shared), (0o700, private)] {
                let result = make_folder(&path, wanted);
                assert_eq!(
                    (result.is_ok(), mode()),
                    (is_accepted, was),
                    "{was:o} for {wanted:o}: {result:?}"
                );
                assert!(result.err().is_none_or(|error| error.to_string().contains("\nhelp: ")));
            }
        }
    }

    #[test]
    fn another_users_folder_is_refused() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(folder.path(), Some(4711), None).unwrap();
        assert!(make_folder(folder.path(), 0o755).unwrap_err().to_string().contains("the user 4711"));
    }
}
