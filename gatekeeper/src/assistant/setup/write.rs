//! Reading and writing a file that somebody else's program reads.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::SetupError;
use crate::sys::process::effective_uid;

/// Mode of a file that was not there.
const MODE: u32 = 0o644;

fn at(path: &Path) -> impl FnOnce(io::Error) -> SetupError {
    let path = path.to_owned();
    move |source| SetupError::Io { path, source }
}

/// Returns the file's text; `None` where there is no file.
///
/// # Errors
/// Where the file is there and can't be read, or is a link and root would follow it.
pub fn read(path: &Path) -> Result<Option<String>, SetupError> {
    match fs::read_to_string(real(path)?) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path)(error)),
    }
}

/// Writes it, or removes it.
///
/// # Errors
/// Where the file can't be written or removed, or is a link and root would follow it.
pub fn write(path: &Path, text: Option<&str>) -> Result<(), SetupError> {
    let path = real(path)?;
    let Some(text) = text else { return fs::remove_file(&path).map_err(at(&path)) };
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder).map_err(at(folder))?;
    let mode = fs::metadata(&path).map_or(MODE, |found| found.permissions().mode() & 0o777);
    let draft = folder.join(format!(".gatekeeper-{}", std::process::id()));
    let written = draft_of(&draft, text, mode).and_then(|()| fs::rename(&draft, &path));
    if written.is_err() {
        // The first error is the one returned; the draft may not even be there.
        let _ = fs::remove_file(&draft);
    }
    written.and_then(|()| File::open(folder)?.sync_all()).map_err(at(&path))
}

fn draft_of(draft: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

/// The file itself, where a user keeps their settings elsewhere and links to them. Root follows no link.
fn real(path: &Path) -> Result<PathBuf, SetupError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() && effective_uid() == 0 => Err(SetupError::Link(path.to_owned())),
        Ok(found) if found.is_symlink() => path.canonicalize().map_err(at(path)),
        _ => Ok(path.to_owned()),
    }
}
