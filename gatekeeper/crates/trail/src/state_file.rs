//! Files of the state folder as a start reads them. A damaged one that can be derived is kept under another name, and the
//! daemon goes on; one that can't be derived is an error with its path and the help.

use std::fmt::{self, Display};
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use tracing::error;

use crate::files;

/// Damaged files of one name that are kept, at most.
const KEPT: u32 = 1000;

/// A damaged file that is kept under another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Its path until now.
    pub path: PathBuf,
    /// The path under which it is kept.
    pub aside: PathBuf,
    /// The reason why it can't be used.
    pub reason: String,
}

impl Display for SetAside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}: it is set aside as {}, and the daemon goes on without it",
            self.path.display(),
            self.reason,
            self.aside.display()
        )
    }
}

/// Reads a file whole; `None` where there is none. No link is followed, and no pipe is waited for.
///
/// # Errors
/// Where it can't be read, or is no regular file.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let mut file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is a symbolic link"));
        }
        Err(error) => return Err(error),
    };
    let kind = file.metadata()?.file_type();
    if !kind.is_file() {
        let what = if kind.is_dir() { "it is a folder" } else { "it is no regular file" };
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Reads a file that can be derived again. `None` where there is none, or where it was damaged and is set aside.
///
/// # Errors
/// Where a damaged one can't be renamed.
pub fn read_or_set_aside<T, E: Display>(
    path: &Path,
    set_aside: &mut Vec<SetAside>,
    parse: impl FnOnce(&[u8]) -> Result<T, E>,
) -> io::Result<Option<T>> {
    let reason = match read(path) {
        Ok(None) => return Ok(None),
        Ok(Some(bytes)) => match parse(&bytes) {
            Ok(value) => return Ok(Some(value)),
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    set_aside.push(rename_aside(path, reason)?);
    Ok(None)
}

/// Reads a value from JSON.
///
/// # Errors
/// Where the bytes are none, or another value's.
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// The help where a folder of the state folder can't be used.
pub const FOLDER_HELP: &str = "move what is in its place out of the way, and give the folder back to root";

/// Makes a folder in the state folder, for root only.
///
/// # Errors
/// Where it can't be made, or something else is in its place.
pub fn make_folder(path: &Path) -> io::Result<()> {
    files::make_folder(path, 0o700).map_err(named(path, FOLDER_HELP))
}

/// Gives a file, folder or link another name in its folder, and logs that.
///
/// # Errors
/// Where it can't be renamed.
pub fn rename_aside(path: &Path, reason: String) -> io::Result<SetAside> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let free = |number: &u32| {
        let aside = path.with_file_name(format!("{name}.aside-{number}"));
        fs::symlink_metadata(&aside).is_err().then_some(aside)
    };
    let help = "move it out of the way, then start the daemon again";
    let aside = (1..=KEPT).find_map(|number| free(&number)).ok_or_else(|| {
        named(path, help)(io::Error::other(format!("{reason}, and {KEPT} like it are kept")))
    })?;
    fs::rename(path, &aside).map_err(named(path, help))?;
    let done = SetAside { path: path.to_owned(), aside, reason };
    error!("{done}");
    Ok(done)
}

/// Adds its path and the help to an error of a file that can't be derived.
pub fn named<'a>(path: &'a Path, help: &'a str) -> impl FnOnce(io::Error) -> io::Error + 'a {
    move |error| io::Error::new(error.kind(), format!("{}: {error}\nhelp: {help}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_damaged_file_is_kept_under_a_free_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        let mut aside = Vec::new();
        let read = |aside: &mut Vec<SetAside>| read_or_set_aside(&path, aside, json::<u32>).unwrap();
        assert_eq!(read(&mut aside), None);
        fs::write(&path, "7").unwrap();
        assert_eq!((read(&mut aside), aside.len()), (Some(7), 0));
        fs::write(&path, "seven").unwrap();
        assert_eq!(read(&mut aside), None);
        symlink("seven", &path).unwrap();
        assert_eq!(read(&mut aside), None);
        fs::create_dir(&path).unwrap();
        assert_eq!(read(&mut aside), None);
        let kept: Vec<_> = aside.iter().map(|one| one.aside.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(kept, ["x.json.aside-1", "x.json.aside-2", "x.json.aside-3"]);
        assert_eq!(fs::read(&aside[0].aside).unwrap(), b"seven");
        assert!(!path.exists());
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("no regular file"));
    }
}
